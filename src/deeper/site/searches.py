"""Studies of searches on the site: the best so far as a live chart, the cells as pictures of both themes."""

import base64
from collections.abc import Iterable

import altair as alt

from deeper.claims.verdicts import Verdict
from deeper.reporting import words
from deeper.reporting.charts import theme
from deeper.reporting.pages.search import SearchPage
from deeper.site import charts
from deeper.site.charts import HEIGHT
from deeper.site.ledger_rows import LedgerRow

FAMILY = "small and searched"


def address(page: SearchPage) -> str:
    """Of a search's page, from the site's root, without its ending."""
    return f"searches/{page.name}"


def best_so_far(page: SearchPage) -> str | None:
    """Error of the best found so far by networks trained, a line a searcher that can be put off, with its band."""
    lines = page.curves()
    if not lines:
        return None
    rows = [
        (one.label, count, *values)
        for one in lines
        for count, values in enumerate(zip(one.mean, one.low, one.high, strict=True), 1)
    ]
    labels = [one.label for one in lines]
    boxes = [charts.switch(f"searcher_{place}", label) for place, label in enumerate(labels)]
    keep = f"[{','.join(box.name for box in boxes)}][indexof({labels!r}, datum.searcher)]"
    base = alt.Chart(charts.table(rows, ("searcher", "networks", "error", "low", "high"))).transform_filter(keep)
    colours = charts.family_colours(list(theme.LIGHT.families)[: len(labels)])
    colour = alt.Color("searcher:N", scale=alt.Scale(domain=labels, range=colours), legend=alt.Legend(title=None))
    x = alt.X("networks:Q", title="networks trained", axis=alt.Axis(grid=False, tickMinStep=1))
    y = alt.Y("error:Q", title="error of the best so far", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False))
    band = base.transform_filter("bands").mark_area(opacity=0.15)
    tips = ["searcher:N", "networks:Q", alt.Tooltip("error:Q", format=".2%")]
    layered = alt.layer(
        band.encode(x=x, y=alt.Y("low:Q", title="error of the best so far"), y2="high:Q", color=colour),
        base.mark_line(strokeWidth=2.5).encode(x=x, y=y, color=colour, tooltip=tips),
    ).add_params(charts.switch("bands", "bands"), *boxes)
    about = f"Error of the best network found so far by networks trained, of {', '.join(labels)}."
    return charts.as_json(layered.properties(width="container", height=HEIGHT), about)


def pictures(page: SearchPage) -> dict[str, str]:
    """The drawn cells by theme, each as an address that holds the picture itself; none where there are none."""
    drawn = page.charts()
    found = {theme: drawn.get(f"cells-{theme}.svg") for theme in ("light", "dark")}
    return {theme: f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}" for theme, svg in found.items() if svg}


def ledger_rows(pages: Iterable[SearchPage]) -> list[LedgerRow]:
    """The lines of the claims that searches answer."""
    return [_row(page, verdict) for page in pages for verdict in page.verdicts]


def _row(page: SearchPage, verdict: Verdict) -> LedgerRow:
    outcome = verdict.deciding
    comparison = outcome.comparison
    return LedgerRow(
        claim=verdict.claim,
        title=words.sentence(verdict.about.title),
        statement=words.sentence(verdict.about.statement),
        address=f"{address(page)}.html#{verdict.claim}",
        verdict=verdict.verdict,
        kind="trained",
        families=[FAMILY],
        effect=words.difference(outcome.metric, outcome.difference),
        value=outcome.difference.mean if outcome.difference else None,
        about=f"{outcome.metric.label}, {words.arms(comparison, page.label)}",
        published=words.NONE,
        scale=page.found.profile,
        trained_on=f"Fashion-MNIST, {page.scale}",
    )
