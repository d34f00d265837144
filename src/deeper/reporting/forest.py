"""A study's comparisons in one figure: differences with their 95 % intervals, what was expected, what came out.

A panel for each number that is compared, since their units differ. A row is shaded from its border (0, or the margin)
to the side where it was expected; a comparison is told where its interval lies on one side of the border, as long as
Holm's correction over all studies leaves it there.
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
from deeper.claims.metrics import DECADES, FRACTION, METRICS, Metric
from deeper.claims.verdicts import ABOVE, Outcome, Verdict
from deeper.reporting import text
from deeper.reporting.figures import WIDTH, Theme
from deeper.schema.study import Comparison

ROW, PANEL, KEY = 0.43, 0.78, 0.3  # inches
ROUNDING = 1e-9
LONGEST = 34  # letters of a row's name in a line
UNITS = {FRACTION: "percentage points", DECADES: "decades (powers of ten)"}
HUES = {claims.AS_EXPECTED: 2, claims.OPPOSITE: 0}
MARKERS = {claims.AS_EXPECTED: "o", claims.OPPOSITE: "s", claims.OPEN: "o"}
LARGE = ((1e9, " G"), (1e6, " M"), (1e3, " k"))


@dataclass(frozen=True)
class Line:
    """A comparison and the name that its row has."""

    name: str
    outcome: Outcome

    @property
    def comparison(self) -> Comparison:
        return self.outcome.comparison

    @property
    def words(self) -> str:
        """``training error +43.64 points [+42.20, +45.08]``."""
        metric = self.outcome.metric
        return f"{metric.label} {text.difference(metric, self.outcome.difference)}"


def lines(verdicts: Sequence[Verdict], label: Callable[[str], str]) -> list[Line]:
    """Every comparison once, in the study's order; ``label`` names an arm."""
    outcomes = {outcome.comparison: outcome for verdict in verdicts for outcome in verdict.outcomes}
    return [Line(_name(comparison, label), outcome) for comparison, outcome in outcomes.items()]


def comparisons(rows: Sequence[Line], theme: Theme) -> Figure:
    """Differences with their intervals, a panel for each number that is compared."""
    panels: dict[Metric, list[Line]] = {}
    for row in rows:
        panels.setdefault(row.outcome.metric, []).append(row)
    heights = [ROW * len(members) for members in panels.values()]
    figure = Figure(figsize=(WIDTH, KEY + sum(heights) + PANEL * len(panels)), layout="constrained")
    figure.get_layout_engine().set(hspace=0.08)
    axes = np.atleast_1d(figure.subplots(len(panels), 1, height_ratios=heights))
    for axis, (metric, members) in zip(axes, panels.items(), strict=True):
        _panel(axis, metric, members, theme)
    _key(figure, rows, theme)
    return figure


FIGURES = (("comparisons", comparisons, bool),)


def _panel(axis: Axes, metric: Metric, members: Sequence[Line], theme: Theme) -> None:
    _frame(axis, metric, theme)
    axis.set_xlim(*_limits(metric, members))
    for place, row in enumerate(members):
        _border(axis, place, row.comparison, theme)
        _row(axis, place, row.outcome, theme)
    axis.set_yticks(range(len(members)), [row.name for row in members])
    axis.tick_params(axis="y", length=0, labelcolor=theme.text)
    axis.set_ylim(len(members) - 0.5, -0.5)


def _frame(axis: Axes, metric: Metric, theme: Theme) -> None:
    axis.patch.set_alpha(0)
    axis.set_axisbelow(True)
    axis.axvline(0, color=theme.muted, lw=0.9, zorder=2)
    axis.grid(axis="x", color=theme.grid, lw=0.6)
    axis.tick_params(colors=theme.muted, labelsize=9, length=3)
    for spine in axis.spines.values():
        spine.set_color(theme.muted)
    axis.spines["left"].set_visible(False)
    axis.xaxis.set_major_locator(MaxNLocator(nbins=6, steps=[1, 2, 5, 10]))
    axis.xaxis.set_major_formatter(FuncFormatter(_tick))
    axis.set_title(text.sentence(metric.label), loc="left", color=theme.text, fontsize=10.5, pad=6)
    axis.set_xlabel(UNITS.get(metric.unit, metric.unit), color=theme.muted, fontsize=9)


def _row(axis: Axes, place: int, outcome: Outcome, theme: Theme) -> None:
    found, metric = outcome.difference, outcome.metric
    words = text.difference(metric, found, bare=True)
    beside = {"va": "center", "ha": "left", "fontsize": 8.5, "transform": axis.get_yaxis_transform()}
    axis.text(1.02, place, words, color=theme.text, **beside)
    if found is None:
        return
    colour = theme.hues[HUES[outcome.direction]] if outcome.direction in HUES else theme.muted
    if found.n > 1:
        bounds = [_shown(metric, found.lower), _shown(metric, found.upper)]
        axis.plot(bounds, [place] * 2, color=colour, lw=2.0, solid_capstyle="butt", zorder=4)
    face = theme.ground if outcome.direction == claims.OPEN else colour
    style = {"marker": MARKERS[outcome.direction], "ms": 7, "mew": 1.6, "mfc": face, "mec": colour, "zorder": 5}
    axis.plot(_shown(metric, found.mean), place, **style)


def _border(axis: Axes, place: int, comparison: Comparison, theme: Theme) -> None:
    border, (low, high) = _shown(METRICS[comparison.metric], comparison.border), axis.get_xlim()
    end = high if comparison.expect in ABOVE else low
    axis.fill_between([border, end], place - 0.4, place + 0.4, color=theme.muted, alpha=0.13, lw=0, zorder=1)
    if comparison.margin:
        axis.vlines(border, place - 0.4, place + 0.4, color=theme.muted, lw=1.3, ls=(0, (2.5, 1.5)), zorder=3)


def _limits(metric: Metric, members: Sequence[Line]) -> tuple[float, float]:
    """Room for every interval and every border, and for the side that was expected."""
    values = [0.0]
    for row in members:
        values.append(row.comparison.border)
        if (found := row.outcome.difference) is not None:
            values += [found.lower, found.upper] if found.n > 1 else [found.mean]
    low, high = _shown(metric, min(values)), _shown(metric, max(values))
    room = 0.07 * (high - low) if high - low > ROUNDING else 1.0
    return low - room, high + room


def _key(figure: Figure, rows: Sequence[Line], theme: Theme) -> None:
    there = {row.outcome.direction for row in rows if row.outcome.difference is not None}
    handles = []
    for direction in (claims.AS_EXPECTED, claims.OPPOSITE, claims.OPEN):
        colour = theme.hues[HUES[direction]] if direction in HUES else theme.muted
        face = theme.ground if direction == claims.OPEN else colour
        style = {"marker": MARKERS[direction], "ms": 6.5, "mew": 1.5, "mfc": face, "mec": colour, "color": colour}
        if direction in there:
            handles.append(Line2D([], [], lw=2.0, label=direction, **style))
    handles.append(Patch(color=theme.muted, alpha=0.13, lw=0, label="where it was expected"))
    if any(row.comparison.margin for row in rows):
        handles.append(Line2D([], [], color=theme.muted, lw=1.3, ls=(0, (2.5, 1.5)), label="margin"))
    where = {"loc": "outside upper left", "ncols": len(handles), "frameon": False, "fontsize": 9, "handlelength": 2.2}
    figure.legend(handles=handles, labelcolor=theme.muted, **where)


def _name(comparison: Comparison, label: Callable[[str], str]) -> str:
    of = label(comparison.of)
    if comparison.against is None:
        return textwrap.fill(of, LONGEST)
    against = f"{text.MINUS} {label(comparison.against)}"
    if len(of) + len(against) < LONGEST:
        return f"{of} {against}"
    return "\n".join(textwrap.shorten(part, LONGEST + 6, placeholder=" …") for part in (of, against))


def _shown(metric: Metric, value: float) -> float:
    return 100 * value if metric.unit == FRACTION else value


def _tick(value: float, _: int) -> str:
    """``+0.5``, ``−200 k``, ``+15 M``."""
    sign = "+" if value > 0 else text.MINUS if value < 0 else ""
    size, suffix = next((step for step in LARGE if abs(value) >= step[0]), (1.0, ""))
    return f"{sign}{abs(value) / size:g}{suffix}"
