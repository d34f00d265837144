import csv
import re

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from deeper.errors import DeeperError
from deeper.models.build import build
from deeper.models.fractalnet import FractalLayer, FractalNet, GlobalPath, LocalPaths
from deeper.models.parts.drop_path import SharedDraw
from deeper.paths import ROOT


def published():
    """(columns, widths) → {quantity: value} of the published table."""
    table = {}
    with open(ROOT / "published" / "structure.csv") as file:
        for row in csv.DictReader(file):
            found = re.fullmatch(r"own/fractalnet_B(\d+)C(\d+)_([\d-]+)", row["architecture"])
            if found:
                widths = tuple(int(width) for width in found[3].split("-"))
                assert len(widths) == int(found[1])
                table.setdefault((int(found[2]), widths), {})[row["quantity"]] = int(row["value"])
    return table


PUBLISHED = published()


def small(columns=3, widths=(4, 6), **settings_):
    torch.manual_seed(0)
    network = FractalNet(columns, widths, num_classes=5, **settings_)
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):
            nn.init.uniform_(part.weight, 0.5, 1.5)
            nn.init.normal_(part.bias)
            nn.init.normal_(part.running_mean)
            nn.init.uniform_(part.running_var, 0.5, 1.5)
    return network


def draw(network, seed):
    generator = torch.Generator().manual_seed(seed)
    for part in network.modules():
        if isinstance(part, SharedDraw):
            part.draw(generator)


def computed(network, images):
    """The convolutions that one forward pass really runs, in their order."""
    layers = [m for m in network.modules() if isinstance(m, FractalLayer)]
    ran = []
    hooks = [m.register_forward_hook(lambda module, args, output: ran.append(module)) for m in layers]
    network(images)
    for hook in hooks:
        hook.remove()
    return ran


def independent(column, widths, in_chans=3, classes=5):
    """A plain network written out with PyTorch's own layers."""
    parts = []
    for width in widths:
        for _ in range(2**column):
            parts += [nn.Conv2d(in_chans, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()]
            in_chans = width
        parts.append(nn.MaxPool2d(2))
    return nn.Sequential(*parts, Average(), nn.Linear(in_chans, classes))


class Average(nn.Module):
    def forward(self, x):
        return x.mean((2, 3))


def test_the_published_table_is_there():
    assert {(3, (64, 128, 256, 512, 512)), (4, (32, 64, 128, 256, 512))} <= set(PUBLISHED)


@pytest.mark.parametrize("key", PUBLISHED, ids=str)
def test_counts_equal_the_published_ones(key):
    with torch.device("meta"):
        network = FractalNet(*key).eval()
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        network(torch.empty(1, 3, 32, 32, device="meta"))
    assert sum(p.numel() for p in network.parameters()) == PUBLISHED[key]["parameter count"]
    assert counter.get_total_flops() // 2 == PUBLISHED[key]["multiply-adds (conv + linear)"]


@settings(max_examples=15, deadline=None)
@given(columns=st.integers(1, 5), widths=st.lists(st.integers(1, 9), min_size=1, max_size=4))
def test_layers_and_parameters_by_definition(columns, widths):
    """2^C - 1 convolutions a block; the first of each column takes the block's input. Column c is 2^c long."""
    with torch.device("meta"):
        network = FractalNet(columns, widths, num_classes=7)
    total, channels = 0, 3
    for width in widths:
        total += 9 * width * (columns * channels + (2**columns - 1 - columns) * width) + (2**columns - 1) * 2 * width
        channels = width
    assert sum(p.numel() for p in network.parameters()) == total + 7 * (channels + 1)
    for column in range(columns):
        layers = [m for m in network.plain(column).modules() if isinstance(m, nn.Conv2d)]
        assert len(layers) == len(widths) * 2**column


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("column", [0, 1, 2])
def test_a_column_is_the_plain_network(column, training):
    """To the bit, with the same weights: at test, and in training with its gradients."""
    network = small(column=column).train(training)
    plain = independent(column, (4, 6)).train(training)
    tied = network.plain(column)
    plain.load_state_dict(dict(zip(plain.state_dict(), tied.state_dict().values(), strict=True)))
    images = torch.randn(3, 3, 12, 12)
    output = network(images)
    assert torch.equal(output, plain(images))
    for each in (output, plain(images)):
        each.square().sum().backward()
    for ours, theirs in zip(tied.parameters(), plain.parameters(), strict=True):
        assert torch.equal(ours.grad, theirs.grad)
    own = {id(p) for p in tied.parameters()}
    assert all(p.grad is None for p in network.parameters() if id(p) not in own)


def test_the_plain_network_is_tied():
    network = small().eval()
    plain, images = network.plain(1), torch.randn(2, 3, 8, 8)
    before = plain(images)
    for parameter in plain.parameters():
        nn.init.normal_(parameter)
    network.column = 1
    assert torch.equal(network(images), plain(images))
    assert not torch.equal(network(images), before)


def test_a_block_is_the_expansion_rule():
    """Three columns written out: inner joins of two, a last join of three, pooled before it is joined."""
    network = small(3, (4,)).double().eval()
    block = network.blocks[0]
    shallow, middle, deep = (block.layers(column) for column in range(3))
    x = torch.randn(2, 3, 8, 8, dtype=torch.float64)
    half = (middle[0](x) + deep[1](deep[0](x))) / 2
    ends = [shallow[0](x), middle[1](half), deep[3](deep[2](half))]
    expected = sum(F.max_pool2d(end, 2) for end in ends) / 3
    assert torch.allclose(network.forward_features(x), expected, rtol=1e-12, atol=1e-12)


def test_one_column_is_a_plain_network():
    network, images = small(1), torch.randn(2, 3, 8, 8)
    draw(network, 0)
    assert torch.equal(network(images), network.plain(0)(images))


def test_at_test_everything_runs_once():
    network, images = small().eval(), torch.randn(1, 3, 8, 8)
    layers = [m for m in network.modules() if isinstance(m, FractalLayer)]
    for _ in range(3):
        ran = computed(network, images)
        assert len(ran) == len(layers)
        assert set(ran) == set(layers)


def test_without_drop_path_training_runs_everything():
    network = small(drop_path=0, global_share=0)
    assert len(computed(network, torch.randn(2, 3, 8, 8))) == 2 * 7


def test_a_global_step_computes_one_column_only():
    network, images, seen = small(global_share=1), torch.randn(2, 3, 8, 8), set()
    for seed in range(12):
        draw(network, seed)
        ran = computed(network, images)
        column = [len(ran) == 2 * 2**c for c in range(3)].index(True)
        assert ran == [layer for block in network.blocks for layer in block.layers(column)]
        seen.add(column)
    assert seen == {0, 1, 2}


def test_a_local_step_computes_what_its_joins_keep():
    """One block of three columns: one convolution if its end keeps the shallowest alone, seven if all keep all."""
    network, images = small(3, (4,), drop_path=0.4, global_share=0), torch.randn(2, 3, 8, 8)
    inner, outer = network.blocks[0].first.paths, network.blocks[0].paths
    counts = set()
    for seed in range(60):
        draw(network, seed)
        numbers = {join: list(join._numbers) for join in (inner, outer)}
        kept = {join: join() for join in (inner, outer)}
        for join in (inner, outer):
            join._numbers = numbers[join]
        expected = int(0 in kept[outer])
        if kept[outer] - {0}:
            expected += (1 in kept[inner]) + 2 * (2 in kept[inner]) + (1 in kept[outer]) + 2 * (2 in kept[outer])
        ran = computed(network, images)
        assert len(ran) == len(set(ran)) == expected
        counts.add(expected)
    assert {1, 2, 7} <= counts


def test_a_step_is_a_function_of_its_draw():
    network, images = small(drop_path=0.5), torch.randn(2, 3, 8, 8)
    outputs = {}
    for _ in range(2):
        for seed in range(8):
            draw(network, seed)
            output = network(images)
            assert torch.equal(outputs.setdefault(seed, output), output)
    assert len({tuple(output.flatten().tolist()) for output in outputs.values()}) > 2


def test_how_often_what_is_dropped():
    """Half of the steps are global, with every column alike; a local join keeps 85 in 100 of its inputs."""
    generator, times = torch.Generator().manual_seed(1), 4000
    path, local = GlobalPath(4, 0.5), LocalPaths(range(3), 0.85)
    columns, inputs = [], []
    for _ in range(times):
        path.draw(generator)
        local.draw(generator)
        columns.append(path())
        inputs.append(local())
    assert abs(columns.count(None) / times - 0.5) < 0.03
    assert all(abs(columns.count(column) / times - 0.125) < 0.02 for column in range(4))
    assert all(abs(sum(i in kept for kept in inputs) / times - 0.85) < 0.02 for i in range(3))


@settings(max_examples=50, deadline=None)
@given(inputs=st.integers(1, 5), survival=st.sampled_from([1e-9, 0.3, 0.85, 1.0]), seed=st.integers(0, 10**6))
def test_a_join_always_keeps_something(inputs, survival, seed):
    paths = LocalPaths(range(2, 2 + inputs), survival)
    paths.draw(torch.Generator().manual_seed(seed))
    kept = paths()
    assert kept
    assert kept <= set(range(2, 2 + inputs))
    assert survival > 1e-9 or len(kept) == 1
    assert survival < 1 or len(kept) == inputs
    assert paths.eval()() == set(range(2, 2 + inputs))


def test_every_parameter_is_reached_in_some_step():
    network, images, reached = small(), torch.randn(2, 3, 8, 8), set()
    for seed in range(12):
        draw(network, seed)
        network.zero_grad()
        network(images).square().sum().backward()
        reached |= {name for name, p in network.named_parameters() if p.grad is not None}
    assert reached == {name for name, _ in network.named_parameters()}


def test_dropout_is_each_blocks_own():
    network = FractalNet(2, (4, 4, 4), [0.0, 0.1, 0.2])
    rates = [{m.p for m in block.modules() if isinstance(m, nn.Dropout)} for block in network.blocks]
    assert rates == [set(), {0.1}, {0.2}]
    assert [m.p for m in FractalNet(2, (4, 4), 0.3).blocks.modules() if isinstance(m, nn.Dropout)] == [0.3] * 6


def test_dropout_stands_between_convolution_and_normalisation():
    kinds = [type(part) for part in FractalLayer(3, 4, 0.1, 0.1)]
    assert kinds == [nn.Conv2d, nn.Dropout, nn.BatchNorm2d, nn.ReLU]


def test_the_momentum_is_that_of_every_normalisation():
    norms = [m for m in small(norm_momentum=0.02).modules() if isinstance(m, nn.BatchNorm2d)]
    assert [m.momentum for m in norms] == [0.02] * 14
    norms[0].reset_running_stats()
    norms[0](torch.ones(2, 4, 3, 3))
    assert norms[0].running_mean.tolist() == pytest.approx([0.02] * 4)


def test_reset_classifier():
    network = small().eval()
    network.reset_classifier(3)
    assert network(torch.randn(1, 3, 8, 8)).shape == (1, 3)
    network.reset_classifier(0)
    assert network(torch.randn(1, 3, 8, 8)).shape == (1, 6)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"columns": 0}, "at least one of each"),
        ({"widths": []}, "at least one of each"),
        ({"drop_path": 1.0}, r"they must be in \[0, 1\)"),
        ({"global_share": 1.5}, r"and in \[0, 1\]"),
        ({"dropout": [0.1, 0.2]}, "one for each of the 5 blocks"),
        ({"norm_momentum": 0.0}, "above 0 and at most 1"),
        ({"column": 3}, "null or 0 to 2"),
    ],
)
def test_impossible_settings_say_what_is_possible(settings_, words):
    with pytest.raises(DeeperError, match=words):
        build({"_target_": "deeper.models.fractalnet.FractalNet", "name": "x", **settings_})


def test_a_column_that_is_not_there_cannot_be_chosen():
    network = small(2)
    with pytest.raises(ValueError, match="null or 0 to 1"):
        network.column = 2
    assert network.column is None
