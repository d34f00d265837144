import re

import pytest
import torch
from classics import counted, meta, model, pooled_sizes, published, walk
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.parts.normalisation import LocalResponse
from deeper.models.vgg import VGG
from deeper.paths import CONF

STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
ROWS = ["tv/vgg11", "tv/vgg13", "tv/vgg16", "tv/vgg11_bn", "tv/vgg13_bn", "tv/vgg16_bn", "tv/vgg19_bn"]


@pytest.mark.parametrize("row", ROWS)
def test_counts_through_arguments(row):
    depth = int(re.search(r"\d+", row)[0])
    kernels = [[3] * layers for layers in STAGES[depth]]
    network = meta(VGG, kernels=kernels, norm="batch" if row.endswith("_bn") else "none")
    assert counted(network, 3, 224) == published(row)


NAMES = sorted(path.stem for path in (CONF / "model").glob("vgg[0-9]*.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_says_how_many_weight_layers(name):
    network = meta(name)
    layers = [part for part in network.modules() if isinstance(part, nn.Conv2d | nn.Linear)]
    assert len(layers) == int(re.search(r"\d+", name)[0])


def test_vgg19_is_its_normalised_form_without_two_numbers_a_channel():
    """The published table counts VGG-19 with batch normalisation only; without it 5,504 channels lose two each."""
    params, macs = published("tv/vgg19_bn")
    channels = sum(c * layers for c, layers in zip((64, 128, 256, 512, 512), STAGES[19], strict=True))
    assert counted(meta("vgg19"), 3, 224) == (params - 2 * channels, macs) == (143667240, macs)


def test_vgg16_layer_by_layer():
    network = meta("vgg16")
    found = walk(network, 3, 224)
    sides = [224] * 2 + [112] * 2 + [56] * 3 + [28] * 3 + [14] * 3
    widths = [64] * 2 + [128] * 2 + [256] * 3 + [512] * 6
    assert [shape for shape, _ in found[:13]] == [(c, s, s) for c, s in zip(widths, sides, strict=True)]
    assert [count for _, count in found[:4]] == [1792, 36928, 73856, 147584]
    assert found[13:] == [((4096,), 102764544), ((4096,), 16781312), ((1000,), 4097000)]
    assert pooled_sizes(network, 3, 224) == [112, 56, 28, 14, 7]


def test_configuration_c_has_three_1x1_layers():
    network = meta("vgg16_c")
    convolutions = [part for part in network.modules() if isinstance(part, nn.Conv2d)]
    assert [number for number, conv in enumerate(convolutions) if conv.kernel_size == (1, 1)] == [6, 9, 12]
    assert counted(network, 3, 224) == published("own/vgg_C")


def test_a_lrn_is_a_with_one_normalisation_after_the_first_layer():
    network = meta("vgg11_lrn")
    assert [type(part) for part in network.stages[0][0]][-2:] == [nn.ReLU, LocalResponse]
    assert sum(isinstance(part, LocalResponse) for part in network.modules()) == 1
    assert counted(network, 3, 224) == published("tv/vgg11")


def test_one_7x7_in_place_of_three_3x3():
    """As many pixels seen; 49C² weights instead of 27C², as §2.3 counts for C channels in and out."""
    small = VGG(kernels=[[1], [3, 3, 3]], width=6, growth=[1, 1], halvings=0, hidden=[], grid=1, in_chans=1)
    large = VGG(kernels=[[1], [7]], width=6, growth=[1, 1], halvings=0, hidden=[], grid=1, in_chans=1)
    for network, weights in ((small, 27 * 36), (large, 49 * 36)):
        assert (
            sum(part.weight.numel() for part in network.stages[1].modules() if isinstance(part, nn.Conv2d)) == weights
        )
        assert field(network) == 7


def field(network):
    """Side of the square of pixels that the middle unit of the last maps depends on."""
    for part in network.modules():
        if isinstance(part, nn.Conv2d):
            nn.init.ones_(part.weight)
    x = torch.ones(1, 1, 21, 21, requires_grad=True)
    network.forward_features(x)[0, 0, 10, 10].backward()
    return int(x.grad[0, 0].any(0).sum())


def test_constant_width_against_doubling():
    doubling, constant = meta("vgg11_small"), meta("vgg11_small", growth=[1] * 5, width=40)
    assert [stage[0][0].out_channels for stage in doubling.stages] == [12, 24, 48, 96, 96]
    assert [stage[0][0].out_channels for stage in constant.stages] == [40] * 5
    assert constant(torch.empty(2, 1, 12, 12, device="meta")).shape == (2, 10)


@settings(max_examples=15, deadline=None)
@given(
    stages=st.lists(st.lists(st.sampled_from([1, 3, 5]), min_size=1, max_size=2), min_size=1, max_size=3),
    norm=st.sampled_from(["none", "batch", "lrn"]),
    side=st.integers(8, 15),
    grid=st.integers(1, 3),
)
def test_shapes_and_a_gradient_in_every_parameter(stages, norm, side, grid):
    torch.manual_seed(0)
    network = VGG(stages, 4, range(1, len(stages) + 1), len(stages), norm, hidden=[16], grid=grid, num_classes=5)
    x = torch.randn(3, 3, side, side + 1)
    features = network.forward_features(x)
    halved = 2 ** len(stages)
    assert features.shape == (3, 4 * len(stages), side // halved, (side + 1) // halved)
    network(x).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_images_without_a_pixel_left_are_refused_in_one_line():
    network = meta("vgg16")
    assert network(torch.empty(1, 3, 32, 32, device="meta")).shape == (1, 1000)
    with pytest.raises(ValueError, match="32×32 up, not 31×31"):
        network(torch.empty(1, 3, 31, 31, device="meta"))


def test_small_forms_are_the_paper_ones_but_for_sizes():
    sizes = {"name", "form", "width", "halvings", "hidden", "grid", "dropout", "in_chans", "num_classes"}
    for name in ("vgg11_lrn", "vgg16", "vgg16_bn"):
        paper, small = model(name), model(f"{name}_small")
        assert {key for key in paper if paper[key] != small[key]} <= sizes


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"kernels": [[3], [2], [3], [3], [3]]}, "odd"),
        ({"kernels": [[3], [], [3], [3], [3]]}, "one or more"),
        ({"growth": [1, 2]}, "5 factors, one a stage, not 2"),
        ({"halvings": 6}, "0 to 5"),
        ({"norm": "layer"}, "none, batch, lrn"),
    ],
)
def test_impossible_settings_say_what_is_possible(settings_, words):
    with torch.device("meta"), pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.vgg.VGG", "name": "x", **settings_})


def test_dense_evaluation_is_the_network_itself_at_its_own_size_and_a_mean_over_windows_of_larger_maps():
    network = VGG(width=4, halvings=3, grid=3, hidden=[6, 5], num_classes=4).eval()
    own = torch.randn(2, 3, 24, 24)  # three halvings: maps of 3×3
    assert torch.allclose(network.forward_dense(own), network(own), atol=1e-5)
    maps = network.forward_features(torch.randn(2, 3, 40, 32))
    windows = [network.head(maps[:, :, top : top + 3, left : left + 3]) for top in range(3) for left in range(2)]
    assert torch.allclose(network.head.dense(maps), torch.stack(windows).mean(0), atol=1e-5)
    with pytest.raises(ValueError, match="maps of 2×3 are smaller than the 3×3 of the classifier"):
        network.forward_dense(torch.randn(1, 3, 16, 24))
