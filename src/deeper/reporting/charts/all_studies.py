"""The charts of every study, drawn in as many processes as there are processors."""

import os
from collections.abc import Sequence
from dataclasses import dataclass

from deeper.claims.verdicts import Verdict
from deeper.parents import pool
from deeper.reporting.arm_results import ArmResults
from deeper.reporting.charts import (
    accuracy_against_cost,
    arm_map,
    comparisons,
    epochs_and_layers,
    networks_averaged,
    theme,
    transfer,
)
from deeper.reporting.load import StudyResults
from deeper.reporting.transfer_tasks import transfer_tasks

CHARTS = {
    "study": (*arm_map.CHARTS, *networks_averaged.CHARTS, *epochs_and_layers.CHARTS),
    "zoo": accuracy_against_cost.CHARTS,
    "transfer": transfer.CHARTS,
    "calibration": (),
}  # of each kind of page
MOST_WORKERS = 8


@dataclass(frozen=True)
class ChartData:
    """What the charts of one study are drawn from."""

    results: StudyResults
    arms: Sequence[ArmResults]
    verdicts: Sequence[Verdict]


def draw(studies: Sequence[ChartData]) -> list[dict[str, bytes]]:
    """The charts of each study by file name, ``<chart>-<theme>.svg``.

    Raises:
        DeeperError: a study is of another kind than its page; or a process that drew was killed.
    """
    workers = min(len(studies), len(os.sched_getaffinity(0)), MOST_WORKERS)
    if workers < 2:
        return [_draw(study) for study in studies]
    with pool("draws figures", workers, "fork", _inherit, studies) as helpers:
        return list(helpers.map(_draw_inherited, range(len(studies))))


_inherited: Sequence[ChartData] = ()


def _inherit(studies: Sequence[ChartData]) -> None:
    """A worker has the data from its parent's memory, so it need not be picklable."""
    global _inherited
    _inherited = studies


def _draw_inherited(index: int) -> dict[str, bytes]:
    return _draw(_inherited[index])


def _draw(study: ChartData) -> dict[str, bytes]:
    page = study.results.page
    subjects = transfer_tasks(study.results, study.arms) if page == "transfer" else study.arms
    drawn = theme.draw(_comparable(study.results, CHARTS[page]), subjects)
    if page != "calibration":
        rows = comparisons.compared_rows(study.verdicts, study.results.label)
        drawn |= theme.draw(comparisons.CHARTS, rows)
    return drawn


def _comparable(results: StudyResults, charts: Sequence[theme.Chart]) -> list[theme.Chart]:
    """Without the chart of times where they are of different processors."""
    alike = len(results.processors()) < 2
    return [chart for chart in charts if alike or chart.name != accuracy_against_cost.TIMES]
