"""The page of a study of searches: what was found after how many networks, the cells drawn, what it cost."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from statistics import fmean, median
from typing import TYPE_CHECKING

from deeper.claims import searched
from deeper.claims.statistics import Mean, mean
from deeper.claims.verdicts import Verdict
from deeper.reporting import words
from deeper.reporting.charts import kept_figures, theme
from deeper.reporting.charts import searches as charts
from deeper.reporting.charts.searches import DrawnCell, SoFar
from deeper.reporting.pages.claim_rows import VerdictRow
from deeper.schema.baselines import FILE as BASELINES
from deeper.schema.baselines import Baselines, read_baselines
from deeper.schema.published import SEARCH, read_rows
from deeper.schema.results import RECORD, measured_with
from deeper.schema.search import (
    BEST,
    PREFIX,
    FinalNetwork,
    Searches,
    SearchResult,
    SearchStudy,
    SearchTable,
    read_as,
    read_study,
)
from deeper.schema.study import Settings

if TYPE_CHECKING:  # its file imports torch, which takes a second
    from deeper.models.nasnet_cell import Genotype

BESIDE = "nasnet_a"  # the cells that are drawn beside those that were found
LAST = 0.5  # the share of a search's networks that tells what it came to prefer


@dataclass(frozen=True)
class SearcherRow:
    """What a searcher did over the replays: the mean of what it held at the end, the networks that it needed, and those
    that it trained."""

    searcher: str
    error: float
    reached: float
    needed: float | None
    trained: float


@dataclass(frozen=True)
class SearchPage:
    """A page's facts; ``runs`` are the searches themselves, of a study that compares them."""

    found: SearchTable | SearchStudy
    verdicts: Sequence[Verdict]
    runs: Sequence[SearchResult] = ()

    @property
    def name(self) -> str:
        return self.searches.name

    @property
    def searches(self) -> Searches:
        return searched.searches_of(self.found)

    @property
    def is_table(self) -> bool:
        return isinstance(self.found, SearchTable)

    @property
    def command(self) -> str:
        return f"python -m deeper.search searches={self.name.removeprefix(PREFIX)}"

    @property
    def measured_with(self) -> str:
        """All libraries that compute, and processors; empty where the file is of before that was kept."""
        return measured_with(self.found.environments)

    @property
    def scale(self) -> str:
        """``10,000 training images of 14×14 pixels, 8 epochs``."""
        of = self.found.scale
        return f"{of.train:,} training images of {of.image_size}×{of.image_size} pixels, {of.epochs} epochs"

    @cached_property
    def searchers(self) -> list[SearcherRow]:
        """The searchers of a table by what they held at the end."""
        rows = []
        for one in self.found.replays if self.is_table else ():
            reached = [count for count in one.needed if count is not None]
            half = len(reached) * 2 > len(one.needed)
            needed = median(count or float("inf") for count in one.needed) if half else None
            rows.append(
                SearcherRow(one.searcher, one.mean[-1], len(reached) / len(one.needed), needed, median(one.trained))
            )
        return sorted(rows, key=lambda row: row.error)

    @property
    def finals(self) -> list[tuple[FinalNetwork, Mean]]:
        """The networks of the end by their mean test error."""
        found = [(one, mean(one.final.test_errors)) for one in ([] if self.is_table else self.found.finals)]
        return sorted(found, key=lambda one: one[1].mean)

    @property
    def best_cell(self) -> int:
        """The place of the table's best, by mean test error."""
        cells = self.found.cells
        return min(range(len(cells)), key=lambda place: fmean(cells[place].test_errors))

    @property
    def preferred(self) -> dict[str, dict[str, float]]:
        """By searcher the share of each operation among the later half of the networks that it trained."""
        shares: dict[str, Counter] = {}
        for run in self.runs:
            later = run.networks[int(len(run.networks) * LAST) :]
            cells = [cell for network in later for _, cell in _cells(network.settings)]
            used = Counter(name for cell in cells for pair in cell.pairs for name, _ in pair)
            shares.setdefault(self.searcher_of(run), Counter()).update(used)
        return {
            searcher: {name: count / used.total() for name, count in sorted(used.items())}
            for searcher, used in shares.items()
            if used
        }

    @property
    def operations(self) -> list[str]:
        return sorted({name for used in self.preferred.values() for name in used})

    @property
    def fronts(self) -> list[tuple[str, SearchResult]]:
        """The searches for error and cost, with their networks that nothing beats in both."""
        return [(self.searcher_of(run), run) for run in self.runs if run.front]

    @property
    def trainings(self) -> int:
        """Distinct trainings behind the page."""
        return len(self._seconds)

    @property
    def hours(self) -> float:
        return sum(self._seconds.values()) / 3600

    @cached_property
    def _seconds(self) -> dict[str, float]:
        """Seconds by trial; those of a network are shared among its trials."""
        networks = [*self.found.cells, *self.found.long] if self.is_table else [one.final for one in self.found.finals]
        networks += [network for run in self.runs for network in run.networks]
        networks += [short for one in ([] if self.is_table else self.found.finals) for short in one.shorts]
        return {trial: one.seconds / len(one.trials) for one in networks for trial in one.trials}

    def label(self, arm: str) -> str:
        """What the page calls an arm of a comparison."""
        if arm == BEST:
            return "the best found" if self.is_table else f"the best found (by {self._best.searcher})"
        return next((one.label for one, _ in self.finals if one.name == arm), arm)

    @cached_property
    def _best(self) -> FinalNetwork:
        return searched.finals_of(self.found)[BEST]

    def searcher_of(self, run: SearchResult) -> str:
        """The searcher's name: a run of a study is named ``search_cells/evolution-0``."""
        return run.name.rpartition("/")[2].rpartition("-")[0]

    def charts(self, kept_in: Path | None = None) -> dict[str, bytes]:
        """The figures by file name, ``<figure>-<theme>.svg``; those that the folder ``kept_in`` has are not drawn."""
        return kept_figures.drawn_once(kept_in, self.name, [self.found, *self.runs], self._charts)

    def _charts(self) -> dict[str, bytes]:
        made = {"best-so-far": (charts.best_so_far, self.curves()), "cells": (charts.cells, self._drawn())}
        return {
            f"{name}-{one.name}.svg": theme.render(draw, subjects, one)
            for name, (draw, subjects) in made.items()
            if subjects
            for one in theme.THEMES
        }

    def curves(self) -> list[SoFar]:
        """A line a searcher: the replays of a table, or the searches of a study with the best and the worst of them."""
        if self.is_table:
            return [SoFar(one.searcher, one.mean, one.low, one.high) for one in self.found.replays]
        curves: dict[str, list[list[float]]] = {}
        for run in self.runs:
            so_far = list(accumulate((network.error for network in run.networks), min))
            curves.setdefault(self.searcher_of(run), []).append(so_far)
        lines = []
        for searcher, some in curves.items():
            columns = list(zip(*(_lengthened(one, max(map(len, some))) for one in some), strict=True))
            low, middle, high = ([of(column) for column in columns] for of in (min, fmean, max))
            lines.append(SoFar(searcher, middle, low, high))
        return lines

    def _drawn(self) -> list[DrawnCell]:
        if self.is_table:
            shown = [("the best of all", self.found.cells[self.best_cell].settings)]
        else:
            shown = [(one.label, one.final.settings) for one in self.found.finals if one.searcher]
            shown += [(one.label, one.final.settings) for one in self.found.finals if one.name == BESIDE]
        drawn = []
        for label, settings in shown:
            cells = _cells(settings)
            alike = len({cell for _, cell in cells}) == 1
            for kind, cell in cells[: 1 if alike else 2]:
                drawn.append(DrawnCell(label if alike else f"{label}: {kind}", cell))
        return drawn


@dataclass(frozen=True)
class SearchRow(VerdictRow):
    """A claim's row of the ledger where searches answer it."""

    page_of: SearchPage
    answer: Verdict
    published_effect: str = ""

    @property
    def page(self) -> str:
        return f"{self.page_of.name}.md"

    def label(self, arm: str) -> str:
        return self.page_of.label(arm)

    @property
    def profile(self) -> str:
        """Searches end in networks that have learned, on fewer pictures than all."""
        return "record"


def pages(results: Path, baselines: Baselines) -> list[SearchPage]:
    """A page for each study of searches in a folder.

    Args:
        results: the folder.
        baselines: what classifiers reach on the same pixels; those of record stand for what they lack.

    Raises:
        DeeperError: a file is damaged.
    """
    found, baselines = [], baselines.filled_from(read_baselines(results / RECORD / BASELINES))
    for path in sorted(results.glob(f"{PREFIX}*.json")):
        one = read_study(path)
        runs = []
        if isinstance(one, SearchStudy):
            runs = [read_as(SearchResult, results / summary.file) for summary in one.searches]
        found.append(SearchPage(one, searched.judge(one, baselines), runs))
    return found


def rows(found: Sequence[SearchPage]) -> list[SearchRow]:
    """A row of the ledger for each claim that searches answer."""
    return [SearchRow(page, verdict) for page in found for verdict in page.verdicts]


def published(shelf: Path) -> list[dict[str, str]]:
    """What searches of papers cost; none where the shelf has no such file."""
    path = shelf / SEARCH
    return read_rows(path) if path.exists() else []


def precondition(one: searched.Asked, page: SearchPage) -> str:
    """What must hold before a search's claim is tested, as a figure."""
    match one:
        case searched.RankingHolds(correlation=None):
            return "the rank correlation of short and long training is not known"
        case searched.RankingHolds():
            found = words.number(one.correlation, 2)
            return f"rank correlation of short and long training {found}, at least {searched.RANKS:g}"
        case searched.EqualCost():
            far, most = (words.number(100 * share, 0) for share in (abs(one.deviation), searched.ALIKE))
            return f"{page.label(one.arm)}: {far} % from the cost of all, at most {most} %"
    errors = [(page.label(one.arm), one.error), ("logistic regression", one.logistic), ("a random forest", one.forest)]
    said = [f"{who} {words.number(100 * error, 1)} %" for who, error in errors if error is not None]
    return f"test error: {', '.join(said)}"


def _cells(settings: Settings) -> list[tuple[str, "Genotype"]]:
    """The normal and the reduction cell that settings name; none of another network."""
    from deeper.models.nasnet_cell import Genotype

    named = [(kind, settings.get(f"model.{kind}")) for kind in ("normal", "reduction")]
    return [(kind, Genotype.of(cell)) for kind, cell in named if cell is not None]


def _lengthened(curve: list[float], length: int) -> list[float]:
    """A search that ended early keeps its last."""
    return curve + curve[-1:] * (length - len(curve))
