"""The space of NASNet cells.

Zoph, Vasudevan, Shlens, Le, arXiv 1707.07012, §3 and figure 3: for each pair of a normal and of a reduction cell five
choices: a first state, a second state, an operation for each, and whether to sum or to concatenate. The
operations and the number of pairs are settings, since the paper's thirteen and five make a space that two cores cannot
look around in; where a cell is one for both kinds, and states are given, the space is small enough to be trained whole.
"""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from deeper.errors import DeeperError
from deeper.models.nasnet_cell import CONCATENATION, SUM, Genotype
from deeper.models.nasnet_operations import OPERATIONS
from deeper.search.space import Choices, Space, least

Edges = tuple[tuple[int, int], tuple[int, int]]
Pair = tuple[Edges, int]
"""Two (state, number of the operation), the lesser first, and the number of the way to combine them."""


class CellSpace(Space):
    """Cells for ``model.normal`` and ``model.reduction`` of a NASNet.

    Args:
        pairs: of a cell.
        operations: names of ``deeper.models.nasnet_operations``.
        combine: ``sum``, ``concatenation`` or both.
        shared: whether one cell is both the normal and the reduction cell.
        states: for each pair the states that its first and its second operation may take; None: all before it.

    Raises:
        DeeperError: an operation, a way to combine or a state that does not exist.
    """

    def __init__(
        self,
        pairs: int,
        operations: Sequence[str],
        combine: Sequence[str] = (SUM,),
        shared: bool = False,
        states: Sequence[Sequence[Sequence[int]]] | None = None,
    ):
        self.pairs, self.operations, self.combine = pairs, tuple(operations), tuple(combine)
        if pairs < 1 or not self.operations or not self.combine:
            raise DeeperError("space: a cell needs one or more pairs, operations, and a way to combine")
        for name, chosen, there in (("operations", operations, OPERATIONS), ("combine", combine, (SUM, CONCATENATION))):
            if unknown := [one for one in chosen if one not in there]:
                raise DeeperError(f"space.{name}: there is no {unknown[0]!r}; there are: {', '.join(there)}")
        every = [[range(n + 2)] * 2 for n in range(pairs)]
        self.states = [[tuple(edge) for edge in pair] for pair in (every if states is None else states)]
        if len(self.states) != pairs or any(len(pair) != 2 for pair in self.states):
            raise DeeperError(f"space.states: it must have two lists of states for each of {pairs} pairs")
        if any(not edge or not set(edge) <= set(range(n + 2)) for n, pair in enumerate(self.states) for edge in pair):
            raise DeeperError("space.states: pair n takes states from 0 to n + 1, and each operation needs one")
        ways = (len(self.operations), len(self.operations), len(self.combine))
        sizes = [size for first, second in self.states for size in (len(first), len(second), *ways)]
        self.kinds = ("cell",) if shared else ("normal", "reduction")
        units = [range(start, start + 5) for start in range(0, 5 * pairs * len(self.kinds), 5)]
        super().__init__(sizes * len(self.kinds), units=units)
        self._canonical = cache(self._canonical_cell)

    def canonical(self, choices: Choices) -> Choices:
        """Equal cells differ in the order of a pair's edges or of the pairs; the smallest choices stand for them."""
        return tuple(choice for cell in self._cells(choices) for choice in self._canonical(cell))

    def genotypes(self, choices: Choices) -> dict[str, Genotype]:
        """The cells of a point: ``normal`` and ``reduction``, or the one ``cell``."""
        return dict(zip(self.kinds, map(self._genotype, self._cells(choices)), strict=True))

    def settings(self, choices: Choices) -> dict[str, Any]:
        made = {kind: _config(genotype) for kind, genotype in self.genotypes(choices).items()}
        cells = made if "cell" not in made else {"normal": made["cell"], "reduction": made["cell"]}
        return {f"model.{kind}": cell for kind, cell in cells.items()}

    def words(self, choices: Choices) -> str:
        return "; ".join(f"{kind}: {_words(genotype)}" for kind, genotype in self.genotypes(choices).items())

    def choices_of(self, *cells: Genotype) -> Choices:
        """The point of cells, one for each kind.

        Raises:
            DeeperError: the space has no such cell.
        """
        found = [self._encode(self._pairs_of(cell), tuple(range(len(cell.pairs)))) for cell in cells]
        if len(cells) != len(self.kinds) or any(one is None for one in found):
            raise DeeperError("the space has no such cell: it takes other states, operations or pairs")
        return tuple(choice for one in found if one for choice in one)

    def _cells(self, choices: Choices) -> Iterator[Choices]:
        length = 5 * self.pairs
        yield from (choices[start : start + length] for start in range(0, len(choices), length))

    def _decode(self, cell: Choices) -> list[Pair]:
        found = []
        for n, (first, second) in enumerate(self.states):
            left, right, left_operation, right_operation, way = cell[5 * n : 5 * n + 5]
            found.append((((first[left], left_operation), (second[right], right_operation)), way))
        return found

    def _encode(self, pairs: Sequence[Pair], order: tuple[int, ...]) -> Choices | None:
        """The choices of pairs in an order; None where the space has none."""
        renamed = {0: 0, 1: 1} | {old + 2: new + 2 for new, old in enumerate(order)}
        cell: list[int] = []
        for n, old in enumerate(order):
            (one, other), way = pairs[old]
            edges = [(renamed[state], operation) for state, operation in (one, other)]
            found = [way_round for pair in (edges, edges[::-1]) if (way_round := self._encode_edges(n, pair))]
            if not found:
                return None
            cell += [*min(found), way]
        return tuple(cell)

    def _encode_edges(self, n: int, edges: Sequence[tuple[int, int]]) -> tuple[int, ...] | None:
        allowed = self.states[n]
        if any(state not in states for (state, _), states in zip(edges, allowed, strict=True)):
            return None
        places = [states.index(state) for (state, _), states in zip(edges, allowed, strict=True)]
        return (*places, *(operation for _, operation in edges))

    def _canonical_cell(self, cell: Choices) -> Choices:
        pairs = self._decode(cell)
        needed = [{state - 2 for state, _ in edges if state > 1} for edges, _ in pairs]
        return least(needed, lambda order: self._encode(pairs, order))

    def _genotype(self, cell: Choices) -> Genotype:
        pairs = self._decode(cell)
        edges = tuple(tuple((self.operations[name], state) for state, name in pair) for pair, _ in pairs)
        return Genotype(edges, combine=tuple(self.combine[way] for _, way in pairs))

    def _pairs_of(self, cell: Genotype) -> list[Pair]:
        if len(cell.pairs) != self.pairs or any(way not in self.combine for way in cell.combine):
            raise DeeperError(f"the space has cells of {self.pairs} pairs, combined by {' or '.join(self.combine)}")
        if Genotype(cell.pairs, combine=cell.combine) != cell:
            raise DeeperError("the space has cells that put out the states which no pair takes, and no others")
        number = {name: k for k, name in enumerate(self.operations)}
        if unknown := {name for pair in cell.pairs for name, _ in pair} - number.keys():
            raise DeeperError(f"the space has no operation {min(unknown)!r}")
        edges = [tuple((state, number[name]) for name, state in pair) for pair in cell.pairs]
        return [(pair, self.combine.index(way)) for pair, way in zip(edges, cell.combine, strict=True)]


def _config(genotype: Genotype) -> Any:
    """A genotype as a configuration has it: pairs alone where all are sums."""
    pairs = [[list(edge) for edge in pair] for pair in genotype.pairs]
    return pairs if set(genotype.combine) == {SUM} else {"pairs": pairs, "combine": list(genotype.combine)}


def _words(genotype: Genotype) -> str:
    signs = {SUM: "+", CONCATENATION: "|"}
    pairs = zip(genotype.pairs, genotype.combine, strict=True)
    return ", ".join(f" {signs[way]} ".join(f"{name}({state})" for name, state in pair) for pair, way in pairs)
