"""Accuracy against what it costs, a circle a network: the charts of a study that compares many networks."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from deeper.reporting import labels
from deeper.reporting.figures import WIDTH, Theme, group_colours
from deeper.reporting.summary import Arm

HEIGHT = 5.8
RECT = (0.085, 0.095, 0.9, 0.835)
FONT = 8.0
LARGEST = 17.0  # radius in points
SMALLEST = 2.2

COSTS = {
    "macs": ("multiply-adds of one image", "params"),
    "params": ("parameters", "macs"),
    "train_s": ("training time, s", "params"),
}
NAMES = {"operations": "macs", "parameters": "params", "time": "train_s"}
AREAS = {"params": "parameters", "macs": "multiply-adds"}


def against(cost: str) -> Callable[[Sequence[Arm], Theme], Figure]:
    """The chart of test accuracy against ``macs``, ``params`` (circles then show multiply-adds) or ``train_s``."""

    def accuracy_against_cost(arms: Sequence[Arm], theme: Theme) -> Figure:
        shown = [arm for arm in arms if arm.means["test_error"] and arm.means[cost]]
        figure = Figure(figsize=(WIDTH, HEIGHT))
        axis = figure.add_axes(RECT)
        label, area = COSTS[cost]
        colours = group_colours(arms, theme)
        largest = max(arm.means[area].mean for arm in shown)
        radii = [max(SMALLEST, LARGEST * (arm.means[area].mean / largest) ** 0.5) for arm in shown]
        at = [(arm.means[cost].mean, 100 * (1 - arm.means["test_error"].mean)) for arm in shown]
        _frame(axis, theme, at, label)
        for radius, (x, y), arm in sorted(zip(radii, at, shown, strict=True), key=lambda row: -row[0]):
            _circle(axis, arm, x, y, radius, colours[arm.name], theme)
        _names(axis, shown, at, radii, [colours[arm.name] for arm in shown], theme)
        _keys(axis, shown, colours, largest, area, theme)
        return figure

    return accuracy_against_cost


def _has(cost: str) -> Callable[[Sequence[Arm]], bool]:
    return lambda arms: any(arm.means["test_error"] and arm.means[cost] for arm in arms)


FIGURES = tuple((f"accuracy-against-{name}", against(cost), _has(cost)) for name, cost in NAMES.items())


def _frame(axis: Axes, theme: Theme, at: Sequence[tuple[float, float]], label: str) -> None:
    axis.patch.set_alpha(0)
    axis.set_axisbelow(True)
    axis.grid(color=theme.grid, lw=0.7)
    axis.tick_params(colors=theme.muted, labelsize=9, length=3, which="both")
    for spine in axis.spines.values():
        spine.set_color(theme.muted)
    xs, ys = zip(*at, strict=True)
    axis.set_xscale("log")
    axis.set_xlim(min(xs) / 1.6, max(xs) * 1.6)
    room = max(1.0, max(ys) - min(ys))
    axis.set_ylim(min(ys) - 0.08 * room, max(ys) + 0.10 * room)
    axis.set_xlabel(label, color=theme.muted)
    axis.set_ylabel("test accuracy", color=theme.muted)
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: _tick(value)))
    axis.xaxis.set_major_locator(LogLocator(10, subs=(1, 2, 5) if max(xs) / min(xs) < 300 else (1,)))
    axis.xaxis.set_minor_formatter(NullFormatter())
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))


def _circle(axis: Axes, arm: Arm, x: float, y: float, radius: float, colour: str, theme: Theme) -> None:
    mean = arm.means["test_error"]
    if mean.n > 1:
        axis.plot([x, x], [100 * (1 - mean.upper), 100 * (1 - mean.lower)], color=colour, lw=0.8, alpha=0.55, zorder=2)
    axis.plot(x, y, ls="none", marker="o", ms=2 * radius, mfc=colour, mec=theme.ground, mew=0.8, alpha=0.72, zorder=3)


def _names(axis: Axes, arms, at, radii, colours, theme: Theme) -> None:
    width, height = RECT[2] * WIDTH * 72, RECT[3] * HEIGHT * 72
    unit = (axis.transScale + axis.transLimits).transform(at)
    points = [(x * width, y * height) for x, y in unit]
    names = [arm.label for arm in arms]
    places = labels.place(points, radii, names, labels.Box(2, 2, width - 2, height - 2), FONT)
    for name, (x, y), found, colour, offset in zip(names, at, places, colours, points, strict=True):
        axis.annotate(
            name,
            (x, y),
            xytext=(found.x - offset[0], found.y - offset[1]),
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=FONT,
            color=theme.text,
            zorder=5,
            arrowprops={"arrowstyle": "-", "color": colour, "lw": 0.6, "shrinkA": 2, "shrinkB": 0}
            if found.leader
            else None,
        )


def _keys(axis: Axes, arms, colours, largest: float, area: str, theme: Theme) -> None:
    groups = {arm.group: colours[arm.name] for arm in arms if arm.group}
    mark = {"ls": "none", "marker": "o", "mec": theme.ground}
    hues = [axis.plot([], [], ms=8, mfc=colour, alpha=0.8, **mark)[0] for colour in groups.values()]
    names = [group[0].upper() + group[1:] for group in groups]
    style = {"frameon": False, "labelcolor": theme.muted, "fontsize": 8.5, "handletextpad": 0.3}
    first = axis.legend(
        hues, names, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=len(names), columnspacing=1.0, **style
    )
    axis.add_artist(first)
    sizes = [_round(largest / 3), _round(largest / 30)]
    scale = [2 * LARGEST * (size / largest) ** 0.5 for size in sizes]
    circles = [axis.plot([], [], ms=size, mfc=theme.muted, alpha=0.5, **mark)[0] for size in scale]
    names = [f"{_tick(size)} {AREAS[area]}" for size in sizes]
    axis.legend(circles, names, loc="upper right", bbox_to_anchor=(1, -0.035), ncols=2, columnspacing=1.6, **style)


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


def ranking(arms: Sequence[Arm]) -> list[Rank]:
    """Arms by mean test error, best first; ``cheapest`` names the costs that no better arm undercuts."""
    known = sorted((arm for arm in arms if arm.means["test_error"]), key=lambda arm: arm.means["test_error"].mean)
    ranks = []
    for place, arm in enumerate(known):
        costs = [cost for cost in COSTS if arm.means[cost]]
        front = [
            c for c in costs if all(b.means[c] is None or b.means[c].mean > arm.means[c].mean for b in known[:place])
        ]
        ranks.append(Rank(arm, tuple(front)))
    return ranks
