"""What repeats in a network is said once, and nothing is lost."""

import pytest

from deeper.cost.layer_table import LayerCost
from deeper.cost.networks import PaperNetwork
from deeper.site.folded_layers import fold, unfold


def _block(path: str, channels: int) -> list[LayerCost]:
    shape = (channels, 8, 8)
    return [
        LayerCost(f"{path}.conv", "Conv2d", shape, params=9 * channels),
        LayerCost(f"{path}.relu", "ReLU", shape),
        LayerCost(path, "add", shape, activations=64 * channels),
    ]


def _network(blocks: int) -> list[LayerCost]:
    body = [layer for number in range(blocks) for layer in _block(f"stages.0.{number}", 16)]
    return [LayerCost("stem", "Conv2d", (16, 8, 8)), *body, LayerCost("head", "Linear", (10,))]


def test_two_hundred_blocks_alike_are_the_lines_of_one():
    layers = _network(200)
    stem, body, head = fold(layers)
    assert [one.name for one in (*stem.layers, *head.layers)] == ["stem", "head"]
    assert (body.times, body.first) == (200, 0)
    names = [body.every_name(layer) for layer in body.layers]
    assert names == ["stages.0.0–199.conv", "stages.0.0–199.relu", "stages.0.0–199"]
    assert list(unfold([stem, body, head])) == layers


def test_a_block_of_another_size_is_a_line_of_its_own():
    layers = [*_block("stages.0.0", 16), *_block("stages.0.1", 32), *_block("stages.0.2", 32)]
    assert [(len(group.layers), group.times) for group in fold(layers)] == [(3, 1), (3, 2)]
    assert list(unfold(fold(layers))) == layers


def test_a_repetition_of_blocks_goes_before_one_within_them():
    layers = [LayerCost(f"blocks.{number}.{part}", "Conv2d", (8, 4, 4)) for number in range(5) for part in (0, 1)]
    [group] = fold(layers)
    assert (len(group.layers), group.times) == (2, 5)
    assert [group.every_name(layer) for layer in group.layers] == ["blocks.0–4.0", "blocks.0–4.1"]


@pytest.mark.parametrize("layers", [[], _network(1), _network(2)])
def test_short_networks_stay_what_they_are(layers):
    assert list(unfold(fold(layers))) == layers


@pytest.mark.parametrize("name", ["resnet20", "resnet110", "densenet_bc100_k12", "googlenet", "mobilenet_v2"])
def test_every_layer_of_a_network_comes_back(name):
    layers = PaperNetwork(name).layers
    assert list(unfold(fold(layers))) == layers


def test_a_deeper_network_of_the_same_blocks_takes_no_more_lines():
    short, deep = (
        sum(len(group.layers) for group in fold(PaperNetwork(name).layers)) for name in ("resnet20", "resnet110")
    )
    assert short == deep
