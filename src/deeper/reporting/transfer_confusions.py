"""Which classes frozen features confuse most, what is left of that in the other modes, and what the classes look like.

The strips of test pictures are beside the results, ``<results>/<study>/<target>-<class>.png``; a page does without
those that are not there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.reporting.records import Results
from deeper.reporting.transfer_arms import MODES, Task, TransferArm
from deeper.study.confusion import Pair, most_confused

PAIRS = 6
PNG = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True)
class Count:
    """Test pictures, added up over seeds, of two classes that were taken for one another: ``least`` to ``most``.

    The two differ where a trial's table of confusions is cut off before the pair; ``tested``: pictures of both classes.
    """

    least: int
    most: int
    tested: int

    def __str__(self) -> str:
        if self.least == self.most:
            return f"{self.least:,} of {self.tested:,}"
        return f"≤ {self.most:,} of {self.tested:,}"

    def __add__(self, other: "Count") -> "Count":
        return Count(self.least + other.least, self.most + other.most, self.tested + other.tested)


@dataclass(frozen=True)
class Confused:
    """Two classes of a set, their names, and by mode how often one was taken for the other."""

    classes: Pair
    names: tuple[str, str]
    counts: Mapping[str, Count | None]


@dataclass(frozen=True)
class Mended:
    """The pairs of a target set that frozen features confuse most, together, and by mode all mistakes there are."""

    task: Task
    pairs: Sequence[Confused]
    mistakes: Mapping[str, Count | None]

    def total(self, mode: str) -> Count | None:
        """All of the pairs; None where the mode has no arm."""
        counts = [pair.counts[mode] for pair in self.pairs]
        return None if None in counts else sum(counts[1:], counts[0])

    @property
    def says(self) -> str:
        """Whether fine-tuning made more mistakes than frozen features or fewer, in all and in the pairs."""
        parts = [(self.mistakes.get(mode), self.total(mode)) for mode in ("frozen", "finetune")]
        (frozen, pairs), (tuned, tuned_pairs) = parts
        if None in (frozen, pairs, tuned, tuned_pairs):
            return ""
        return (
            f"Fine-tuned networks made {_more(frozen, tuned)} in all, and {_more(pairs, tuned_pairs)} in these pairs."
        )


def _more(before: Count, after: Count) -> str:
    """``more mistakes (654 before, 709 after)``."""
    word = "more" if after.least > before.most else "fewer" if after.most < before.least else "about as many"
    shown = [f"{'' if count.least == count.most else '≤ '}{count.most:,}" for count in (before, after)]
    return f"{word} mistakes ({shown[0]} before, {shown[1]} after)"


def mended(task: Task) -> Mended | None:
    """The most confused pairs of a set; None without frozen features, confusions, or any mistake."""
    arms = {mode: task.main(mode) for mode in MODES}
    told = {mode: _told(arm) for mode, arm in arms.items() if arm and _told(arm)}
    pairs = [pair for pair, _ in most_confused(told.get("frozen", []), PAIRS)]
    if not pairs:
        return None
    rows = [
        Confused(pair, tuple(task.classes[label] for label in pair), {mode: _count(told, mode, pair) for mode in MODES})
        for pair in pairs
    ]
    return Mended(task, rows, {mode: _mistakes(told.get(mode, [])) for mode in MODES})


def strips(results: Results, tasks: Sequence[Task]) -> dict[str, bytes]:
    """Strips of test pictures of the confused classes by file name, those that are there."""
    folder, found = results.path.parent / results.name, {}
    for name in _wanted(tasks):
        try:
            content = (folder / name).read_bytes()
        except OSError:
            continue
        if content.startswith(PNG):
            found[name] = content
    return found


def strip_name(task: Task, label: int) -> str:
    """The file of a class's strip."""
    return f"{task.name}-{label}.png"


def _wanted(tasks: Sequence[Task]) -> Iterator[str]:
    for task in tasks:
        found = mended(task)
        for label in sorted({label for pair in found.pairs for label in pair.classes} if found else ()):
            yield strip_name(task, label)


def _told(arm: TransferArm) -> list[Mapping[str, Any]]:
    return [trial["confusion"] for trial in arm.arm.trials if trial.get("confusion")]


def _count(told: Mapping[str, Sequence[Mapping[str, Any]]], mode: str, pair: Pair) -> Count | None:
    counts = [_of_trial(one, pair) for one in told.get(mode, [])]
    return sum(counts[1:], counts[0]) if counts else None


def _mistakes(told: Sequence[Mapping[str, Any]]) -> Count | None:
    tested, right = (sum(sum(one[key]) for one in told) for key in ("tested", "right"))
    return Count(tested - right, tested - right, tested) if told else None


def _of_trial(one: Mapping[str, Any], pair: Pair) -> Count:
    known = {(true, guess): count for true, guess, count in one["pairs"]}
    missed = sum(one["tested"]) - sum(one["right"]) - sum(known.values())
    bound = min(missed, min(known.values(), default=0))
    ways = (pair, pair[::-1])
    least = sum(known.get(way, 0) for way in ways)
    rest = min(missed, sum(bound for way in ways if way not in known))
    return Count(least, least + rest, sum(one["tested"][label] for label in pair))
