"""The lecture's table: what frozen features, fine-tuning and training from scratch reach on each target set.

The sets of a study have a row each; official releases that are not among them have one that says so, with what others
published in the same columns.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deeper.reporting import words
from deeper.reporting.pages.transfer_published import PublishedScores
from deeper.reporting.transfer_tasks import METRICS, MODES, TransferArm, TransferTask
from deeper.reporting.words import NONE

GAINS = (("finetune", "frozen"), ("frozen", "scratch"), ("finetune", "scratch"))


@dataclass(frozen=True)
class OfficialSet:
    """A set in its official release: its name in the configuration, and what published tables call it, if they do."""

    name: str
    title: str
    classes: int
    grain: str
    metric: str
    published: str | None


OFFICIAL = (
    OfficialSet("caltech101", "Caltech-101", 101, "coarse", "mean_per_class", "Caltech-101"),
    OfficialSet("cub", "CUB-200-2011", 200, "fine", "mean_per_class", None),
    OfficialSet("cars", "Stanford Cars", 196, "fine", "accuracy", "Stanford Cars"),
    OfficialSet("aircraft", "FGVC-Aircraft", 100, "fine", "mean_per_class", "FGVC Aircraft"),
    OfficialSet("voc2007", "PASCAL VOC 2007", 20, "coarse", "map_voc2007", "VOC2007"),
)


@dataclass(frozen=True)
class SetRow:
    """A row, all in words: ``scores`` by mode, ``gains`` in the order of ``GAINS``."""

    title: str
    about: str
    scores: Sequence[str]
    gains: Sequence[str]
    seeds: str = NONE

    @property
    def has_gains(self) -> bool:
        return any(gain != NONE for gain in self.gains)


def set_rows(
    tasks: Sequence[TransferTask],
    published: Mapping[str, PublishedScores],
    elsewhere: Mapping[str, str],
    lacking: Sequence[OfficialSet],
) -> list[SetRow]:
    """The study's sets, each with what was published of it, then official ones that are ``lacking``.

    ``elsewhere`` is the study that has a page on a set, for sets that another one measured.
    """
    rows = []
    several = len({task.backbone for task in tasks}) > 1
    for task in tasks:
        rows.append(_measured(task, several))
        official = next((one for one in OFFICIAL if one.name == task.name), None)
        if official and official.published in published:
            scores = published[official.published]
            rows.append(_of_published(f"{official.title}, published", scores.metric, scores))
    return rows + [_official(one, published.get(one.published), elsewhere.get(one.name)) for one in lacking]


def missing(tasks: Sequence[TransferTask]) -> list[OfficialSet]:
    """Official sets that are none of a study's."""
    names = {task.name for task in tasks}
    return [one for one in OFFICIAL if one.name not in names]


def pictures(arm: TransferArm) -> str:
    """Training pictures of an arm, every number that a seed has; an en dash where that was not recorded."""
    return words.several(sorted(set(arm.all_pictures))) or NONE


def _measured(task: TransferTask, several: bool) -> SetRow:
    arms = [task.main(mode) for mode in MODES]
    there = [arm for arm in arms if arm]
    about = [_kinds(len(task.classes), task.target.grain), task.metric, *map(_amount, there[:1])]
    return SetRow(
        f"**{words.cell(task.title)}**",
        ", ".join(about + [task.network] * several),
        [words.accuracy(arm.arm.means["test_error"] if arm else None) for arm in arms],
        [words.points(task.gain(*pair)) for pair in GAINS],
        words.several(sorted({len(arm.arm.rows) for arm in there})) or NONE,
    )


def _official(one: OfficialSet, published: PublishedScores | None, study: str | None) -> SetRow:
    where = f"measured in [{study}]({study}.md)" if study else "**not run here**"
    title, about = f"{one.title}, {where}", f"{_kinds(one.classes, one.grain)}, {METRICS[one.metric]}"
    if published is None:
        return SetRow(title, about, [NONE] * len(MODES), [NONE] * len(GAINS))
    return _of_published(f"{title}; published", about, published)


def _of_published(title: str, about: str, published: PublishedScores) -> SetRow:
    scores = [f"*{published.score(mode)}*" for mode in MODES]
    return SetRow(title, about, scores, [f"*{published.gain(*pair)}*" for pair in GAINS])


def _kinds(classes: int, grain: str | None) -> str:
    return f"{classes:,} {grain + ' ' if grain else ''}classes"


def _amount(arm: TransferArm) -> str:
    """``28.3 training pictures a class``, or all of them where no number was asked for."""
    if arm.per_class is None:
        return f"{pictures(arm)} training pictures"
    return f"{words.number(arm.pictures, 1)} training pictures a class"
