"""The pages: results in, a folder of Markdown, charts and tables out, the same bytes for the same results."""

import csv
import functools
import io
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from deeper import files
from deeper.claims import verdicts as claims
from deeper.claims.verdicts import Verdict
from deeper.exact.computed_claim import Finding
from deeper.reporting import load, published_numbers, templating, trial_table, words
from deeper.reporting.arm_results import ArmResults, arm_results, curve
from deeper.reporting.charts import kept_figures
from deeper.reporting.charts.all_studies import ChartData
from deeper.reporting.charts.searches import words_of
from deeper.reporting.load import StudyResults
from deeper.reporting.pages import (
    calibration,
    exact_claims,
    finding_words,
    front_page,
    search,
    study,
    transfer,
    transfer_confusions,
    verdict_words,
    zoo,
    zoo_choices,
)
from deeper.reporting.pages.answer import Sentence, answer, families, mapped, scales
from deeper.reporting.pages.claim_rows import (
    OPEN,
    ClaimRow,
    VerdictRow,
    against,
    by_verdict,
    claim_rows,
    effect,
    legend,
    newest,
)
from deeper.reporting.pages.exact_claims import ExactPage
from deeper.reporting.pages.search import SearchPage
from deeper.reporting.pages.study import StudyPage
from deeper.reporting.pages.transfer import TransferPage
from deeper.reporting.published_numbers import PublishedNumber
from deeper.reporting.replication import replications
from deeper.reporting.training_counts import TrainingCounts, count_trainings
from deeper.reporting.transfer_tasks import transfer_tasks
from deeper.schema.baselines import FILE as BASELINES
from deeper.schema.baselines import FOREST, LOGISTIC, Baselines, read_baselines
from deeper.schema.ledger import Claim, ledger
from deeper.schema.results import APART, FIRST_LEDGER, RECORD, StudyTable

Judged = tuple[StudyResults, Sequence[Verdict], Sequence[PublishedNumber]]
Pictures = tuple[str, int, int]  # the digest of the data, the width of an image, and how many are trained on
INDEX, METRICS = "README.md", "metrics"
MARK = "<!-- Written by python -m deeper.report; changes made here are lost. -->"
DRAWN = (".svg", ".png")
CURVE_COLUMNS = ("train_error", "validation_error")
FILTERS = (
    *(words.number, words.percent, words.accuracy, words.seconds, words.count, words.memory),
    *(words.expectation, words.sentence, words.plural, words.listed, words.cell, words.settings, words.duration),
)


@dataclass(frozen=True)
class Rival:
    """The lowest mean test error of any arm on some pictures, and those of two classifiers of their pixels.

    ``network`` names the arm and its study.
    """

    image_size: int
    train: int
    network: str
    best: float
    logistic: float
    forest: float | None

    @property
    def is_ahead(self) -> bool:
        """Whether no network errs less than logistic regression."""
        return self.logistic <= self.best

    @property
    def says(self) -> str:
        """The precondition that fails where it is ahead, and what that makes of verdicts."""
        return f"{self.fact} Verdicts there say how networks begin to learn, not how good they become."

    @property
    def fact(self) -> str:
        """The precondition that fails where it is ahead."""
        errors = [words.number(100 * error, 1) for error in (self.best, self.logistic)]
        return (
            f"On {self.train:,} images of {self.image_size}×{self.image_size} pixels no network beats a linear "
            f"classifier: test error {errors[0]} % ({self.network}), logistic regression {errors[1]} %."
        )


@dataclass(frozen=True)
class IndexPage:
    """What the index shows beside the studies.

    Attributes:
        sentences: *Is deeper better?* in three of them.
        rows: the lectures' claims by verdict, each as the ledger of record answers it, or else the first one.
        own: statements that studies make themselves.
        trainings: behind the studies here.
        trainings_again: behind those of the ledger of record, which stands beside; None where it does not.
        unmeasured: claims of the ledger that nothing here is about.
        again: how many claims the ledger of record, which stands beside, answers; 0 where it does not.
        before: on the pages of record: what the first ledger said of a claim and what is said now.
        rivals: what classifiers of the same pixels reach beside the best network, by the pictures that studies share.
        on_their_way: studies of searches that have not come to their end.
    """

    studies: Sequence[StudyPage]
    exact: ExactPage
    sentences: Sequence[Sentence]
    rows: dict[str, list[VerdictRow]]
    own: Sequence[VerdictRow]
    trainings: TrainingCounts
    trainings_again: TrainingCounts | None
    unmeasured: Sequence[Claim]
    again: int
    before: Sequence[tuple[ClaimRow, VerdictRow]]
    rivals: Sequence[Rival]
    on_their_way: Sequence[SearchPage]

    @property
    def is_of_record(self) -> bool:
        """Whether it is that of the ledger of record, which stands in a folder below the first page."""
        return bool(self.studies) and all(page.results.table.profile == RECORD for page in self.studies)

    @property
    def summary(self) -> str:
        """``2 contradicted, 4 mixed, 11 supported and 21 cannot tell``: those verdicts that there are."""
        return words.listed([f"{len(rows)} {verdict}" for verdict, rows in self.rows.items()])

    @property
    def against(self) -> list[VerdictRow]:
        """What goes against the lectures, by networks that have learned."""
        return against(row for rows in self.rows.values() for row in rows)

    @property
    def decided(self) -> list[VerdictRow]:
        return [row for verdict, rows in self.rows.items() if verdict not in OPEN for row in rows]

    @property
    def undecided(self) -> list[VerdictRow]:
        return [row for verdict, rows in self.rows.items() if verdict in OPEN for row in rows]

    @property
    def measured_on(self) -> list[str]:
        """The scales of the answer, each once."""
        return scales(self.sentences)

    @property
    def families(self) -> list[str]:
        """What the intervals of the answer are simultaneous over, each once."""
        return families(self.sentences)

    @property
    def mapped(self) -> list[ClaimRow]:
        """Claims of the answer whose study draws a map of its arms."""
        return mapped(self.sentences)

    @property
    def others(self) -> list[StudyPage]:
        """Pages to which no claim leads."""
        led = {row.page for rows in (*self.rows.values(), self.own) for row in rows}
        return [page for page in self.studies if f"{page.name}.md" not in led]


def write(
    results: Path,
    reports: Path,
    shelf: Path,
    exact: Sequence[Finding] = (),
    others: Sequence[StudyTable] = (),
    only: Collection[str] = (),
    drawn: Path | None = None,
    spare: Baselines | None = None,
) -> list[Path]:
    """Write the pages of every study in ``results`` to ``reports`` and clear away those of studies that are gone.

    ``shelf`` is the folder of published numbers, ``exact`` what was found of the exact claims, ``others`` are tables
    of the family that have no page here. Where studies are named by ``only``, their pages alone are written, and the
    index, and nothing is cleared away. Figures that the folder ``drawn`` keeps are not drawn again. ``spare`` are
    baselines for pictures of which ``results`` has none. Returns the files of the report; each is written whole or not
    at all, and only after every page could be made. Others in ``reports`` are left alone.

    Raises:
        DeeperError: a results file is damaged, or a study names something that does not exist.
    """
    again = _rows(results / RECORD, shelf, folder=f"{RECORD}/")
    first = _rows(results.parent, shelf, folder="../") if results.name == RECORD else []
    before = [row for row in first if row.results.table.profile == FIRST_LEDGER]
    baselines = read_baselines(results / BASELINES).filled_from(spare or Baselines())
    searches = search.pages(results, baselines)
    top = None if reports.is_absolute() else "/".join([".."] * len(reports.parts))
    made = pages(load.load(results), shelf, exact, baselines, again, others, only, top, searches, before, drawn)
    for name, content in sorted(made.items()):
        files.write_changed(reports / name, content)
    if not only:
        _clear(reports, set(made))
    return [reports / name for name in sorted(made)]


def pages(
    results: Sequence[StudyResults],
    shelf: Path,
    exact: Sequence[Finding] = (),
    baselines: Baselines | None = None,
    again: Sequence[ClaimRow] = (),
    others: Sequence[StudyTable] = (),
    only: Collection[str] = (),
    top: str | None = None,
    searches: Sequence[SearchPage] = (),
    before: Sequence[ClaimRow] = (),
    drawn: Path | None = None,
) -> dict[str, bytes]:
    """Every file of the report by its path below ``reports``; ``again``: what the ledger of record, beside, answers.

    ``before`` is what the first ledger answers, for the pages of record. ``searches`` are the studies of searches,
    whose pages are left alone where ``only`` is given. ``top`` is the root of the repository as a page sees it; left
    out, it is that of the usual folders. ``drawn`` keeps figures.
    """
    studies = _studies(results, shelf, baselines, others, only, drawn)
    transfers = {page.name: transfer.build(page, _elsewhere(page, studies)) for page in _of_kind(studies, "transfer")}
    # Pages of some profiles stand a folder deeper.
    top = top or ("../.." if any(one.table.profile in APART for one in results) else "..")
    made = {
        INDEX: _render(
            "index.md.j2",
            top=top,
            index=_index(results, studies, exact, again, searches, baselines, before),
        )
    }
    if exact:
        made["exact_claims.md"] = _render("exact_claims.md.j2", top=top, exact=ExactPage(exact))
    for page in studies if not only else [page for page in studies if page.name in only]:
        facts = _facts(page, studies, transfers, baselines)
        facts["again"] = {row.claim: row for row in again}
        made[f"{page.name}.md"] = _render(f"{page.results.page}.md.j2", top=top, page=page, **facts)
        made[f"curves/{page.name}.csv"] = _curves(page.arms)
        made |= {f"figures/{page.name}/{name}": content for name, content in page.charts.items()}
    published = search.published(shelf)
    for page in searches if not only else ():
        charts = page.charts(drawn)
        made[f"{page.name}.md"] = _render("search.md.j2", top=top, page=page, charts=charts, published=published)
        made |= {f"figures/{page.name}/{name}": content for name, content in charts.items()}
    made[trial_table.FILE] = trial_table.trial_table(results)
    return made | _metrics([*studies, *searches], exact)


def _studies(
    results: Sequence[StudyResults],
    shelf: Path,
    baselines: Baselines | None,
    others: Sequence[StudyTable],
    only: Collection[str],
    kept_in: Path | None,
) -> list[StudyPage]:
    """Every study's page, with charts where it is written. A smoke run measures nothing: it has no verdicts."""
    judged = _judged(results, shelf, baselines, others)
    data = [ChartData(one, arm_results(one.table), verdicts) for one, verdicts, _ in judged]
    drawn = iter(kept_figures.draw([one for one in data if not only or one.results.name in only], kept_in))
    charts = [next(drawn) if not only or one.results.name in only else {} for one in data]
    family = [*(one.table for one in results if one.measures), *others]
    return [
        study.build(
            one.results,
            one.arms,
            one.verdicts,
            pictures | _strips(one),
            numbers,
            replications(one.results, one.verdicts, family, baselines),
        )
        for one, pictures, (_, _, numbers) in zip(data, charts, judged, strict=True)
    ]


def _judged(
    results: Sequence[StudyResults], shelf: Path, baselines: Baselines | None, others: Sequence[StudyTable] = ()
) -> list[Judged]:
    """Every study with its verdicts and the published numbers beside it."""
    tables = [one.table for one in results if one.measures]
    verdicts = claims.evaluate(tables, baselines, others)
    return [
        (one, [v for v in verdicts if v.study == one.name], published_numbers.select(one.study, shelf, str(one.path)))
        for one in results
    ]


def ledger_rows(results: Path, shelf: Path) -> dict[str, ClaimRow]:
    """The claims by id, each as the ledger of record answers it, or else the first one; without any page."""
    return newest(_rows(results, shelf), _rows(results / RECORD, shelf, folder=f"{RECORD}/"))


def _rows(results: Path, shelf: Path, folder: str = "") -> list[ClaimRow]:
    """What the studies of a folder answer, with pages in ``folder``."""
    return claim_rows(_judged(load.load(results), shelf, read_baselines(results / BASELINES)), folder)


def _strips(one: ChartData) -> dict[str, bytes]:
    """The pictures that a page on transfer learning shows."""
    if one.results.page != "transfer":
        return {}
    return transfer_confusions.strips(one.results, transfer_tasks(one.results, one.arms))


def _facts(
    page: StudyPage,
    studies: Sequence[StudyPage],
    transfers: dict[str, TransferPage],
    baselines: Baselines | None,
) -> dict[str, Any]:
    """What a page of this kind shows beside what all pages do."""
    if page.results.page == "zoo":
        others = [one for one in _of_kind(studies, "zoo") if one is not page and zoo_choices.of_budgets(one)]
        return {
            "zoo": zoo.build(page, baselines),
            "rivals": rivals(studies, baselines or Baselines(), of=[page]),
            "other_zoos": others,
        }
    if page.results.page == "calibration":
        return {"calibration": calibration.build(page.results)}
    if page.results.page == "transfer":
        return {"transfer": transfers[page.name], "by_pictures": _by_pictures(transfers[page.name], transfers)}
    return {}


def _by_pictures(own: TransferPage, transfers: dict[str, TransferPage]) -> StudyPage | None:
    """The page whose curves by number of pictures a page shows: of those on its sets, the one with most numbers."""
    sets = set(own.page.results.table.targets)
    others = [one for one in transfers.values() if sets <= set(one.page.results.table.targets)]
    drawn = [one for one in (own, *others) if one.page.has("accuracy-by-pictures")]
    best = max(drawn, key=lambda one: one.sizes, default=None)
    return best and best.page


def _elsewhere(page: StudyPage, studies: Sequence[StudyPage]) -> dict[str, str]:
    """The study that has a page on a target set, for sets of other studies than this one."""
    others = [one for one in _of_kind(studies, "transfer") if one is not page]
    return {name: one.name for one in reversed(others) for name in one.results.table.targets}


def _of_kind(studies: Sequence[StudyPage], kind: str) -> list[StudyPage]:
    return [page for page in studies if page.results.page == kind]


def _index(
    results: Sequence[StudyResults],
    studies: Sequence[StudyPage],
    exact: Sequence[Finding],
    again: Sequence[ClaimRow],
    searches: Sequence[SearchPage],
    baselines: Baselines | None,
    before: Sequence[ClaimRow],
) -> IndexPage:
    here = claim_rows([(page.results, page.verdicts, page.published) for page in studies])
    rows = newest(here, [*again, *search.rows(searches)])
    of_lectures = {claim: row for claim, row in rows.items() if row.answer.about.is_of_a_lecture}
    measured = {*rows, *(finding.claim for finding in exact)}
    return IndexPage(
        studies,
        ExactPage(exact),
        sentences=answer(rows),
        rows=by_verdict(of_lectures),
        own=[row for claim, row in rows.items() if claim not in of_lectures],
        trainings=count_trainings([one for one in results if one.measures]),
        trainings_again=count_trainings([row.results for row in again]) if again else None,
        unmeasured=[claim for claim in ledger().values() if claim.id not in measured],
        again=sum(row.claim in of_lectures for row in again),
        before=[(row, rows[row.claim]) for row in before if row.claim in rows],
        rivals=rivals(studies, baselines or Baselines()),
        on_their_way=[page for page in searches if not page.found.finished],
    )


def rivals(studies: Sequence[StudyPage], baselines: Baselines, of: Sequence[StudyPage] | None = None) -> list[Rival]:
    """A rival for each size and number of pictures whose baselines were computed.

    The best network is that of all ``studies``, with verdicts or without, so that every page names the same one; ``of``
    leaves the pictures that these pages have.
    """
    best: dict[Pictures, tuple[float, str]] = {}
    for page in studies:
        for place, error, network in _errors(page) if page.results.measures else ():
            if place not in best or error < best[place][0]:
                best[place] = error, f"{network} of *{page.results.study.title}*"
    shown = set(best) if of is None else {place for page in of for place, *_ in _errors(page)}
    return [
        Rival(*place[1:], network, error, logistic, baselines.test_error(FOREST, *place))
        for place, (error, network) in best.items()
        if place in shown and (logistic := baselines.test_error(LOGISTIC, *place)) is not None
    ]


def _errors(page: StudyPage) -> Iterator[tuple[Pictures, float, str]]:
    """The mean test error of each trained arm, with the pictures that all its trials have, and the arm's label."""
    for arm in page.arms:
        seen = {page.results.table.pixels(row) for row in arm.rows}
        if len(seen) == 1 and arm.means["test_error"] and not arm.average:
            yield seen.pop(), arm.means["test_error"].mean, arm.label


def _render(template: str, **context: Any) -> bytes:
    return (MARK + "\n\n" + _environment().get_template(template).render(**context).strip() + "\n").encode()


@functools.cache
def _environment() -> jinja2.Environment:
    environment = templating.environment("deeper.reporting")
    environment.filters.update({function.__name__: function for function in FILTERS})
    of_parts = (exact_claims.mark, exact_claims.found, exact_claims.says, exact_claims.tolerance)
    environment.filters.update({f"exact_{function.__name__}": function for function in of_parts})
    environment.filters["effect"] = effect
    environment.filters |= {"searched_precondition": search.precondition, "operation": words_of}
    names = ("mark", "notes", "pair", "precondition")
    said = {name: getattr(verdict_words, name) for name in names}
    said |= {
        "finding": finding_words.finding,
        "legend": legend,
        "measured": finding_words.measured,
        "words": words,
        "signs": verdict_words.SIGNS,
    }
    said |= {"answer_begin": front_page.BEGIN, "answer_end": front_page.END}
    environment.globals.update(claims=claims, ledger=ledger(), machine=study.machine, **said)
    return environment


def _curves(arms: Sequence[ArmResults]) -> bytes:
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(("arm", "epoch", *CURVE_COLUMNS))
    for arm in arms:
        columns = [dict(curve(arm.rows, key)) for key in CURVE_COLUMNS]
        for epoch in sorted(set().union(*columns)):
            values = [f"{column[epoch].mean:.6f}" if epoch in column else "" for column in columns]
            table.writerow((arm.label, epoch, *values))
    return buffer.getvalue().encode()


def _metrics(studies: Sequence[StudyPage | SearchPage], exact: Sequence[Finding]) -> dict[str, bytes]:
    """A file a claim, ``metrics/<study>/<claim>.json``, so that DVC shows a row a claim and a column a number."""
    found = {(page.name, verdict.claim): _claim_leaves(verdict) for page in studies for verdict in page.verdicts}
    found |= {("exact_claims", finding.claim): {"verdict": finding.in_the_ledger} for finding in exact}
    return {
        f"{METRICS}/{study}/{claim}.json": (json.dumps(leaves) + "\n").encode()
        for (study, claim), leaves in found.items()
    }


def _claim_leaves(verdict: Verdict) -> dict[str, Any]:
    """The verdict, with the numbers of the comparison it hangs on: mean, simultaneous interval, seeds, detectable."""
    deciding, found = verdict.deciding, verdict.deciding.difference
    values = (found.mean, found.lower, found.upper) if found else (None, None, None)
    numbers = dict(zip(("effect", "lower", "upper"), values, strict=True)) | {"detectable": deciding.detectable}
    rounded = {name: _rounded(value) for name, value in numbers.items()}
    return {"verdict": verdict.verdict, **rounded, "seeds": len(deciding.seeds)}


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else float(f"{value:.6g}")


def _clear(reports: Path, kept: set[str]) -> None:
    """Remove what an earlier report wrote and this one did not: pages with the mark, their figures and tables."""
    written = [page for page in reports.glob("*.md") if page.read_bytes().startswith(MARK.encode())]
    old = [*written, *(reports / "curves" / f"{page.stem}.csv" for page in written)]
    folders = [reports / part / page.stem for page in written for part in ("figures", METRICS)]
    old += [path for folder in folders for path in folder.glob("*") if path.suffix in (*DRAWN, ".json")]
    for path in old:
        if path.relative_to(reports).as_posix() not in kept:
            path.unlink(missing_ok=True)
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
