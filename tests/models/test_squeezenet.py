import csv
from itertools import pairwise

import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.squeezenet import SQUEEZES, Fire, SqueezeNet
from deeper.paths import ROOT


def published():
    """quantity → value of version 1.0 in the published table."""
    with open(ROOT / "published" / "structure.csv") as file:
        return {
            row["quantity"]: int(row["value"])
            for row in csv.DictReader(file)
            if row["architecture"] == "tv/squeezenet1_0"
        }


def on_meta(make, *args, **settings_):
    with torch.device("meta"):
        return make(*args, **settings_).eval()


def size(network):
    return sum(p.numel() for p in network.parameters())


def macs(network):
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, 224, 224, device="meta"))
    return counter.get_total_flops() // 2


def test_version_1_0_is_the_published_one():
    network = on_meta(SqueezeNet)
    assert size(network) == published()["parameter count"]
    assert macs(network) == published()["multiply-adds (conv + linear)"]


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_counts_are_torchvisions(version):
    theirs = on_meta(getattr(torchvision.models, f"squeezenet{version.replace('.', '_')}"))
    ours = on_meta(SqueezeNet, version)
    assert [p.shape for p in ours.parameters()] == [p.shape for p in theirs.parameters()]
    assert macs(ours) == macs(theirs)


@pytest.mark.parametrize("version", ["1.0", "1.1"])
def test_it_computes_what_torchvisions_does(version):
    torch.manual_seed(0)
    theirs = torchvision.models.SqueezeNet(version.replace(".", "_"), num_classes=5).double().eval()
    ours = SqueezeNet(version, num_classes=5).double().eval()
    theirs.load_state_dict(dict(zip(theirs.state_dict(), ours.state_dict().values(), strict=True)))
    images = torch.randn(2, 3, 64, 67, dtype=torch.float64)
    assert ours(images).any()
    assert torch.allclose(ours(images), theirs(images), rtol=1e-12, atol=1e-12)


def test_bypasses_are_where_the_paper_puts_them():
    """Figure 2: simple ones around fire modules 3, 5, 7 and 9, complex ones also around 2, 4, 6 and 8."""
    kinds = {}
    for bypass in ("none", "simple", "complex"):
        fires = [m for m in on_meta(SqueezeNet, bypass=bypass).features if isinstance(m, Fire)]
        kinds[bypass] = [
            [number for number, fire in enumerate(fires, start=2) if fire.carries],
            [number for number, fire in enumerate(fires, start=2) if fire.bypass is not None],
        ]
    assert kinds == {
        "none": [[], []],
        "simple": [[3, 5, 7, 9], []],
        "complex": [[3, 5, 7, 9], [2, 4, 6, 8]],
    }


def test_what_a_bypass_costs():
    """A simple one nothing; a complex one its 1×1 convolutions, a weight for each pair of channels and a bias."""
    plain, simple, complex_ = (on_meta(SqueezeNet, bypass=kind) for kind in ("none", "simple", "complex"))
    assert size(simple) == size(plain)
    assert macs(simple) == macs(plain)
    widths = [96, *(8 * squeeze for squeeze in SQUEEZES)]
    extra = sum((n + 1) * m for n, m in pairwise(widths) if n != m)
    assert size(complex_) == size(plain) + extra


@pytest.mark.parametrize("norm", ["none", "batch"])
def test_a_bypass_adds_the_input(norm):
    x = torch.randn(2, 16, 5, 5)
    plain, simple = Fire(16, 2, "none", norm).eval(), Fire(16, 2, "simple", norm).eval()
    simple.load_state_dict(plain.state_dict())
    assert torch.equal(simple(x), plain(x) + x)
    wider, complex_ = Fire(8, 2, "none", norm).eval(), Fire(8, 2, "complex", norm).eval()
    complex_.load_state_dict(wider.state_dict(), strict=False)
    assert torch.equal(complex_(x[:, :8]), wider(x[:, :8]) + complex_.bypass(x[:, :8]))


def test_a_fire_module_expands_side_by_side():
    fire, x = Fire(6, 2), torch.randn(1, 6, 5, 5)
    y, squeezed = fire(x), fire.squeeze(x)
    assert y.shape == (1, 16, 5, 5)
    assert torch.equal(y[:, :8], fire.expand1(squeezed))
    assert torch.equal(y[:, 8:], fire.expand3(squeezed))


def test_there_is_no_linear_layer():
    network = on_meta(SqueezeNet)
    assert not [m for m in network.modules() if isinstance(m, nn.Linear)]
    assert len([m for m in network.modules() if isinstance(m, nn.Conv2d)]) == 2 + 3 * len(SQUEEZES)


@pytest.mark.parametrize("rectified", [True, False])
def test_the_logits_are_averages_of_the_last_maps(rectified):
    torch.manual_seed(0)
    head = SqueezeNet(width=1 / 16, num_classes=5, rectified=rectified).eval().head
    x = torch.randn(3, head.conv.in_channels, 4, 4)
    maps = head.conv(x)
    assert (maps < 0).any()
    expected = maps.clamp(min=0) if rectified else maps
    assert torch.equal(head(x), expected.mean((2, 3)))
    assert torch.equal(head(x, pre_logits=True), x.mean((2, 3)))


def test_dropout_before_the_last_convolution():
    network = SqueezeNet(width=1 / 16, num_classes=5, dropout=0.4)
    dropouts = [m for m in network.modules() if isinstance(m, nn.Dropout)]
    assert dropouts == [network.head.dropout]
    assert network.head.dropout.p == 0.4


@settings(max_examples=10, deadline=None)
@given(
    version=st.sampled_from(["1.0", "1.1"]),
    bypass=st.sampled_from(["none", "simple", "complex"]),
    stem=st.sampled_from(["small", "large"]),
    width=st.sampled_from([1 / 16, 0.125, 0.2]),
    norm=st.sampled_from(["none", "batch"]),
    pixels=st.integers(24, 33),
)
def test_shapes_and_a_finite_gradient_in_every_parameter(version, bypass, stem, width, norm, pixels):
    torch.manual_seed(0)
    network = SqueezeNet(version, bypass, stem, width, norm, rectified=False, in_chans=1, num_classes=7)
    images = torch.randn(2, 1, pixels, pixels)
    features = network.forward_features(images)
    assert features.shape[:2] == (2, network.num_features) == (2, 8 * int(64 * width))
    assert network.forward_head(features, pre_logits=True).shape == (2, network.num_features)
    network(images).square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_reset_classifier():
    network = SqueezeNet(width=1 / 16, rectified=False, dropout=0.3).eval()
    network.reset_classifier(3)
    assert network(torch.randn(1, 3, 40, 40)).shape == (1, 3)
    assert (hasattr(network.head, "activation"), network.head.dropout.p) == (False, 0.3)
    network.reset_classifier(0)
    assert network(torch.randn(1, 3, 40, 40)).shape == (1, network.num_features)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"version": "1.2"}, "1.0 or 1.1"),
        ({"bypass": "double"}, "one of none, simple, complex"),
        ({"stem": "tiny"}, "large or small"),
        ({"norm": "layer"}, "one of none, batch"),
        ({"width": 0.05}, "at least 1/16"),
    ],
)
def test_impossible_settings_say_what_is_possible(settings_, words):
    with pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.squeezenet.SqueezeNet", "name": "x", **settings_})
