"""The figures of a study's page, as SVG for light and for dark pages.

A group of arms (plain, residual) has a hue, its arms go from pale to strong in the study's order, and every figure
keeps them so. Lines carry their names, and the hues are after Okabe and Ito's, which colour-blind readers tell apart.
The bytes depend on the results alone.
"""

import io
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from deeper.claims.statistics import Mean, mean
from deeper.reporting.summary import Arm, curve, profile

FAR_APART = 8  # points between a line's end and the level it is held against, from which both are named
WIDTH = 8.6

MOST_CURVES = 8  # arms, more than which cannot be told apart by epoch

Drawn = tuple[str, Callable[[Sequence[Any], "Theme"], Figure], Callable[[Sequence[Any]], bool]]


@dataclass(frozen=True)
class Theme:
    """Colours of a page: its ground (never painted), text, fine lines, and a hue for each group of arms."""

    name: str
    ground: str
    text: str
    muted: str
    grid: str
    hues: tuple[str, ...]
    pale: float


LIGHT = Theme(
    "light",
    "#ffffff",
    "#1f2328",
    "#656d76",
    "#d8dee4",
    ("#c44e00", "#0068a8", "#00795a", "#a3417c", "#7d6600", "#4b5560"),
    0.42,
)
DARK = Theme(
    "dark",
    "#0d1117",
    "#e6edf3",
    "#8d96a0",
    "#30363d",
    ("#ff9248", "#5ab4f5", "#3ccf9f", "#e58fc1", "#d6c04a", "#a9b4c0"),
    0.42,
)
THEMES = (LIGHT, DARK)

STYLE = {
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "svg.fonttype": "path",
    "svg.hashsalt": "deeper",
    "path.simplify": False,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
}


def draw(arms: Sequence[Any], wanted: Sequence[Drawn] | None = None) -> dict[str, bytes]:
    """Figures (those of a study's page, if none are named) by file name, ``<figure>-<theme>.svg``.

    ``arms`` are what the figures are of, ``Arm`` but where the wanted ones draw something else. One whose numbers are
    missing is left out.
    """
    figures = {}
    for name, figure, has_numbers in FIGURES if wanted is None else wanted:
        if has_numbers(arms):
            for theme in THEMES:
                figures[f"{name}-{theme.name}.svg"] = render(figure, arms, theme)
    return figures


def render(figure: Callable[[Sequence[Any], Theme], Figure], arms: Sequence[Any], theme: Theme, kind="svg") -> bytes:
    """One figure as bytes. A ``png`` is painted on the theme's ground, for looking at."""
    with matplotlib.rc_context(STYLE), io.BytesIO() as buffer:
        drawn = figure(arms, theme)
        if kind == "svg":
            drawn.savefig(buffer, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
        else:
            drawn.savefig(buffer, format=kind, facecolor=theme.ground, dpi=110)
        return buffer.getvalue()


def errors_by_epoch(arms: Sequence[Arm], theme: Theme) -> Figure:
    """Training error by epoch (solid, with its 95 % interval) and validation error (thin, dashed), a panel a group."""
    panels = _panels([arm for arm in arms if curve(arm.trials, "train_error")])
    figure, axes = _grid(len(panels), theme, height=3.7)
    colour = arm_colours(arms, theme)
    for axis, (title, members) in zip(axes, panels.items(), strict=True):
        ends = []
        for arm in members:
            train = curve(arm.trials, "train_error")
            _line(axis, [e for e, _ in train], [m for _, m in train], colour[arm.name], _in_percent)
            validation = curve(arm.trials, "validation_error")
            style = {"color": colour[arm.name], "lw": 0.9, "ls": (0, (4, 2.5)), "zorder": 3}
            axis.plot([e for e, _ in validation], [_in_percent(m.mean) for _, m in validation], **style)
            if train:
                ends.append((train[-1][0], 100 * train[-1][1].mean, arm.label, colour[arm.name]))
        axis.set_title(title, loc="left", color=theme.text, fontsize=11, pad=10)
        axis.set_xlabel("epoch", color=theme.muted)
        axis.set_xticks(_epoch_ticks(max((x for x, *_ in ends), default=1)))
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
        axis.set_ylim(0, min(100, 1.06 * max(a.dataLim.y1 for a in axes)))
        _label_ends(axis, ends)
    _key(figure, theme)
    return figure


def gradients_by_layer(arms: Sequence[Arm], theme: Theme) -> Figure:
    """Norm of the gradient of each layer's weights, from input to output: at the first step, and during training.

    Every network is drawn from side to side, whatever its depth; the thirds are those of the gradient's imbalance.
    """
    moments = [("At the first step", "start"), ("During training", "training")]
    figure, axes = _grid(2, theme, height=3.9)
    colour = arm_colours(arms, theme)
    ends = {axis: [] for axis in axes}
    for axis, (title, when) in zip(axes, moments, strict=True):
        axis.set_yscale("log")
        for arm in arms:
            layers = profile(arm.trials, when)
            places = np.linspace(0, 1, len(layers)) if len(layers) > 1 else [0.5] * len(layers)
            known = [(place, mean) for place, mean in zip(places, layers, strict=True) if mean is not None]
            if known:
                _line(axis, *zip(*known, strict=True), colour[arm.name], shown=lambda value: 10.0**value)
                ends[axis].append((known[-1][0], 10.0 ** known[-1][1].mean, arm.label, colour[arm.name]))
        axis.set_title(title, loc="left", color=theme.text, fontsize=11, pad=10)
        axis.set_xlim(-0.02, 1)
        axis.set_xticks([0, 1 / 3, 2 / 3, 1], ["input", "", "", "output"])
        axis.set_xlabel("layer", color=theme.muted)
        axis.vlines(
            [1 / 3, 2 / 3], 0, 1, transform=axis.get_xaxis_transform(), color=theme.grid, lw=0.7, ls=(0, (1, 2))
        )
    _decade_ticks(axes)
    for axis in axes:
        _label_ends(axis, ends[axis])
    axes[0].set_ylabel("norm of the gradient", color=theme.muted)
    return figure


def lesions(arms: Sequence[Arm], theme: Theme) -> Figure:
    """Error without one block, by its place from input to output, a panel a group; dashed, the whole network's."""
    panels = _panels([arm for arm in arms if _lesions(arm)])
    figure, axes = _grid(len(panels), theme, height=3.7)
    colour = arm_colours(arms, theme)
    for axis, (title, members) in zip(axes, panels.items(), strict=True):
        ends = []
        for arm in members:
            rows = [found["deleted"] for found in _lesions(arm)]
            means = [mean([row[place] for row in rows]) for place in range(len(rows[0]))]
            places = np.linspace(0, 1, len(means)) if len(means) > 1 else [0.5]
            _line(axis, places, means, colour[arm.name], _in_percent)
            whole = 100 * mean([found["whole"] for found in _lesions(arm)]).mean
            axis.hlines(whole, 0, 1, color=colour[arm.name], lw=0.9, ls=(0, (4, 2.5)), zorder=3)
            ends.append((1, 100 * means[-1].mean, arm.label, colour[arm.name]))
            if abs(whole - ends[-1][1]) > FAR_APART:
                ends.append((1, whole, f"{arm.label}, whole", colour[arm.name]))
        axis.set_title(title, loc="left", color=theme.text, fontsize=11, pad=10)
        axis.set_xlim(-0.02, 1)
        axis.set_xticks([0, 1], ["input", "output"])
        axis.set_xlabel("the block that is missing", color=theme.muted)
        axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
        axis.set_ylim(0, 100)
        _label_ends(axis, ends)
    return figure


def _lesions(arm: Arm) -> list[dict]:
    """What the lesion probe found, a seed each; seeds whose network has other blocks than the first's are left out."""
    found = [((trial.get("probes") or {}).get("lesion") or {}).get("value") for trial in arm.trials]
    found = [one for one in found if one and one["deleted"]]
    return [one for one in found if one["units"] == found[0]["units"]]


def final_errors(arms: Sequence[Arm], theme: Theme) -> Figure:
    """Training and test error after the last epoch: a faint dot a seed, the mean and its 95 % interval above them."""
    figure, (axis,) = _grid(1, theme, height=0.62 + 0.52 * len(arms))
    colour = arm_colours(arms, theme)
    for row, arm in enumerate(arms):
        for metric, offset, filled in (("train_error", -0.15, True), ("test_error", 0.17, False)):
            mean = arm.means[metric]
            if mean is None:
                continue
            axis.plot(
                [100 * value for value in arm.values[metric]],
                [row + offset] * len(arm.values[metric]),
                ls="none",
                marker="o",
                ms=3.2,
                mew=0,
                color=colour[arm.name],
                alpha=0.45,
            )
            if mean.n > 1:
                bounds = [100 * mean.lower, 100 * mean.upper]
                axis.plot(bounds, [row + offset] * 2, lw=1.6, color=colour[arm.name], solid_capstyle="butt")
            face = colour[arm.name] if filled else theme.ground
            axis.plot(100 * mean.mean, row + offset, marker="o", ms=7, mew=1.6, mfc=face, mec=colour[arm.name])
    axis.set_yticks(range(len(arms)), [arm.label for arm in arms])
    for tick, arm in zip(axis.get_yticklabels(), arms, strict=True):
        tick.set_color(colour[arm.name])
        tick.set_fontweight("bold")
    axis.set_ylim(len(arms) - 0.5, -0.5)
    axis.set_xlim(0, min(100.0, 1.1 * max(axis.dataLim.x1, 1e-3)))
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    axis.spines["left"].set_visible(False)
    axis.tick_params(axis="y", length=0)
    axis.grid(axis="y", visible=False)
    axis.grid(axis="x", color=theme.grid, lw=0.7)
    _final_key(axis, theme)
    return figure


def _in_percent(value: float) -> float:
    return 100.0 * value


def _has_curves(arms: Sequence[Arm]) -> bool:
    known = [points for arm in arms if (points := curve(arm.trials, "train_error"))]
    epochs = [len(points) for points in known]
    return 0 < len(known) <= MOST_CURVES and max(epochs) <= 2 * min(epochs)


def _has_gradients(arms: Sequence[Arm]) -> bool:
    return any(mean is not None for arm in arms for mean in profile(arm.trials, "start"))


def _has_errors(arms: Sequence[Arm]) -> bool:
    return any(arm.means["train_error"] or arm.means["test_error"] for arm in arms)


FIGURES = (
    ("errors-by-epoch", errors_by_epoch, _has_curves),
    ("final-errors", final_errors, _has_errors),
    ("gradients-by-layer", gradients_by_layer, _has_gradients),
    ("error-without-a-block", lesions, lambda arms: any(map(_lesions, arms))),
)


def _panels(arms: Sequence[Arm]) -> dict[str, list[Arm]]:
    panels: dict[str, list[Arm]] = {}
    for arm in arms:
        group = arm.group or ""
        panels.setdefault(group[:1].upper() + group[1:], []).append(arm)
    return panels if len(panels) <= 3 else {"": list(arms)}


def arm_colours(arms: Sequence[Arm], theme: Theme) -> dict[str, str]:
    """The shade of each arm: its group's hue, from pale to strong in the study's order."""
    groups: dict[str, list[Arm]] = {}
    for arm in arms:
        groups.setdefault(arm.group or arm.name, []).append(arm)
    found = {}
    for index, members in enumerate(groups.values()):
        hue = theme.hues[index % len(theme.hues)]
        for place, arm in enumerate(members):
            found[arm.name] = _towards(hue, theme.ground, theme.pale * (1 - (place + 1) / len(members)) * 1.15)
    return found


def group_colours(arms: Sequence[Arm], theme: Theme) -> dict[str, str]:
    """The full hue of each arm's group, by arm."""
    groups = list(dict.fromkeys(arm.group or arm.name for arm in arms))
    return {arm.name: theme.hues[groups.index(arm.group or arm.name) % len(theme.hues)] for arm in arms}


def _towards(hue: str, ground: str, share: float) -> str:
    mixed = (1 - share) * np.array(colors.to_rgb(hue)) + share * np.array(colors.to_rgb(ground))
    return colors.to_hex(mixed)


def _grid(columns: int, theme: Theme, height: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(WIDTH, height), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06)
    axes = list(np.atleast_1d(figure.subplots(1, columns, sharey=True)))
    for axis in axes:
        axis.patch.set_alpha(0)
        axis.set_axisbelow(True)
        axis.grid(axis="y", color=theme.grid, lw=0.7)
        axis.tick_params(colors=theme.muted, labelsize=9, length=3, labelleft=True)
        for spine in axis.spines.values():
            spine.set_color(theme.muted)
    return figure, axes


def _line(axis: Axes, x: Sequence[float], means: Sequence[Mean], colour: str, shown: Callable[[float], float]) -> None:
    """A mean with the band of its interval, each value drawn as ``shown(value)``."""
    marker = {"marker": "o", "ms": 3} if len(x) == 1 else {}
    axis.plot(x, [shown(m.mean) for m in means], color=colour, lw=2.0, solid_joinstyle="round", zorder=4, **marker)
    if any(m.n > 1 for m in means):
        lower = [shown(m.lower if m.n > 1 else m.mean) for m in means]
        upper = [shown(m.upper if m.n > 1 else m.mean) for m in means]
        axis.fill_between(x, lower, upper, color=colour, alpha=0.20, lw=0, zorder=2)


def _label_ends(axis: Axes, ends: Sequence[tuple[float, float, str, str]], gap: float = 13.0) -> None:
    """Name every line at its right end, names pushed apart to ``gap`` points where they would touch."""
    low, high = axis.get_xlim()
    reach = max((len(label) for _, _, label, _ in ends), default=0) * 0.022 * (high - low)
    axis.set_xlim(low, max(high, max((x for x, *_ in ends), default=high) + reach))
    height = axis.get_position().height * axis.figure.get_figheight() * 72.0
    scale = axis.transScale + axis.transLimits
    points = [scale.transform((x, y))[1] * height for x, y, _, _ in ends]
    placed = _apart(points, gap)
    for (x, y, label, colour), at, point in zip(ends, placed, points, strict=True):
        axis.annotate(
            label,
            (x, y),
            xytext=(6, at - point),
            textcoords="offset points",
            color=colour,
            fontsize=9,
            fontweight="bold",
            va="center",
            annotation_clip=False,
        )


def _apart(points: Sequence[float], gap: float) -> list[float]:
    """The points moved as little as pairwise pushing needs until neighbours are ``gap`` apart."""
    order = sorted(range(len(points)), key=lambda index: points[index])
    placed = [points[index] for index in order]
    for _ in range(200):
        moved = False
        for below in range(len(placed) - 1):
            lack = gap - (placed[below + 1] - placed[below])
            if lack > 1e-6:
                placed[below] -= lack / 2
                placed[below + 1] += lack / 2
                moved = True
        if not moved:
            break
    result = [0.0] * len(points)
    for index, value in zip(order, placed, strict=True):
        result[index] = value
    return result


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


def _epoch_ticks(last: int) -> list[int]:
    """Whole epochs from 1 to the last, nine at most; none past the curves, where their names stand."""
    values = MaxNLocator(integer=True, nbins=8).tick_values(1, last)
    return [int(value) for value in values if 1 <= value <= last]


def _key(figure: Figure, theme: Theme) -> None:
    lines = [Line2D([], [], color=theme.muted, lw=2.0), Line2D([], [], color=theme.muted, lw=0.9, ls=(0, (4, 2.5)))]
    where = {"loc": "outside upper right", "ncols": 2, "frameon": False, "fontsize": 9, "handlelength": 2.0}
    figure.legend(lines, ["training", "validation"], labelcolor=theme.muted, **where)


def _final_key(axis: Axes, theme: Theme) -> None:
    style = {"ls": "none", "marker": "o", "ms": 6, "mew": 1.4, "mec": theme.muted}
    marks = [
        axis.plot([], [], mfc=theme.muted, **style)[0],
        axis.plot([], [], mfc=theme.ground, **style)[0],
    ]
    _legend(axis, marks, ["training", "test"], theme, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2)


def _legend(axis: Axes, handles: list, names: list[str], theme: Theme, **where) -> None:
    axis.legend(handles, names, frameon=False, labelcolor=theme.muted, fontsize=9, handlelength=2.0, **where)
