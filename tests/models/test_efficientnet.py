import csv

import pytest
import timm
import torch
import torchvision
from hydra import compose, initialize_config_dir
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from torch.utils.flop_counter import FlopCounterMode

from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.efficientnet import EfficientNet, compound
from deeper.models.inverted_residual import InvertedResidual
from deeper.models.parts.squeeze_excite import SqueezeExcite
from deeper.paths import CONF, ROOT


def published(row):
    with open(ROOT / "published" / "structure.csv") as file:
        return {r["quantity"]: int(r["value"]) for r in csv.DictReader(file) if r["architecture"] == row}


def model(name):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return OmegaConf.to_container(compose("cost", [f"model={name}", "data=imagenet"]), resolve=True)["model"]


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def blocks(network):
    return [m for m in network.modules() if isinstance(m, InvertedResidual)]


def multiply_adds(network, size):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.empty(1, 3, size, size, device="meta"))
    return counter.get_total_flops() // 2


def test_b3_costs_what_timms_does():
    """The published table leaves B3 out; the other seven are counted with all configurations."""
    found = model("efficientnet_b3")
    with torch.device("meta"):
        ours, theirs = build(found), timm.create_model("efficientnet_b3")
    assert parameters(ours) == parameters(theirs)
    assert multiply_adds(ours, found["form"]["size"]) == multiply_adds(theirs, found["form"]["size"])


@pytest.mark.parametrize("number", [0, 1, 2, 4, 5, 6, 7])
def test_a_configuration_stands_for_both_libraries_rows(number):
    row = model(f"efficientnet_b{number}")["form"]["counts"]
    assert len(published(row)) == 2
    assert published(row) == published(row.replace("timm/", "tv/"))


def test_the_function_is_torchvisions():
    torch.manual_seed(0)
    ours, theirs = EfficientNet(num_classes=7), torchvision.models.efficientnet_b0(num_classes=7)
    mine, other = ours.state_dict(), theirs.state_dict()
    assert [v.shape for v in mine.values()] == [v.shape for v in other.values()]
    for tensor, target in zip(mine.values(), other.values(), strict=True):
        target.copy_(tensor)
    images = torch.randn(2, 3, 40, 40, dtype=torch.float64)
    torch.testing.assert_close(ours.double().eval()(images), theirs.double().eval()(images))


def test_the_hidden_width_of_the_gate_is_a_quarter_of_the_blocks_input():
    with torch.device("meta"):
        network = EfficientNet()
    for block in blocks(network):
        gate = next(m for m in block.modules() if isinstance(m, SqueezeExcite))
        narrow = block.branch[0][0].in_channels
        assert gate.reduce.out_channels == narrow // 4
        assert gate.reduce.in_channels in (narrow, 6 * narrow)


def test_depth_and_width_scale_alone():
    with torch.device("meta"):
        base, deep, wide = EfficientNet(), EfficientNet(depth=2), EfficientNet(width=2)
    assert len(blocks(deep)) == 2 * len(blocks(base)) == 32
    assert deep.num_features == base.num_features == 1280
    assert len(blocks(wide)) == len(blocks(base))
    assert wide.num_features == 2560


@pytest.mark.parametrize("phi", [0.5, 1, 2])
def test_a_compound_coefficient_is_its_multipliers(phi):
    depth, width, _ = compound(phi)
    with torch.device("meta"):
        assert parameters(EfficientNet(phi=phi)) == parameters(EfficientNet(depth, width))


def test_a_step_of_the_coefficient_about_doubles_the_operations():
    """α·β²·γ² ≈ 2 (arXiv 1905.11946, eq. 3); whole layers, rounded up, make the first step dearer."""
    depth, width, resolution = compound(1)
    assert abs(depth * width**2 * resolution**2 - 2) < 0.1
    with torch.device("meta"):
        costs = [multiply_adds(EfficientNet(phi=phi), round(224 * compound(phi)[2])) for phi in (0, 1, 4)]
    assert 2 < costs[1] / costs[0] < 2.7
    assert 1.8 < (costs[2] / costs[0]) ** (1 / 4) < 2.2


def test_branches_are_dropped_more_the_deeper_they_are():
    with torch.device("meta"):
        found = blocks(EfficientNet(drop_path=0.2))
    for index, block in enumerate(found):
        assert block.drop == pytest.approx(0.2 * index / 16 if block.shortcut else 0.0)


def test_dropping_leaves_evaluation_alone():
    torch.manual_seed(0)
    small = {"depth": 0.3, "width": 0.25, "strides": [1, 2, 2, 1, 1], "dropout": 0.0, "num_classes": 3}
    dropping, steady = EfficientNet(drop_path=0.9, **small), EfficientNet(drop_path=0.0, **small)
    steady.load_state_dict(dropping.state_dict())
    images = torch.randn(8, 3, 12, 12)
    assert torch.equal(dropping.eval()(images), steady.eval()(images))
    assert any(block.drop for block in blocks(dropping))
    assert not torch.equal(dropping.train()(images), steady.train()(images))


@settings(max_examples=10, deadline=None)
@given(
    depth=st.floats(0.1, 0.6),
    width=st.floats(0.1, 0.3),
    phi=st.floats(-1, 1),
    squeeze=st.sampled_from([0, 2, 4]),
    size=st.integers(4, 15),
)
def test_shapes_and_a_gradient_in_every_parameter(depth, width, phi, squeeze, size):
    torch.manual_seed(0)
    network = EfficientNet(depth, width, phi, squeeze, [1, 2, 2, 1, 1], drop_path=0, in_chans=1, num_classes=3)
    features = network.forward_features(torch.randn(2, 1, size, size))
    side = -(-size // 4)
    assert features.shape == (2, network.num_features, side, side)
    network.forward_head(features).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"depth": 0}, "depth=0: it must be more than 0"),
        ({"width": -1}, "width=-1: it must be more than 0"),
        ({"squeeze_excite": -4}, "squeeze_excite=-4"),
        ({"drop_path": 1.0}, "drop_path=1.0: it must be at least 0 and less than 1"),
        ({"strides": [2] * 6}, "it must be 5 numbers, each 1 or 2"),
    ],
)
def test_impossible_settings_say_what_is_possible(arguments, words):
    with pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.efficientnet.EfficientNet", "name": "x", **arguments})
