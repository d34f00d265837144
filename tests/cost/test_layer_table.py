from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from deeper.cost.layer_table import LayerCost, walk
from deeper.cost.networks import PaperNetwork


def weighted(name, **settings):
    """(kind, shape, parameters) of the rows of a network that have weights."""
    return [(row.kind, row.shape, row.params) for row in PaperNetwork(name, **settings).layers if row.params]


def test_alexnet_as_in_a_lecture():
    assert weighted("alexnet") == [
        ("Conv2d", (96, 55, 55), 34944),
        ("Conv2d", (256, 27, 27), 307456),
        ("Conv2d", (384, 13, 13), 885120),
        ("Conv2d", (384, 13, 13), 663936),
        ("Conv2d", (256, 13, 13), 442624),
        ("Linear", (4096,), 37752832),
        ("Linear", (4096,), 16781312),
        ("Linear", (1000,), 4097000),
    ]
    pools = [row.shape for row in PaperNetwork("alexnet").layers if row.kind == "MaxPool2d"]
    assert pools == [(96, 27, 27), (256, 13, 13), (256, 6, 6)]


def test_vgg16_as_in_a_lecture():
    layers = PaperNetwork("vgg16").layers
    convolutions = [row.params for row in layers if row.kind == "Conv2d"]
    widths = [3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    assert convolutions == [9 * a * b + b for a, b in pairwise(widths)]
    sizes = [(64, 224)] * 2 + [(128, 112)] * 2 + [(256, 56)] * 3 + [(512, 28)] * 3 + [(512, 14)] * 3
    pools = [(64, 112), (128, 56), (256, 28), (512, 14), (512, 7)]
    numbers = sum(c * s * s for c, s in sizes + pools) + 4096 + 4096 + 1000
    assert sum(row.activations for row in layers) == numbers


@pytest.mark.parametrize(
    "name", ["googlenet", "densenet_small", "se_resnext_small", "preact_resnet20", "fractalnet_small", "lenet5_1998"]
)
def test_the_rows_add_up(name):
    network = PaperNetwork(name)
    assert sum(row.params for row in network.layers) == network.params
    assert sum(row.macs for row in network.layers) == network.forward.macs


def test_auxiliary_heads_stand_at_the_end():
    layers = PaperNetwork("googlenet").layers
    absent = [row for row in layers if row.shape is None]
    assert absent == layers[-len(absent) :]
    assert (
        sum(row.params for row in absent)
        == PaperNetwork("googlenet").params - PaperNetwork("googlenet", auxiliary=False).params
    )
    assert not any(row.macs or row.activations for row in absent)


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(2, 2, 3, padding=1, bias=False)
        self.nothing, self.drop = nn.Identity(), nn.Dropout(0.5)
        self.linear = nn.Linear(4, 3)

    def forward(self, x):
        y = F.relu(self.conv(x), inplace=True)
        y = self.drop(self.nothing(self.conv(y) + x))
        y = F.conv2d(torch.cat([y, x], 1), self.linear.weight[:, :, None, None])
        return y.mean((2, 3))


def test_a_small_network_by_hand():
    """A layer that runs twice has its weights once; weights used by hand are counted; views are no rows."""
    assert walk(Small(), 2, 4) == [
        LayerCost("conv", "Conv2d", (2, 4, 4), 36, 16 * 36, 32),
        LayerCost("network", "relu", (2, 4, 4)),
        LayerCost("conv", "Conv2d", (2, 4, 4), 0, 16 * 36, 32),
        LayerCost("network", "add", (2, 4, 4), 0, 0, 32),
        LayerCost("network", "cat", (4, 4, 4), 0, 0, 64),
        LayerCost("network", "conv2d", (3, 4, 4), 12, 16 * 12, 48),
        LayerCost("network", "mean", (3,), 0, 0, 3),
        LayerCost("linear", "Linear", None, 3),
    ]


class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight, self.inner = nn.Parameter(torch.ones(4, 2, 1, 1)), nn.ReLU()

    def forward(self, x):
        return self.inner(F.conv2d(x, self.weight * 2))


def test_a_part_with_weights_and_parts_of_its_own_is_a_row():
    rows = walk(nn.Sequential(Masked()), 2, 3)
    assert [(row.name, row.kind, row.params, row.macs) for row in rows] == [
        ("0.inner", "ReLU", 0, 0),
        ("0", "Masked", 8, 9 * 8),
    ]
    assert not [hook for module in nn.Sequential(Masked()).modules() for hook in module._forward_hooks]
