"""A claim as one picture for a slide: 16 by 9, in letters that are read from the last row.

One that is trained has its differences with their intervals; one that is counted has its numbers beside the text's.
"""

import textwrap
from collections.abc import Iterable

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from deeper.claims import verdicts as claims
from deeper.claims.verdicts import Outcome
from deeper.exact.computed_claim import Finding
from deeper.reporting import words
from deeper.reporting.charts import theme as themes
from deeper.reporting.charts.comparisons import axis_title, mark, shades
from deeper.reporting.charts.theme import Theme
from deeper.reporting.pages import exact_claims
from deeper.reporting.pages.claim_rows import ClaimRow
from deeper.reporting.pages.verdict_words import SIGNS
from deeper.schema.ledger import ledger

SIZE = (13.333, 7.5)  # inches, 16 by 9
TITLE, VERDICT, LABEL, NOTE = 34, 26, 20, 15  # points
MOST = 4  # comparisons, more than which are too small to read
LONGEST = 30  # letters of a line beside the axis
SIGNALS = {claims.SUPPORTED: "good", claims.CONTRADICTED: "bad", claims.MIXED: "bad"}


def slide(row: ClaimRow, theme: Theme) -> Figure:
    """The statement, its verdict, and the comparisons of the number that it hangs on with their intervals."""
    figure = _titled(row.title, row.verdict, f"{SIGNS[row.verdict]} {row.verdict}", theme)
    outcomes = _shown(row)
    height = min(0.42, 0.14 * len(outcomes))
    _draw(figure.add_axes((0.36, 0.22 + (0.42 - height) / 2, 0.4, height)), row, outcomes, theme)
    hatched = " Hatched: too small to matter." if any(one.comparison.region for one in outcomes) else ""
    bars = f"Bars: 95 % intervals, which all hold together. Grey: expected.{hatched}"
    note = f"{row.measured_on}, {words.plural(row.answer.seeds, 'seed')}. {bars}"
    published = f" Published: {row.published_effect}." if row.published_effect else ""
    figure.text(0.05, 0.045, textwrap.fill(note + published, 118), fontsize=NOTE, color=theme.muted)
    return figure


def counted(finding: Finding, theme: Theme) -> Figure:
    """The statement, its verdict, and its numbers, the worst first: what the text says and what was counted."""
    said = exact_claims.mark(finding).replace("*", "")
    figure = _titled(ledger()[finding.claim].title, finding.in_the_ledger, said, theme)
    parts = finding.worst_first[:MOST]
    for place, head in ((0.55, "the text says"), (0.78, "counted")):
        figure.text(place, 0.56, head, fontsize=LABEL - 2, color=theme.muted)
    for line, part in enumerate(parts):
        height = 0.48 - 0.1 * line
        what = textwrap.fill(words.sentence(part.what), 46, max_lines=2, placeholder=" …")
        figure.text(0.05, height, what, fontsize=LABEL - 3, color=theme.text, va="center")
        for place, said in ((0.55, exact_claims.says(part)), (0.78, exact_claims.found(part))):
            figure.text(place, height, said, fontsize=LABEL, color=theme.text, va="center")
    left = len(finding.parts) - len(parts)
    note = "Counted on the networks themselves, not trained." + (
        f" {words.plural(left, 'number')} more." if left else ""
    )
    figure.text(0.05, 0.045, note, fontsize=NOTE, color=theme.muted)
    return figure


def _titled(title: str, verdict: str, said: str, theme: Theme) -> Figure:
    figure = Figure(figsize=SIZE)
    title = textwrap.fill(words.sentence(title), 44)
    figure.text(0.05, 0.93, title, fontsize=TITLE, fontweight="bold", color=theme.text, va="top")
    signal = theme.signals[SIGNALS.get(verdict, "grey")]
    figure.text(0.05, 0.93 - 0.085 * (1 + title.count("\n")), said, fontsize=VERDICT, color=signal, va="top")
    return figure


def _shown(row: ClaimRow) -> list[Outcome]:
    """The comparisons of the deciding one's metric, each pair of arms once, that one always among them."""
    deciding = row.answer.deciding
    others = [one for one in row.answer.outcomes if one.metric == deciding.metric]
    pairs = {one.comparison.pair: one for one in (*others, deciding)}
    first = [one for one in pairs.values() if one is not deciding][: MOST - 1]
    return [one for one in pairs.values() if one is deciding or one in first]


def _draw(axis: Axes, row: ClaimRow, outcomes: list[Outcome], theme: Theme) -> None:
    metric = outcomes[0].metric
    themes.frame(axis, theme, grid="x")
    axis.axvline(0, color=theme.text, lw=1.6)
    axis.spines["left"].set_visible(False)
    for place, outcome in enumerate(outcomes):
        _interval(axis, place, outcome, theme)
    pairs = (words.arms(one.comparison, row.results.label) for one in outcomes)
    names = [textwrap.fill(pair, LONGEST, max_lines=2, placeholder=" …") for pair in pairs]
    axis.set_yticks(range(len(outcomes)), names)
    axis.set_ylim(len(outcomes) - 0.5, -0.5)
    axis.margins(x=0.12)
    axis.update_datalim([(metric.shown(one.comparison.border), 0) for one in outcomes])
    axis.autoscale_view(scaley=False)
    axis.set_xlim(axis.get_xlim())
    for place, outcome in enumerate(outcomes):
        shades(axis, place, outcome.comparison, theme)
    axis.tick_params(axis="y", length=0, labelcolor=theme.text, labelsize=LABEL if len(outcomes) < 3 else LABEL - 3)
    axis.tick_params(axis="x", labelsize=LABEL - 2)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=4, steps=[1, 2, 5, 10]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.mark(value, sign=True)))
    axis.set_xlabel(axis_title(metric), fontsize=LABEL - 2)


def _interval(axis: Axes, place: int, outcome: Outcome, theme: Theme) -> None:
    found, metric, style = outcome.difference, outcome.metric, mark(outcome.direction, theme)
    if found is None:
        return
    if found.has_interval:
        ends = [metric.shown(found.lower), metric.shown(found.upper)]
        axis.plot(ends, [place] * 2, color=style["mec"], lw=5, solid_capstyle="butt")
    axis.plot(metric.shown(found.mean), place, ms=17, zorder=5, **style | {"mew": 3})
    beside = {"transform": axis.get_yaxis_transform(), "va": "center", "fontsize": LABEL, "color": theme.text}
    axis.text(1.05, place, words.amount(metric, found.mean, sign=True), fontweight="bold", **beside)


def slides(rows: Iterable[ClaimRow], findings: Iterable[Finding] = ()) -> dict[str, bytes]:
    """The slides by file name, ``<claim>-<theme>.svg``."""
    drawn = [*((slide, row) for row in rows), *((counted, finding) for finding in findings)]
    return {
        f"{one.claim}-{theme.name}.svg": themes.render(draw, one, theme, painted=True)
        for draw, one in drawn
        for theme in themes.THEMES
    }
