"""The pages: results in, a folder of Markdown, figures and tables out, the same bytes for the same results."""

import csv
import functools
import io
import json
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2

from deeper.claims import verdicts as claims
from deeper.claims.statistics import Mean
from deeper.claims.verdicts import Verdict
from deeper.exact.computed_claim import Finding
from deeper.reporting import drawing, exact_page, published, records, summary, text, trainings, transfer_arms
from deeper.reporting.drawing import Sheet
from deeper.reporting.exact_page import ExactPage
from deeper.reporting.page import Study
from deeper.reporting.records import Results
from deeper.reporting.summary import Arm
from deeper.schema.ledger import ledger

MARK = "<!-- Written by python -m deeper.report; changes made here are lost. -->"
DRAWN = (".svg", ".png")
CURVE_COLUMNS = ("train_error", "validation_error")


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
    studies = _studies(results, verdicts, shelf)
    computed = ExactPage(exact)
    facts = {"family": _family(studies), "trainings": trainings.count(results), "exact": computed}
    facts |= {"headline": _headline(studies), "places": _places(studies)}
    files = {"README.md": _page("index.md.j2", studies=studies, **facts)}
    if exact:
        files["exact_claims.md"] = _page("exact_claims.md.j2", exact=computed)
    for study in studies:
        own = _of_transfer(study, studies) if study.page == "transfer" else {}
        files[f"{study.name}.md"] = _page(f"{study.page}.md.j2", study=study, family=_family(studies), **own)
        files[f"curves/{study.name}.csv"] = _curves(study)
        files |= {f"figures/{study.name}/{name}": content for name, content in study.figures.items()}
    files["metrics.json"] = (json.dumps(_metrics(studies) | _exact_metrics(exact), indent=1) + "\n").encode()
    return files


def _studies(results: Sequence[Results], verdicts: Sequence[Verdict], shelf: Path) -> list[Study]:
    shown = [published.select(one.study, shelf, str(one.path)) for one in results]
    sheets = [Sheet(one, summary.arms(one), [v for v in verdicts if v.study == one.name]) for one in results]
    drawn = drawing.draw(sheets)
    return [
        Study(sheet.results, sheet.arms, sheet.verdicts, figures, rows)
        for sheet, figures, rows in zip(sheets, drawn, shown, strict=True)
    ]


def _of_transfer(study: Study, studies: Sequence[Study]) -> dict[str, Any]:
    """What a page on transfer learning shows more; ``by_pictures`` is the study whose curves it shows, if any."""
    found = {"transfer": study.transfer(_elsewhere(study, studies))}
    sets = set(study.results.content["targets"])
    others = [one for one in studies if one.page == "transfer" and sets <= set(one.results.content["targets"])]
    drawn = [one for one in (study, *others) if one.has("accuracy-by-pictures")]
    return found | {"by_pictures": max(drawn, key=_sizes, default=None)}


def _sizes(study: Study) -> int:
    """How many numbers of training pictures a class a study of transfer learning compares."""
    found = transfer_arms.tasks(study.results, study.arms)
    return max((len({arm.per_class for arm in task.arms}) for task in found), default=0)


def _elsewhere(study: Study, studies: Sequence[Study]) -> dict[str, str]:
    """The study that has a page on a target set, for sets of other studies than this one."""
    others = [one for one in studies if one is not study and one.page == "transfer"]
    return {name: one.name for one in reversed(others) for name in one.results.content["targets"]}


def _headline(studies: Sequence[Study]) -> Study | None:
    """The study whose figure stands on the index: the one that answers the earliest claim of the ledger."""
    order = list(ledger())
    places = [(order.index(verdict.claim), study) for study in studies for verdict in study.verdicts]
    return min(places, key=lambda place: place[0], default=(0, None))[1]


def _places(studies: Sequence[Study]) -> list[str]:
    """Data and profile of the studies that answer claims, each once, the one of most studies first."""
    found = Counter(one.place for one in studies if one.verdicts)
    return [place for place, _ in found.most_common()]


def _family(studies: Sequence[Study]) -> int:
    return sum(len(verdict.outcomes) for study in studies for verdict in study.verdicts)


def _page(template: str, **context: Any) -> bytes:
    return (MARK + "\n\n" + _environment().get_template(template).render(**context).strip() + "\n").encode()


@functools.cache
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
    """Remove what an earlier report wrote and this one did not: pages with the mark, their figures and tables."""
    pages = [page for page in reports.glob("*.md") if page.read_bytes().startswith(MARK.encode())]
    old = [*pages, *(reports / "curves" / f"{page.stem}.csv" for page in pages)]
    folders = [reports / "figures" / page.stem for page in pages]
    old += [path for folder in folders for path in folder.glob("*") if path.suffix in DRAWN]
    for path in old:
        if path.relative_to(reports).as_posix() not in kept:
            path.unlink(missing_ok=True)
    for folder in folders:
        if folder.is_dir() and not any(folder.iterdir()):
            folder.rmdir()
