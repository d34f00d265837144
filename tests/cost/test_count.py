import json
import subprocess
import sys

import pytest
import torch
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from deeper.cost.count import count, count_config, run_forward
from deeper.cost.networks import PaperNetwork
from deeper.errors import DeeperError
from deeper.models.parts.drop_path import StochasticDepth
from deeper.models.parts.squeeze_excite import SqueezeExcite


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
        ([nn.Conv2d(1, 1, (1, 7)), nn.Conv2d(1, 1, (3, 1))], 7),
        ([nn.Conv2d(1, 1, (1, 7)), nn.Conv2d(1, 1, (7, 1))], 7),
        ([nn.Conv2d(1, 1, 2, stride=2), nn.ConvTranspose2d(1, 1, 2, stride=2), nn.Conv2d(1, 1, 3)], 4),
        ([nn.ConvTranspose2d(1, 1, 3, stride=2)], 2),
        ([nn.AdaptiveAvgPool2d(4)], 8),
        ([nn.AdaptiveAvgPool2d(5)], 8),
        ([nn.Conv2d(1, 1, 3), nn.AdaptiveMaxPool2d(1)], 3),
        ([nn.Conv2d(1, 1, 3), nn.AvgPool2d(30)], 3),
        ([nn.Unfold(3, dilation=2)], 5),
        ([nn.PixelUnshuffle(2)], None),
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


@pytest.mark.parametrize("name", ["googlenet_small", "resnext_small", "densenet_small", "vgg11_lrn_small", "highway19"])
def test_multiply_adds_are_half_of_pytorchs_flops(name):
    network = PaperNetwork(name)
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter:
        network.module.eval()(torch.empty(1, network.channels, network.size, network.size, device="meta"))
    assert network.forward.macs == counter.get_total_flops() // 2


@pytest.mark.parametrize(
    ("name", "depth", "field"),
    [("vgg16", 16, 212), ("resnet50", 50, 427), ("alexnet", 8, 195), ("googlenet", 22, None)],
)
def test_depth_and_receptive_field_of_known_networks(name, depth, field):
    """By hand: VGG-16 has stages of 2, 2, 3, 3, 3 layers; ResNet-50's 3×3 convolutions see, those that stride too."""
    found = PaperNetwork(name).forward
    assert found.depth == depth
    assert field in (None, found.receptive_field)


class Sliced(nn.Module):
    """Two halves of the channels, one of them at every other position, and the other pooled to that size."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(2, 3, 3, padding=1, groups=1), nn.MaxPool2d(2, ceil_mode=True)

    def forward(self, x):
        left, right = x.chunk(2, 1)
        return torch.cat([self.a(left[:, :, ::2, ::2]), self.b(right)], 1)


def test_slices_chunks_and_concatenation():
    found = run_forward(Sliced().to("meta"), 4, 7)
    assert found.receptive_field == 5
    assert found.macs == 4 * 4 * 3 * 2 * 9
    assert found.depth == 1


def test_a_grouped_convolution_costs_a_group_of_its_input():
    assert run_forward(nn.Conv2d(6, 12, 3, groups=3, bias=False).to("meta"), 6, 5).macs == 9 * 12 * 2 * 9


def test_what_local_response_normalisation_keeps():
    """The convolution's image and output, the padded squares, the base of the power and the power itself."""
    cost = count(nn.Sequential(nn.Conv2d(1, 4, 1), nn.LocalResponseNorm(5)), 1, 2)
    image, maps, padded = 4, 16, (4 + 4) * 4
    assert cost.activation_bytes == 4 * (image + maps + padded + maps + maps)
    assert cost.receptive_field == 1


class Auxiliary(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.main, self.aux = nn.Conv2d(1, 2, 1), nn.Linear(8, 3), nn.Linear(8, 3)

    def forward(self, x):
        x = self.body(x).flatten(1)
        return (self.main(x), self.aux(x.sigmoid())) if self.training else self.main(x)


def test_an_auxiliary_head_has_parameters_and_memory_and_no_operations():
    cost = count(Auxiliary(), 1, 2)
    assert cost.params == 4 + 2 * 27
    assert cost.macs == 8 + 24
    assert cost.activation_bytes == 4 * (4 + 8 + 8)


class Gated(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv, self.gate = nn.Conv2d(3, 8, 3), SqueezeExcite(8, 2)

    def forward(self, x):
        return self.gate(self.conv(x))


@pytest.mark.parametrize("size", [3, 9])
def test_a_gate_is_on_no_path(size):
    found = run_forward(Gated().to("meta"), 3, size)
    assert (found.depth, found.receptive_field) == (1, 3)
    assert found.macs == (size - 2) ** 2 * 8 * 27 + 2 * 16


class LinearGated(nn.Module):
    """A gate of linear layers, whose weights reach the products through views."""

    def __init__(self, pool):
        super().__init__()
        self.conv, self.pool = nn.Conv2d(3, 8, 3), pool
        self.gate = nn.Sequential(nn.Linear(8, 2), nn.ReLU(), nn.Linear(2, 8), nn.Sigmoid())

    def forward(self, x):
        x = self.conv(x)
        return x * self.gate(self.pool(x).flatten(1))[:, :, None, None]


@pytest.mark.parametrize(
    "pool",
    [
        lambda x: x.mean((2, 3)),
        lambda x: x.amax((2, 3)),
        nn.AvgPool2d(7),
        nn.AdaptiveAvgPool2d(1),
        nn.AdaptiveMaxPool2d(1),
    ],
)
def test_a_gate_of_linear_layers_is_on_no_path(pool):
    found = run_forward(LinearGated(pool).to("meta"), 3, 9)
    assert (found.depth, found.receptive_field) == (1, 3)


class Attention(nn.Module):
    def __init__(self, fused):
        super().__init__()
        self.stem, self.qkv, self.out, self.fused = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 24), nn.Linear(8, 8), fused

    def forward(self, x):
        q, k, v = self.qkv(self.stem(x).flatten(2).transpose(1, 2)).chunk(3, -1)
        if self.fused:
            return self.out(nn.functional.scaled_dot_product_attention(q, k, v))
        return self.out((q @ k.transpose(1, 2)).softmax(-1) @ v)


@pytest.mark.parametrize("fused", [False, True])
def test_attention_has_layers_where_it_has_weights_and_no_receptive_field(fused):
    found = run_forward(Attention(fused).to("meta"), 3, 8)
    assert (found.depth, found.receptive_field) == (3, None)


class Columns(nn.Module):
    """A convolution written out: every third position, 5 rows and 3 columns around it."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.empty(4, 3 * 15))

    def forward(self, x):
        patches = x[:, :, ::3].unfold(2, 5, 1).unfold(3, 3, 1)
        return self.weight @ patches.permute(0, 1, 4, 5, 2, 3).flatten(1, 3).flatten(2)


def test_a_convolution_written_out_is_a_layer():
    found = run_forward(Columns().to("meta"), 3, 21)
    assert found.depth == 1


class Picked(nn.Module):
    def forward(self, x):
        return x[:, :, torch.arange(0, 8, 2)]


def test_positions_picked_by_index_are_not_followed():
    assert run_forward(Picked(), 1, 8).receptive_field is None


class Dropping(nn.Module):
    def __init__(self):
        super().__init__()
        self.keep, self.conv = StochasticDepth(0.01), nn.Conv2d(2, 2, 3, padding=1)

    def forward(self, x):
        branch = self.keep(self.conv, x)
        return x if branch is None else x + branch


def test_memory_is_that_of_a_step_that_drops_nothing():
    network = Dropping()
    assert {count(network, 2, 4).activation_bytes for _ in range(5)} == {4 * 32}
    assert network.training
    assert network.keep.training


def test_drop_path_does_not_change_what_a_fractal_costs():
    (one, other) = (PaperNetwork("fractalnet_small", drop_path=rate).module for rate in (0.5, 0.0))
    assert count(one, 1, 16) == count(other, 1, 16)


def test_an_image_that_a_network_cannot_take_is_one_line():
    model = {"_target_": "torch.nn.Conv2d", "name": "x", "in_channels": 3, "out_channels": 1, "kernel_size": 9}
    with pytest.raises(DeeperError, match=r"model x: it cannot take 3×4×4 images: .+"):
        count_config(model, 3, 4)


def test_it_is_a_command_that_needs_no_data(tmp_path):
    command = [sys.executable, "-m", "deeper.cost", "model=resnet56", "data=cifar10"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert found["params"] == 853018
    assert found["macs"] == 125485696
    assert found["depth"] == 56
    assert set(found) == {"params", "extra_head_params", "macs", "activation_bytes", "depth", "receptive_field"}
    assert not list(tmp_path.iterdir())
