import csv

import pytest
import timm
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.inverted_residual import InvertedResidual, divisible
from deeper.models.mobilenet import MobileNetV1, MobileNetV2, SeparableBlock
from deeper.models.parts.convolution import Depthwise
from deeper.models.parts.drop_path import drop_samples
from deeper.models.parts.squeeze_excite import SqueezeExcite
from deeper.paths import ROOT

ROWS = {
    "own/mobilenet_v1_1.00": (MobileNetV1, {}),
    "own/mobilenet_v1_0.50": (MobileNetV1, {"width": 0.5}),
    "own/mobilenet_v1_0.25": (MobileNetV1, {"width": 0.25}),
    "own/conv_mobilenet_full": (MobileNetV1, {"separable": False}),
    "timm/mobilenetv1_100": (MobileNetV1, {"activation": "relu6"}),
    "timm/mobilenetv2_100": (MobileNetV2, {}),
    "timm/mobilenetv2_140": (MobileNetV2, {"width": 1.4}),
}


def published(row):
    with open(ROOT / "published" / "structure.csv") as file:
        return {r["quantity"]: int(r["value"]) for r in csv.DictReader(file) if r["architecture"] == row}


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def weight_layers(network):
    return sum(isinstance(m, torch.nn.Conv2d | torch.nn.Linear) for m in network.modules())


def tie(ours, theirs):
    """Give ``ours`` random numbers and ``theirs`` the same ones, layer by layer in order."""
    mine, other = ours.state_dict(), theirs.state_dict()
    assert [v.shape for v in mine.values()] == [v.shape for v in other.values()]
    for (name, tensor), target in zip(mine.items(), other.values(), strict=True):
        if tensor.is_floating_point():
            tensor += 0.1 * torch.rand_like(tensor) if "running" in name else 0.02 * torch.randn_like(tensor)
        target.copy_(tensor)
    return ours.double().eval(), theirs.double().eval()


@pytest.mark.parametrize("row", ROWS)
def test_counts_equal_the_published_ones(row):
    kind, arguments = ROWS[row]
    with torch.device("meta"):
        network = kind(**arguments).eval()
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network(torch.empty(1, 3, 224, 224, device="meta"))
    macs = counter.get_total_flops() // 2
    assert {"parameter count": parameters(network), "multiply-adds (conv + linear)": macs} == published(row)


@pytest.mark.parametrize("width", [0.35, 0.5, 0.75, 1.3])
def test_widths_of_version_2_are_those_of_torchvision(width):
    with torch.device("meta"):
        ours, theirs = MobileNetV2(width), torchvision.models.mobilenet_v2(width_mult=width)
    assert parameters(ours) == parameters(theirs)


def test_another_width_of_version_1_is_that_of_timm():
    with torch.device("meta"):
        ours, theirs = MobileNetV1(1.25), timm.create_model("mobilenetv1_125")
    assert parameters(ours) == parameters(theirs)


def test_version_2_is_torchvisions_function():
    torch.manual_seed(0)
    ours, theirs = tie(
        MobileNetV2(0.35, num_classes=7), torchvision.models.mobilenet_v2(width_mult=0.35, num_classes=7)
    )
    images = torch.randn(2, 3, 50, 50, dtype=torch.float64)
    torch.testing.assert_close(ours(images), theirs(images))


def test_version_1_is_timms_function():
    torch.manual_seed(0)
    theirs = timm.create_model("mobilenetv1_100", num_classes=7)
    ours, theirs = tie(MobileNetV1(activation="relu6", num_classes=7), theirs)
    images = torch.randn(2, 3, 40, 40, dtype=torch.float64)
    torch.testing.assert_close(ours(images), theirs(images))


def test_blocks_and_weight_layers():
    """13 blocks in 28 weight layers; 17 blocks, ten of them with a shortcut, in 53."""
    with torch.device("meta"):
        first, second = MobileNetV1(), MobileNetV2()
    assert sum(isinstance(m, SeparableBlock) for m in first.modules()) == 13
    blocks = [m for m in second.modules() if isinstance(m, InvertedResidual)]
    assert len(blocks) == 17
    assert sum(block.shortcut for block in blocks) == 10
    assert (weight_layers(first), weight_layers(second)) == (28, 53)


def test_squeeze_excite_adds_what_the_paper_says():
    """SE-MobileNet has 4.7 million parameters (arXiv 1709.01507, table 8): 2·C²/16 and biases a block."""
    with torch.device("meta"):
        plain, gated = MobileNetV1(), MobileNetV1(squeeze_excite=16)
    widths = [block.reduce.in_channels for block in gated.modules() if isinstance(block, SqueezeExcite)]
    assert len(widths) == 13
    assert parameters(gated) - parameters(plain) == sum(2 * c * (c // 16) + c + c // 16 for c in widths)
    assert round(parameters(gated) / 1e6, 1) == 4.7


def test_switches_of_version_2():
    with torch.device("meta"):
        bare = MobileNetV2(residual=False)
        thin, middle, thick = (MobileNetV2(expansion=expansion) for expansion in (1, 2, 8))
    assert not any(m.shortcut for m in bare.modules() if isinstance(m, InvertedResidual))
    assert weight_layers(thin) == 53 - 16
    assert parameters(thin) < parameters(middle) < parameters(thick)


@pytest.mark.parametrize("linear", [True, False])
def test_a_bottleneck_is_linear_or_cut_at_zero_and_six(linear):
    torch.manual_seed(0)
    y = InvertedResidual(4, 6, linear=linear)(10 * torch.randn(2, 4, 5, 5))
    assert bool((y < 0).any()) == linear
    assert linear or y.max() <= 6


def test_without_its_branch_a_residual_block_is_the_identity():
    x = torch.randn(2, 4, 5, 5)
    for residual in (True, False):
        block = InvertedResidual(4, 4, residual=residual).eval()
        torch.nn.init.zeros_(block.branch[-1][0].weight)
        assert torch.equal(block(x), x if residual else torch.zeros_like(x))


@settings(max_examples=15, deadline=None)
@given(
    kind=st.sampled_from([MobileNetV1, MobileNetV2]),
    width=st.floats(0.1, 0.4),
    strides=st.lists(st.sampled_from([1, 2]), min_size=5, max_size=5),
    size=st.integers(6, 17),
    squeeze=st.sampled_from([0, 4]),
)
def test_strides_say_where_maps_are_halved(kind, width, strides, size, squeeze):
    torch.manual_seed(0)
    network = kind(width, strides=strides, squeeze_excite=squeeze, in_chans=1, num_classes=3)
    features = network.forward_features(torch.randn(2, 1, size, size))
    side = size
    for stride in strides:
        side = -(-side // stride)
    assert features.shape == (2, network.num_features, side, side)
    network.forward_head(features).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@settings(max_examples=25, deadline=None)
@given(
    kernel=st.sampled_from([3, 5, 7]),
    stride=st.sampled_from([1, 2]),
    dilation=st.sampled_from([1, 2]),
    height=st.integers(1, 9),
    width=st.integers(1, 9),
)
def test_a_depthwise_convolution_is_the_grouped_one_whatever_the_size(kernel, stride, dilation, height, width):
    torch.manual_seed(0)
    layer = Depthwise(3, kernel, stride, dilation).double()
    x = torch.randn(2, 3, height, width, dtype=torch.float64)
    expected = F.conv2d(x, layer.weight, None, stride, dilation * (kernel // 2), dilation, groups=3)
    torch.testing.assert_close(layer(x), expected)
    assert expected.shape[2:] == (-(-height // stride), -(-width // stride))


@given(st.floats(1, 3000))
def test_rounded_channels_lose_at_most_a_tenth(channels):
    rounded = divisible(channels)
    assert rounded % 8 == 0
    assert rounded >= 0.9 * channels
    assert rounded == 8 or abs(rounded - channels) < 8


def test_samples_are_dropped_whole_and_the_mean_is_kept():
    torch.manual_seed(0)
    x = torch.ones(4000, 2, 2, 1, dtype=torch.float64)
    y = drop_samples(x, 0.25)
    assert set(y.flatten(1).unique(dim=0).flatten().tolist()) == {0.0, 1 / 0.75}
    assert abs(y.mean() - 1) < 0.05
    assert torch.equal(drop_samples(x, 0.0), x)
    assert drop_samples(x.bfloat16(), torch.tensor(0.5)).dtype == torch.bfloat16


def test_dropping_is_for_training_alone():
    torch.manual_seed(0)
    block = InvertedResidual(4, 4, drop=0.5)
    x = torch.randn(64, 4, 5, 5)
    kept = [torch.equal(a, b) for a, b in zip(block(x), x, strict=True)]
    assert 0 < sum(kept) < 64
    block.eval()
    assert torch.equal(block(x), x + block.branch(x))


@pytest.mark.parametrize(
    ("kind", "arguments", "words"),
    [
        ("MobileNetV1", {"width": 0}, "width=0: it must be more than 0"),
        ("MobileNetV1", {"strides": [2, 2]}, "it must be 5 numbers, each 1 or 2"),
        ("MobileNetV1", {"strides": [2, 2, 3, 1, 1]}, "it must be 5 numbers, each 1 or 2"),
        ("MobileNetV1", {"squeeze_excite": -1}, "squeeze_excite=-1"),
        ("MobileNetV1", {"activation": "loud"}, "relu, relu6"),
        ("MobileNetV2", {"expansion": 0}, "expansion=0: it must be more than 0"),
        ("MobileNetV2", {"drop_path": 1}, "drop_path=1: it must be at least 0 and less than 1"),
        ("MobileNetV2", {"dropout": -0.1}, "dropout=-0.1: it must be at least 0 and less than 1"),
    ],
)
def test_impossible_settings_say_what_is_possible(kind, arguments, words):
    with pytest.raises(DeeperError, match=words):
        build({"_target_": f"deeper.models.mobilenet.{kind}", "name": "x", **arguments})
