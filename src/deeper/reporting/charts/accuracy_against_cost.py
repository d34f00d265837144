"""Accuracy against what it costs, a circle a network: the charts of a study that compares many networks.

The networks that no better one undercuts have their names beside their circles; the others have their rank, which the
list beside the chart and the page's table resolve.
"""

import itertools
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D
from matplotlib.textpath import TextPath
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from deeper.reporting import words
from deeper.reporting.arm_results import ArmResults
from deeper.reporting.charts import theme as themes
from deeper.reporting.charts.theme import WIDTH, Chart, Theme

LEFT, RIGHT, BOTTOM, TOP = 0.094, 0.725, 0.55, 0.75  # of the chart: shares of the width, inches from the edges
LEAST_HEIGHT, LINE = 5.6, 0.172  # inches of the figure, and of a line of the list
FONT, LIST_FONT = 8.0, 7.8
LIST = 1.055  # where the list's names begin, in widths of the chart
LARGEST, SMALLEST = 11.0, 2.2  # radius in points
FENCE = 1.5  # interquartile ranges below the lower quartile, where the axis of accuracy ends
NARROWEST = 2.0  # points of accuracy, the least that is below the quartile
ARROW = 9.0  # points, under a circle that stands higher than its accuracy
AIR = (1.5, 4.0, 8.0, 13.0, 19.0)  # points between a circle and its name, tried in turn
SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))

COSTS = {
    "macs": ("multiply-adds of one image", "params"),
    "params": ("parameters", "macs"),
    "train_s": ("training time, s", "params"),
}  # the name of the axis, and what a circle's area shows
NAMES = {"operations": "macs", "parameters": "params", "time": "train_s"}
TIMES = "accuracy-against-time"
AREAS = {"params": "parameters", "macs": "multiply-adds"}

Box = tuple[float, float, float, float]  # left, bottom, right, top in points


@dataclass(frozen=True)
class Rank:
    """An arm's place by accuracy; ``cheapest`` are the costs in which no better arm undercuts it."""

    place: int
    arm: ArmResults
    cheapest: tuple[str, ...]

    @property
    def accuracy(self) -> float:
        """In per cent."""
        return 100 * (1 - self.arm.means["test_error"].mean)


@dataclass(frozen=True)
class Circle:
    """A network in a chart: its cost, radius in points, and whether nothing better costs less."""

    rank: Rank
    cost: float
    radius: float
    colour: str
    front: bool


def ranking(arms: Sequence[ArmResults], costs: Collection[str] = tuple(COSTS)) -> list[Rank]:
    """Arms by mean test error, best first."""
    ranked = sorted((arm for arm in arms if arm.means["test_error"]), key=lambda arm: arm.means["test_error"].mean)
    return [
        Rank(
            place, arm, tuple(cost for cost in costs if arm.means[cost] and _undercut_by_none(arm, ranked, place, cost))
        )
        for place, arm in enumerate(ranked, 1)
    ]


def _undercut_by_none(arm: ArmResults, ranked: Sequence[ArmResults], place: int, cost: str) -> bool:
    better = [other.means[cost] for other in ranked[: place - 1]]
    return all(mean is None or mean.mean > arm.means[cost].mean for mean in better)


def against(cost: str) -> Callable[[Sequence[ArmResults], Theme], Figure]:
    """The chart of test accuracy against ``macs``, ``params`` (circles then show multiply-adds) or ``train_s``."""

    def accuracy_against_cost(arms: Sequence[ArmResults], theme: Theme) -> Figure:
        label, area = COSTS[cost]
        circles = _circles(arms, cost, theme)
        height = max(LEAST_HEIGHT, LINE * len(circles) + BOTTOM + TOP)
        figure = Figure(figsize=(WIDTH, height))
        axis = figure.add_axes((LEFT, BOTTOM / height, RIGHT - LEFT, 1 - (BOTTOM + TOP) / height))
        _axes(axis, circles, label, theme)
        for circle in circles:
            _draw(axis, circle, theme)
        _names(axis, circles, _front(axis, circles, theme), theme)
        _list(axis, circles, theme)
        _keys(axis, circles, max(circle.rank.arm.means[area].mean for circle in circles), area, theme)
        return figure

    return accuracy_against_cost


def _has(cost: str) -> Callable[[Sequence[ArmResults]], bool]:
    return lambda arms: any(arm.means["test_error"] and arm.means[cost] for arm in arms)


CHARTS = tuple(Chart(f"accuracy-against-{name}", against(cost), _has(cost)) for name, cost in NAMES.items())


def lowest(accuracies: Sequence[float]) -> float:
    """The lowest accuracy in per cent that is no outlier: where a chart's axis may end."""
    lower, upper = np.percentile(accuracies, [25, 75])
    fence = lower - max(NARROWEST, FENCE * (upper - lower))
    return min(value for value in accuracies if value >= fence)


def _circles(arms: Sequence[ArmResults], cost: str, theme: Theme) -> list[Circle]:
    """The networks of the chart against ``cost``, the largest circle first."""
    area = COSTS[cost][1]
    shown = [rank for rank in ranking(arms) if rank.arm.means[cost]]
    largest = max(rank.arm.means[area].mean for rank in shown)
    circles = [
        Circle(
            rank,
            rank.arm.means[cost].mean,
            max(SMALLEST, LARGEST * (rank.arm.means[area].mean / largest) ** 0.5),
            theme.families[themes.family(rank.arm.network)],
            cost in rank.cheapest,
        )
        for rank in shown
    ]
    return sorted(circles, key=lambda circle: -circle.radius)


def _axes(axis: Axes, circles: Sequence[Circle], label: str, theme: Theme) -> None:
    themes.frame(axis, theme, grid="both")
    axis.tick_params(colors=theme.muted, which="both")
    costs, accuracies = [circle.cost for circle in circles], [circle.rank.accuracy for circle in circles]
    decades = max(0.5, math.log10(max(costs) / min(costs)))
    axis.set_xscale("log")
    axis.set_xlim(min(costs) / 10 ** (0.05 * decades), max(costs) * 10 ** (0.05 * decades))
    bottom, top = lowest(accuracies), max(accuracies)
    room = max(1.0, top - bottom)
    axis.set_ylim(bottom - (0.05 if min(accuracies) == bottom else 0.11) * room, min(100.5, top + 0.06 * room))
    axis.set_xlabel(label)
    axis.set_ylabel("test accuracy")
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: words.mark(value)))
    axis.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if max(costs) / min(costs) < 300 else (1,)))
    axis.xaxis.set_minor_formatter(NullFormatter())
    themes.in_percent(axis.yaxis)


def _is_below(axis: Axes, circle: Circle) -> bool:
    return circle.rank.accuracy < axis.get_ylim()[0]


def _height(axis: Axes, circle: Circle) -> float:
    """Where the circle is: at its accuracy, or standing on an arrow at the lower edge."""
    low, high = axis.get_ylim()
    below = low + (ARROW + circle.radius) / _size(axis)[1] * (high - low)
    return below if _is_below(axis, circle) else circle.rank.accuracy


def _size(axis: Axes) -> tuple[float, float]:
    """Width and height of the frame in points."""
    return tuple(72 * axis.get_position().size * axis.figure.get_size_inches())


def _draw(axis: Axes, circle: Circle, theme: Theme) -> None:
    mean, y = circle.rank.arm.means["test_error"], _height(axis, circle)
    if _is_below(axis, circle):
        arrow = {"arrowstyle": "-|>,head_length=0.35,head_width=0.16", "color": circle.colour, "lw": 1.0, "shrinkB": 0}
        ends = (circle.cost, axis.get_ylim()[0]), (circle.cost, y)
        axis.annotate("", *ends, arrowprops={**arrow, "shrinkA": circle.radius})
    elif circle.front and mean.has_interval:
        bounds = [100 * (1 - mean.upper), 100 * (1 - mean.lower)]
        axis.plot([circle.cost] * 2, bounds, color=circle.colour, lw=4, alpha=0.22, solid_capstyle="butt", zorder=2)
    style = {"ls": "none", "marker": "o", "mec": theme.ground, "mew": 0.8, "alpha": 0.75, "zorder": 3}
    axis.plot(circle.cost, y, ms=2 * circle.radius, mfc=circle.colour, **style)


def _front(axis: Axes, circles: Sequence[Circle], theme: Theme) -> list[Box]:
    """Draws the steps of the best accuracy at each cost; the boxes that they are in."""
    front = sorted((circle for circle in circles if circle.front), key=lambda circle: circle.cost)
    x = [*[value for circle in front for value in (circle.cost, circle.cost)][1:], axis.get_xlim()[1]]
    y = [value for circle in front for value in (circle.rank.accuracy, circle.rank.accuracy)]
    axis.plot(x, y, color=theme.text, lw=0.8, alpha=0.55, zorder=2.5)
    corners = ((axis.transScale + axis.transLimits).transform(list(zip(x, y, strict=True))) * _size(axis)).tolist()
    return [
        (min(x0, x1) - 1, min(y0, y1) - 1, max(x0, x1) + 1, max(y0, y1) + 1)
        for (x0, y0), (x1, y1) in itertools.pairwise(corners)
    ]


def _names(axis: Axes, circles: Sequence[Circle], lines: Sequence[Box], theme: Theme) -> None:
    """Names of the front and ranks of the others, each in the first free place around its circle."""
    size = _size(axis)
    scale = axis.transScale + axis.transLimits
    centres = {c.rank.place: scale.transform((c.cost, _height(axis, c))) * size for c in circles}
    taken = [*(_around(*centres[c.rank.place], c.radius, c.radius) for c in circles), *lines]
    for circle in sorted(circles, key=lambda circle: (not circle.front, circle.rank.place)):
        name = circle.rank.arm.label if circle.front else str(circle.rank.place)
        weight = "bold" if circle.front else "normal"
        x, y = _free_place(centres[circle.rank.place], circle.radius, _extent(name, weight), size, taken)
        style = {"ha": "center", "va": "center", "fontsize": FONT, "fontweight": weight, "zorder": 5}
        axis.text(x / size[0], y / size[1], name, transform=axis.transAxes, color=theme.text, **style)


def _free_place(centre, radius: float, extent: tuple[float, float], size, taken: list[Box]) -> tuple[float, float]:
    """The centre of a name: the nearest place that meets nothing, or the one that meets least; it is then taken."""
    half = extent[0] / 2, extent[1] / 2
    best, least = centre, math.inf
    for air, (right, up) in itertools.product(AIR, SIDES):
        away = (radius + air) * (0.75 if right and up else 1)
        x, y = centre[0] + right * (away + half[0]), centre[1] + up * (away + half[1])
        box = _around(x, y, *half)
        outside = min(box[0], box[1], size[0] - box[2], size[1] - box[3]) < 0
        met = math.inf if outside else sum(_shared(box, other) for other in taken)
        if met < least:
            best, least = (x, y), met
        if not met:
            break
    taken.append(_around(*best, *half))
    return best


def _around(x: float, y: float, half_width: float, half_height: float) -> Box:
    return x - half_width, y - half_height, x + half_width, y + half_height


def _shared(one: Box, other: Box) -> float:
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    return width * height if width > 0 and height > 0 else 0.0


def _extent(name: str, weight: str) -> tuple[float, float]:
    font = FontProperties(family="DejaVu Sans", weight=weight)
    return TextPath((0, 0), name, size=FONT, prop=font).get_extents().width + 3.0, FONT + 1.5


def _list(axis: Axes, circles: Sequence[Circle], theme: Theme) -> None:
    """Rank, name and accuracy of every network beside the chart, in its family's colour; the front's in bold."""
    step, end = 72 * LINE / _size(axis)[1], (0.995 - LEFT) / (RIGHT - LEFT)
    for line, circle in enumerate(sorted(circles, key=lambda circle: circle.rank.place)):
        style = {"fontsize": LIST_FONT, "fontweight": "bold" if circle.front else "normal", "va": "top"}
        style |= {"transform": axis.transAxes, "color": circle.colour}
        y = 1 - line * step
        axis.text(1.045, y, str(circle.rank.place), ha="right", **style)
        name, weight = circle.rank.arm.label, style["fontweight"]
        accuracy = f"{circle.rank.accuracy:.1f} %{' ↓' if _is_below(axis, circle) else ''}"
        room = (end - LIST) * _size(axis)[0] - _extent(accuracy, weight)[0] - 6.0
        size = LIST_FONT * min(1.0, room / _extent(name, weight)[0])
        axis.text(LIST, y, name, ha="left", **style | {"fontsize": size})
        axis.text(end, y, accuracy, ha="right", **style)


def _keys(axis: Axes, circles: Sequence[Circle], largest: float, area: str, theme: Theme) -> None:
    style = {"frameon": False, "labelcolor": theme.muted, "fontsize": 8.5, "handletextpad": 0.3, "columnspacing": 1.2}
    style |= {"borderaxespad": 0.2, "borderpad": 0, "loc": "lower left"}
    mark = {"ls": "none", "marker": "o", "mec": theme.ground}
    there = {themes.family(circle.rank.arm.network) for circle in circles}
    families = [name for name in theme.families if name in there]
    hues = [Line2D([], [], ms=8, mfc=theme.families[name], alpha=0.8, **mark) for name in families]
    names = [words.sentence(name) for name in families]
    axis.add_artist(axis.legend(hues, names, bbox_to_anchor=(0, 1.045), ncols=len(names), **style))
    sizes = [_round(largest / 3), _round(largest / 30)]
    others = [
        Line2D([], [], ms=2 * LARGEST * (size / largest) ** 0.5, mfc=theme.muted, alpha=0.5, **mark) for size in sizes
    ]
    others.append(Line2D([], [], color=theme.text, lw=0.8, alpha=0.55))
    names = [*(f"{words.mark(size)} {AREAS[area]}" for size in sizes), "best accuracy at or below each cost (named)"]
    axis.legend(others, names, bbox_to_anchor=(0, 1.0), ncols=len(names), **style)


def _round(value: float) -> float:
    """The nearest of 1, 2 and 5 times a power of ten, below."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1, 2, 5) if step * power <= value)
