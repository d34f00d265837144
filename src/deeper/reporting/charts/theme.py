"""What every chart shares: two themes, the colour of each family of networks, frames, keys, lines with their bands.

A family of networks (plain, residual, Inception …) has one colour in every chart of every study, after Okabe and Ito's,
which colour-blind readers tell apart. Networks of one family in one study go from pale to strong, in the study's order.
The bytes of a figure depend on the results alone.
"""

import io
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
import numpy as np
from matplotlib import colors
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from deeper.claims.statistics import Mean
from deeper.reporting.arm_results import ArmResults

WIDTH = 8.6  # inches
ABREAST = 2  # panels that have room for a mark at every second of sixteen epochs
DASHED = (0, (4, 2.5))
KEY = {"frameon": False, "fontsize": 9, "handlelength": 2.0}

# The first letters of a network's configuration (without ``se_``) tell its family. Add a network's here.
FAMILIES = {
    "classic": ("lenet", "alexnet", "zfnet", "vgg", "nin"),
    "Inception": ("googlenet", "inception", "xception"),
    "plain": ("plain",),
    "highway": ("highway",),
    "residual": ("resnet", "resnext", "preact_resnet", "wrn", "ror", "stochastic_depth"),
    "dense and fractal": ("densenet", "fractalnet"),
    "small and searched": ("squeezenet", "mobilenet", "efficientnet", "nasnet", "cells", "genetic_cnn", "shufflenet"),
    "since 2020": ("convnext", "regnet", "vit"),
}
OTHER = "other"


@dataclass(frozen=True)
class Theme:
    """Colours of a page: its ground (never painted), text, fine lines, a colour for each family of networks.

    ``pale`` is the share of the ground in the palest shade of a family's colour; ``signals`` are colours of what is no
    family and has none of their colours: outcomes of comparisons, ways of training in transfer learning.
    """

    name: str
    ground: str
    text: str
    muted: str
    grid: str
    pale: float
    families: Mapping[str, str]
    signals: Mapping[str, str]


LIGHT = Theme(
    "light",
    ground="#ffffff",
    text="#1f2328",
    muted="#656d76",
    grid="#d8dee4",
    pale=0.42,
    families={
        "classic": "#7d6600",
        "Inception": "#00795a",
        "plain": "#c44e00",
        "highway": "#007a87",
        "residual": "#0068a8",
        "dense and fractal": "#a3417c",
        "small and searched": "#6a51b5",
        "since 2020": "#b3284a",
        OTHER: "#4b5560",
    },
    signals={"good": "#1f2328", "bad": "#c1121f", "grey": "#656d76"},
)
DARK = Theme(
    "dark",
    ground="#0d1117",
    text="#e6edf3",
    muted="#8d96a0",
    grid="#30363d",
    pale=0.3,
    families={
        "classic": "#d6c04a",
        "Inception": "#3ccf9f",
        "plain": "#ff9248",
        "highway": "#4fd3dd",
        "residual": "#5ab4f5",
        "dense and fractal": "#e58fc1",
        "small and searched": "#b7a3ff",
        "since 2020": "#ff8f9e",
        OTHER: "#a9b4c0",
    },
    signals={"good": "#e6edf3", "bad": "#ff6b6b", "grey": "#8d96a0"},
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


@dataclass(frozen=True)
class Chart:
    """A figure of a page: its file's name, the function that draws it, and whether there are numbers for it."""

    name: str
    draw: Callable[[Sequence[Any], Theme], Figure]
    has_numbers: Callable[[Sequence[Any]], bool]


def draw(charts: Sequence[Chart], subjects: Sequence[Any]) -> dict[str, bytes]:
    """The charts of these subjects by file name, ``<chart>-<theme>.svg``; one without numbers is left out."""
    return {
        f"{chart.name}-{theme.name}.svg": render(chart.draw, subjects, theme)
        for chart in charts
        if chart.has_numbers(subjects)
        for theme in THEMES
    }


def render(figure: Callable[[Any, Theme], Figure], subjects: Any, theme: Theme, kind="svg", painted=False) -> bytes:
    """One figure as bytes. The ground is ``painted`` on a slide, and in a ``png``, which is for looking at."""
    with matplotlib.rc_context(STYLE), io.BytesIO() as buffer:
        drawn = figure(subjects, theme)
        if kind == "svg":
            ground = {"facecolor": theme.ground} if painted else {"transparent": True}
            drawn.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, **ground)
        else:
            drawn.savefig(buffer, format=kind, facecolor=theme.ground, dpi=110)
        return buffer.getvalue()


def family(network: str | None) -> str:
    """The family of the network with this configuration: ``residual`` for ``se_resnet20``."""
    name = (network or "").removeprefix("se_")
    return next((family for family, starts in FAMILIES.items() if name.startswith(starts)), OTHER)


def arm_colours(arms: Sequence[ArmResults], theme: Theme) -> dict[str, str]:
    """The colour of each arm: its family's; of several of one family from pale to strong, in the study's order."""
    members: dict[str, list[str]] = {}
    for arm in arms:
        members.setdefault(family(arm.network), []).append(arm.name)
    return {
        name: _shade(theme.families[family], place, len(names), theme)
        for family, names in members.items()
        for place, name in enumerate(names)
    }


def _shade(colour: str, place: int, count: int, theme: Theme) -> str:
    """The ``place``-th of ``count`` shades: mixed with the ground at first, with the colour of text at last."""
    if count == 1:
        return colour
    strong = -0.1 if count == 2 else -0.3
    share = theme.pale + (strong - theme.pale) * place / (count - 1)
    return mixed(colour, theme.ground if share > 0 else theme.text, abs(share))


def mixed(colour: str, other: str, share: float) -> str:
    """A colour with a share of another one in it."""
    own, end = (np.array(colors.to_rgb(one)) for one in (colour, other))
    return colors.to_hex((1 - share) * own + share * end)


def panels(count: int, theme: Theme, height: float, abreast: int | None = None) -> tuple[Figure, list[Axes]]:
    """A figure with ``count`` framed panels that share the vertical axis, ``abreast`` in a row (left out: all)."""
    columns = min(count, abreast or count)
    rows = math.ceil(count / columns)
    figure = Figure(figsize=(WIDTH, height * rows), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06, hspace=0.08)
    axes = list(np.atleast_1d(figure.subplots(rows, columns, sharey=True)).flat)
    for axis in axes[:count]:
        frame(axis, theme)
    for axis in axes[count:]:
        axis.set_visible(False)
    return figure, axes[:count]


def frame(axis: Axes, theme: Theme, grid: str = "y") -> None:
    """Spines, ticks and fine lines across the axis ``grid``, in the theme's colours."""
    axis.patch.set_alpha(0)
    axis.set_axisbelow(True)
    axis.grid(axis=grid, color=theme.grid, lw=0.7)
    axis.tick_params(colors=theme.muted, labelsize=9, length=3, labelleft=True)
    axis.xaxis.label.set_color(theme.muted)
    axis.yaxis.label.set_color(theme.muted)
    for spine in axis.spines.values():
        spine.set_color(theme.muted)


def title(axis: Axes, words: str, theme: Theme) -> None:
    axis.set_title(words, loc="left", color=theme.text, fontsize=11, pad=10)


def in_percent(axis: Any) -> None:
    """Marks of an ``axis.xaxis`` or ``axis.yaxis`` as ``20 %``."""
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))


def whole_ticks(axis: Axes, last: int) -> None:
    """Marks at whole numbers from 1 to the last, nine at most; none past the curves, where their names stand."""
    most = 8 if len(axis.figure.axes) <= ABREAST else 4
    values = MaxNLocator(integer=True, nbins=most).tick_values(1, last)
    axis.set_xticks([int(value) for value in values if 1 <= value <= last])


def band(axis: Axes, x: Sequence[float], means: Sequence[Mean], shown: Callable[[float], float], **style) -> Any:
    """A line of means with the band of their intervals, each value drawn as ``shown(value)``; the line's handle."""
    marker = {"marker": "o", "ms": 3} if len(x) == 1 else {}
    style = {"lw": 2.0, "solid_joinstyle": "round", "zorder": 4} | marker | style
    (line,) = axis.plot(x, [shown(mean.mean) for mean in means], **style)
    if any(mean.has_interval for mean in means):
        lower, upper = (
            [shown(getattr(m, end if m.has_interval else "mean")) for m in means] for end in ("lower", "upper")
        )
        axis.fill_between(x, lower, upper, color=style["color"], alpha=0.20, lw=0, zorder=2)
    return line


def percent(value: float) -> float:
    """A fraction as it is drawn."""
    return 100.0 * value


def name_line_ends(axis: Axes, ends: Sequence[tuple[float, float, str, str]], gap: float = 13.0) -> None:
    """Name every line (x, y, name, colour) at its right end, names pushed apart to ``gap`` points."""
    low, high = axis.get_xlim()
    reach = max((len(name) for _, _, name, _ in ends), default=0) * 0.022 * (high - low)
    axis.set_xlim(low, max(high, max((x for x, *_ in ends), default=high) + reach))
    height = axis.get_position().height * axis.figure.get_figheight() * 72.0
    scale = axis.transScale + axis.transLimits
    points = [scale.transform((x, y))[1] * height for x, y, _, _ in ends]
    style = {"textcoords": "offset points", "fontsize": 9, "fontweight": "bold", "va": "center"}
    for (x, y, name, colour), at, point in zip(ends, apart(points, gap), points, strict=True):
        axis.annotate(name, (x, y), xytext=(6, at - point), color=colour, annotation_clip=False, **style)


def apart(points: Sequence[float], gap: float) -> list[float]:
    """The points moved as little as pairwise pushing needs until neighbours are ``gap`` apart."""
    order = np.argsort(points, kind="stable")
    placed = np.asarray(points, float)[order]
    for _ in range(200):
        lacking = gap - np.diff(placed)
        if not (lacking > 1e-6).any():
            break
        for below in np.flatnonzero(lacking > 1e-6):
            lack = gap - (placed[below + 1] - placed[below])
            if lack > 1e-6:
                placed[below] -= lack / 2
                placed[below + 1] += lack / 2
    moved = np.empty(len(placed))
    moved[order] = placed
    return moved.tolist()
