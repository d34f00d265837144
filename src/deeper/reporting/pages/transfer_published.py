"""What others published on frozen features, fine-tuning and training from scratch, in a page's own columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deeper.reporting import words
from deeper.reporting.published_numbers import PublishedNumber

ENDS = {
    "frozen features vs fine-tuning": ("frozen", "finetune"),
    "random init vs pretrained fine-tuning": ("scratch", "finetune"),
    "random init vs frozen features": ("scratch", "frozen"),
}
DEPTH = "frozen feature depth"


@dataclass(frozen=True)
class PublishedScores:
    """What was published of a set: its metric, and by mode the score in per cent; ``source`` is of them all."""

    data: str
    metric: str
    scores: Mapping[str, float]
    source: str

    def score(self, mode: str) -> str:
        """``94.5 %``, or an en dash."""
        return f"{words.number(self.scores[mode], 1)} %" if mode in self.scores else words.NONE

    def gain(self, of: str, over: str) -> str:
        """``+18.1`` points, or an en dash."""
        both = {of, over} <= set(self.scores)
        return words.number(self.scores[of] - self.scores[over] if both else None, 1, sign=True)


@dataclass(frozen=True)
class PublishedLayers:
    """Published scores by layer: ``rows`` are a classifier's name and its score on each of ``sets``."""

    sets: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    source: str


def by_set(numbers: Sequence[PublishedNumber]) -> dict[str, PublishedScores]:
    """The published scores of the three modes, by set, in the order of the rows."""
    scores: dict[str, PublishedScores] = {}
    for number in numbers:
        for mode, (_, value) in zip(ENDS.get(number.change, ()), (number.before, number.after), strict=False):
            first = scores.get(number.data) or PublishedScores(number.data, number.remarks, {}, number.source)
            of_modes = {**first.scores, mode: float(value)}
            scores[number.data] = PublishedScores(first.data, first.metric, of_modes, first.source)
    return scores


def by_layer(numbers: Sequence[PublishedNumber]) -> PublishedLayers | None:
    """The published scores of classifiers on single layers; None where the study names none."""
    numbers = [number for number in numbers if number.change == DEPTH]
    if not numbers:
        return None
    names = dict.fromkeys([number.after[0] for number in numbers] + [number.before[0] for number in numbers])
    cells: dict[str, dict[str, str]] = {name: {} for name in names}
    for number in numbers:
        for name, value in (number.after, number.before):
            cells[name][number.data] = f"{value.replace('+/-', '±')} %"
    sets = list(dict.fromkeys(number.data for number in numbers))
    rows = [(name, [values.get(one, words.NONE) for one in sets]) for name, values in cells.items()]
    return PublishedLayers(sets, rows, numbers[0].source)


def others(numbers: Sequence[PublishedNumber]) -> list[PublishedNumber]:
    """The rows that neither of these tables shows."""
    return [number for number in numbers if number.change not in (*ENDS, DEPTH)]
