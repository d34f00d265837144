import json
import subprocess
import sys

import pytest
import torch
from torch import nn

from deeper.analysis.cost import count


def test_a_network_counted_by_hand():
    network = nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8 * 16, 10)
    )
    cost = count(network, 3, 8)
    assert cost.params == 3 * 8 * 9 + 8 + 8 * 16 * 10 + 10
    assert cost.macs == 8 * 8 * 8 * 27 + 8 * 16 * 10
    assert cost.depth == 2
    assert cost.receptive_field == 4
    image, feature, pooled, indices = 3 * 64 * 4, 8 * 64 * 4, 8 * 16 * 4, 8 * 16 * 8
    assert cost.activation_bytes == image + feature + indices + pooled


@pytest.mark.parametrize(
    ("layers", "field"),
    [
        ([nn.Conv2d(1, 1, 3)] * 3, 7),
        ([nn.Conv2d(1, 1, 7)], 7),
        ([nn.Conv2d(1, 1, 3, stride=2), nn.Conv2d(1, 1, 3)], 7),
        ([nn.Conv2d(1, 1, 3, dilation=2)], 5),
        ([nn.AvgPool2d(2), nn.Conv2d(1, 1, 3)], 6),
    ],
)
def test_receptive_field(layers, field):
    assert count(nn.Sequential(*layers), 1, 32).receptive_field == field


class Branches(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 2, 1), nn.Sequential(nn.Conv2d(1, 2, 3, padding=1), nn.Conv2d(2, 2, 3, padding=1))

    def forward(self, x):
        return torch.cat([self.a(x), self.b(x)], 1)


def test_the_longest_path_counts():
    cost = count(Branches(), 1, 8)
    assert (cost.depth, cost.receptive_field) == (2, 5)


def test_it_is_a_command_that_needs_no_data(tmp_path):
    command = [sys.executable, "-m", "deeper.cost", "model=resnet56", "data=cifar10"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["params"] == 853018
    assert found["macs"] == 125485696
    assert found["depth"] == 56
    assert set(found) == {"params", "macs", "activation_bytes", "depth", "receptive_field"}
    assert not list(tmp_path.iterdir())
