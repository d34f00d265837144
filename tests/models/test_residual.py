import csv
import re

import pytest
import timm
import torch
import torchvision
from hydra import compose, initialize_config_dir
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from torch.utils.flop_counter import FlopCounterMode

from deeper.cost.count import count_config
from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.parts.shortcuts import NoShortcut
from deeper.models.residual import ResidualNetwork
from deeper.models.residual_blocks import BasicBlock, BottleneckBlock
from deeper.paths import CONF, ROOT

NAMES = [f"{kind}{depth}" for kind in ("plain", "resnet") for depth in (20, 32, 44, 56, 110)] + ["resnet1202"]


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

IMAGENET = {"stem": "imagenet", "width": 64, "num_classes": 1000, "shortcut": "B"}
BOTTLENECK = {**IMAGENET, "block": "bottleneck"}
PRE = {"order": "pre", "shortcut": "B"}
BRANCHES = {"cardinality": 32, "branch_width": 4}
SMALL_BRANCHES = {"depth": 29, "width": 64, "block": "bottleneck", "shortcut": "B"}
VARIANTS = {
    "own/imagenet_resnet18_A": {**IMAGENET, "depth": 18, "shortcut": "A"},
    "timm/resnetv2_50": {**BOTTLENECK, **PRE, "depth": 50},
    "tv/wide_resnet101_2": {**BOTTLENECK, "depth": 101, "branch_width": 128},
    "own/wrn_28_10_c100": {**PRE, "depth": 28, "beside": 4, "widen": 10, "num_classes": 100},
    "own/resnext29_1x64d": {**SMALL_BRANCHES, "cardinality": 1, "branch_width": 64},
    "own/resnext29_8x64d_c100": {**SMALL_BRANCHES, "cardinality": 8, "branch_width": 64, "num_classes": 100},
    "tv/resnet18": {**IMAGENET, "depth": 18},
    "tv/resnet34": {**IMAGENET, "depth": 34},
    "timm/wide_resnet50_2": {**BOTTLENECK, "depth": 50, "branch_width": 128},
    "timm/resnext50_32x4d": {**BOTTLENECK, **BRANCHES, "depth": 50},
    "timm/resnext101_32x4d": {**BOTTLENECK, **BRANCHES, "depth": 101},
    "timm/legacy_seresnext101_32x4d": {**BOTTLENECK, **BRANCHES, "depth": 101, "squeeze": 16},
}


def family():
    """architecture → {quantity: value} of every row."""
    table = {}
    with open(ROOT / "published" / "structure.csv") as file:
        for row in csv.DictReader(file):
            table.setdefault(row["architecture"], {})[row["quantity"]] = int(row["value"])
    return table


FAMILY = family()
CONFIGURED = {re.search(r"counts: ([\w./-]+)|$", path.read_text())[1] for path in (CONF / "model").glob("*.yaml")}
WIDE = sorted(name for name in FAMILY if re.fullmatch(r"own/wrn_\d+_\d+", name))


def wide(name):
    depth, factor = map(int, re.findall(r"\d+", name))
    return {**PRE, "depth": depth, "beside": 4, "widen": factor}


def counted(size=32, **settings_):
    """Parameters and multiply-adds of one image."""
    with torch.device("meta"):
        network = ResidualNetwork(**settings_).eval()
        counter = FlopCounterMode(display=False)
        with counter, torch.no_grad():
            network(torch.empty(1, 3, size, size))
    return sum(p.numel() for p in network.parameters()), counter.get_total_flops() // 2


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


@pytest.mark.parametrize("name", [name for name in (*VARIANTS, *WIDE) if name not in CONFIGURED])
def test_published_counts_of_variants_without_a_file(name):
    settings_ = VARIANTS.get(name) or wide(name)
    row = FAMILY[name]
    size = 224 if settings_.get("stem") else 32
    assert counted(size, **settings_) == (row["parameter count"], row["multiply-adds (conv + linear)"])


def test_no_published_row_of_the_family_is_left_out():
    pattern = r"own/(wrn|preact|resnext|imagenet_resnet)|(tv|timm)/(resnet|resnext|wide|legacy_seresnext)"
    rows = {name for name in FAMILY if re.match(pattern, name)}
    assert len(rows) >= 30
    assert rows <= {*VARIANTS, *WIDE} | CONFIGURED


@pytest.mark.parametrize(("depth", "paper"), [(50, 3.8e9), (101, 7.6e9), (152, 11.3e9)])
def test_the_papers_own_stride_costs_what_the_paper_says(depth, paper):
    _, macs = counted(224, **BOTTLENECK, depth=depth, stride_on="1x1")
    assert abs(macs - paper) < 0.06e9


def test_what_the_stride_in_the_3x3_convolution_adds():
    """The first 1×1 convolution of three stages runs at four times the positions."""
    paper = counted(224, **BOTTLENECK, depth=50, stride_on="1x1")
    later = tuple(FAMILY["tv/resnet50"].values())
    added = sum(3 * size**2 * 2 * width * width for width, size in ((128, 28), (256, 14), (512, 7)))
    assert later == (paper[0], paper[1] + added)


def test_the_paper_normalises_the_first_input_once():
    settings_ = {**BOTTLENECK, **PRE, "depth": None, "blocks": [1, 1, 1, 1]}
    once, twice = (counted(64, **settings_, enter_first=enter) for enter in (False, True))
    assert (twice[0] - once[0], twice[1] - once[1]) == (2 * 64, 0)


def test_parameters_of_deep_bottlenecks():
    """1.7 million with 164 layers (arXiv 1605.07146, table 5)."""
    with torch.device("meta"):
        network = ResidualNetwork(164, **PRE, block="bottleneck")
    assert sum(p.numel() for p in network.parameters()) / 1e6 == pytest.approx(1.7, abs=0.05)


def test_what_squeeze_and_excitation_adds():
    """2/r times the sum of the squared widths, without biases (arXiv 1709.01507, eq. 5)."""
    plain = tuple(FAMILY["tv/resnet50"].values())
    without = counted(224, **BOTTLENECK, depth=50, squeeze=16, squeeze_bias=False)
    biases = counted(224, **BOTTLENECK, depth=50, squeeze=16)
    assert without[0] - plain[0] == 2_514_944
    assert biases[0] - plain[0] == 2_530_992
    assert without[1] - plain[1] == biases[1] - plain[1] == 2_514_944


def copied(ours, theirs):
    """``ours`` with the weights of torchvision's network, which lists them in the same order."""
    values = theirs.state_dict().values()
    ours.load_state_dict(dict(zip(ours.state_dict(), values, strict=True)))
    return ours


@pytest.mark.parametrize(
    ("theirs", "settings_"),
    [
        ({"block": "BasicBlock"}, {"block": "basic"}),
        ({"block": "Bottleneck"}, {"block": "bottleneck"}),
        (
            {"block": "Bottleneck", "groups": 8, "width_per_group": 4},
            {"block": "bottleneck", "cardinality": 8, "branch_width": 4},
        ),
    ],
)
def test_the_same_function_as_torchvisions(theirs, settings_):
    torch.manual_seed(0)
    block = getattr(torchvision.models.resnet, theirs.pop("block"))
    theirs = torchvision.models.ResNet(block, [1, 1, 1, 1], num_classes=5, **theirs).double().eval()
    ours = ResidualNetwork(None, blocks=[1, 1, 1, 1], **{**IMAGENET, "num_classes": 5, **settings_}).double().eval()
    images = torch.randn(2, 3, 32, 32, dtype=torch.float64)
    torch.testing.assert_close(copied(ours, theirs)(images), theirs(images), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("size", [64, 70])
def test_with_a_deep_stem_and_pooled_shortcuts_it_is_timms_resnet_d(size):
    torch.manual_seed(0)
    theirs = timm.create_model("resnet50d", num_classes=5).double().eval()
    ours = ResidualNetwork(50, **{**BOTTLENECK, "num_classes": 5}, deep_stem=True, pooled_shortcut=True).double().eval()
    images = torch.randn(2, 3, size, size, dtype=torch.float64)
    torch.testing.assert_close(copied(ours, theirs)(images), theirs(images), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_with_its_last_scales_at_zero_a_block_starts_as_its_shortcut(block):
    """So every stage of equal size is the identity at the start, and a step trains it."""
    torch.manual_seed(0)
    depth = {"basic": 20, "bottleneck": 29}[block]
    network = ResidualNetwork(depth, 4, "B", block=block, zero_last=True)
    usual = ResidualNetwork(depth, 4, "B", block=block)
    assert [p.shape for p in network.parameters()] == [p.shape for p in usual.parameters()]
    x = torch.rand(2, network.stages[0][-1].last_norm.num_features, 6, 6)
    assert torch.equal(network.stages[0][-1](x), x)
    zero = [name for name, weight in network.named_parameters() if "norm" in name and not weight.any()]
    assert len([name for name in zero if name.endswith("weight")]) == sum(len(stage) for stage in network.stages)
    assert network.stages[0][-1].last_norm.weight.requires_grad


def test_before_activation_the_sum_stays_clean():
    """With the last convolutions at zero a pre-activated stage is the identity, negative values too."""
    network = ResidualNetwork(14, 4, order="pre")
    for block in network.stages[0]:
        torch.nn.init.zeros_(block.conv2.weight)
    x = torch.randn(2, 4, 6, 6)
    assert torch.equal(network.stages[0](x), x)


def test_before_activation_both_paths_start_from_the_activated_input():
    network = ResidualNetwork(14, 4, order="pre", shortcut="B").eval()
    block = network.stages[1][0]
    torch.nn.init.zeros_(block.conv2.weight)
    x = torch.randn(2, 4, 6, 6)
    activated = torch.relu(x / (1 + 1e-5) ** 0.5)
    torch.testing.assert_close(block(x), torch.nn.functional.conv2d(activated, block.shortcut[0].weight, stride=2))


def test_wide_dropout_stands_before_the_last_convolution():
    network = ResidualNetwork(10, 4, order="pre", shortcut="B", beside=4, widen=2, dropout=1.0)
    images = torch.randn(2, 3, 8, 8)
    dropped = network.train().stages[0][1 - 1](network.stem(images))
    torch.testing.assert_close(dropped, network.stages[0][0].shortcut(network.stem(images)))
    assert not torch.equal(network.eval()(images), network.train()(images))


@pytest.mark.parametrize("order", ["post", "pre"])
@pytest.mark.parametrize("block", ["basic", "bottleneck"])
def test_outer_levels_add_what_the_inner_blocks_leave(order, block):
    """With every branch at zero the output is the root's shortcut, each group's and each block's, summed."""
    torch.manual_seed(0)
    network = ResidualNetwork(None, 4, "A", blocks=[1, 2, 1], block=block, order=order, levels=3).double().eval()
    for part in network.stages.modules():
        if isinstance(part, BasicBlock):
            torch.nn.init.zeros_(part.conv2.weight)
        elif isinstance(part, BottleneckBlock):
            torch.nn.init.zeros_(part.transform.conv3.weight)
    final = torch.relu if order == "post" else lambda x: x
    images = torch.randn(2, 3, 9, 9, dtype=torch.float64)
    x = start = network.stem(images)
    for index, (stage, outer) in enumerate(zip(network.stages, network.outers, strict=True)):
        carried = x
        for number, inner in enumerate(stage):
            carried = inner.shortcut(inner.before(carried))
            carried = final(carried) if number < len(stage) - 1 else carried
        x = carried + outer.shortcut(x)
        x = final(x) if index < 2 else x
    expected = network.last(final(x + network.root.shortcut(start)))
    torch.testing.assert_close(network.forward_features(images), expected)


def test_outer_levels_cost_their_projections():
    """An identity around the first stage, three projections with normalisation elsewhere."""
    inner, middle, outer = (counted(depth=14, levels=levels)[0] for levels in (1, 2, 3))
    assert middle - inner == 16 * 64 + 2 * 64
    assert outer - middle == 16 * 32 + 2 * 32 + 32 * 64 + 2 * 64


@settings(max_examples=25, deadline=None)
@given(
    order=st.sampled_from(["post", "pre"]),
    block=st.sampled_from(["basic", "bottleneck"]),
    shortcut=st.sampled_from(["A", "B", "C"]),
    norm=st.sampled_from([True, False, "lrn"]),
    activation=st.sampled_from(["relu", "tanh", "silu"]),
    levels=st.integers(1, 3),
    squeeze=st.sampled_from([0, 4]),
    stem=st.sampled_from(["small", "imagenet"]),
)
def test_switches_combine(stem, **switches):
    """Any combination has its shapes and a gradient in every parameter."""
    torch.manual_seed(0)
    network = ResidualNetwork(None, 4, blocks=[1, 2, 1], stem=stem, **switches)
    logits = network(torch.randn(2, 3, 17, 17))
    assert logits.shape == (2, 10)
    logits.square().sum().backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in network.parameters())


def test_reset_classifier():
    network = ResidualNetwork(8, 4)
    network.reset_classifier(3)
    assert network(torch.randn(1, 3, 8, 8)).shape == (1, 3)
    network.reset_classifier(0)
    assert network(torch.randn(1, 3, 8, 8)).shape == (1, 16)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"depth": 21}, "6n\\+2; the nearest is 20"),
        ({"depth": 30, "block": "bottleneck"}, "9n\\+2; the nearest is 29"),
        ({"depth": 30, "beside": 4}, "6n\\+4; the nearest is 28"),
        ({"depth": 20, "stem": "imagenet"}, "one of 18, 34"),
        ({"depth": 34, "stem": "imagenet", "block": "bottleneck"}, "one of 50, 101, 152, 200"),
        ({"depth": 20, "blocks": [1, 1]}, "either depth or blocks"),
        ({"depth": None, "blocks": []}, "at least one block in each stage"),
        ({"shortcut": "D"}, "one of none, A, B, C"),
        ({"block": "wide"}, "basic or bottleneck"),
        ({"order": "between"}, "post or pre"),
        ({"norm": "group"}, "none, batch, lrn"),
        ({"cardinality": 4}, "only bottlenecks have branches"),
        ({"depth": 29, "block": "bottleneck", "cardinality": 4}, "needs branch_width"),
        ({"survival": 0.0}, "more than 0 and at most 1"),
        ({"survival": 1.5}, "more than 0 and at most 1"),
        ({"survival": 0.5, "shortcut": "none"}, "no shortcut"),
        ({"levels": 4}, "1, 2, 3"),
        ({"zero_last": True, "order": "pre"}, "batch normalisation at the end of a branch"),
        ({"zero_last": True, "shortcut": "none"}, "batch normalisation at the end of a branch"),
        ({"pooled_shortcut": True}, "has no projections; take B or C"),
        ({"levls": 2}, "unexpected keyword argument 'levls'"),
    ],
)
def test_impossible_settings_say_what_is_possible(settings_, words):
    with pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.residual.ResidualNetwork", "name": "x", **settings_})
