import csv
import re

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.densenet import DenseLayer, DenseNet
from deeper.paths import ROOT

BC = {"bottleneck": True, "compression": 0.5}
IMAGENET = {"depth": None, "growth": 32, "stem": "large", "num_classes": 1000, **BC}
PAPER = [  # table 2: depth, settings, millions of parameters
    (40, {"growth": 12}, 1.0),
    (100, {"growth": 12}, 7.0),
    (100, {"growth": 24}, 27.2),
    (100, {"growth": 12, **BC}, 0.8),
    (250, {"growth": 24, **BC}, 15.3),
    (190, {"growth": 40, **BC}, 25.6),
]


def published():
    """(bottleneck and compression, depth, growth) → {quantity: value} of the published table."""
    table = {}
    with open(ROOT / "published" / "structure.csv") as file:
        for row in csv.DictReader(file):
            found = re.fullmatch(r"own/densenet_(BC)?(\d+)_k(\d+)", row["architecture"])
            if found:
                key = (bool(found[1]), int(found[2]), int(found[3]))
                table.setdefault(key, {})[row["quantity"]] = int(row["value"])
    return table


PUBLISHED = published()


def on_meta(*args, **settings_):
    with torch.device("meta"):
        return DenseNet(*args, **settings_)


def size(network):
    return sum(p.numel() for p in network.parameters())


def macs(network, pixels):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network.eval()(torch.empty(1, 3, pixels, pixels, device="meta"))
    return counter.get_total_flops() // 2


def counted(layers, growth, bottleneck, compression, stem, in_chans, classes):
    """Parameters by the paper's definition, layer by layer."""
    channels = 2 * growth if bottleneck or stem == "large" else 16
    total = channels * in_chans * (49 if stem == "large" else 9) + (2 * channels if stem == "large" else 0)
    for index, count in enumerate(layers):
        if index:
            total += 2 * channels + channels * int(compression * channels)
            channels = int(compression * channels)
        for _ in range(count):
            if bottleneck:
                total += 2 * channels + 4 * growth * channels + 8 * growth + 36 * growth**2
            else:
                total += 2 * channels + 9 * growth * channels
            channels += growth
    return total + 2 * channels + (channels + 1) * classes


def test_the_published_table_is_there():
    assert {(False, 100, 12), (False, 100, 24), (True, 100, 12), (True, 190, 40), (True, 40, 12)} <= set(PUBLISHED)


@pytest.mark.parametrize("key", PUBLISHED, ids=str)
def test_parameters_equal_the_published_ones(key):
    compressed, depth, growth = key
    network = on_meta(depth, growth=growth, **(BC if compressed else {}))
    assert size(network) == PUBLISHED[key]["parameter count"]


@pytest.mark.parametrize("key", [(False, 100, 24), (True, 40, 12)], ids=str)
def test_multiply_adds_equal_the_published_ones(key):
    """Of the rows that no configuration names; the others are in the contract's test."""
    compressed, depth, growth = key
    network = on_meta(depth, growth=growth, **(BC if compressed else {}))
    assert macs(network, 32) == PUBLISHED[key]["multiply-adds (conv + linear)"]


@pytest.mark.parametrize(("depth", "settings_", "millions"), PAPER)
def test_depth_and_size_are_those_of_the_paper(depth, settings_, millions):
    network = on_meta(depth, **settings_)
    layers = [m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]
    assert len(layers) == depth
    assert round(size(network) / 1e6, 1) == millions


@pytest.mark.parametrize(
    ("depth", "layers"),
    [(121, [6, 12, 24, 16]), (169, [6, 12, 32, 32]), (201, [6, 12, 48, 32]), (265, [6, 12, 64, 48])],
)
def test_depth_of_the_imagenet_networks(depth, layers):
    """As their names say; but the blocks that table 1 gives to DenseNet-264 make 265 layers."""
    network = on_meta(layers=layers, **IMAGENET)
    assert len([m for m in network.modules() if isinstance(m, nn.Conv2d | nn.Linear)]) == depth
    assert size(network) == counted(layers, 32, True, 0.5, "large", 3, 1000)


def test_201_is_torchvisions():
    with torch.device("meta"):
        other = torchvision.models.densenet201()
    ours = on_meta(layers=[6, 12, 48, 32], **IMAGENET)
    assert [p.shape for p in ours.parameters()] == [p.shape for p in other.parameters()]


def test_the_imagenet_form_computes_what_torchvisions_does():
    torch.manual_seed(0)
    theirs = torchvision.models.DenseNet(growth_rate=4, block_config=(2, 3, 1), num_init_features=6, num_classes=5)
    ours = DenseNet(None, [2, 3, 1], 4, stem="large", stem_width=6, num_classes=5, **BC)
    for parameter in theirs.parameters():
        nn.init.normal_(parameter, std=0.3)
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    images = torch.randn(3, 3, 48, 48, dtype=torch.float64)
    ours, theirs = ours.double(), theirs.double()
    assert torch.allclose(ours(images), theirs(images), rtol=1e-12, atol=1e-12)
    assert torch.allclose(ours.eval()(images), theirs.eval()(images), rtol=1e-12, atol=1e-12)


@settings(max_examples=20, deadline=None)
@given(
    layers=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    growth=st.integers(1, 6),
    bottleneck=st.booleans(),
    compression=st.sampled_from([0.5, 0.7, 1.0]),
    stem=st.sampled_from(["small", "large"]),
    in_chans=st.sampled_from([1, 3]),
)
def test_parameters_by_definition(layers, growth, bottleneck, compression, stem, in_chans):
    network = on_meta(None, layers, growth, bottleneck, compression, stem, None, in_chans, 7)
    assert size(network) == counted(layers, growth, bottleneck, compression, stem, in_chans, 7)


@settings(max_examples=10, deadline=None)
@given(
    n=st.integers(1, 3),
    growth=st.integers(1, 5),
    bottleneck=st.booleans(),
    compression=st.sampled_from([0.5, 1.0]),
    pixels=st.integers(4, 15),
)
def test_shapes_and_a_gradient_in_every_parameter(n, growth, bottleneck, compression, pixels):
    torch.manual_seed(0)
    depth = (6 if bottleneck else 3) * n + 4
    network = DenseNet(depth, None, growth, bottleneck, compression, num_classes=7, dropout=0.1)
    images = torch.randn(2, 3, pixels, pixels)
    features = network.forward_features(images)
    assert features.shape == (2, network.num_features, pixels // 4, pixels // 4)
    assert network.forward_head(features, pre_logits=True).shape == (2, network.num_features)
    network(images).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


@pytest.mark.parametrize("bottleneck", [False, True])
def test_a_layer_keeps_its_input_and_adds_growth_maps(bottleneck):
    layer = DenseLayer(5, 3, bottleneck, 0.0)
    x = torch.randn(2, 5, 6, 6)
    before = x.clone()
    y = layer(x)
    assert y.shape == (2, 8, 6, 6)
    assert torch.equal(y[:, :5], before)


def test_the_last_layer_sees_every_layer_of_its_block():
    """Each of the maps that enter the last convolution of a block comes from another layer, or from the stem."""
    network = DenseNet(None, [4], 2, stem_width=3).eval()
    entering = []
    network.stages[0][3].register_forward_pre_hook(lambda module, args: entering.append(args[0]))
    images = torch.randn(1, 3, 8, 8)
    network(images)
    x = network.stem(images)
    assert torch.equal(entering[0][:, :3], x)
    for index, layer in enumerate(network.stages[0][:3]):
        x = layer(x)
        assert torch.equal(entering[0][:, : 3 + 2 * (index + 1)], x)


@pytest.mark.parametrize("bottleneck", [False, True])
def test_dropout_follows_every_convolution_but_the_first(bottleneck):
    network = DenseNet(16, growth=2, bottleneck=bottleneck, dropout=0.2)
    convolutions = [m for m in network.modules() if isinstance(m, nn.Conv2d)]
    dropouts = [m for m in network.modules() if isinstance(m, nn.Dropout) and m.p == 0.2]
    assert len(dropouts) == len(convolutions) - 1
    images = torch.randn(1, 3, 8, 8)
    assert torch.equal(network.eval()(images), network(images))


def test_reset_classifier():
    network = DenseNet(10, growth=2)
    network.reset_classifier(3)
    assert network(torch.randn(1, 3, 8, 8)).shape == (1, 3)
    network.reset_classifier(0)
    assert network(torch.randn(1, 3, 8, 8)).shape == (1, network.num_features)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"depth": 41}, "3n\\+4; the nearest is 40"),
        ({"depth": 41, "bottleneck": True}, "6n\\+4; the nearest is 40"),
        ({"depth": 4}, "the nearest is 7"),
        ({"depth": None}, "one of them must be given"),
        ({"layers": [1, 1]}, "one of them must be given"),
        ({"depth": None, "layers": [3, 0]}, "at least one layer"),
        ({"depth": None, "layers": []}, "at least one layer"),
        ({"compression": 0}, "more than 0 and at most 1"),
        ({"stem": "huge"}, "it must be small or large"),
    ],
)
def test_impossible_settings_say_what_is_possible(settings_, words):
    with pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.densenet.DenseNet", "name": "x", **settings_})
