import pytest
import torch
from torch import nn

from deeper.fit.averages import SnapshotAverage, renew_statistics


def test_the_mean_is_of_the_weights_at_the_snapshots():
    network = nn.Linear(1, 1)
    average = SnapshotAverage(network, start=0.5, every=0.5)
    average.begin(steps=20, steps_per_epoch=4)
    for step in range(1, 21):
        with torch.no_grad():
            network.weight.fill_(step)
        average.update(network, step)
        taken = list(range(10, step + 1, 2)) or [step]
        assert average.module.weight.item() == pytest.approx(sum(taken) / len(taken))
        assert average.snapshots(step) == len(range(10, step + 1, 2))


@pytest.mark.parametrize(("start", "every"), [(0.75, 1.0), (0.3, 0.7), (0.0, 3.0)])
def test_the_last_step_is_a_snapshot(start, every):
    average = SnapshotAverage(nn.Linear(1, 1), start, every)
    average.begin(30, 10)
    assert (30 - average.first) % average.between == 0
    assert average.first >= start * 30


@pytest.mark.parametrize("settings", [{"start": 1.0}, {"start": -0.1}, {"every": 0.0}])
def test_impossible_settings(settings):
    with pytest.raises(ValueError, match=r"average\.(start|every)="):
        SnapshotAverage(nn.Linear(1, 1), **settings)


class Branched(nn.Sequential):
    """A network with a normalisation that evaluation does not reach."""

    def __init__(self):
        super().__init__(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Dropout(0.5), nn.Conv2d(3, 2, 1), nn.BatchNorm2d(2))
        self.unused = nn.BatchNorm2d(2)

    def forward(self, x):
        for number in range(5):
            x = self[number](x)
        return x


def test_statistics_are_those_of_the_pictures_and_nothing_is_drawn():
    torch.manual_seed(0)
    network = Branched()
    with torch.no_grad():
        network.unused.running_mean.fill_(7)
    batches = [(torch.randn(20, 1, 6, 6),) for _ in range(3)]
    before = torch.get_rng_state()
    renew_statistics(network, batches)
    assert torch.equal(before, torch.get_rng_state())
    with torch.no_grad():
        seen = [network[0](images) for (images,) in batches]
    assert torch.allclose(network[1].running_mean, torch.stack([x.mean((0, 2, 3)) for x in seen]).mean(0), atol=1e-6)
    assert torch.allclose(network[1].running_var, torch.stack([x.var((0, 2, 3)) for x in seen]).mean(0), atol=1e-6)
    assert network.unused.running_mean.tolist() == [7, 7]
    assert network.training
    assert network[1].momentum == 0.1
