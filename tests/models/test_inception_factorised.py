from functools import partial
from importlib import import_module

import pytest
import timm
import torch
from networks import PUBLISHED, config
from timm.layers import ConvNormAct

from deeper.cost.count import count, count_config
from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.inception_designs import DESIGNS, read_branch, unfactorised
from deeper.models.inception_factorised import FactorisedInception, InceptionBlock

BLOCKS = {"v3": (3, 4, 2), "v4": (4, 7, 3), "resnet": (5, 10, 5)}
V3, V4, RESNET = DESIGNS["v3"], DESIGNS["v4"], DESIGNS["resnet"]
SMALL = {"width": 4, "stem": "small", "in_chans": 1, "num_classes": 5}


def on_meta(design, **arguments):
    with torch.device("meta"):
        return FactorisedInception(design, blocks=BLOCKS[design], **arguments)


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def test_v3_at_full_size_is_the_published_network():
    cost = count(on_meta("v3"), 3, 299)
    row = PUBLISHED["timm/inception_v3"]
    assert cost.params == row["parameter count"]
    assert cost.macs == row["multiply-adds (conv + linear)"]


def test_v4_at_full_size_is_timms_network():
    with torch.device("meta"):
        theirs = timm.create_model("inception_v4")
    ours = on_meta("v4")
    shapes = sorted(tuple(p.shape) for p in theirs.parameters())
    assert sorted(tuple(p.shape) for p in ours.parameters()) == shapes
    assert count(ours, 3, 299).macs == count(theirs, 3, 299).macs


def block(channels, branches, **options):
    return InceptionBlock(channels, [read_branch(branch) for branch in branches], **options)


TIMMS = {
    "v4 A": ("inception_v4.InceptionA", 384, V4.a[0], None),
    "v4 B": ("inception_v4.InceptionB", 1024, V4.b[0], None),
    "v4 C": ("inception_v4.InceptionC", 1536, V4.c[0], None),
    "v4 reduction A": ("inception_v4.ReductionA", 384, V4.reduction_a, None),
    "v4 stem": ("inception_v4.Mixed4a", 160, V4.stem[2], None),
    "ResNet A": ("inception_resnet_v2.Block35", 320, RESNET.a[0], 0.17),
    "ResNet B": ("inception_resnet_v2.Block17", 1088, RESNET.b[0], 0.1),
    "ResNet C": ("inception_resnet_v2.Block8", 2080, RESNET.c[0], 0.2),
}


def timms(name, *arguments, **further):
    module, _, kind = name.partition(".")
    return getattr(import_module(f"timm.models.{module}"), kind)(*arguments, **further)


@pytest.mark.parametrize("name", TIMMS)
def test_a_block_computes_what_timms_does(name):
    """The same weights in order give the same output, to rounding in float64."""
    kind, channels, branches, scale = TIMMS[name]
    torch.manual_seed(0)
    same = partial(ConvNormAct, padding=0, norm_kwargs={"eps": 1e-3})
    theirs = timms(kind, **({"scale": scale} if scale else {}), conv_block=same).double().eval()
    options = {"expand": True, "residual": True, "scale": scale} if scale else {}
    ours = block(channels, branches, **options).double().eval()
    ours.load_state_dict(dict(zip(ours.state_dict(), theirs.state_dict().values(), strict=True)))
    x = torch.rand(1, channels, 7, 9, dtype=torch.float64)
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("index", [0, 1, 2, 3])
def test_widths_of_v3_grow_inside_a_stage(index):
    with torch.device("meta"):
        ours = block(768, V3.b[index])
        theirs = timms("inception_v3.InceptionC", 768, (128, 160, 160, 192)[index])
    assert ours.out_channels == 768
    assert parameters(ours) == parameters(theirs)


@pytest.mark.parametrize("design", ["v4", "resnet"])
def test_shortcuts_cost_nothing(design):
    with torch.device("meta"):
        plain, residual = (FactorisedInception(design, flag, blocks=(1, 2, 1), **SMALL) for flag in (False, True))
    one, other = count(plain, 1, 12), count(residual, 1, 12)
    assert (one.params, one.macs, one.depth) == (other.params, other.macs, other.depth)


@pytest.mark.parametrize("design", ["v4", "resnet"])
def test_without_branches_only_a_shortcut_lets_the_input_through(design):
    for residual in (False, True):
        network = FactorisedInception(design, residual, blocks=(1, 1, 1), **SMALL).eval()
        inner = network.b[0]
        for parameter in inner.parameters():
            torch.nn.init.zeros_(parameter)
        x = torch.rand(2, inner.out_channels, 6, 6)
        assert torch.equal(inner(x), x if residual else torch.zeros_like(x))


def test_the_residual_design_ends_in_normalised_features():
    """At the start the classifier gets features of about the size that v4's have."""
    torch.manual_seed(0)
    images, sizes = torch.randn(16, 1, 12, 12), {}
    for design, residual in (("v4", False), ("resnet", True)):
        network = FactorisedInception(design, residual, blocks=(1, 1, 1), scale=0.2, **SMALL)
        sizes[design] = network.forward_features(images).mean((2, 3)).square().sum(1).mean()
    assert 0.5 < sizes["resnet"] / sizes["v4"] < 2


def test_scale_is_of_what_is_added():
    torch.manual_seed(0)
    inner = block(8, ("4", "4@3"), residual=True, scale=0.25).eval()
    x = torch.rand(1, 8, 5, 5)
    added = torch.cat([branch(x) for branch in inner.branches], 1)
    assert torch.equal(inner(x), torch.relu(x + 0.25 * added))


@pytest.mark.parametrize(
    ("branch", "whole"),
    [
        ("64 96@3 96@3", "64 96@3 96@3"),
        ("192 224@1x7 256@7x1", "192 256@7"),
        ("192 192@7x1 224@1x7 224@7x1 256@1x7", "192 224@7 256@7"),
        ("384 448@3x1 512@1x3 256@1x3|256@3x1", "384 512@3 512@3"),
        ("384 256@1x3|256@3x1", "384 512@3"),
        ("256 256@1x7 320@7x1 320@3/2v", "256 320@7 320@3/2v"),
    ],
)
def test_a_pair_of_asymmetric_convolutions_is_one_square_one(branch, whole):
    assert unfactorised(read_branch(branch)) == read_branch(whole)


@pytest.mark.parametrize("design", DESIGNS)
def test_factorising_keeps_shapes_and_saves_operations(design):
    with torch.device("meta"):
        cheap, whole = (
            FactorisedInception(design, factorised=flag, blocks=(1, 1, 1), **SMALL) for flag in (True, False)
        )
        assert cheap.num_features == whole.num_features
        assert all(m.kernel_size[0] == m.kernel_size[1] for m in whole.modules() if isinstance(m, torch.nn.Conv2d))
    assert count(cheap, 1, 12).macs < count(whole, 1, 12).macs


def test_the_small_forms_of_the_ablation_cost_about_the_same():
    costs = [
        count_config(config(name, "fashion_mnist"), 1, 12)
        for name in ("inception_v4_small", "inception_resnet_v2_small")
    ]
    assert abs(costs[0].macs / costs[1].macs - 1) < 0.05
    assert abs(costs[0].params / costs[1].params - 1) < 0.05


@pytest.mark.parametrize("expand", [True, False])
def test_a_gate_weighs_what_the_block_puts_out_or_adds(expand):
    torch.manual_seed(0)
    x = torch.randn(2, 8, 5, 5)
    for residual in (False, True):
        inner = block(8, ("4", "4@3"), expand=expand, residual=residual, scale=0.25, squeeze_excite=2).eval()
        torch.nn.init.ones_(inner.gate.reduce.weight)
        y = inner.expand(torch.cat([branch(x) for branch in inner.branches], 1))
        expected = torch.relu(x + 0.25 * inner.gate(y)) if residual else inner.gate(torch.relu(y))
        assert torch.equal(inner(x), expected)
        assert not torch.equal(inner.gate(torch.relu(y)), torch.relu(inner.gate(y)))


def test_gates_and_reset_classifier():
    torch.manual_seed(0)
    network = FactorisedInception(residual=True, blocks=(1, 1, 1), squeeze_excite=16, **SMALL).eval()
    images = torch.randn(2, 1, 12, 12)
    network.reset_classifier(3)
    assert torch.equal(network(images), network(images))
    assert network(images).shape == (2, 3)
    network.reset_classifier(0)
    assert network(images).shape == (2, network.num_features)
    assert parameters(network) > parameters(FactorisedInception(blocks=(1, 1, 1), **{**SMALL, "num_classes": 0}))


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"design": "v5"}, "v3, v4, resnet"),
        ({"stem": "big"}, "paper or small"),
        ({"blocks": [1, 2]}, "three numbers"),
        ({"blocks": [1, 0, 2]}, "three numbers"),
        ({"design": "v3", "residual": True}, "v4 or resnet"),
    ],
)
def test_impossible_settings_say_what_is_possible(wrong, words):
    with torch.device("meta"), pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.inception_factorised.FactorisedInception", "name": "x", **wrong})
