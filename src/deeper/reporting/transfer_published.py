"""What others published on frozen features, fine-tuning and training from scratch, in a page's own columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deeper.reporting import text
from deeper.reporting.published import Figure

ENDS = {
    "frozen features vs fine-tuning": ("frozen", "finetune"),
    "random init vs pretrained fine-tuning": ("scratch", "finetune"),
    "random init vs frozen features": ("scratch", "frozen"),
}
DEPTH = "frozen feature depth"


@dataclass(frozen=True)
class Published:
    """What was published of a set: its metric, and by mode the score in per cent; ``source`` is of them all."""

    data: str
    metric: str
    scores: Mapping[str, float]
    source: str

    def score(self, mode: str) -> str:
        """``94.5 %``, or an en dash."""
        return f"{text.number(self.scores[mode], 1)} %" if mode in self.scores else text.number(None)

    def gain(self, of: str, over: str) -> str:
        """``+18.1`` points, or an en dash."""
        known = {of, over} <= set(self.scores)
        return text.number(self.scores[of] - self.scores[over] if known else None, 1, sign=True)


@dataclass(frozen=True)
class Depth:
    """Published scores by layer: ``rows`` are a classifier's name and its score on each of ``sets``."""

    sets: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    source: str


def by_set(rows: Sequence[Figure]) -> dict[str, Published]:
    """The published scores of the three modes, by set, in the order of the rows."""
    found: dict[str, Published] = {}
    for row in rows:
        for mode, (_, value) in zip(ENDS.get(row.change, ()), (row.before, row.after), strict=False):
            one = found.get(row.data) or Published(row.data, row.remarks, {}, row.source)
            found[row.data] = Published(one.data, one.metric, {**one.scores, mode: float(value)}, one.source)
    return found


def by_layer(rows: Sequence[Figure]) -> Depth | None:
    """The published scores of classifiers on single layers; None where the study names none."""
    own = [row for row in rows if row.change == DEPTH]
    if not own:
        return None
    cells = {end[0]: {} for row in own for end in (row.after,)} | {row.before[0]: {} for row in own}
    for row in own:
        for name, value in (row.after, row.before):
            cells[name][row.data] = f"{value.replace('+/-', '±')} %"
    sets = list(dict.fromkeys(row.data for row in own))
    table = [(name, [values.get(one, text.number(None)) for one in sets]) for name, values in cells.items()]
    return Depth(sets, table, own[0].source)


def others(rows: Sequence[Figure]) -> list[Figure]:
    """The rows that neither of these tables shows."""
    return [row for row in rows if row.change not in (*ENDS, DEPTH)]
