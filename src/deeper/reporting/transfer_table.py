"""The lecture's table: what frozen features, fine-tuning and training from scratch reach on each target set.

The sets of a study have a row each; official releases that are not among them have one that says so, with what others
published in the same columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deeper.claims.statistics import Difference
from deeper.reporting import scale, text
from deeper.reporting.transfer_arms import METRICS, MODES, Task, TransferArm
from deeper.reporting.transfer_published import Published

GAINS = (("finetune", "frozen"), ("frozen", "scratch"), ("finetune", "scratch"))
NONE = text.number(None)


@dataclass(frozen=True)
class Official:
    """A set in its official release: its name in the configuration, and what published tables call it, if they do."""

    name: str
    title: str
    classes: int
    grain: str
    metric: str
    published: str | None


OFFICIAL = (
    Official("caltech101", "Caltech-101", 101, "coarse", "mean_per_class", "Caltech-101"),
    Official("cub", "CUB-200-2011", 200, "fine", "mean_per_class", None),
    Official("cars", "Stanford Cars", 196, "fine", "accuracy", "Stanford Cars"),
    Official("aircraft", "FGVC-Aircraft", 100, "fine", "mean_per_class", "FGVC Aircraft"),
    Official("voc2007", "PASCAL VOC 2007", 20, "coarse", "map_voc2007", "VOC2007"),
)


@dataclass(frozen=True)
class Row:
    """A row, all in words: ``scores`` by mode, ``gains`` in the order of ``GAINS``."""

    title: str
    about: str
    scores: Sequence[str]
    gains: Sequence[str]
    seeds: str


def rows(tasks: Sequence[Task], known: Mapping[str, Published], elsewhere: Mapping[str, str]) -> list[Row]:
    """The study's sets, each with what was published of it, then official ones that are not among them.

    ``elsewhere`` is the study that has a page on a set, for sets that another one measured.
    """
    found = []
    several = len({task.backbone for task in tasks}) > 1
    for task in tasks:
        found.append(_measured(task, several))
        official = next((one for one in OFFICIAL if one.name == task.name), None)
        if official and official.published in known:
            found.append(_of_published(f"{official.title}, published", known[official.published]))
    return found + [_official(one, known.get(one.published), elsewhere.get(one.name)) for one in missing(tasks)]


def missing(tasks: Sequence[Task]) -> list[Official]:
    """Official sets that are none of a study's."""
    names = {task.name for task in tasks}
    return [one for one in OFFICIAL if one.name not in names]


def pictures(arm: TransferArm) -> str:
    """Training pictures of an arm, every number that a seed has; an en dash where that was not recorded."""
    counts = sorted({int(count) for count in arm.numbers("metrics", "pictures")})
    return scale.several(counts) if counts else NONE


def _measured(task: Task, several: bool) -> Row:
    arms = [task.main(mode) for mode in MODES]
    there = [arm for arm in arms if arm]
    about = [_kinds(len(task.classes), task.target["grain"]), task.metric, *map(_amount, there[:1])]
    return Row(
        f"**{text.cell(task.title)}**",
        ", ".join(about + [task.backbone] * several),
        [text.accuracy(arm.arm.means["test_error"] if arm else None) for arm in arms],
        [_points(task.gain(*pair)) for pair in GAINS],
        scale.several(sorted({len(arm.arm.trials) for arm in there})) if there else NONE,
    )


def _official(one: Official, known: Published | None, study: str | None) -> Row:
    where = f"measured in [{study}]({study}.md)" if study else "**not run here**"
    title, about = f"{one.title}, {where}", f"{_kinds(one.classes, one.grain)}, {METRICS[one.metric]}"
    if known is None:
        return Row(title, about, [NONE] * len(MODES), [NONE] * len(GAINS), NONE)
    row = _of_published(f"{title}; published", known)
    return Row(row.title, about, row.scores, row.gains, row.seeds)


def _of_published(title: str, known: Published) -> Row:
    scores = [f"*{known.score(mode)}*" for mode in MODES]
    return Row(title, known.metric, scores, [f"*{known.gain(*pair)}*" for pair in GAINS], NONE)


def _points(found: Difference | None) -> str:
    """``+25.4 [+23.1, +27.7]``, in percentage points."""
    if found is None:
        return NONE
    mean, *bounds = (text.number(100 * value, 1, sign=True) for value in (found.mean, found.lower, found.upper))
    return f"{mean} [{bounds[0]}, {bounds[1]}]" if found.n > 1 else mean


def _kinds(classes: int, grain: str | None) -> str:
    return f"{classes:,} {grain + ' ' if grain else ''}classes"


def _amount(arm: TransferArm) -> str:
    """``28.3 training pictures a class``, or all of them where no number was asked for."""
    if arm.per_class is None:
        return f"{pictures(arm)} training pictures"
    return f"{text.number(arm.pictures, 1)} training pictures a class"
