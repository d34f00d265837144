"""The space of Genetic CNN (Xie, Yuille, arXiv 1703.01513, §3.1): a bit for every possible connection of a stage."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from deeper.errors import DeeperError
from deeper.models.genetic_cnn import predecessors
from deeper.search.space import Choices, Space, least


class BitSpace(Space):
    """Bits for ``model.bits``; a cross exchanges whole stages.

    Args:
        nodes: of each stage.

    Raises:
        DeeperError: a stage of fewer than two nodes.
    """

    def __init__(self, nodes: Sequence[int]):
        if not nodes or any(count < 2 for count in nodes):
            raise DeeperError(f"space.nodes={list(nodes)}: each stage needs two nodes or more")
        lengths = [count * (count - 1) // 2 for count in nodes]
        starts = [sum(lengths[:k]) for k in range(len(lengths))]
        units = [range(start, start + length) for start, length in zip(starts, lengths, strict=True)]
        super().__init__([2] * sum(lengths), units=units)
        self._canonical = cache(_canonical_stage)

    def canonical(self, choices: Choices) -> Choices:
        """Stages whose nodes can be renamed into each other are one network; the smallest bits stand for it."""
        return tuple(bit for stage in self._stages(choices) for bit in self._canonical(stage))

    def bits(self, choices: Choices) -> list[str]:
        """The bits of each stage, as ``GeneticCNN`` takes them."""
        return ["".join(map(str, stage)) for stage in self._stages(choices)]

    def settings(self, choices: Choices) -> dict[str, Any]:
        return {"model.bits": self.bits(choices)}

    def words(self, choices: Choices) -> str:
        return "-".join(self.bits(choices))

    def _stages(self, choices: Choices) -> Iterator[Choices]:
        yield from (tuple(choices[k] for k in unit) for unit in self.units)


def _canonical_stage(stage: Choices) -> Choices:
    before = [set(others) for others in predecessors("".join(map(str, stage)))]

    def encoded(order: tuple[int, ...]) -> Choices:
        return tuple(int(order[one] in before[order[node]]) for node in range(len(order)) for one in range(node))

    return least(before, encoded)
