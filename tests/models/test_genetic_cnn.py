"""Stages of bits, as arXiv 1703.01513 has them."""

import pytest
import torch
from torch import nn

from deeper.models.genetic_cnn import BitStage, GeneticCNN, predecessors


def convolutions(bits):
    return sum(isinstance(part, nn.Conv2d) for part in BitStage(bits, 1, 4, 3).modules())


def test_figure_1():
    """Stage 1 of figure 1, 1-00 … : the bits of four nodes are 1-2, 1-3, 2-3, 1-4, 2-4, 3-4."""
    assert predecessors("100011") == [[], [0], [], [1, 2]]


def test_nodes_without_a_connection_are_left_out():
    assert convolutions("000") == 1, "one convolution where there is no bit"
    assert convolutions("100") == 2 + 2
    assert convolutions("111") == 2 + 3


def test_a_stage_computes_the_sums_of_its_graph():
    stage = BitStage("101", 2, 3, 3).eval()  # 1 → 2 → 3
    x = torch.randn(2, 2, 5, 5)
    chain = stage.gather(stage.nodes["2"](stage.nodes["1"](stage.nodes["0"](stage.first(x)))))
    assert torch.equal(stage(x), chain)
    stage = BitStage("010", 2, 3, 3).eval()  # 1 → 3; 2 is alone
    assert set(stage.nodes) == {"0", "2"}
    stage = BitStage("011", 2, 3, 3).eval()  # 1 and 2 → 3
    first = stage.first(x)
    assert torch.equal(stage(x), stage.gather(stage.nodes["2"](stage.nodes["0"](first) + stage.nodes["1"](first))))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"bits": ["10"]}, "widths"),
        ({"bits": ["10"], "widths": [4]}, "K nodes"),
        ({"bits": ["102"], "widths": [4]}, "K nodes"),
        ({"kernel": 4}, "odd"),
    ],
)
def test_mistakes_are_named(settings, words):
    with pytest.raises(ValueError, match=words):
        GeneticCNN(**settings)
