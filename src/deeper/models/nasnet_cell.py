"""Cells that are given as data, and those of NASNet-A.

Zoph, Vasudevan, Shlens, Le, *Learning transferable architectures for scalable image recognition*, arXiv 1707.07012, §3
(five pairs of operations a cell) and figure 4 (the cells NASNet-A). As in the authors' published code, a normal cell of
NASNet-A puts out state 1 and a reduction cell state 3 although pairs of theirs take them. A pair is summed or
concatenated, as the paper's controller chooses; the cells of figure 4 have sums only.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deeper.models.nasnet_operations import OPERATIONS, Activated, Halved
from deeper.models.parts.checks import check_choice
from deeper.models.parts.convolution import conv_norm
from deeper.models.parts.drop_path import drop_samples

Edge = tuple[str, int]
SUM, CONCATENATION = "sum", "concatenation"


@dataclass(frozen=True)
class Genotype:
    """A cell as data.

    State 0 is the current cell's input, state 1 that of the cell before it; state 2 + n is what pair n makes.

    Attributes:
        pairs: two (operation, state) each; a pair takes states that come before it.
        concat: states whose concatenation is the cell's output; none given: all that no pair takes.
        combine: ``sum`` or ``concatenation`` of each pair; none given: sums.

    Raises:
        ValueError: no pairs, an unknown operation, a state that does not exist yet, not one ``combine`` a pair.
    """

    pairs: tuple[tuple[Edge, Edge], ...]
    concat: tuple[int, ...] = ()
    combine: tuple[str, ...] = ()

    def __post_init__(self):
        if not self.pairs:
            raise ValueError("a cell must have at least one pair of (operation, state)")
        for index, pair in enumerate(self.pairs):
            for name, state in pair:
                check_choice("operation", name, OPERATIONS)
                _check_state(f"pair {index} takes", state, index + 2)
        if not self.concat:
            taken = {state for pair in self.pairs for _, state in pair}
            rest = tuple(state for state in range(len(self.pairs) + 2) if state not in taken)
            object.__setattr__(self, "concat", rest)
        for state in self.concat:
            _check_state("concat has", state, len(self.pairs) + 2)
        if not self.combine:
            object.__setattr__(self, "combine", (SUM,) * len(self.pairs))
        if len(self.combine) != len(self.pairs):
            raise ValueError(f"combine={list(self.combine)}: {len(self.pairs)} pairs need one each")
        for way in self.combine:
            check_choice("combine", way, (SUM, CONCATENATION))

    @staticmethod
    def of(cell: "str | Genotype | Mapping[str, Any] | Sequence") -> "Genotype":
        """The cell a configuration names: a known name, a list of pairs, or a mapping of ``pairs``, ``concat``
        and ``combine``.

        Raises:
            ValueError: an unknown name, or something that is no list of pairs.
        """
        if isinstance(cell, Genotype):
            return cell
        if isinstance(cell, str):
            if cell not in CELLS:
                raise ValueError(f"cell={cell!r}: it must be {', '.join(CELLS)} or a list of pairs")
            return CELLS[cell]
        given = cell if isinstance(cell, Mapping) else {"pairs": cell}
        try:
            made = tuple(tuple((str(name), int(state)) for name, state in pair) for pair in given["pairs"])
        except (TypeError, ValueError):
            made = ()
        if not made or any(len(pair) != 2 for pair in made):
            raise ValueError("a cell must be a list of pairs [[operation, state], [operation, state]]")
        concat, combine = given.get("concat") or (), given.get("combine") or ()
        return Genotype(made, tuple(int(state) for state in concat), tuple(str(way) for way in combine))


def _check_state(what: str, state: int, states: int) -> None:
    if not 0 <= state < states:
        raise ValueError(f"{what} state {state}: it must be one of 0 to {states - 1}")


CELLS = {
    "nasnet_a_normal": Genotype(
        (
            (("separable_5x5", 0), ("separable_3x3", 1)),
            (("separable_5x5", 1), ("separable_3x3", 1)),
            (("average_3x3", 0), ("identity", 1)),
            (("average_3x3", 1), ("average_3x3", 1)),
            (("separable_3x3", 0), ("identity", 0)),
        ),
        concat=(1, 2, 3, 4, 5, 6),
    ),
    "nasnet_a_reduction": Genotype(
        (
            (("separable_5x5", 0), ("separable_7x7", 1)),
            (("max_3x3", 0), ("separable_7x7", 1)),
            (("average_3x3", 0), ("separable_5x5", 1)),
            (("identity", 3), ("average_3x3", 2)),
            (("separable_3x3", 2), ("max_3x3", 0)),
        ),
        concat=(3, 4, 5, 6),
    ),
}


class Cell(nn.Module):
    """A cell built from its genotype.

    (current: N, channels, H, W; previous: the cell before's, at the same size or twice it) →
    (N, num_features, ⌈H/stride⌉, ⌈W/stride⌉): ``filters`` channels for each state of ``concat``, twice as many for one
    that is a concatenation. Both inputs are brought to ``filters`` channels and the current size. Without a previous
    cell, state 1 is the current input as it is.

    Args:
        genotype: what is computed.
        filters: channels of each state.
        channels: of the current input.
        previous: channels of the previous cell's output; None: there is none.
        halved: whether the previous output is twice as large as the current.
        stride: 2 makes the operations on states 0 and 1 halve the map.
        drop_path: probability that an operation (identity excepted) is left out of a sample in training.

    Raises:
        ValueError: an odd number of filters where an output must be halved to fit.
    """

    def __init__(
        self,
        genotype: Genotype,
        filters: int,
        channels: int,
        previous: int | None,
        halved: bool = False,
        stride: int = 1,
        drop_path: float = 0.0,
    ):
        super().__init__()
        self.genotype, self.drop_path = genotype, drop_path
        self.current = Activated(channels, filters)
        self.previous = self._adapter(previous, filters, halved)
        made = [filters * (2 if way == CONCATENATION else 1) for way in genotype.combine]
        widths = [filters, filters if previous else channels, *made]
        sizes = [stride, stride] + [1] * len(genotype.pairs)
        self.operations = nn.ModuleList(
            OPERATIONS[name](widths[state], filters, sizes[state]) for pair in genotype.pairs for name, state in pair
        )
        self.outputs = nn.ModuleList(
            nn.Identity() if state > 1 else self._output(widths[state], filters, stride) for state in genotype.concat
        )
        self.num_features = sum(widths[state] if state > 1 else filters for state in genotype.concat)

    @staticmethod
    def _adapter(previous: int | None, filters: int, halved: bool) -> nn.Module:
        if previous is None or (previous == filters and not halved):
            return nn.Identity()
        return nn.Sequential(nn.ReLU(), Halved(previous, filters)) if halved else Activated(previous, filters)

    @staticmethod
    def _output(width: int, filters: int, stride: int) -> nn.Module:
        if stride == 1 and width == filters:
            return nn.Identity()
        return Halved(width, filters) if stride == 2 else conv_norm(width, filters, 1)

    def forward(self, current: Tensor, previous: Tensor | None = None, progress: float = 1.0) -> Tensor:
        """``progress`` (0 to 1) scales ``drop_path``: how much of the training is over."""
        states = [self.current(current), current if previous is None else self.previous(previous)]
        operations = iter(self.operations)
        for pair, way in zip(self.genotype.pairs, self.genotype.combine, strict=True):
            left, right = (self._dropped(name, next(operations)(states[state]), progress) for name, state in pair)
            states.append(left + right if way == SUM else torch.cat([left, right], 1))
        return torch.cat([out(states[state]) for out, state in zip(self.outputs, self.genotype.concat, strict=True)], 1)

    def _dropped(self, name: str, x: Tensor, progress: float) -> Tensor:
        if self.training and self.drop_path and name != "identity":
            return drop_samples(x, self.drop_path * progress)
        return x
