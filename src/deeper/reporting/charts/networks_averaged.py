"""Test error against the number of networks whose predictions are averaged, a line for each arm that is averaged."""

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from deeper.reporting.arm_results import ArmResults, best_single_error
from deeper.reporting.charts import theme as themes
from deeper.reporting.charts.theme import DASHED, KEY, Chart, Theme, percent

HEIGHT = 3.9
MARGIN = 0.35  # of the values' range, above and below; intervals may leave the frame

BySize = list[tuple[int, ArmResults]]


def error_by_networks_averaged(arms: Sequence[ArmResults], theme: Theme) -> Figure:
    """Means over groups with their 95 % intervals, a faint dot a group; dashed, the best network of each group."""
    figure, (axis,) = themes.panels(1, theme, HEIGHT)
    lines = averaged_by_size(arms)
    sources = [line[0][1] for line in lines]
    colours = themes.arm_colours(sources, theme)
    for line, source in zip(lines, sources, strict=True):
        _draw(axis, line, colours[source.name], theme)
    _axes(axis, sorted({size for line in lines for size, _ in line}))
    values = [percent(value) for line in lines for _, arm in line for value in arm.values["test_error"]]
    room = MARGIN * max(max(values) - min(values), 0.1)
    axis.set_ylim(max(0.0, min(values) - room), min(100.0, max(values) + room))
    kinds = [Line2D([], [], color=theme.muted, lw=lw, ls=ls) for lw, ls in ((2.0, "-"), (0.9, DASHED))]
    where = {"ncols": 2, "labelcolor": theme.muted, **KEY}
    names = ["averaged", "best single network of a group"]
    axis.add_artist(axis.legend(kinds, names, loc="lower right", bbox_to_anchor=(1, 1.0), **where))
    hues = [Line2D([], [], color=colours[arm.name], lw=2.0, marker="o", ms=6) for arm in sources]
    where["ncols"] = len(hues)
    axis.legend(hues, [arm.label for arm in sources], loc="lower left", bbox_to_anchor=(0, 1.0), **where)
    return figure


def averaged_by_size(arms: Sequence[ArmResults]) -> list[BySize]:
    """For each averaged arm, itself (1) and the arms that average it, by the number of networks, with a test error."""
    measured = {arm.name: arm for arm in arms if arm.means["test_error"]}
    lines: dict[str, BySize] = {}
    for arm in measured.values():
        if arm.average and arm.average.of in measured:
            source = measured[arm.average.of]
            lines.setdefault(source.name, [(1, source)]).append((arm.average.size, arm))
    return [sorted(line, key=lambda point: point[0]) for line in lines.values()]


CHARTS = (Chart("error-by-networks-averaged", error_by_networks_averaged, lambda arms: bool(averaged_by_size(arms))),)


def _draw(axis: Axes, line: BySize, colour: str, theme: Theme) -> None:
    sizes, means = [size for size, _ in line], [arm.means["test_error"] for _, arm in line]
    axis.plot(sizes, [percent(mean.mean) for mean in means], color=colour, lw=2.0, zorder=4)
    best = [percent(best_single_error(arm)) for _, arm in line]
    axis.plot(sizes, best, color=colour, lw=0.9, ls=DASHED, zorder=3)
    dots = {"ls": "none", "marker": "o", "ms": 3.2, "mew": 0, "color": colour, "alpha": 0.4, "zorder": 2}
    for (size, arm), mean in zip(line, means, strict=True):
        values = [percent(value) for value in arm.values["test_error"]]
        axis.plot([size] * len(values), values, **dots)
        if mean.has_interval:
            axis.plot([size] * 2, [percent(mean.lower), percent(mean.upper)], color=colour, lw=1.4, zorder=3)
        axis.plot(size, percent(mean.mean), marker="o", ms=7, mew=1.4, mfc=colour, mec=theme.ground, zorder=5)


def _axes(axis: Axes, sizes: Sequence[int]) -> None:
    axis.set_xscale("log")
    axis.set_xlim(0.85, 1.18 * max(sizes))
    axis.xaxis.set_major_locator(FixedLocator(sizes))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    themes.in_percent(axis.yaxis)
    axis.set_xlabel("networks averaged")
    axis.set_ylabel("test error")
