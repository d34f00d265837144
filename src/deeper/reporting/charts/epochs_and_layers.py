"""A study's own charts: errors by epoch and at the end, gradients by layer, the error without one block."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullFormatter, NullLocator

from deeper.claims.statistics import mean
from deeper.reporting.arm_results import ArmResults, curve, gradient_profile, lesions
from deeper.reporting.charts import theme as themes
from deeper.reporting.charts.theme import DASHED, KEY, Chart, Theme, percent

FAR_APART = 8  # points between a line's end and the level it is held against, from which both are named
MOST_CURVES = 8  # arms, more than which cannot be told apart by epoch
ROOM = 0.02  # of an axis, below 0
MOST_PANELS = 3
HEIGHT = 3.8


def errors_by_epoch(arms: Sequence[ArmResults], theme: Theme) -> Figure:
    """Training error by epoch (solid, with its 95 % interval) and validation error (thin, dashed), a panel a group."""
    groups = _groups([arm for arm in arms if curve(arm.rows, "train_error")])
    figure, axes = themes.panels(len(groups), theme, HEIGHT)
    colours = themes.arm_colours(arms, theme)
    for axis, (title, members) in zip(axes, groups.items(), strict=True):
        ends = []
        for arm in members:
            train, colour = curve(arm.rows, "train_error"), colours[arm.name]
            themes.band(axis, *zip(*train, strict=True), percent, color=colour)
            validation = curve(arm.rows, "validation_error")
            heights = [percent(mean.mean) for _, mean in validation]
            axis.plot([epoch for epoch, _ in validation], heights, color=colour, lw=0.9, ls=DASHED, zorder=3)
            ends.append((train[-1][0], percent(train[-1][1].mean), arm.label, colour))
        themes.title(axis, title, theme)
        axis.set_xlabel("epoch")
        themes.whole_ticks(axis, max(x for x, *_ in ends))
        themes.in_percent(axis.yaxis)
        axis.set_ylim(*_from_0(min(100, 1.06 * max(a.dataLim.y1 for a in axes))))
        themes.name_line_ends(axis, ends)
    lines = [Line2D([], [], color=theme.muted, lw=2.0), Line2D([], [], color=theme.muted, lw=0.9, ls=DASHED)]
    figure.legend(lines, ["training", "validation"], loc="outside upper right", ncols=2, labelcolor=theme.muted, **KEY)
    return figure


def gradients_by_layer(arms: Sequence[ArmResults], theme: Theme) -> Figure:
    """Norm of the gradient of each layer's weights, from input to output: at the first step, and during training.

    Every network is drawn from side to side, whatever its depth; the thirds are those of the gradient's imbalance.
    """
    figure, axes = themes.panels(2, theme, HEIGHT)
    colours = themes.arm_colours(arms, theme)
    ends = {axis: [] for axis in axes}
    moments = (("At the first step", "start"), ("During training", "training"))
    for axis, (title, when) in zip(axes, moments, strict=True):
        axis.set_yscale("log")
        for arm in arms:
            layers = gradient_profile(arm.rows, when)
            points = [(x, mean) for x, mean in zip(_side_to_side(len(layers)), layers, strict=True) if mean is not None]
            if points:
                themes.band(axis, *zip(*points, strict=True), lambda value: 10.0**value, color=colours[arm.name])
                ends[axis].append((points[-1][0], 10.0 ** points[-1][1].mean, arm.label, colours[arm.name]))
        themes.title(axis, title, theme)
        axis.set_xlim(-0.02, 1)
        axis.set_xticks([0, 1 / 3, 2 / 3, 1], ["input", "", "", "output"])
        axis.set_xlabel("layer")
        thirds = {"transform": axis.get_xaxis_transform(), "color": theme.grid, "lw": 0.7, "ls": (0, (1, 2))}
        axis.vlines([1 / 3, 2 / 3], 0, 1, **thirds)
    _decade_ticks(axes)
    for axis in axes:
        themes.name_line_ends(axis, ends[axis])
    axes[0].set_ylabel("norm of the gradient")
    return figure


def error_without_a_block(arms: Sequence[ArmResults], theme: Theme) -> Figure:
    """Error without one block, by its place from input to output, a panel a group; dashed, the whole network's."""
    groups = _groups([arm for arm in arms if lesions(arm)])
    figure, axes = themes.panels(len(groups), theme, HEIGHT)
    colours = themes.arm_colours(arms, theme)
    for axis, (title, members) in zip(axes, groups.items(), strict=True):
        ends = []
        for arm in members:
            colour, measured = colours[arm.name], lesions(arm)
            means = [mean(values) for values in zip(*(value["deleted"] for value in measured), strict=True)]
            themes.band(axis, _side_to_side(len(means)), means, percent, color=colour)
            whole = percent(mean([value["whole"] for value in measured]).mean)
            axis.hlines(whole, 0, 1, color=colour, lw=0.9, ls=DASHED, zorder=3)
            ends.append((1, percent(means[-1].mean), arm.label, colour))
            if abs(whole - ends[-1][1]) > FAR_APART:
                ends.append((1, whole, f"{arm.label}, whole", colour))
        themes.title(axis, title, theme)
        axis.set_xlim(-0.02, 1)
        axis.set_xticks([0, 1], ["input", "output"])
        axis.set_xlabel("the block that is missing")
        themes.in_percent(axis.yaxis)
        axis.set_ylim(*_from_0(100))
        themes.name_line_ends(axis, ends)
    return figure


def final_errors(arms: Sequence[ArmResults], theme: Theme) -> Figure:
    """Training and test error after the last epoch: a faint dot a seed, the mean and its 95 % interval above them."""
    figure, (axis,) = themes.panels(1, theme, height=0.62 + 0.52 * len(arms))
    colours = themes.arm_colours(arms, theme)
    for row, arm in enumerate(arms):
        for metric, offset, filled in (("train_error", -0.15, True), ("test_error", 0.17, False)):
            if arm.means[metric]:
                _seeds_and_mean(axis, arm, metric, row + offset, filled, colours[arm.name], theme)
    axis.set_yticks(range(len(arms)), [arm.label for arm in arms])
    for tick, arm in zip(axis.get_yticklabels(), arms, strict=True):
        tick.set_color(colours[arm.name])
        tick.set_fontweight("bold")
    axis.set_ylim(len(arms) - 0.5, -0.5)
    axis.set_xlim(*_from_0(min(100.0, 1.1 * max(axis.dataLim.x1, 1e-3))))
    themes.in_percent(axis.xaxis)
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", color=theme.grid, lw=0.7)
    style = {"ls": "none", "marker": "o", "ms": 6, "mew": 1.4, "mec": theme.muted}
    marks = [Line2D([], [], mfc=face, **style) for face in (theme.muted, theme.ground)]
    where = {"loc": "lower left", "bbox_to_anchor": (0, 1.0), "ncols": 2}
    axis.legend(marks, ["training", "test"], labelcolor=theme.muted, **where, **KEY)
    return figure


def _seeds_and_mean(axis: Axes, arm: ArmResults, metric: str, y: float, filled: bool, colour: str, theme: Theme):
    values, mean = [percent(value) for value in arm.values[metric]], arm.means[metric]
    axis.plot(values, [y] * len(values), ls="none", marker="o", ms=3.2, mew=0, color=colour, alpha=0.45)
    if mean.has_interval:
        axis.plot([percent(mean.lower), percent(mean.upper)], [y] * 2, lw=1.6, color=colour, solid_capstyle="butt")
    face = colour if filled else theme.ground
    axis.plot(percent(mean.mean), y, marker="o", ms=7, mew=1.6, mfc=face, mec=colour)


def _has_curves(arms: Sequence[ArmResults]) -> bool:
    epochs = [len(points) for arm in arms if (points := curve(arm.rows, "train_error"))]
    return 0 < len(epochs) <= MOST_CURVES and max(epochs) <= 2 * min(epochs)


def _has_gradients(arms: Sequence[ArmResults]) -> bool:
    return any(mean is not None for arm in arms for mean in gradient_profile(arm.rows, "start"))


def _has_errors(arms: Sequence[ArmResults]) -> bool:
    return any(arm.means["train_error"] or arm.means["test_error"] for arm in arms)


CHARTS = (
    Chart("errors-by-epoch", errors_by_epoch, _has_curves),
    Chart("final-errors", final_errors, _has_errors),
    Chart("gradients-by-layer", gradients_by_layer, _has_gradients),
    Chart("error-without-a-block", error_without_a_block, lambda arms: any(map(lesions, arms))),
)


def _groups(arms: Sequence[ArmResults]) -> dict[str, list[ArmResults]]:
    groups: dict[str, list[ArmResults]] = {}
    for arm in arms:
        group = arm.group or ""
        groups.setdefault(group[:1].upper() + group[1:], []).append(arm)
    if len(groups) < 2 or len(groups) > MOST_PANELS:
        return {"": list(arms)} if arms else {}
    titled = {_title(group, members): members for group, members in groups.items()}
    return titled if len(titled) == len(groups) else groups


def _title(group: str, members: Sequence[ArmResults]) -> str:
    """Of a panel: its arm's label where it has one arm, which says more than the group."""
    if len(members) == 1:
        return members[0].label
    return "Without" if group == "None" else group


def _from_0(top: float) -> tuple[float, float]:
    """Ends of an axis from 0 to ``top``, with room for half a dot, or a line, at 0."""
    return -ROOM * top, top


def _side_to_side(count: int) -> list[float]:
    return np.linspace(0, 1, count).tolist() if count > 1 else [0.5] * count


def _decade_ticks(axes: Sequence[Axes]) -> None:
    for axis in axes:
        axis.yaxis.set_major_locator(LogLocator(10))
        axis.yaxis.set_minor_formatter(NullFormatter())
        axis.yaxis.set_minor_locator(NullLocator())
    low, high = axes[0].get_ylim()
    if math.log10(high / low) < 2:
        steps = [m * 10.0**e for e in range(-12, 7) for m in (1, 2, 5) if low <= m * 10.0**e <= high]
        for axis in axes:
            axis.yaxis.set_major_locator(FixedLocator(steps))
            axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
