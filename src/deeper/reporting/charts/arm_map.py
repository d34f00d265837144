"""The map of a study whose arms differ in two settings, depth and width say: the test error of each cell."""

from collections.abc import Iterable, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from deeper.claims.statistics import Mean
from deeper.reporting import words
from deeper.reporting.arm_results import ArmResults
from deeper.reporting.charts import theme as themes
from deeper.reporting.charts.theme import Chart, Theme, percent

CELL = 0.92  # inches a row
PALE, STRONG = 0.06, 0.62  # shares of colour of the least and of the largest error


def error_by_cell(arms: Sequence[ArmResults], theme: Theme) -> Figure:
    """Mean test error with half of its 95 % interval, and multiply-adds; the more error, the stronger the colour."""
    cells = placed(arms)
    axes = cells[0].cell.map
    rows = values_of(arm.cell.row for arm in cells)
    columns = values_of(arm.cell.column for arm in cells)
    figure, (axis,) = themes.panels(1, theme, CELL * len(rows) + 0.9)
    means = [arm.means["test_error"].mean for arm in cells]
    low, high = min(means), max(means)
    for arm, mean in zip(cells, means, strict=True):
        share = (mean - low) / (high - low) if high > low else 0.0
        at = columns.index(arm.cell.column), rows.index(arm.cell.row)
        colour = themes.mixed(theme.ground, theme.families["residual"], PALE + (STRONG - PALE) * share)
        _draw(axis, at, arm, colour, theme)
    axis.set_xlim(-0.5, len(columns) - 0.5)
    axis.set_ylim(-0.5, len(rows) - 0.5)
    axis.set_xticks(range(len(columns)), [f"{value}" for value in columns])
    axis.set_yticks(range(len(rows)), [f"{value}" for value in rows])
    axis.set_xlabel(axes.columns.label)
    axis.set_ylabel(axes.rows.label)
    axis.grid(False)
    axis.tick_params(length=0)
    for spine in axis.spines.values():
        spine.set_visible(False)
    return figure


CHARTS = (Chart("error-by-cell", error_by_cell, lambda arms: bool(placed(arms))),)


def placed(arms: Sequence[ArmResults]) -> list[ArmResults]:
    """The arms that have a place on the map of their study, and a test error."""
    return [arm for arm in arms if arm.cell and arm.means["test_error"]]


def values_of(found: Iterable[Any]) -> list[Any]:
    """Each value once: numbers in order, others as they come."""
    values = list(dict.fromkeys(found))
    return sorted(values) if all(isinstance(value, int | float) for value in values) else values


def _draw(axis: Axes, at: tuple[int, int], arm: ArmResults, colour: str, theme: Theme) -> None:
    x, y = at
    axis.add_patch(Rectangle((x - 0.48, y - 0.47), 0.96, 0.94, color=colour, lw=0))
    centred = {"ha": "center", "va": "center", "color": theme.text}
    mean = arm.means["test_error"]
    axis.text(x, y + 0.13, f"{percent(mean.mean):.1f} %", fontsize=13, fontweight="bold", **centred)
    axis.text(x, y - 0.14, interval(mean), fontsize=9, **centred)
    axis.text(x, y - 0.33, f"{words.count(arm.rows[0].cost.macs)} multiply-adds", fontsize=8, **centred)


def interval(mean: Mean) -> str:
    """``± 0.4``: half of an interval, in points; or why there is none."""
    return f"± {percent(mean.upper - mean.mean):.1f}" if mean.has_interval else words.no_interval(mean)
