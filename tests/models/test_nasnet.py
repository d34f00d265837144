import pytest
import timm
import torch
from hydra import compose, initialize_config_dir
from hypothesis import given, settings
from hypothesis import strategies as st
from omegaconf import OmegaConf
from timm.layers.pool2d_same import AvgPool2dSame
from timm.models.nasnet import NASNetALarge
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.nasnet import NASNet, NASNetAuxiliaryHead
from deeper.models.nasnet_cell import CELLS, Cell, Genotype
from deeper.models.nasnet_operations import OPERATIONS
from deeper.paths import CONF

LITTLE = {"filters": 4, "repeats": 1, "stem_channels": 8, "in_chans": 1, "num_classes": 3}
AUXILIARY = {"auxiliary": True, "auxiliary_channels": (6, 5), "auxiliary_kernel": 1}


def model(name, *overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return OmegaConf.to_container(compose("cost", [f"model={name}", *overrides]), resolve=True)["model"]


def parameters(network):
    return sum(p.numel() for p in network.parameters())


def multiply_adds(network, size):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        network.eval()(torch.empty(1, 3, size, size, device="meta"))
    return counter.get_total_flops() // 2


def test_the_large_network_costs_what_timms_does():
    with torch.device("meta"):
        ours, theirs = build(model("nasnet_a_large", "data=imagenet")), timm.create_model("nasnetalarge")
    assert parameters(ours) == parameters(theirs)
    assert multiply_adds(ours, 331) == multiply_adds(theirs, 331)
    assert ours.num_features == 4032


def copy(source, target):
    """Parameters and statistics, layer by layer in order."""
    mine, other = source.state_dict().values(), target.state_dict().values()
    assert [v.shape for v in mine] == [v.shape for v in other]
    for tensor, goal in zip(mine, other, strict=True):
        goal.copy_(tensor)


def tie_cell(ours, theirs):
    copy(ours.current, theirs.conv_1x1)
    if hasattr(theirs, "path_1"):
        parts = (
            (ours.previous[1].even, "path_1"),
            (ours.previous[1].odd, "path_2"),
            (ours.previous[1].norm, "final_path_bn"),
        )
        for part, name in parts:
            copy(part, getattr(theirs, name))
    elif hasattr(theirs, "conv_prev_1x1"):
        copy(ours.previous, theirs.conv_prev_1x1)
    for index, operation in enumerate(ours.operations):
        if parameters(operation):
            copy(operation, getattr(theirs, f"comb_iter_{index // 2}_{('left', 'right')[index % 2]}"))


def test_the_large_network_is_timms_function():
    """Narrow, at a size that stays odd, with averages that leave the border out."""
    torch.manual_seed(0)
    theirs = NASNetALarge(num_classes=5, stem_size=8, num_features=24 * 8)
    ours = NASNet(8, 6, "imagenet", 8, True, num_classes=5)
    cells = [module for name, module in theirs.named_children() if "cell" in name]
    copy(ours.stem[0], theirs.conv0.conv)
    for mine, other in zip(ours.cells, cells, strict=True):
        tie_cell(mine, other)
    copy(ours.head.fc, theirs.last_linear)
    for module in theirs.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eps = 1e-5
        for name, child in module.named_children():
            if isinstance(child, AvgPool2dSame):
                setattr(module, name, nn.AvgPool2d(3, 2, 1, count_include_pad=False))
    images = torch.randn(2, 3, 35, 35, dtype=torch.float64)
    torch.testing.assert_close(ours.double().eval()(images), theirs.double().eval()(images))


def test_the_cifar_network():
    """6 @ 768 has 3.3 million parameters (arXiv 1707.07012, table 1); cells are as wide as in the authors' code."""
    with torch.device("meta"):
        network = build(model("nasnet_a_cifar", "data=cifar10"))
    widths = [cell.num_features for cell in network.cells]
    assert widths == [192] * 6 + [256] + [384] * 6 + [512] + [768] * 6
    assert round(parameters(network) / 1e6, 1) == 3.3


def test_the_mobile_network():
    """4 @ 1056 has 5.3 million parameters and 564 million multiply-adds (arXiv 1707.07012, table 3)."""
    with torch.device("meta"):
        network = NASNet(44, 4, "imagenet", 32, num_classes=1000)
    assert network.num_features == 1056
    assert round(parameters(network) / 1e6, 1) == 5.3
    assert round(multiply_adds(network, 224) / 1e6) == 564


@pytest.mark.parametrize("name", OPERATIONS)
@pytest.mark.parametrize(("channels", "stride"), [(4, 1), (6, 1), (4, 2), (6, 2)])
def test_every_operation_brings_any_map_to_the_cells_shape(name, channels, stride):
    for size in (3, 8):
        y = OPERATIONS[name](channels, 4, stride)(torch.randn(2, channels, size, size))
        assert y.shape == (2, 4, -(-size // stride), -(-size // stride))


def test_what_no_pair_takes_is_put_out():
    cell = Genotype.of([[["conv_3x3", 0], ["identity", 1]], [["max_3x3", 2], ["conv_1x1", 0]]])
    assert cell.concat == (3,)
    assert Genotype.of([[["conv_3x3", 0], ["identity", 0]]]).concat == (1, 2)
    assert Genotype.of({"pairs": cell.pairs, "concat": [2, 3]}).concat == (2, 3)
    assert Genotype.of("nasnet_a_normal") is CELLS["nasnet_a_normal"]


def test_a_cell_computes_what_its_genotype_says():
    torch.manual_seed(0)
    genotype = Genotype.of([[["conv_3x3", 0], ["identity", 1]], [["average_3x3", 2], ["max_3x3", 0]]])
    cell = Cell(genotype, 4, 6, 5).eval()
    current, previous = torch.randn(2, 6, 5, 5), torch.randn(2, 5, 5, 5)
    a, b = cell.current(current), cell.previous(previous)
    first = cell.operations[0](a) + b
    pool = nn.AvgPool2d(3, 1, 1, count_include_pad=False)
    assert torch.equal(cell(current, previous), pool(first) + nn.MaxPool2d(3, 1, 1)(a))


@st.composite
def genotypes(draw):
    edges = [
        tuple((draw(st.sampled_from(sorted(OPERATIONS))), draw(st.integers(0, index + 1))) for _ in range(2))
        for index in range(draw(st.integers(1, 4)))
    ]
    return Genotype(tuple(edges))


@settings(max_examples=15, deadline=None)
@given(normal=genotypes(), reduction=genotypes(), size=st.integers(4, 13))
def test_any_cell_makes_a_network_that_learns(normal, reduction, size):
    torch.manual_seed(0)
    network = NASNet(normal=normal, reduction=reduction, **LITTLE)
    images = torch.randn(2, 1, size, size)
    features = network.forward_features(images)
    assert features.shape == (2, network.num_features, -(-size // 4), -(-size // 4))
    loss = network(images).square().sum()
    loss.backward()
    grads = [p.grad for p in network.parameters() if p.grad is not None]
    assert grads
    assert all(grad.isfinite().all() for grad in grads)


def test_a_cell_comes_from_the_command_line():
    pairs = "[[[conv_3x3,0],[identity,1]],[[separable_3x3,2],[max_3x3,0]]]"
    network = build(model("nasnet_a_small", f"model.normal={pairs}"))
    assert network.normal == Genotype.of([[["conv_3x3", 0], ["identity", 1]], [["separable_3x3", 2], ["max_3x3", 0]]])
    assert [cell.num_features for cell in network.cells] == [8, 64, 16, 128, 32]


def test_drop_path_grows_with_depth():
    network = NASNet(drop_path=0.4, **LITTLE)
    assert [cell.drop_path for cell in network.cells] == pytest.approx([0.08, 0.16, 0.24, 0.32, 0.4])


def test_drop_path_grows_with_what_the_trainer_says_is_over():
    """At the first step nothing is dropped; evaluation drops nothing; nothing of it is saved."""
    torch.manual_seed(0)
    network, steady = NASNet(drop_path=0.9, **LITTLE), NASNet(**LITTLE)
    steady.load_state_dict(network.state_dict())
    assert not [key for key in network.state_dict() if "steps" in key or "progress" in key]
    images = torch.randn(8, 1, 12, 12)
    assert not torch.equal(network(images), steady(images))
    network.pace(0.0)
    assert torch.equal(network(images), steady(images))
    network.pace(0.5)
    assert not torch.equal(network(images), steady(images))
    steady.load_state_dict(network.state_dict())
    assert torch.equal(network.eval()(images), steady.eval()(images))


@pytest.mark.parametrize("progress", [None, 0.0, 0.25, 1.0, 1.5])
def test_the_probability_of_keeping_is_that_of_the_papers_code(progress, monkeypatch):
    """1 - progress · place · (1 - keep), place (cell + 1) / cells, for every operation but the identity."""
    rates = []
    monkeypatch.setattr("deeper.models.nasnet_cell.drop_samples", lambda x, rate: rates.append(rate) or x)
    network = NASNet(drop_path=0.4, **LITTLE)
    if progress is not None:
        network.pace(progress)
    network(torch.randn(2, 1, 12, 12))
    done, expected = 1.0 if progress is None else min(1.0, progress), []
    for number, cell in enumerate(network.cells):
        drawn = sum(name != "identity" for pair in cell.genotype.pairs for name, _ in pair)
        expected += [1 - done * (number + 1) / 5 * (1 - 0.6)] * drawn
    assert [1 - rate for rate in rates] == pytest.approx(expected)


def test_without_classes_training_gives_one_tensor():
    network, images = NASNet(**{**LITTLE, "num_classes": 0}, **AUXILIARY), torch.randn(2, 1, 12, 12)
    assert network(images).shape == (2, network.num_features)
    network.reset_classifier(4)
    assert [out.shape for out in network(images)] == [(2, 4), (2, 4)]
    network.reset_classifier(0)
    assert network(images).shape == (2, network.num_features)


def test_the_auxiliary_head():
    network = NASNet(**LITTLE, **AUXILIARY)
    images = torch.randn(2, 1, 12, 12)
    logits, extra = network(images)
    assert logits.shape == extra.shape == (2, 3)
    extra.sum().backward()
    reached = [any(p.grad is not None for p in cell.parameters()) for cell in network.cells]
    assert reached == [True, True, True, False, False]
    network.reset_classifier(6)
    assert [out.shape for out in network(images)] == [(2, 6), (2, 6)]
    assert network.eval()(images).shape == (2, 6)


def test_the_second_convolution_of_the_auxiliary_head_covers_the_papers_map():
    """A 32×32 image leaves 16×16 under the CIFAR stem, 331×331 leaves 21×21 under the other; pooled: 4×4 and 6×6."""
    for name, side in (("nasnet_a_cifar", 16), ("nasnet_a_large", 21)):
        kernel = model(name)["auxiliary_kernel"]
        head = NASNetAuxiliaryHead(8, (6, 5), kernel, 3)
        inner = head.gather(head.project(nn.functional.avg_pool2d(torch.randn(2, 8, side, side), 5, 3)))
        assert inner.shape == (2, 5, 1, 1)
        assert head(torch.randn(2, 8, side, side)).shape == (2, 3)


def test_the_auxiliary_head_refuses_maps_it_cannot_pool():
    with pytest.raises(ValueError, match="needs maps of 5 pixels"):
        NASNet(**LITTLE, **AUXILIARY)(torch.randn(2, 1, 8, 8))


def test_an_odd_number_of_filters_cannot_be_halved():
    with pytest.raises(ValueError, match="filters=3: it must be even"):
        Cell(CELLS["nasnet_a_normal"], 3, 8, 8, halved=True)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"stem": "big"}, "it must be cifar or imagenet"),
        ({"stem": "imagenet", "filters": 6}, "it must be a multiple of 4"),
        ({"filters": 0}, "filters=0: it must be more than 0"),
        ({"drop_path": 1.0}, "drop_path=1.0: it must be at least 0 and less than 1"),
        ({"normal": "nasnet_b"}, "nasnet_a_normal, nasnet_a_reduction or a list of pairs"),
        ({"normal": [[["conv_9x9", 0], ["identity", 1]]]}, "it must be one of identity, conv_1x3_3x1"),
        ({"normal": [[["identity", 0], ["identity", 2]]]}, "pair 0 takes state 2: it must be one of 0 to 1"),
        ({"normal": {"pairs": [[["identity", 0], ["identity", 1]]], "concat": [3]}}, "concat has state 3"),
        ({"normal": [["identity", 0]]}, "a cell must be a list of pairs"),
        ({"normal": []}, "a cell must be a list of pairs"),
    ],
)
def test_impossible_settings_say_what_is_possible(arguments, words):
    with pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.nasnet.NASNet", "name": "x", "filters": 4, "repeats": 1, **arguments})


def test_a_concatenated_pair_is_twice_as_wide_and_its_readers_bring_it_back():
    pairs = [[["conv_3x3", 0], ["identity", 1]], [["max_3x3", 2], ["identity", 2]], [["identity", 0], ["max_3x3", 1]]]
    cell = Genotype.of({"pairs": pairs, "combine": ["concatenation", "sum", "concatenation"]})
    assert cell.concat == (3, 4)
    built = Cell(cell, 4, 6, 8, halved=True, stride=2)
    assert built.num_features == 4 + 8
    assert built(torch.randn(2, 6, 9, 9), torch.randn(2, 8, 18, 18)).shape == (2, 12, 5, 5)
    with pytest.raises(ValueError, match="combine"):
        Genotype.of({"pairs": pairs, "combine": ["sum"]})
    with pytest.raises(ValueError, match="combine='product'"):
        Genotype.of({"pairs": pairs[:1], "combine": ["product"]})
