"""What a search shows: the best found so far by networks trained, and the cells that were found."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch

from deeper.reporting.charts import theme as themes
from deeper.reporting.charts.theme import Theme, percent

if TYPE_CHECKING:  # its file imports torch, which takes a second
    from deeper.models.nasnet_cell import Genotype

HEIGHT = 4.2
ROW = 0.36  # inches between two operations of a drawn cell
BOX = (1.8, 0.62)  # width and height of an operation's box
STEP = 2.9  # from one depth of a cell to the next
INPUTS = ("input", "input before")


@dataclass(frozen=True)
class SoFar:
    """The error of the best found, a fraction, after one, two, … trained networks: the mean and a band around it."""

    label: str
    mean: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]


@dataclass(frozen=True)
class DrawnCell:
    """A cell and what is written above it."""

    title: str
    cell: "Genotype"


def best_so_far(searchers: Sequence[SoFar], theme: Theme) -> Figure:
    """Error of the best found so far by networks trained: a line a searcher with its band."""
    figure, (axis,) = themes.panels(1, theme, HEIGHT)
    colours, ends = _colours(len(searchers), theme), []
    for one, colour in zip(searchers, colours, strict=True):
        x = range(1, len(one.mean) + 1)
        axis.plot(x, [percent(value) for value in one.mean], color=colour, lw=2.0, zorder=4)
        low, high = ([percent(value) for value in side] for side in (one.low, one.high))
        axis.fill_between(x, low, high, color=colour, alpha=0.10, lw=0)
        ends.append((len(one.mean), percent(one.mean[-1]), one.label, colour))
    axis.set_xlabel("networks trained")
    themes.whole_ticks(axis, max(len(one.mean) for one in searchers))
    themes.in_percent(axis.yaxis)
    themes.name_line_ends(axis, ends)
    return figure


def cells(drawn: Sequence[DrawnCell], theme: Theme) -> Figure:
    """Cells one below the other, two abreast: inputs at the left, a box an operation, the output at the right."""
    rows = [drawn[start : start + 2] for start in range(0, len(drawn), 2)]
    heights = [max(2 * len(one.cell.pairs) for one in row) * ROW + 0.5 for row in rows]
    figure = Figure(figsize=(themes.WIDTH, sum(heights)), layout="constrained")
    grid = figure.subplots(len(rows), 2, squeeze=False, gridspec_kw={"height_ratios": heights})
    for row, axes in zip(rows, grid, strict=True):
        for axis in axes[len(row) :]:
            axis.set_visible(False)
        for one, axis in zip(row, axes, strict=False):
            _cell(axis, one, theme)
    return figure


def _cell(axis: Axes, drawn: DrawnCell, theme: Theme) -> None:
    from deeper.models.nasnet_cell import SUM

    cell = drawn.cell
    depths = [0, 0]
    for pair in cell.pairs:
        depths.append(1 + max(depths[state] for _, state in pair))
    rows, last = 2 * len(cell.pairs), STEP * max(depths)
    middle = (rows - 1) / 2
    places = {0: (0.0, middle - 0.9), 1: (0.0, middle + 0.9)}
    places |= {n + 2: (STEP * depths[n + 2], 2 * n + 0.5) for n in range(len(cell.pairs))}
    line = {"color": theme.muted, "lw": 0.9, "zorder": 1}
    for n, (pair, way) in enumerate(zip(cell.pairs, cell.combine, strict=True)):
        x, y = places[n + 2]
        for row, (operation, state) in enumerate(pair, 2 * n):
            left = x - STEP / 2 - BOX[0] / 2 + 0.15
            axis.plot(*_bend(places[state], (left, row)), **line)
            axis.plot([left + BOX[0], x], [row, y], **line)
            _box(axis, left, row, operation, theme)
        sign = "+" if way == SUM else "‖"
        axis.plot([x], [y], "o", ms=11, mfc=theme.ground, mec=theme.text, mew=0.9, zorder=3)
        axis.annotate(sign, (x, y), color=theme.text, fontsize=8, ha="center", va="center", zorder=4)
    end = (last + 1.1, middle)
    for state in cell.concat:
        axis.plot(*_bend(places[state], end), **line)
    for place, words in (*((places[state], INPUTS[state]) for state in (0, 1)), (end, "output")):
        style = {"boxstyle": "round,pad=0.3", "fc": theme.ground, "ec": theme.muted, "lw": 0.8}
        axis.annotate(words, place, color=theme.text, fontsize=7, ha="center", va="center", bbox=style, zorder=5)
    axis.set_title(drawn.title, loc="left", color=theme.text, fontsize=9)
    axis.set_xlim(-0.8, last + 1.8)
    axis.set_ylim(rows - 0.4, -0.6)
    axis.patch.set_alpha(0)
    axis.set_axis_off()


def _box(axis: Axes, left: float, row: float, operation: str, theme: Theme) -> None:
    width, height = BOX
    shape = FancyBboxPatch(
        (left, row - height / 2), width, height, boxstyle="round,pad=0,rounding_size=0.12", fc=theme.ground,
        ec=theme.families["small and searched"], lw=0.9, zorder=2,
    )  # fmt: skip
    axis.add_patch(shape)
    middle = (left + width / 2, row)
    axis.annotate(words_of(operation), middle, color=theme.text, fontsize=6.5, ha="center", va="center", zorder=4)


def _bend(start: tuple[float, float], end: tuple[float, float]) -> tuple[list[float], list[float]]:
    """A line that leaves its start and reaches its end flat."""
    steps = [k / 20 for k in range(21)]
    (x, y), (to_x, to_y) = start, end
    return [x + (to_x - x) * t for t in steps], [y + (to_y - y) * (3 * t * t - 2 * t**3) for t in steps]


def words_of(operation: str) -> str:
    """``separable 5×5`` for ``separable_5x5``."""
    kind, _, size = operation.rpartition("_")
    return f"{kind.replace('_', ' ')} {size.replace('x', '×')}" if kind else operation


def _colours(count: int, theme: Theme) -> list[str]:
    """Colours of as many searchers: those of the families, which searchers have none of."""
    return list(theme.families.values())[:count]
