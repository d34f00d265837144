"""A study's comparisons in one figure: differences with their simultaneous intervals, what was expected, what came out.

A panel for each number that is compared, since their units differ. A row is shaded from its border (0, or the margin)
to the side where it was expected, and within the region of practical equivalence, where it has one. A comparison is
decided where its interval lies on one side of the border, or inside the region. The small dots are the seeds.
"""

import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter, MaxNLocator

from deeper.claims import verdicts as claims
from deeper.claims.metrics import DECADES, FRACTION, METRICS, RATIO, Metric
from deeper.claims.verdicts import ABOVE, DIRECTIONS, Outcome, Verdict
from deeper.reporting import words
from deeper.reporting.charts import theme as themes
from deeper.reporting.charts.theme import KEY, WIDTH, Chart, Theme
from deeper.schema.study import Comparison

ROW, PANEL, LEGEND = 0.43, 0.78, 0.3  # inches
ROUNDING = 1e-9
LONGEST = 34  # letters of a row's name in a line
MOST_LINES = 3
UNITS = {FRACTION: "percentage points", DECADES: "decades (powers of ten)", RATIO: "per cent"}
MARKERS = {claims.AS_EXPECTED: "o", claims.OPPOSITE: "s", claims.TOO_SMALL: "D", claims.OPEN: "o"}
SIGNALS = {claims.AS_EXPECTED: "good", claims.OPPOSITE: "bad", claims.TOO_SMALL: "grey"}
MARGIN_DASHES = (0, (2.5, 1.5))
HALF = 0.4  # of a row's height, shaded
EXPECTED = {"alpha": 0.13, "lw": 0}
REGION = {"facecolor": "none", "hatch": "/////", "lw": 0}


@dataclass(frozen=True)
class ComparedRow:
    """A comparison and the name that its row has."""

    name: str
    outcome: Outcome

    @property
    def comparison(self) -> Comparison:
        return self.outcome.comparison


def axis_title(metric: Metric) -> str:
    """A number's name with its unit, where the name does not say it already."""
    unit = UNITS.get(metric.unit, metric.unit)
    return metric.label if not unit or metric.label.startswith(unit) else f"{metric.label}, {unit}"


def compared_rows(verdicts: Sequence[Verdict], label: Callable[[str], str]) -> list[ComparedRow]:
    """Every comparison once, in the study's order; ``label`` names an arm."""
    outcomes = {outcome.comparison: outcome for verdict in verdicts for outcome in verdict.outcomes}
    return [ComparedRow(_name(comparison, label), outcome) for comparison, outcome in outcomes.items()]


def comparisons(rows: Sequence[ComparedRow], theme: Theme) -> Figure:
    """Differences with their intervals, a panel for each number that is compared."""
    panels: dict[Metric, list[ComparedRow]] = {}
    for row in rows:
        panels.setdefault(row.outcome.metric, []).append(row)
    heights = [ROW * len(members) for members in panels.values()]
    figure = Figure(figsize=(WIDTH, LEGEND + sum(heights) + PANEL * len(panels)), layout="constrained")
    figure.get_layout_engine().set(hspace=0.08)
    axes = np.atleast_1d(figure.subplots(len(panels), 1, height_ratios=heights))
    for axis, (metric, members) in zip(axes, panels.items(), strict=True):
        _panel(axis, metric, members, theme)
    _key(figure, rows, theme)
    return figure


CHARTS = (Chart("comparisons", comparisons, bool),)


def _panel(axis: Axes, metric: Metric, members: Sequence[ComparedRow], theme: Theme) -> None:
    themes.frame(axis, theme, grid="x")
    axis.axvline(0, color=theme.muted, lw=0.9, zorder=2)
    axis.spines["left"].set_visible(False)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.mark(value, sign=True)))
    axis.set_title(words.sentence(metric.label), loc="left", color=theme.text, fontsize=10.5, pad=6)
    axis.set_xlabel(UNITS.get(metric.unit, metric.unit), fontsize=9)
    axis.set_xlim(*_limits(metric, members))
    for place, row in enumerate(members):
        shades(axis, place, row.comparison, theme)
        _interval(axis, place, row.outcome, theme)
    axis.set_yticks(range(len(members)), [row.name for row in members])
    axis.tick_params(axis="y", length=0, labelcolor=theme.text)
    axis.set_ylim(len(members) - 0.5, -0.5)


def _interval(axis: Axes, place: int, outcome: Outcome, theme: Theme) -> None:
    difference, metric = outcome.difference, outcome.metric
    beside = {"va": "center", "ha": "left", "fontsize": 8.5, "transform": axis.get_yaxis_transform()}
    axis.text(1.02, place, words.difference(metric, difference, bare=True), color=theme.text, **beside)
    if difference is None:
        return
    style = mark(outcome.direction, theme)
    if not outcome.is_fact:
        dots = {"marker": ".", "ls": "none", "ms": 5.5, "mew": 0, "alpha": 0.6, "zorder": 3.5}
        axis.plot(
            [metric.shown(v) for v in outcome.values], [place + 0.22] * len(outcome.values), c=style["mec"], **dots
        )
    if difference.has_interval:
        bounds = [metric.shown(difference.lower), metric.shown(difference.upper)]
        axis.plot(bounds, [place] * 2, color=style["mec"], lw=2.0, solid_capstyle="butt", zorder=4)
    axis.plot(metric.shown(difference.mean), place, ms=7, zorder=5, **style)


def mark(direction: str, theme: Theme) -> dict:
    """How a mean is marked: shape and colour say how the comparison came out."""
    colour = theme.signals[SIGNALS[direction]] if direction in SIGNALS else theme.muted
    face = theme.ground if direction == claims.OPEN else colour
    return {"marker": MARKERS[direction], "mew": 1.6, "mfc": face, "mec": colour}


def shades(axis: Axes, place: int, comparison: Comparison, theme: Theme) -> None:
    """The region of practical equivalence, and the side of the border where the row was expected."""
    metric, height = METRICS[comparison.metric], (place - HALF, place + HALF)
    if comparison.region:
        ends = [metric.shown(-comparison.region), metric.shown(comparison.region)]
        axis.fill_between(ends, *height, edgecolor=theme.muted, zorder=1.1, **REGION)
    if comparison.expect == "alike":
        return
    border, (low, high) = metric.shown(comparison.border), axis.get_xlim()
    axis.fill_between(
        [border, high if comparison.expect in ABOVE else low], *height, color=theme.muted, zorder=1, **EXPECTED
    )
    if comparison.margin:
        axis.vlines(border, *height, color=theme.muted, lw=1.3, ls=MARGIN_DASHES, zorder=3)


def _limits(metric: Metric, members: Sequence[ComparedRow]) -> tuple[float, float]:
    """Room for every interval, border, region and seed, and for the side that was expected."""
    values = [0.0]
    for row in members:
        region = row.comparison.region or 0.0
        values += [row.comparison.border, -region, region, *row.outcome.values]
        if (difference := row.outcome.difference) is not None and difference.has_interval:
            values += [difference.lower, difference.upper]
    low, high = metric.shown(min(values)), metric.shown(max(values))
    room = 0.07 * (high - low) if high - low > ROUNDING else 1.0
    return low - room, high + room


def _key(figure: Figure, rows: Sequence[ComparedRow], theme: Theme) -> None:
    there = {row.outcome.direction for row in rows if row.outcome.difference is not None}
    handles = []
    for direction in DIRECTIONS:
        if direction in there:
            style = mark(direction, theme)
            handles.append(Line2D([], [], lw=2.0, ms=6.5, label=direction, color=style["mec"], **style))
    if any(row.comparison.expect != "alike" for row in rows):
        handles.append(Patch(color=theme.muted, label="where it was expected", **EXPECTED))
    if any(row.comparison.region for row in rows):
        handles.append(Patch(edgecolor=theme.muted, label="region of practical equivalence", **REGION))
    if any(row.comparison.margin for row in rows):
        handles.append(Line2D([], [], color=theme.muted, lw=1.3, ls=MARGIN_DASHES, label="margin"))
    figure.legend(handles=handles, loc="outside upper left", ncols=len(handles), labelcolor=theme.muted, **KEY)


def _name(comparison: Comparison, label: Callable[[str], str]) -> str:
    whole = words.arms(comparison, label)
    if comparison.against is None:
        return textwrap.fill(whole, LONGEST)
    if len(whole) < LONGEST + 3:
        return whole
    if comparison.minus:
        return textwrap.fill(whole, LONGEST + 6, max_lines=MOST_LINES, placeholder=" …")
    parts = (label(comparison.of), f"{words.MINUS} {label(comparison.against)}")
    return "\n".join(textwrap.shorten(part, LONGEST + 6, placeholder=" …") for part in parts)
