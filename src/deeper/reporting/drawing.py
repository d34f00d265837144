"""The figures of every study, drawn in as many processes as there are processors."""

import multiprocessing
import os
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass

from deeper.analysis.claims import Verdict
from deeper.errors import DeeperError
from deeper.reporting import (
    averaging_figure,
    figures,
    forest,
    landscape,
    transfer_arms,
    transfer_confusions,
    transfer_figures,
)
from deeper.reporting.records import Results
from deeper.reporting.summary import Arm

PAGES = {
    "study": (*averaging_figure.FIGURES, *figures.FIGURES),
    "zoo": landscape.FIGURES,
    "transfer": transfer_figures.FIGURES,
    "calibration": (),
}


@dataclass(frozen=True)
class Sheet:
    """What the figures of one study are drawn from."""

    results: Results
    arms: Sequence[Arm]
    verdicts: Sequence[Verdict]

    @property
    def page(self) -> str:
        return self.results.study.get("page", "study")


def draw(sheets: Sequence[Sheet]) -> list[dict[str, bytes]]:
    """The figures of each sheet by file name, ``<figure>-<theme>.svg``; pictures that a page shows are among them.

    Raises:
        DeeperError: a study asks for a kind of page that there is not, or names something that does not exist.
    """
    for sheet in sheets:
        if sheet.page not in PAGES:
            raise DeeperError(f"{sheet.results.path}: page {sheet.page!r} is not one of {', '.join(PAGES)}")
    workers = min(len(sheets), len(os.sched_getaffinity(0)))
    if workers < 2:
        return [_draw(sheet) for sheet in sheets]
    with ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _inherit, (sheets,)) as pool:
        return list(pool.map(_draw_inherited, range(len(sheets))))


_inherited: Sequence[Sheet] = ()


def _inherit(sheets: Sequence[Sheet]) -> None:
    """In a worker, which has the sheets from its parent's memory: they need not be picklable."""
    global _inherited
    _inherited = sheets


def _draw_inherited(index: int) -> dict[str, bytes]:
    return _draw(_inherited[index])


def _draw(sheet: Sheet) -> dict[str, bytes]:
    drawn = _transfer(sheet) if sheet.page == "transfer" else figures.draw(sheet.arms, PAGES[sheet.page])
    if sheet.page != "calibration":
        drawn |= figures.draw(forest.lines(sheet.verdicts, sheet.results.label), forest.FIGURES)
    return drawn


def _transfer(sheet: Sheet) -> dict[str, bytes]:
    """Figures and strips of pictures."""
    tasks = transfer_arms.tasks(sheet.results, sheet.arms)
    return figures.draw(tasks, PAGES["transfer"]) | transfer_confusions.strips(sheet.results, tasks)
