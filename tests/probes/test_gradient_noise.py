import numpy as np
import pytest
import torch
from torch import nn

from deeper.data.batches import ImageData, Split
from deeper.models.residual import ResidualNetwork
from deeper.probes import gradient_noise


def data(count=200):
    generator = torch.Generator().manual_seed(0)
    images = torch.randint(0, 256, (count, 4, 4, 1), dtype=torch.uint8, generator=generator)
    part = Split(images, torch.arange(count) % 10)
    return ImageData(part, part, part, [0.5], [0.25], "x")


class Linear(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        return self.fc(x.flatten(1))


def test_the_ratio_is_that_of_the_whole_sets_gradient_to_the_variance_of_a_batch():
    """With many batches: signal → |gradient of the whole set|², noise → its variance over batches."""
    torch.manual_seed(0)
    network, whole = Linear(), data()
    found = gradient_noise.probe(network, whole, seed=1, batches=600, batch_size=20)
    pixels, labels = whole.normalise(whole.train.images), whole.train.labels
    each = []
    for x, y in zip(pixels, labels, strict=True):
        loss = nn.functional.cross_entropy(network(x[None]), y[None])
        each.append(torch.autograd.grad(loss, network.fc.weight)[0].flatten().double())
    each = torch.stack(each)
    variance = each.var(0).sum() / 20 * (1 - 20 / 200)
    expected = 10 * np.log10(float(each.mean(0).square().sum() / variance))
    assert found["layers"] == ["fc.weight"]
    assert found["snr_db"][0] == pytest.approx(expected, abs=0.5)
    assert found["signal_share"][0] == pytest.approx(1 / (1 + 10 ** (-expected / 10)), abs=0.03)


def test_batches_without_noise_are_all_signal():
    torch.manual_seed(0)
    whole = data(10)
    found = gradient_noise.probe(Linear(), whole, 0, batches=5, batch_size=10)
    assert found["signal_share"] == [pytest.approx(1)]


def test_repeats_and_covers_every_layer():
    torch.manual_seed(0)
    network = ResidualNetwork(8, 4, in_chans=1)
    one, other = (gradient_noise.probe(network, data(), 0, 4, 10) for _ in range(2))
    assert one["layers"] == other["layers"]
    assert len(one["snr_db"]) == 8
    assert one["snr_db"] == other["snr_db"]
