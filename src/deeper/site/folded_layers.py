"""The layers of a network with what repeats said once: 199 blocks alike are the rows of one, and how many there are.

Nothing is lost: ``unfold`` gives every layer back.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from deeper.cost.layer_table import LayerCost


@dataclass(frozen=True)
class LayerGroup:
    """``times`` blocks alike, one after the other; ``layers`` are the first one's.

    Attributes:
        path: of the blocks, up to the number that goes up by one from each to the next: ``stages.0.``.
        first: the first block's number.
    """

    layers: Sequence[LayerCost]
    times: int = 1
    path: str = ""
    first: int = 0

    def name(self, layer: LayerCost, number: str) -> str:
        """A layer's name with ``number`` in the place of the block's."""
        block = f"{self.path}{self.first}"
        is_numbered = self.times > 1 and f"{layer.name}.".startswith(f"{block}.")
        return f"{self.path}{number}{layer.name.removeprefix(block)}" if is_numbered else layer.name

    def every_name(self, layer: LayerCost) -> str:
        """``stages.0.1–199.conv1``: a layer's names in all blocks."""
        return self.name(layer, f"{self.first}–{self.first + self.times - 1}")

    def copy(self, by: int) -> list[LayerCost]:
        """The layers of the block that stands ``by`` after the first."""
        return [replace(layer, name=self.name(layer, str(self.first + by))) for layer in self.layers]


def fold(layers: Sequence[LayerCost]) -> list[LayerGroup]:
    """The layers as groups, from input to output; what stands between two repetitions is a group of its own."""
    places: dict[LayerCost, int] = {}
    for place, layer in enumerate(layers):
        places.setdefault(layer, place)
    groups: list[LayerGroup] = []
    single: list[LayerCost] = []
    at = 0
    while at < len(layers):
        found = _repetition(layers, at, places)
        if found is None:
            single.append(layers[at])
            at += 1
            continue
        groups += [LayerGroup(single), found] if single else [found]
        single = []
        at += len(found.layers) * found.times
    return [*groups, LayerGroup(single)] if single else groups


def unfold(groups: Sequence[LayerGroup]) -> Iterator[LayerCost]:
    """Every layer, from input to output."""
    for group in groups:
        for by in range(group.times):
            yield from group.copy(by)


def _repetition(layers: Sequence[LayerCost], at: int, places: Mapping[LayerCost, int]) -> LayerGroup | None:
    """What repeats from ``at`` on and has the most layers in it; None where nothing does."""
    found = []
    for path, number in _numbers(layers[at].name):
        [following] = LayerGroup(layers[at : at + 1], 2, path, number).copy(1)
        length = places.get(following, at) - at
        if length > 0:
            block = LayerGroup(layers[at : at + length], 2, path, number)
            found.append(replace(block, times=_times(layers[at:], block)))
    return max(
        (group for group in found if group.times > 1), key=lambda group: len(group.layers) * group.times, default=None
    )


def _times(layers: Sequence[LayerCost], block: LayerGroup) -> int:
    """How many blocks like the first one the layers begin with."""
    length, times = len(block.layers), 1
    while list(layers[times * length : (times + 1) * length]) == block.copy(times):
        times += 1
    return times


def _numbers(name: str) -> Iterator[tuple[str, int]]:
    """The parts of a name that are numbers, each with the path before it: ``stages.`` 0, ``stages.0.`` 3."""
    parts = name.split(".")
    for place, part in enumerate(parts):
        if part.isdigit():
            yield "".join(f"{before}." for before in parts[:place]), int(part)
