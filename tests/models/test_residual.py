import csv
import re

import pytest
import torch
from hydra import compose, initialize_config_dir
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf

from deeper.analysis.cost import count_config
from deeper.cli import CONF, ROOT
from deeper.errors import DeeperError
from deeper.models.blocks import NoShortcut
from deeper.models.build import build
from deeper.models.residual import ResidualNetwork

NAMES = sorted(path.stem for path in (CONF / "model").glob("*.yaml") if re.match(r"(plain|resnet)\d+$", path.stem))


def published():
    """(depth, shortcut, classes) → {quantity: value} of the published table."""
    table = {}
    with open(ROOT / "published" / "structure.csv") as file:
        for row in csv.DictReader(file):
            found = re.fullmatch(r"own/cifar(100)?_resnet(\d+)_opt(\w+)", row["architecture"])
            if found:
                kind = found[3].replace("plain", "none")
                key = (int(found[2]), kind, 100 if found[1] else 10)
                table.setdefault(key, {})[row["quantity"]] = int(row["value"])
    return table


PUBLISHED = published()


def model(name, *overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return OmegaConf.to_container(compose("cost", [f"model={name}", *overrides]), resolve=True)["model"]


def test_the_published_table_is_there():
    assert len(PUBLISHED) >= 20
    assert (56, "A", 10) in PUBLISHED
    assert (1202, "B", 10) in PUBLISHED


@pytest.mark.parametrize("key", [k for k in PUBLISHED if k[0] < 1202], ids=str)
def test_counts_equal_the_published_ones(key):
    depth, shortcut, classes = key
    config = {"_target_": "deeper.models.residual.ResidualNetwork", "depth": depth, "shortcut": shortcut}
    cost = count_config({**config, "num_classes": classes}, 3, 32)
    assert cost.params == PUBLISHED[key]["parameter count"]
    assert cost.macs == PUBLISHED[key]["multiply-adds (conv + linear)"]
    assert cost.depth == depth


@pytest.mark.parametrize("key", [k for k in PUBLISHED if k[0] == 1202], ids=str)
def test_parameters_of_the_deepest(key):
    depth, shortcut, classes = key
    with torch.device("meta"):
        network = ResidualNetwork(depth, shortcut=shortcut, num_classes=classes)
    assert sum(p.numel() for p in network.parameters()) == PUBLISHED[key]["parameter count"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_says_depth_and_kind(name):
    with torch.device("meta"):
        network = build(model(name))
    depth = int(re.search(r"\d+", name)[0])
    layers = [m for m in network.modules() if isinstance(m, torch.nn.Conv2d | torch.nn.Linear)]
    assert len(layers) == depth
    plain = [m for m in network.modules() if isinstance(m, NoShortcut)]
    assert len(plain) == ((depth - 2) // 2 if name.startswith("plain") else 0)


def test_plain_and_residual_differ_by_one_setting():
    plain, residual = model("plain56"), model("resnet56")
    assert {key for key in plain if plain[key] != residual[key]} == {"name", "form", "shortcut"}


@settings(max_examples=15, deadline=None)
@given(
    n=st.integers(1, 3),
    width=st.integers(1, 6),
    shortcut=st.sampled_from(["none", "A", "B", "C"]),
    size=st.integers(5, 17),
    channels=st.sampled_from([1, 3]),
)
def test_shapes_and_a_gradient_in_every_parameter(n, width, shortcut, size, channels):
    torch.manual_seed(0)
    network = ResidualNetwork(6 * n + 2, width, shortcut, channels, 7)
    images = torch.randn(2, channels, size, size)
    features = network.forward_features(images)
    assert features.shape == (2, 4 * width, -(-size // 4), -(-size // 4))
    assert network.num_features == 4 * width
    logits = network(images)
    assert logits.shape == (2, 7)
    assert network.forward_head(features, pre_logits=True).shape == (2, 4 * width)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_without_shortcuts_nothing_is_carried():
    """With all convolutions at zero only a shortcut lets the input through."""
    images = torch.randn(2, 3, 8, 8)
    for shortcut, expected in (("none", 0), ("A", 1)):
        network = ResidualNetwork(8, 4, shortcut).eval()
        for block in [b for stage in network.stages for b in stage]:
            torch.nn.init.zeros_(block.conv1.weight)
            torch.nn.init.zeros_(block.conv2.weight)
        assert bool(network.forward_features(images).abs().sum() > 0) == expected


def test_option_a_pads_with_zeros_and_strides():
    network = ResidualNetwork(8, 4, "A").eval()
    block = network.stages[1][0]
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.rand(1, 4, 6, 6)
    y = block(x)
    assert torch.equal(y[:, 2:6], x[:, :, ::2, ::2])
    assert not y[:, :2].any()
    assert not y[:, 6:].any()


def test_reset_classifier():
    network = ResidualNetwork(8, 4)
    network.reset_classifier(3)
    assert network(torch.randn(1, 3, 8, 8)).shape == (1, 3)
    network.reset_classifier(0)
    assert network(torch.randn(1, 3, 8, 8)).shape == (1, 16)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [({"depth": 21}, "6n\\+2; the nearest is 20"), ({"shortcut": "D"}, "none, A, B or C")],
)
def test_impossible_settings_say_what_is_possible(settings_, words):
    with pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.residual.ResidualNetwork", "name": "x", **settings_})
