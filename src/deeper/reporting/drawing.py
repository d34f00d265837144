"""The figures of every study, drawn in as many processes as there are processors."""

import multiprocessing
import os
import signal
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass

from deeper.claims.verdicts import Verdict
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


MOST_WORKERS = 8


@dataclass(frozen=True)
class Sheet:
    """What the figures of one study are drawn from."""

    results: Results
    arms: Sequence[Arm]
    verdicts: Sequence[Verdict]


def draw(sheets: Sequence[Sheet]) -> list[dict[str, bytes]]:
    """The figures of each sheet by file name, ``<figure>-<theme>.svg``; pictures that a page shows are among them.

    Raises:
        DeeperError: a study asks for a kind of page that there is not, or names something that does not exist; or a
            process that drew was killed.
    """
    for sheet in sheets:
        if sheet.results.page not in PAGES:
            raise DeeperError(f"{sheet.results.path}: page {sheet.results.page!r} is not one of {', '.join(PAGES)}")
    workers = min(len(sheets), len(os.sched_getaffinity(0)), MOST_WORKERS)
    if workers < 2:
        return [_draw(sheet) for sheet in sheets]
    try:
        with ProcessPoolExecutor(workers, multiprocessing.get_context("fork"), _inherit, (sheets,)) as pool:
            return list(pool.map(_draw_inherited, range(len(sheets))))
    except BrokenProcessPool:
        raise DeeperError(
            "a process that drew figures was killed, perhaps for want of memory; no page was written, run it again"
        ) from None


_inherited: Sequence[Sheet] = ()


def _inherit(sheets: Sequence[Sheet]) -> None:
    """A worker has the sheets from its parent's memory, so they need not be picklable; Ctrl-C is for the parent."""
    global _inherited
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _inherited = sheets


def _draw_inherited(index: int) -> dict[str, bytes]:
    return _draw(_inherited[index])


def _draw(sheet: Sheet) -> dict[str, bytes]:
    page = sheet.results.page
    drawn = _transfer(sheet) if page == "transfer" else figures.draw(sheet.arms, _wanted(sheet.results))
    if page != "calibration":
        drawn |= figures.draw(forest.lines(sheet.verdicts, sheet.results.label), forest.FIGURES)
    return drawn


def _wanted(results: Results) -> Sequence[figures.Drawn]:
    """The figures of a page; times of different processors are not set against each other."""
    found = PAGES[results.page]
    return found if len(results.processors()) < 2 else tuple(one for one in found if one[0] != landscape.TIMES)


def _transfer(sheet: Sheet) -> dict[str, bytes]:
    """Figures and strips of pictures."""
    tasks = transfer_arms.tasks(sheet.results, sheet.arms)
    return figures.draw(tasks, PAGES["transfer"]) | transfer_confusions.strips(sheet.results, tasks)
