"""Accuracy against what it costs, a circle a network: the charts of a study that compares many networks."""

import itertools
import math
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from deeper.reporting import labels
from deeper.reporting.figures import WIDTH, Theme, group_colours
from deeper.reporting.summary import Arm

HEIGHT = 8.4
RECT = (0.094, 0.068, 0.896, 0.868)
FONT = 8.0
LARGEST = 11.0  # radius in points
SMALLEST = 2.2
FENCE = 1.5  # interquartile ranges below the lower quartile, where the axis of accuracy ends
NARROWEST = 2.0  # points of accuracy, the least that is below the quartile
ARROW = 9.0  # points, under a circle that stands higher than its accuracy

COSTS = {
    "macs": ("multiply-adds of one image", "params"),
    "params": ("parameters", "macs"),
    "train_s": ("training time, s", "params"),
}
NAMES = {"operations": "macs", "parameters": "params", "time": "train_s"}
TIMES = "accuracy-against-time"
AREAS = {"params": "parameters", "macs": "multiply-adds"}


@dataclass(frozen=True)
class Mark:
    """A network in a chart: its cost, accuracy in per cent, radius in points, and whether nothing better costs less."""

    arm: Arm
    cost: float
    accuracy: float
    radius: float
    colour: str
    front: bool


def against(cost: str) -> Callable[[Sequence[Arm], Theme], Figure]:
    """The chart of test accuracy against ``macs``, ``params`` (circles then show multiply-adds) or ``train_s``."""

    def accuracy_against_cost(arms: Sequence[Arm], theme: Theme) -> Figure:
        label, area = COSTS[cost]
        found = marks(arms, cost, theme)
        largest = max(mark.arm.means[area].mean for mark in found)
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axis = figure.add_axes(RECT)
        _frame(axis, theme, found, label)
        for mark in found:
            _circle(axis, mark, theme)
        steps = _front(axis, found, theme)
        _names(axis, found, steps, theme)
        _keys(axis, found, largest, area, theme)
        return figure

    return accuracy_against_cost


def marks(arms: Sequence[Arm], cost: str, theme: Theme) -> list[Mark]:
    """The networks of the chart against ``cost``, the largest circle first."""
    area = COSTS[cost][1]
    shown = [arm for arm in arms if arm.means["test_error"] and arm.means[cost]]
    front = {rank.arm.name for rank in ranking(shown) if cost in rank.cheapest}
    colours = group_colours(arms, theme)
    largest = max(arm.means[area].mean for arm in shown)
    found = [
        Mark(
            arm,
            arm.means[cost].mean,
            100 * (1 - arm.means["test_error"].mean),
            max(SMALLEST, LARGEST * (arm.means[area].mean / largest) ** 0.5),
            colours[arm.name],
            arm.name in front,
        )
        for arm in shown
    ]
    return sorted(found, key=lambda mark: -mark.radius)


def lowest(accuracies: Sequence[float]) -> float:
    """The lowest accuracy in per cent that is no outlier: where a chart's axis may end."""
    lower, upper = np.percentile(accuracies, [25, 75])
    fence = lower - max(NARROWEST, FENCE * (upper - lower))
    return min(value for value in accuracies if value >= fence)


def _has(cost: str) -> Callable[[Sequence[Arm]], bool]:
    return lambda arms: any(arm.means["test_error"] and arm.means[cost] for arm in arms)


FIGURES = tuple((f"accuracy-against-{name}", against(cost), _has(cost)) for name, cost in NAMES.items())


def _frame(axis: Axes, theme: Theme, found: Sequence[Mark], label: str) -> None:
    axis.patch.set_alpha(0)
    axis.set_axisbelow(True)
    axis.grid(color=theme.grid, lw=0.6)
    axis.tick_params(colors=theme.muted, labelsize=9, length=3, which="both")
    for spine in axis.spines.values():
        spine.set_color(theme.muted)
    costs, accuracies = [mark.cost for mark in found], [mark.accuracy for mark in found]
    decades = max(0.5, math.log10(max(costs) / min(costs)))
    axis.set_xscale("log")
    axis.set_xlim(min(costs) / 10 ** (0.05 * decades), max(costs) * 10 ** (0.05 * decades))
    bottom, top = lowest(accuracies), max(accuracies)
    room = max(1.0, top - bottom)
    axis.set_ylim(bottom - (0.05 if min(accuracies) == bottom else 0.11) * room, min(100.5, top + 0.06 * room))
    axis.set_xlabel(label, color=theme.muted)
    axis.set_ylabel("test accuracy", color=theme.muted)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axis.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if max(costs) / min(costs) < 300 else (1,)))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))


def _below(axis: Axes, mark: Mark) -> bool:
    return mark.accuracy < axis.get_ylim()[0]


def _height(axis: Axes, mark: Mark) -> float:
    """Where the mark's circle is: at its accuracy, or standing on an arrow at the lower edge."""
    low, high = axis.get_ylim()
    return low + (ARROW + mark.radius) / _size()[1] * (high - low) if _below(axis, mark) else mark.accuracy


def _size() -> tuple[float, float]:
    return RECT[2] * WIDTH * 72, RECT[3] * HEIGHT * 72


def _in_points(axis: Axes, at: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    width, height = _size()
    return [(x * width, y * height) for x, y in (axis.transScale + axis.transLimits).transform(at).tolist()]


def _circle(axis: Axes, mark: Mark, theme: Theme) -> None:
    mean, y = mark.arm.means["test_error"], _height(axis, mark)
    if _below(axis, mark):
        arrow = {"arrowstyle": "-|>,head_length=0.35,head_width=0.16", "color": mark.colour, "lw": 1.0, "shrinkB": 0}
        axis.annotate("", (mark.cost, axis.get_ylim()[0]), (mark.cost, y), arrowprops={**arrow, "shrinkA": mark.radius})
    elif mark.front and mean.n > 1:
        bounds = [100 * (1 - mean.upper), 100 * (1 - mean.lower)]
        axis.plot([mark.cost] * 2, bounds, color=mark.colour, lw=4, alpha=0.22, solid_capstyle="butt", zorder=2)
    style = {"mec": theme.ground, "mew": 0.8, "alpha": 0.75, "zorder": 3}
    axis.plot(mark.cost, y, ls="none", marker="o", ms=2 * mark.radius, mfc=mark.colour, **style)


def _front(axis: Axes, found: Sequence[Mark], theme: Theme) -> list[labels.Segment]:
    """Draws the steps of the best accuracy at each cost; what they are, in points."""
    front = sorted((mark for mark in found if mark.front), key=lambda mark: mark.cost)
    x = [*[value for mark in front for value in (mark.cost, mark.cost)][1:], axis.get_xlim()[1]]
    y = [value for mark in front for value in (mark.accuracy, mark.accuracy)]
    axis.plot(x, y, color=theme.text, lw=0.8, alpha=0.55, zorder=2.5)
    corners = _in_points(axis, list(zip(x, y, strict=True)))
    return [(*start, *end) for start, end in itertools.pairwise(corners)]


def _names(axis: Axes, found: Sequence[Mark], steps: Sequence[labels.Segment], theme: Theme) -> None:
    width, height = _size()
    at = [(mark.cost, _height(axis, mark)) for mark in found]
    points = _in_points(axis, at)
    names = [f"{m.arm.label}: {m.accuracy:.1f} % ↓" if _below(axis, m) else m.arm.label for m in found]
    weights = ["bold" if mark.front else "normal" for mark in found]
    extents = [labels.extent(name, FONT, weight) for name, weight in zip(names, weights, strict=True)]
    frame = labels.Box(2, 2, width - 2, height - 2)
    places = labels.place(points, [mark.radius for mark in found], extents, frame, steps)
    for name, weight, place in zip(names, weights, places, strict=True):
        if place.leader:
            ends = np.array(place.leader).reshape(2, 2) / (width, height)
            axis.plot(*ends.T, transform=axis.transAxes, color=theme.text, lw=0.6, alpha=0.8, zorder=4)
            axis.plot(*ends[1], transform=axis.transAxes, ls="none", marker="o", ms=2, mew=0, mfc=theme.text, zorder=4)
        x, y = place.centre
        style = {"ha": "center", "va": "center", "fontsize": FONT, "fontweight": weight, "color": theme.text}
        axis.text(x / width, y / height, name, transform=axis.transAxes, zorder=5, **style)


def _keys(axis: Axes, found: Sequence[Mark], largest: float, area: str, theme: Theme) -> None:
    ordered = sorted(found, key=lambda mark: theme.hues.index(mark.colour))
    groups = {mark.arm.group: mark.colour for mark in ordered if mark.arm.group}
    mark = {"ls": "none", "marker": "o", "mec": theme.ground}
    hues = [axis.plot([], [], ms=8, mfc=colour, alpha=0.8, **mark)[0] for colour in groups.values()]
    names = [group[0].upper() + group[1:] for group in groups]
    style = {"frameon": False, "labelcolor": theme.muted, "fontsize": 8.5, "handletextpad": 0.3, "columnspacing": 1.2}
    style |= {"borderaxespad": 0.2, "borderpad": 0, "loc": "lower left"}
    axis.add_artist(axis.legend(hues, names, bbox_to_anchor=(0, 1.035), ncols=len(names), **style))
    sizes = [_round(largest / 3), _round(largest / 30)]
    scale = [2 * LARGEST * (size / largest) ** 0.5 for size in sizes]
    others = [axis.plot([], [], ms=size, mfc=theme.muted, alpha=0.5, **mark)[0] for size in scale]
    others.append(axis.plot([], [], color=theme.text, lw=0.8, alpha=0.55)[0])
    names = [*(f"{_tick(size)} {AREAS[area]}" for size in sizes), "best accuracy at or below each cost (names in bold)"]
    axis.legend(others, names, bbox_to_anchor=(0, 1.0), ncols=len(names), **style)


def _round(value: float) -> float:
    """The nearest of 1, 2 and 5 times a power of ten, below."""
    power = 10.0 ** math.floor(math.log10(value))
    return max(step * power for step in (1, 2, 5) if step * power <= value)


def _tick(value: float) -> str:
    for size, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:g}{suffix}"
    return f"{value:g}"


@dataclass(frozen=True)
class Rank:
    """An arm's place by accuracy, and whether any other arm is more accurate with less of a cost."""

    arm: Arm
    cheapest: tuple[str, ...]


def ranking(arms: Sequence[Arm], costs: Collection[str] = tuple(COSTS)) -> list[Rank]:
    """Arms by mean test error, best first; ``cheapest`` names those of ``costs`` that no better arm undercuts."""
    known = sorted((arm for arm in arms if arm.means["test_error"]), key=lambda arm: arm.means["test_error"].mean)
    ranks = []
    for place, arm in enumerate(known):
        known_here = [cost for cost in costs if arm.means[cost]]
        front = [
            c
            for c in known_here
            if all(b.means[c] is None or b.means[c].mean > arm.means[c].mean for b in known[:place])
        ]
        ranks.append(Rank(arm, tuple(front)))
    return ranks
