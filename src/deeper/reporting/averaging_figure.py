"""Test error against the number of networks whose predictions are averaged, a line for each arm that is averaged."""

import math
from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from deeper.claims import statistics
from deeper.reporting.figures import WIDTH, Theme, arm_colours
from deeper.reporting.summary import Arm

HEIGHT = 3.9
DASHED = (0, (4, 2.5))
MARGIN = 0.35  # of the values' range, above and below; intervals may leave the frame

Family = list[tuple[int, Arm]]


def error_by_networks_averaged(arms: Sequence[Arm], theme: Theme) -> Figure:
    """Means over groups with their 95 % intervals, a faint dot a group; dashed, the best network of each group."""
    figure = Figure(figsize=(WIDTH, HEIGHT), layout="constrained")
    axis = figure.subplots()
    found = families(arms)
    colours = arm_colours([family[0][1] for family in found], theme)
    for family in found:
        _draw(axis, family, colours[family[0][1].name], theme)
    _frame(axis, [size for family in found for size, _ in family], theme)
    _limits(axis, [value for family in found for _, arm in family for value in arm.values["test_error"]])
    _key(axis, found, colours, theme)
    return figure


def families(arms: Sequence[Arm]) -> list[Family]:
    """For each averaged arm, itself (1) and the arms that average it, by the number of networks, with a test error."""
    known = {arm.name: arm for arm in arms if arm.means["test_error"]}
    found: dict[str, Family] = {}
    for arm in known.values():
        if arm.average and arm.average["of"] in known:
            source = known[arm.average["of"]]
            found.setdefault(source.name, [(1, source)]).append((arm.average["size"], arm))
    return [sorted(family, key=lambda point: point[0]) for family in found.values()]


FIGURES = (("error-by-networks-averaged", error_by_networks_averaged, lambda arms: bool(families(arms))),)


def _draw(axis: Axes, family: Family, colour: str, theme: Theme) -> None:
    sizes, means = [size for size, _ in family], [arm.means["test_error"] for _, arm in family]
    axis.plot(sizes, [100 * mean.mean for mean in means], color=colour, lw=2.0, zorder=4)
    best = [_best(arm) for _, arm in family]
    axis.plot(sizes, [100 * value for value in best], color=colour, lw=0.9, ls=DASHED, zorder=3)
    for (size, arm), mean in zip(family, means, strict=True):
        values = [100 * value for value in arm.values["test_error"]]
        axis.plot([size] * len(values), values, ls="none", marker="o", ms=3.2, mew=0, color=colour, alpha=0.4, zorder=2)
        if mean.n > 1:
            axis.plot([size] * 2, [100 * mean.lower, 100 * mean.upper], color=colour, lw=1.4, zorder=3)
        axis.plot(size, 100 * mean.mean, marker="o", ms=7, mew=1.4, mfc=colour, mec=theme.ground, zorder=5)


def _best(arm: Arm) -> float:
    """Mean over groups of the best network's test error, over networks where they are not averaged; NaN if unknown."""
    errors = [trial["metrics"]["best_member_error" if arm.average else "test_error"] for trial in arm.trials]
    known = [error for error in errors if error is not None]
    return statistics.mean(known).mean if known else math.nan


def _frame(axis: Axes, sizes: Sequence[int], theme: Theme) -> None:
    axis.patch.set_alpha(0)
    axis.set_axisbelow(True)
    axis.grid(axis="y", color=theme.grid, lw=0.7)
    axis.tick_params(colors=theme.muted, labelsize=9, length=3)
    for spine in axis.spines.values():
        spine.set_color(theme.muted)
    axis.set_xscale("log")
    axis.set_xlim(0.85, 1.18 * max(sizes))
    axis.xaxis.set_major_locator(FixedLocator(sorted(set(sizes))))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))
    axis.set_xlabel("networks averaged", color=theme.muted)
    axis.set_ylabel("test error", color=theme.muted)


def _limits(axis: Axes, values: Sequence[float]) -> None:
    low, high = 100 * min(values), 100 * max(values)
    room = MARGIN * max(high - low, 0.1)
    axis.set_ylim(max(0.0, low - room), min(100.0, high + room))


def _key(axis: Axes, found: Sequence[Family], colours: dict[str, str], theme: Theme) -> None:
    style = {"frameon": False, "labelcolor": theme.muted, "fontsize": 9, "handlelength": 2.0}
    lines = [axis.plot([], [], color=theme.muted, lw=lw, ls=ls)[0] for lw, ls in ((2.0, "-"), (0.9, DASHED))]
    names = ["averaged", "best single network of a group"]
    first = axis.legend(lines, names, loc="lower right", bbox_to_anchor=(1, 1.0), ncols=2, **style)
    axis.add_artist(first)
    sources = [family[0][1] for family in found]
    hues = [axis.plot([], [], color=colours[arm.name], lw=2.0, marker="o", ms=6)[0] for arm in sources]
    names = [arm.label for arm in sources]
    axis.legend(hues, names, loc="lower left", bbox_to_anchor=(0, 1.0), ncols=max(1, len(names)), **style)
