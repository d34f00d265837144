"""Results in, a folder of pages out: templates fill Markdown, Sphinx makes pages, search and themes of it."""

import base64
import functools
import gzip
import importlib.resources
import io
import json
import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jinja2
from markdown_it import MarkdownIt
from markupsafe import Markup

from deeper import files
from deeper.claims import verdicts as claims
from deeper.errors import DeeperError
from deeper.exact import findings as exact_findings
from deeper.exact.computed_claim import DEPENDS, Finding
from deeper.files import json_value
from deeper.reporting import templating, words
from deeper.reporting.charts import comparisons, theme
from deeper.reporting.pages import (
    answer,
    claim_rows,
    exact_claims,
    finding_words,
    search,
    study,
    transfer,
    verdict_words,
    zoo_choices,
)
from deeper.reporting.pages import site as reports
from deeper.reporting.pages.claim_rows import ClaimRow
from deeper.reporting.pages.search import SearchPage
from deeper.reporting.pages.study import StudyPage
from deeper.schema.baselines import FILE as BASELINES
from deeper.schema.baselines import read_baselines
from deeper.schema.ledger import ledger
from deeper.site import (
    arm_networks,
    charts,
    ledger_rows,
    networks,
    probe_charts,
    row_charts,
    scales,
    searches,
    sources,
    zoo,
)
from deeper.site.curve_chart import curve_chart
from deeper.site.repeated_parts import common_parts, said_once

OWN = ".deeper.json"  # the site's files, so that nothing of the user's is taken for one
# A library's style comes with its script, in its place before ours.
STYLE = """document.querySelector('link[href*="site.css"]').before(
  Object.assign(document.createElement("style"), {{ textContent: {style} }}));
"""
CHART = re.compile(r'(?<=<script type="application/json">).*?(?=</script>)', re.DOTALL)
INDENT = re.compile(r"(<pre.*?</pre>)|\s*\n\s*", re.DOTALL)  # and text that keeps its own
SETTINGS = {
    "project": "Deeper",
    "html_title": "Deeper",
    "author": "",
    "extensions": ["myst_parser"],
    "html_theme": "furo",
    "html_static_path": ["_site"],
    "templates_path": [str(Path(__file__).parent / "theme")],  # icons in one file: the theme puts all into every page
    "html_css_files": ["site.css"],
    "html_copy_source": False,
    "html_show_sphinx": False,
    "html_show_copyright": False,
    "html_use_index": False,
    "html_show_search_summary": False,  # it would fetch pages, which a browser refuses to a page from a folder
    "html_search_scorer": str(Path(__file__).parent / "static" / "scorer.js"),
    "suppress_warnings": ["myst.header"],
    "html_js_files": [
        ["vega.js", {"defer": "defer"}],
        ["datatables.js", {"defer": "defer"}],
        ["charts.js", {"defer": "defer"}],
        ["site.js", {"defer": "defer"}],
    ],
}
OVER_SEEDS = "Means over seeds with their 95 % intervals."
DECIDING = (
    "The intervals decide. Shaded: where the difference was expected; a dashed frame: what does not matter; a dashed "
    "line: the margin; a small dot: {}."
)
AVERAGED = "Means over groups with their 95 % intervals; dashed, the best single network of each group."
MAPPED = "Mean test error of each network, half of its 95 % interval below; the stronger the colour, the more error."
FILTERS = (
    *(words.number, words.percent, words.seconds, words.count, words.sentence, words.plural, words.expectation),
    *(words.listed, words.memory),
)


@dataclass(frozen=True)
class LiveChart:
    """A heading of a study's page with its charts, and what they show."""

    title: str
    charts: Sequence[str]
    says: str


def write(
    results: Path, site: Path, shelf: Path, exact: bool, chosen: Sequence[str] | None, figures: Path | None = None
) -> str:
    """Write the site anew, whole or not at all, and say what was written.

    Args:
        shelf: the folder of published numbers.
        exact: whether the exact claims are computed too.
        chosen: networks that have a page; None for all.
        figures: the folder that keeps exact claims; None computes them.

    Raises:
        DeeperError: results are damaged or missing, ``site`` holds something else than a site, or Sphinx complains.
    """
    _check_own(site)
    files.writable(site, "the site's folder", "site")
    found = sources.gather(results, shelf)
    findings = exact_findings(figures) if exact else []
    made = pages(found, findings, chosen, search.pages(results, read_baselines(results / BASELINES)))
    with files.folder_lock(site), files.scratch_folder(site) as scratch:
        common = common_parts(chart for text in made.values() for chart in CHART.findall(text))
        for name, text in made.items():
            path = scratch / "source" / f"{name}.md"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(CHART.sub(lambda found: said_once(found[0], common), text), encoding="utf-8")
        _libraries(scratch / "source" / "_site")
        _shared_by_charts(scratch / "source" / "_site", common)
        _sphinx(scratch.resolve())
        _slim(scratch / "html")
        (scratch / "html" / OWN).write_bytes(files.json_bytes(_below(scratch / "html")))
        _check_own(site)
        files.take_place(scratch / "html", site)
    size = sum(path.stat().st_size for path in site.rglob("*") if path.is_file())
    return f"{site / 'index.html'}: {len(made)} pages, {size / 1e6:.1f} MB"


def _check_own(site: Path) -> None:
    """See that a folder may be replaced: nothing is there, or a site and nothing beside it.

    Raises:
        DeeperError: something of the user's is there.
    """
    if not site.exists() or (site.is_dir() and not any(site.iterdir())):
        return
    try:
        own = {OWN, *json_value((site / OWN).read_bytes())}
    except (OSError, ValueError, TypeError):
        raise DeeperError(
            f"{site} holds something else than a site; move it away, or name another folder with site=FOLDER"
        ) from None
    foreign = [name for name in _below(site) if name not in own]
    if foreign:
        more = f" and {len(foreign) - 1} more" if len(foreign) > 1 else ""
        raise DeeperError(
            f"{site / foreign[0]}{more}: not of the site, which is written anew and would remove it; move it away, or "
            "name another folder with site=FOLDER"
        )


def _below(folder: Path) -> list[str]:
    return [str(path.relative_to(folder)) for path in files.below(folder)]


def pages(
    found: Sequence[sources.Source],
    findings: Sequence[Finding],
    chosen: Sequence[str] | None,
    searched: Sequence[SearchPage] = (),
) -> dict[str, str]:
    """Markdown of every page by its address without an ending."""
    answers = sources.answers(found)
    rows = [*map(ledger_rows.of_answer, answers), *map(ledger_rows.of_finding, findings)]
    rows += searches.ledger_rows(searched)
    rows.sort(key=lambda row: claims.VERDICTS.index(row.verdict))
    nets = networks.network_pages(found, answers, chosen)
    names = {net.name for net in nets}
    studies = [(source, page) for source in found for page in source.pages]
    made = {
        "index": _render("index", root="", exact=bool(findings), **_ledger(rows), **_front(found, answers)),
        "studies/index": _render("studies", root="../", studies=studies, searched=searched),
        "zoo": _render("zoo", root="", names=names, **_zoo(found, names)),
        "networks/index": _render("networks", root="../", networks=nets),
    }
    if findings:
        made["exact"] = _render("exact", root="", findings=findings)
    asked = {one.verdict.claim: one for one in answers}
    for source, page in studies:
        live = _live(page)
        tables = [*page.tables, *(zoo_choices.tables(page, source.baselines) if zoo.shows(page) else [])]
        limits = transfer.build(page, {}).limits if page.results.page == "transfer" else page.limits
        shown = {"live": live, "tables": tables, "names": names, "asked": asked, "long": study.LONG, "limits": limits}
        made[source.address(page)] = _render("study", root="../", source=source, page=page, **shown)
    for page in searched:
        shown = {"live": searches.best_so_far(page), "cells": searches.pictures(page)}
        made[searches.address(page)] = _render("search", root="../", page=page, **shown)
    for net in nets:
        made[f"networks/{net.name}"] = _render("network", root="../", net=net)
    return made


def _zoo(found: Sequence[sources.Source], names: set[str]) -> dict[str, Any]:
    """The networks as a chart and as lines, the most accurate first, and what budgets buy at each scale."""
    shown = [(source, list(filter(zoo.shows, source.pages))) for source in found]
    points = sorted(zoo.points(found), key=lambda point: point.error.mean)
    bought = [
        (f"{zoo.scale(page)}, {page.seeds_words}", table)
        for source, pages in shown
        for page in pages
        if (table := zoo_choices.of_budgets(page, source.baselines))
    ]
    rivals = [rival for source, pages in shown for rival in reports.rivals(source.pages, source.baselines, of=pages)]
    ahead = [rival for rival in rivals if rival.is_ahead]
    return {"chart": zoo.chart(found, names), "points": points, "bought": bought, "rivals": ahead}


def _ledger(rows: Sequence[ledger_rows.LedgerRow]) -> dict[str, Any]:
    """The claims in their folds, and the lists that choose among them: name, label, column, values with their words."""
    kinds = sorted({row.kind for row in rows})
    verdicts = list(dict.fromkeys(row.verdict for row in rows))
    families = sorted({family for row in rows for family in row.families})
    sizes = dict.fromkeys(scales.option(row.scale) for row in sorted(rows, key=lambda row: scales.dots(row.scale)))
    lists = [
        ("verdict", "Verdict", 1, verdicts),
        ("kind", "Kind", 4, kinds),
        ("family", "Family", 5, families),
        ("scale", "Scale", 6, list(sizes)),
    ]
    return {"folds": ledger_rows.folds(rows), "lists": lists}


def _front(found: Sequence[sources.Source], answers: Sequence[sources.Answer]) -> dict[str, Any]:
    """The answer in three sentences, where each number stands, and what classifiers of pixels reach."""
    rows = {one.verdict.claim: ClaimRow(one.page.results, one.verdict, one.page.published) for one in answers}
    rivals = [rival for source in found for rival in reports.rivals(source.pages, source.baselines) if rival.is_ahead]
    places = {one.verdict.claim: one.address for one in answers}
    sentences = answer.answer(rows)
    pages = {one.verdict.claim: one.page for one in answers}
    return {
        "sentences": sentences,
        "places": places,
        "rivals": rivals,
        "against": claim_rows.against(rows.values()),
        "measured_on": answer.scales(sentences),
        "families": answer.families(sentences),
        "maps": [(row, probe_charts.map_chart(pages[row.claim].arms)) for row in answer.mapped(sentences)],
        "mapped": MAPPED,
    }


def _live(page: StudyPage) -> list[LiveChart]:
    """The live charts that a study has numbers for: first what decides, then where arms end, then the way there.

    A calibration has none: its hundred arms are one table.
    """
    if page.results.page == "calibration":
        return []
    compared = row_charts.comparison_charts(comparisons.compared_rows(page.verdicts, page.results.label))
    of_epochs = curve_chart(page.results.table, page.arms, page.study.title)
    final = row_charts.final_errors(page.arms) if page.results.page == "study" else None
    dot = "a seed, or a group of networks averaged" if page.averaged else "a seed"
    drawn = [
        ("Differences", compared, DECIDING.format(dot)),
        ("Map", [probe_charts.map_chart(page.arms)], MAPPED),
        ("Frozen, fine-tuned, from scratch", [probe_charts.transfer_chart(page.results, page.arms)], OVER_SEEDS),
        ("Networks averaged", [probe_charts.averaged_chart(page.arms)], AVERAGED),
        ("Without one block", [probe_charts.lesion_chart(page.arms)], "Dashed: the whole network's error."),
        ("Errors at the end", [final], f"{OVER_SEEDS} A small dot is {dot}."),
        ("Error by depth", [probe_charts.depth_chart(page.arms)], OVER_SEEDS),
        ("Error by epoch", [of_epochs], "Means over seeds; the training error is taken while the network learns."),
    ]
    return [LiveChart(title, list(filter(None, found)), says) for title, found, says in drawn if any(found)]


def _render(template: str, **context: Any) -> str:
    return _environment().get_template(f"{template}.md.j2").render(**context).strip() + "\n"


@functools.cache
def _environment() -> jinja2.Environment:
    environment = templating.environment("deeper.site", autoescape=True)
    environment.filters["marked"] = lambda text: Markup(MarkdownIt("js-default").renderInline(text))
    environment.filters.update({function.__name__: function for function in FILTERS})
    said = {name: getattr(verdict_words, name) for name in ("notes", "pair", "precondition")}
    environment.filters["effect"] = claim_rows.effect
    environment.filters["searched_precondition"] = search.precondition
    of_exact = {f"exact_{name}": getattr(exact_claims, name) for name in ("found", "says")}
    environment.globals.update(
        statements=ledger(),
        claims=claims,
        DEPENDS=DEPENDS,
        words=words,
        scales=scales,
        signs=verdict_words.SIGNS,
        family=theme.family,
        network_itself=arm_networks.network_itself,
        finding=finding_words.finding,
        measured=finding_words.measured,
        **said,
        **of_exact,
    )
    return environment


def _libraries(folder: Path) -> None:
    """Vega as altair's own package has it, DataTables as itables has it, and ours."""
    import vl_convert

    own = importlib.resources.files("deeper.site") / "static"
    with importlib.resources.as_file(own) as path:
        shutil.copytree(path, folder)
    bundle = importlib.resources.files("itables") / "html"
    style, script = ((bundle / f"dt_bundle.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    libraries = {
        "vega": vl_convert.javascript_bundle(),
        "datatables": STYLE.format(style=json.dumps(style)) + script,
    }
    for name, text in libraries.items():
        (folder / f"{name}.js").write_text(_packed(name, text), encoding="utf-8")


def _shared_by_charts(folder: Path, common: Sequence[Any]) -> None:
    """How all charts look, and what several of them say alike."""
    values = {"chartConfiguration": charts.configuration(), "commonParts": common}
    lines = [f"const {name} = {json.dumps(value, separators=(',', ':'))};\n" for name, value in values.items()]
    (folder / "charts.js").write_text("".join(lines), encoding="utf-8")


def _packed(name: str, text: str) -> str:
    """A library as a script that holds it packed, for ``site.js`` to unpack: less than half of its size."""
    content = base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
    return f'(window.packed ??= {{}}).{name} = "{content}";\n'


def _slim(html: Path) -> None:
    """Take off what no reader sees: indents and empty lines of the theme's pages, and maps to sources not here."""
    for page in html.rglob("*.html"):
        text = page.read_text(encoding="utf-8")
        page.write_text(INDENT.sub(lambda found: found[1] or "\n", text), encoding="utf-8")
    for path in html.rglob("*.map"):
        path.unlink()


def _sphinx(scratch: Path) -> None:
    from sphinx.application import Sphinx
    from sphinx.errors import SphinxError

    complaints = io.StringIO()
    source, out, trees = (str(scratch / name) for name in ("source", "html", "trees"))
    settings = SETTINGS | {"html_static_path": [str(scratch / "source" / "_site")], "exclude_patterns": ["_site"]}
    try:
        app = Sphinx(source, None, out, trees, "html", settings, status=None, warning=complaints)
        app.build()
    except SphinxError as error:
        raise DeeperError(f"Sphinx could not build the site: {error}") from error
    if complaints.getvalue().strip():
        raise DeeperError(f"Sphinx complains of the site: {complaints.getvalue().strip().splitlines()[0]}")
