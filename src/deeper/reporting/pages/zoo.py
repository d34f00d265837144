"""What a page of many networks shows more: their order, what they are, and the published accuracies beside them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deeper.paths import CONF
from deeper.reporting import words
from deeper.reporting.arm_results import ArmResults
from deeper.reporting.arm_settings import same_for_all
from deeper.reporting.charts.accuracy_against_cost import NAMES, Rank, ranking
from deeper.reporting.pages import zoo_choices
from deeper.reporting.pages.study import ShownTable, StudyPage
from deeper.reporting.published_numbers import PublishedNumber
from deeper.schema.baselines import Baselines

FAMILY_FILE = re.compile(r"^ *- (base/\S+)@_here_", re.MULTILINE)
WHERE = re.compile(r"; (?:see|the switches are told in) deeper\.models\.\w+")


@dataclass(frozen=True)
class ShownNetwork:
    """An arm's label, its configuration in ``conf/model``, settings changed from it, and what it is in words."""

    label: str
    name: str
    settings: Sequence[str]
    about: str


@dataclass(frozen=True)
class ZooPage:
    """Facts of a page beside those of every study.

    Attributes:
        networks: what the arms' networks are, where arms name one.
        same_for_all: parts of the recipe that no trial has otherwise.
        tables: which network for how many operations, and how soon each gets to an error.
        beaten, not_beaten: arms that are more accurate than all published networks beside them, and the others.
    """

    ranking: Sequence[Rank]
    networks: Sequence[ShownNetwork]
    same_for_all: Sequence[str]
    has_one_rate: bool
    has_other_differences: bool
    is_smaller: bool
    processors: Sequence[str]
    tables: Sequence[ShownTable]
    beaten: Sequence[str]
    not_beaten: Sequence[str]

    def cost(self, rank: Rank, name: str) -> str:
        """What a network costs, bold where no better one costs less: ``**4.33 M**``."""
        mean = rank.arm.means[name]
        said = words.NONE if mean is None else words.seconds(mean) if name == "train_s" else words.count(mean.mean)
        return f"**{said}**" if name in rank.cheapest else said


def build(page: StudyPage, baselines: Baselines | None = None) -> ZooPage:
    """What a page of many networks shows more."""
    results = page.results
    processors = results.processors()
    sides: dict[bool, list[str]] = {True: [], False: []}
    for arm in page.arms:
        error, numbers = arm.means["test_error"], _accuracies(arm, page.published)
        if numbers and error:
            best = max(numbers, key=lambda number: number.accuracy)
            beside = f"{best.network}, {best.value}"
            is_better = 100 * (1 - error.mean) > best.accuracy
            sides[is_better].append(f"{arm.label} {words.percent(error)} ({beside})")
    return ZooPage(
        ranking=ranking(page.arms, [cost for cost in NAMES.values() if cost != "train_s" or len(processors) < 2]),
        networks=networks(page.arms, results),
        same_for_all=same_for_all(results),
        has_one_rate="optimizer.lr" not in results.varying,
        has_other_differences=bool(results.varying - {"optimizer.lr"}),
        is_smaller=results.table.profile != "full",
        processors=processors,
        tables=zoo_choices.tables(page, baselines),
        beaten=sides[True],
        not_beaten=sides[False],
    )


def networks(arms: Sequence[ArmResults], results) -> list[ShownNetwork]:
    """The networks of the arms that name one by ``set``, in the study's order."""
    shown = []
    for arm in arms:
        chosen = results.study.arms[arm.name].set or {}
        if "model" in chosen:
            name = str(chosen["model"])
            changed = [f"{key}={value}" for key, value in chosen.items() if key.startswith("model.")]
            shown.append(ShownNetwork(arm.label, name, changed, about(name)))
    return shown


def about(name: str, folder: Path = CONF / "model") -> str:
    """The comment at the head of a network's file, or of its family's where it has none; empty where none is known."""
    try:
        content = (folder / f"{name}.yaml").read_text(encoding="utf-8")
    except OSError:
        return ""
    base = FAMILY_FILE.search(content)
    return _head(content) or (about(base[1], folder) if base else "")


def _head(content: str) -> str:
    lines = []
    for line in content.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return WHERE.sub("", " ".join(lines))


def _accuracies(arm: ArmResults, numbers: Sequence[PublishedNumber]) -> list[PublishedNumber]:
    return [number for number in numbers if number.arm == arm.name and number.accuracy is not None]
