"""What a training step is."""

import pytest
import torch
import torch.nn.functional as F
from pictures import network, validation
from timm.loss import BinaryCrossEntropy
from torch import nn

from deeper.data.targets.multilabel import mask
from deeper.fit import step
from deeper.models.inception import GoogLeNet
from deeper.models.residual import ResidualNetwork


def test_auxiliary_heads_weigh_what_the_network_says():
    one, (images, labels) = (
        network(GoogLeNet, width=4, stem="small", norm="batch", lrn=False, auxiliary_grid=2),
        validation(),
    )
    output = one.train()(images)
    main, *auxiliary = (F.cross_entropy(logits, labels, label_smoothing=0.1) for logits in output)
    assert len(auxiliary) == 2
    expected = main + one.auxiliary_weight * sum(auxiliary)
    assert step.loss_of(one, output, labels, step.CrossEntropy(0.1)).item() == pytest.approx(expected.item())


def test_one_label_is_one_decision():
    logits, labels = torch.tensor([[2.0, 0.0], [0.0, 1.0], [3.0, 0.0]]), torch.tensor([0, 1, 1])
    guesses, truth = step.CrossEntropy().decisions(logits, labels)
    assert (guesses.tolist(), truth.tolist()) == ([0, 1, 0], [0, 1, 1])
    assert step.CrossEntropy(0.3).total(logits, labels) == F.cross_entropy(logits, labels, reduction="sum")


def test_shares_of_classes_are_labels_too():
    logits, labels = torch.randn(3, 4), torch.tensor([0, 1, 3])
    assert step.CrossEntropy(0.1)(logits, F.one_hot(labels, 4).float()) == pytest.approx(
        step.CrossEntropy(0.1)(logits, labels).item()
    )


def test_several_labels_are_a_decision_each_and_what_is_difficult_is_none():
    labels = torch.tensor([mask([0]), mask([1], difficult=[0])])
    logits = torch.tensor([[1.0, -2.0, 0.5], [9.0, 3.0, -1.0]])
    guesses, truth = step.SeveralLabels(3).decisions(logits, labels)
    assert (guesses.tolist(), truth.tolist()) == ([1, 0, 1, 1, 0], [1, 0, 0, 1, 0])
    decided = torch.tensor([1.0, -2.0, 0.5, 3.0, -1.0])
    expected = F.binary_cross_entropy_with_logits(decided, truth.float())
    assert step.SeveralLabels(3)(logits, labels) == expected
    assert step.SeveralLabels(3).total(logits, labels).item() == pytest.approx(5 * expected.item())


class Noise(nn.Module):
    def __init__(self):
        super().__init__()
        self.progress = None

    def pace(self, progress):
        self.progress = progress

    def forward(self, x):
        return x + torch.rand(())


def test_draws_are_functions_of_their_seeds():
    one = nn.Sequential(network(ResidualNetwork, depth=20, width=4, survival=0.5).train(), Noise())
    draws, (images, _) = step.Draws(one), validation()

    def output(seed, shared):
        draws.begin_step(torch.device("cpu"), seed, shared, 0.25)
        return one(images).detach()

    first = output(1, 2)
    assert len(draws.dropping) == 9
    assert one[1].progress == 0.25
    assert torch.equal(output(1, 2), first)
    assert torch.allclose(output(3, 2) - first, (output(3, 2) - first)[0, 0])  # other noise, the same blocks
    assert not torch.allclose(output(1, 4) - first, (output(1, 4) - first)[0, 0])


@pytest.mark.parametrize("threshold", [None, 0.2])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_a_binary_cross_entropy_is_timms(threshold, smoothing):
    torch.manual_seed(0)
    logits, labels = torch.randn(6, 5), torch.arange(6) % 5
    ours = step.BinaryCrossEntropy(smoothing, threshold)
    if not (smoothing and threshold):  # timm smoothes first, and its threshold takes that away again
        assert ours(logits, labels) == pytest.approx(BinaryCrossEntropy(smoothing, threshold)(logits, labels))
    shares = torch.rand(6, 5)
    if not smoothing:
        assert ours(logits, shares) == pytest.approx(BinaryCrossEntropy(0.0, threshold)(logits, shares))
    there = (shares if threshold is None else (shares > threshold).float()) * (1 - smoothing) + smoothing / 5
    assert ours(logits, shares) == pytest.approx(F.binary_cross_entropy_with_logits(logits, there))
    assert ours.total(logits, labels) == step.CrossEntropy().total(logits, labels)
