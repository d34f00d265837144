"""Which classes frozen features confuse most, what is left of that in the other modes, and what the classes look like.

The strips of test pictures are beside the results, ``<results>/<study>/<target>-<class>.png``; a page does without
those that are not there.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deeper.reporting.load import StudyResults
from deeper.reporting.transfer_tasks import MODES, TransferArm, TransferTask
from deeper.schema.results import Confusion
from deeper.study.confusion import Pair, most_confused

PAIRS = 6
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class ConfusedCount:
    """Test pictures, added up over seeds, of two classes that were taken for one another: ``least`` to ``most``.

    The two differ where a trial's table of confusions is cut off before the pair; ``tested``: pictures of both classes.
    """

    least: int
    most: int
    tested: int

    @property
    def bound(self) -> str:
        return f"{self.most:,}" if self.least == self.most else f"≤ {self.most:,}"

    def __str__(self) -> str:
        return f"{self.bound} of {self.tested:,}"


@dataclass(frozen=True)
class ConfusedPair:
    """Two classes of a set, their names, and by mode how often one was taken for the other."""

    classes: Pair
    names: tuple[str, str]
    counts: Mapping[str, ConfusedCount | None]


@dataclass(frozen=True)
class SetConfusions:
    """The pairs of a target set that frozen features confuse most, and by mode those together and all mistakes."""

    task: TransferTask
    pairs: Sequence[ConfusedPair]
    totals: Mapping[str, ConfusedCount | None]
    mistakes: Mapping[str, ConfusedCount | None]


def set_confusions(task: TransferTask) -> SetConfusions | None:
    """The most confused pairs of a set; None without frozen features, confusions, or any mistake."""
    told = {mode: _told(task.main(mode)) for mode in MODES}
    pairs = [pair for pair, _ in most_confused([{"pairs": one.pairs} for one in told["frozen"]], PAIRS)]
    if not pairs:
        return None
    rows = [
        ConfusedPair(
            pair,
            tuple(task.classes[label] for label in pair),
            {mode: _sum(_of_trial(confusion, pair) for confusion in told[mode]) for mode in MODES},
        )
        for pair in pairs
    ]
    totals = {mode: _sum(row.counts[mode] for row in rows) for mode in MODES}
    return SetConfusions(task, rows, totals, {mode: _sum(map(_all_mistakes, told[mode])) for mode in MODES})


def strips(results: StudyResults, tasks: Sequence[TransferTask]) -> dict[str, bytes]:
    """Strips of test pictures of the confused classes by file name, those that are there."""
    folder, pictures = results.path.parent / results.name, {}
    for task in tasks:
        confusions = set_confusions(task)
        labels = {label for pair in confusions.pairs for label in pair.classes} if confusions else set()
        for name in (strip_name(task, label) for label in sorted(labels)):
            path = folder / name
            if path.is_file() and (content := path.read_bytes()).startswith(PNG):
                pictures[name] = content
    return pictures


def strip_name(task: TransferTask, label: int) -> str:
    """The file of a class's strip."""
    return f"{task.name}-{label}.png"


def _told(arm: TransferArm | None) -> list[Confusion]:
    return [row.confusion for row in arm.arm.rows if row.confusion and row.confusion.tested] if arm else []


def _sum(counts: Iterable[ConfusedCount | None]) -> ConfusedCount | None:
    """All together; None where there is none, or a mode has no arm."""
    counts = list(counts)
    if not counts or None in counts:
        return None
    return ConfusedCount(*(sum(getattr(one, key) for one in counts) for key in ("least", "most", "tested")))


def _all_mistakes(confusion: Confusion) -> ConfusedCount:
    tested = sum(confusion.tested)
    wrong = tested - sum(confusion.right)
    return ConfusedCount(wrong, wrong, tested)


def _of_trial(confusion: Confusion, pair: Pair) -> ConfusedCount:
    counts = {(true, guess): count for true, guess, count in confusion.pairs}
    missed = sum(confusion.tested) - sum(confusion.right) - sum(counts.values())
    bound = min(missed, min(counts.values(), default=0))
    ways = (pair, pair[::-1])
    least = sum(counts.get(way, 0) for way in ways)
    rest = min(missed, sum(bound for way in ways if way not in counts))
    return ConfusedCount(least, least + rest, sum(confusion.tested[label] for label in pair))
