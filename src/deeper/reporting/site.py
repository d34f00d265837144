"""The pages: results in, a folder of Markdown, figures and tables out, the same bytes for the same results."""

import csv
import io
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2

from deeper.analysis import claims
from deeper.analysis.claims import Verdict
from deeper.analysis.findings import Finding
from deeper.analysis.ledger import ledger
from deeper.analysis.statistics import Mean
from deeper.errors import DeeperError
from deeper.reporting import (
    answers,
    averaging_figure,
    budget_table,
    calibration,
    exact_page,
    figures,
    forest,
    landscape,
    notes,
    published,
    records,
    scale,
    summary,
    tables,
    text,
    trainings,
)
from deeper.reporting.exact_page import ExactPage
from deeper.reporting.records import Results
from deeper.reporting.summary import Arm

MARK = "<!-- Written by python -m deeper.report; changes made here are lost. -->"
PAGES = {"study": (*averaging_figure.FIGURES, *figures.FIGURES), "zoo": landscape.FIGURES, "calibration": ()}
LEADING = (*averaging_figure.FIGURES, *(one for one in figures.FIGURES if one[0] == "error-without-a-block"))
OWN_FOLDERS = ("figures", "curves")
CURVE_COLUMNS = ("train_error", "validation_error")


@dataclass(frozen=True)
class Study:
    """Everything that one page shows."""

    results: Results
    arms: Sequence[Arm]
    verdicts: Sequence[Verdict]
    figures: Mapping[str, bytes]
    published: Sequence[published.Figure]

    @property
    def name(self) -> str:
        return self.results.name

    @property
    def page(self) -> str:
        """The kind of its page: ``study``, ``zoo`` (many networks, accuracy against cost) or ``calibration``."""
        return self.results.study.get("page", "study")

    @property
    def ranking(self) -> list[landscape.Rank]:
        return landscape.ranking(self.arms)

    def published_for(self, arm: Arm) -> str:
        """Accuracies that others published of an arm's architecture."""
        found = [row for row in self.published if row.arm == arm.name and row.accuracy]
        return ", ".join(f"{row.accuracy} ({row.network})" for row in found) or "–"

    @property
    def tables(self) -> list[tables.Table]:
        """Tables that the study asks for."""
        return tables.tables(self.results.study, self.arms, str(self.results.path))

    @property
    def budgets(self) -> list[budget_table.Row]:
        return budget_table.rows(self.results, self.arms)

    @property
    def calibration(self) -> calibration.Table:
        return calibration.table(self.results)

    @property
    def data(self) -> Mapping[str, Any]:
        return self.results.content["data"]

    @property
    def scale(self) -> scale.Scale:
        return scale.of(self.results, self.results.content["trials"])

    def scale_of(self, answer: Verdict, data: bool) -> str:
        """The scale of a claim: that of the arms which it compares; ``data``: with the data set's name and profile."""
        compared = {arm for outcome in answer.outcomes for arm in (outcome.comparison.of, outcome.comparison.against)}
        sources = {arm.average["of"] for arm in self.averaged if arm.name in compared}
        trials = [trial for arm in sorted((compared | sources) - {None}) for trial in self.results.trials(arm)]
        words = f"{scale.of(self.results, trials).brief(data)}, {self.counted(answer)}"
        return f"{words}, profile {self.results.content['profile']}" if data else words

    @property
    def differing(self) -> Mapping[str, str]:
        """What sets each arm apart besides its network, by arm; empty where nothing does."""
        if not scale.varying(self.results.content["trials"]):
            return {}
        return {arm.name: scale.differs(self.results, arm.trials) for arm in self.arms}

    @property
    def recipe(self) -> Mapping[str, Any]:
        return scale.recipe(self.results)

    @property
    def seeds(self) -> list[int]:
        return sorted({trial["seed"] for trial in self.results.content["trials"]})

    @property
    def seeds_words(self) -> str:
        """``5 seeds``, ``3 and 5 seeds (by arm)``: of the arms that are trained."""
        counts = sorted({len(arm.trials) for arm in self.arms if not arm.average})
        by_arm = f" ({scale.BY_ARM})" if len(counts) > 1 else ""
        return f"{scale.several(counts)} {'seed' if counts == [1] else 'seeds'}{by_arm}"

    @property
    def has_its_own_figure(self) -> bool:
        """Whether there is a figure that shows more of the answer than the comparisons do."""
        return self.page != "study" or any(self.has(name) for name, *_ in LEADING)

    def differences(self) -> str:
        """What a figure's alternative text says of the comparisons."""
        rows = forest.lines(self.verdicts, self.results.label)
        return "; ".join(f"{' '.join(row.name.split())} {row.words}, {row.outcome.direction}" for row in rows)

    def counted(self, answer: Verdict) -> str:
        return answers.counted(self.results, answer)

    def finding(self, answer: Verdict) -> str:
        return answers.finding(self.results, answer)

    def effect(self, answer: Verdict) -> str:
        """The deciding difference of a claim: ``training error +41.13 points [+34.62, +47.64]``."""
        return forest.Line("", answer.deciding).words

    def advice(self, answer: Verdict) -> str:
        return answers.advice(self.results, answer)

    def answers(self, verdict: str) -> list[Verdict]:
        return [answer for answer in self.verdicts if answer.verdict == verdict]

    @property
    def diverged(self) -> list[Mapping[str, Any]]:
        return [trial for arm in self.arms for trial in arm.diverged]

    @property
    def finished(self) -> str:
        """Days of the first and the last trial's end."""
        days = sorted({trial["finished_at"][:10] for arm in self.arms for trial in arm.trials if trial["finished_at"]})
        return " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "unknown"

    def has(self, figure: str) -> bool:
        return f"{figure}-light.svg" in self.figures

    def final_errors(self) -> str:
        """What a figure's alternative text says of the arms."""
        known = [arm for arm in self.arms if arm.means["train_error"]]
        return "; ".join(f"{arm.label} ends at {text.percent(arm.means['train_error'])}" for arm in known)

    def beside(self, row: published.Figure) -> str:
        arm = next((arm for arm in self.arms if arm.name == row.arm), None)
        return f"{arm.label}: {text.percent(arm.means['test_error'])}" if arm else "–"

    def notes(self, answer: Verdict) -> list[str]:
        return notes.of_verdict(self.results, answer, self.published)

    @property
    def averaged(self) -> list[Arm]:
        """Arms that average the networks of others."""
        return [arm for arm in self.arms if arm.average]

    @property
    def alone(self) -> bool:
        """Whether a comparison is of one arm with 0 or a margin."""
        return any(outcome.comparison.against is None for answer in self.verdicts for outcome in answer.outcomes)

    def averages(self) -> str:
        """What a figure's alternative text says of the arms that average."""
        return "; ".join(f"{arm.label} errs {text.percent(arm.means['test_error'])}" for arm in self.averaged)

    def divergence(self) -> list[str]:
        return [notes.diverged(arm.label, arm.diverged) for arm in self.arms if arm.diverged]

    def limits(self) -> list[str]:
        return notes.limits(self.results, self.verdicts)

    def machine(self, environment: Mapping[str, Any]) -> str:
        return notes.machine(environment["machine"])

    def trial_cell(self, arm: Arm, seed: int) -> str:
        trial = next((trial for trial in arm.trials if trial["seed"] == seed), None)
        if trial is None:
            return "–" if arm.average else "missing"
        where = f" <sup>{trial['environment']}</sup>" if len(self.results.content["environments"]) > 1 else ""
        return f"`{trial['id']}`{where}{' diverged' if trial['status'] == 'diverged' else ''}"


def write(results: Path, reports: Path, shelf: Path, exact: Sequence[Finding] = ()) -> list[Path]:
    """Write the pages of every study in ``results`` to ``reports`` and clear away those of studies that are gone.

    ``shelf`` is the folder of published numbers, ``exact`` what was found of the exact claims. Returns the files
    written; each is written whole or not at all, and only after every page could be made. Files in ``reports`` that are
    not the report's own are left alone.

    Raises:
        DeeperError: a results file is damaged, or a study names something that does not exist.
    """
    files = pages(records.load(results), shelf, exact)
    for name, content in sorted(files.items()):
        _write(reports / name, content)
    _clear(reports, set(files))
    return [reports / name for name in sorted(files)]


def pages(results: Sequence[Results], shelf: Path, exact: Sequence[Finding] = ()) -> dict[str, bytes]:
    """Every file of the report by its path below ``reports``."""
    verdicts = claims.evaluate([(str(one.path), one.content) for one in results])
    studies = [_study(one, [v for v in verdicts if v.study == one.name], shelf) for one in results]
    computed = ExactPage(exact)
    facts = {"family": _family(studies), "trainings": trainings.count(results), "exact": computed}
    facts |= {"headline": _headline(studies), "places": _places(studies)}
    files = {"README.md": _page("index.md.j2", studies=studies, **facts)}
    if exact:
        files["exact_claims.md"] = _page("exact_claims.md.j2", exact=computed)
    for study in studies:
        files[f"{study.name}.md"] = _page(f"{study.page}.md.j2", study=study, family=_family(studies))
        files[f"curves/{study.name}.csv"] = _curves(study)
        files |= {f"figures/{study.name}/{name}": content for name, content in study.figures.items()}
    files["metrics.json"] = (json.dumps(_metrics(studies) | _exact_metrics(exact), indent=1) + "\n").encode()
    return files


def _study(results: Results, verdicts: Sequence[Verdict], shelf: Path) -> Study:
    page = results.study.get("page", "study")
    if page not in PAGES:
        raise DeeperError(f"{results.path}: page {page!r} is not one of {', '.join(PAGES)}")
    arms = summary.arms(results)
    drawn = figures.draw(arms, PAGES[page])
    if page != "calibration":
        drawn |= figures.draw(forest.lines(verdicts, results.label), forest.FIGURES)
    return Study(results, arms, verdicts, drawn, published.select(results.study, shelf, str(results.path)))


def _headline(studies: Sequence[Study]) -> Study | None:
    """The study whose figure stands on the index: the one that answers the earliest claim of the ledger."""
    order = list(ledger())
    places = [(order.index(verdict.claim), study) for study in studies for verdict in study.verdicts]
    return min(places, key=lambda place: place[0], default=(0, None))[1]


def _places(studies: Sequence[Study]) -> list[str]:
    """Data and profile of the studies that answer claims, each once: ``Fashion-MNIST, profile `pocket```."""
    found = (f"{one.scale.data_words()}, profile `{one.results.content['profile']}`" for one in studies if one.verdicts)
    return list(dict.fromkeys(found))


def _family(studies: Sequence[Study]) -> int:
    return sum(len(verdict.outcomes) for study in studies for verdict in study.verdicts)


def _page(template: str, **context: Any) -> bytes:
    return (MARK + "\n\n" + _environment().get_template(template).render(**context).strip() + "\n").encode()


def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("deeper.reporting"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,
    )
    shown = (
        text.number,
        text.percent,
        text.seconds,
        text.count,
        text.p_value,
        text.expectation,
        text.sentence,
        text.data_name,
        text.plural,
        text.seeds,
        text.cell,
        text.settings,
        text.duration,
    )
    environment.filters.update({function.__name__: function for function in shown})
    exact = (exact_page.mark, exact_page.found, exact_page.says, exact_page.tolerance)
    environment.filters.update({f"exact_{function.__name__}": function for function in exact})
    environment.globals.update(text=text, claims=claims, ledger=ledger())
    return environment


def _curves(study: Study) -> bytes:
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    table.writerow(("arm", "epoch", *CURVE_COLUMNS))
    for arm in study.arms:
        columns = [dict(summary.curve(arm.trials, key)) for key in CURVE_COLUMNS]
        for epoch in sorted(set().union(*columns)):
            values = [f"{column[epoch].mean:.6f}" if epoch in column else "" for column in columns]
            table.writerow((arm.label, epoch, *values))
    return buffer.getvalue().encode()


def _metrics(studies: Sequence[Study]) -> dict[str, Any]:
    return {
        study.name: {
            "claims": {verdict.claim: _claim_leaves(verdict) for verdict in study.verdicts},
            "arms": {arm.name: _arm_leaves(arm) for arm in study.arms},
        }
        for study in studies
    }


def _exact_metrics(exact: Sequence[Finding]) -> dict[str, Any]:
    claims = {finding.claim: {"verdict": finding.in_the_ledger} for finding in exact}
    return {"exact_claims": {"claims": claims}} if claims else {}


def _claim_leaves(verdict: Verdict) -> dict[str, Any]:
    """The verdict, with the numbers of the comparison it hangs on; ``p`` is adjusted."""
    found = verdict.deciding.difference
    values = (found.mean, found.lower, found.upper) if found else (None, None, None)
    numbers = dict(zip(("effect", "lower", "upper"), values, strict=True)) | {"p": verdict.deciding.p_adjusted}
    return {"verdict": verdict.verdict} | {name: _rounded(value) for name, value in numbers.items()}


def _arm_leaves(arm: Arm) -> dict[str, float | None]:
    """Mean errors; an arm that averages others has no training error, and none is named."""
    means = {key: arm.means[key] for key in ("train_error", "test_error")}
    return {key: _leaf(mean) for key, mean in means.items() if mean or not arm.average}


def _leaf(mean: Mean | None) -> float | None:
    return None if mean is None else _rounded(mean.mean)


def _rounded(value: float | None) -> float | None:
    return None if value is None or value != value else float(f"{value:.6g}")


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        beside.write_bytes(content)
        os.replace(beside, path)
    finally:
        beside.unlink(missing_ok=True)


def _clear(reports: Path, kept: set[str]) -> None:
    """Remove what an earlier report wrote and this one did not: pages with the mark, and figures and tables."""
    old = [page for page in reports.glob("*.md") if page.read_bytes().startswith(MARK.encode())]
    for folder in OWN_FOLDERS:
        old += [path for path in (reports / folder).rglob("*") if path.is_file()]
    for path in old:
        if path.relative_to(reports).as_posix() not in kept:
            path.unlink()
    for folder in OWN_FOLDERS:
        for path in sorted((reports / folder).rglob("*"), reverse=True):
            if path.is_dir() and not any(path.iterdir()):
                path.rmdir()
