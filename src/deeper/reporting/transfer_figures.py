"""The figures of a page on transfer learning, a panel for each target set: the three modes by number of training
pictures and by epoch, and frozen features by layer.
"""

import math
from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from deeper.claims.statistics import Mean
from deeper.reporting.figures import WIDTH, Theme
from deeper.reporting.summary import curve
from deeper.reporting.transfer_arms import MODES, Task, TransferArm, layer_name

HEIGHT, ABREAST = 3.7, 3
HUES = {"frozen": 1, "finetune": 0, "scratch": 5}
MARKERS = {"frozen": "o", "finetune": "s", "scratch": "^"}
APART = {"frozen": 1.0, "finetune": 1.035, "scratch": 0.966}
TICKS_APART = 1.15
DASHED = (0, (4, 2.5))
TRAINED = ("finetune", "scratch")

Handles = dict[str, object]


def accuracy_by_pictures(tasks: Sequence[Task], theme: Theme) -> Figure:
    """Score on the test pictures against training pictures a class, means with their 95 % intervals."""
    return _figure([task for task in tasks if _modes(task)], _by_pictures, "test", theme)


def learning_curves(tasks: Sequence[Task], theme: Theme) -> Figure:
    """Validation error by epoch of fine-tuning and of training from scratch; frozen features as a level."""
    return _figure([task for task in tasks if _curves(task)], _by_epoch, "validation error", theme)


def accuracy_by_layer(tasks: Sequence[Task], theme: Theme) -> Figure:
    """Score of a classifier on each layer's frozen features, from input to output; fine-tuned as a level."""
    return _figure([task for task in tasks if len(task.by_layer()) > 1], _by_layer, "test", theme)


FIGURES = (
    ("accuracy-by-pictures", accuracy_by_pictures, lambda tasks: any(map(_modes, tasks))),
    ("learning-curves", learning_curves, lambda tasks: any(map(_curves, tasks))),
    ("accuracy-by-layer", accuracy_by_layer, lambda tasks: any(len(task.by_layer()) > 1 for task in tasks)),
)


def _modes(task: Task) -> dict[str, list[TransferArm]]:
    return {mode: arms for mode in MODES if (arms := task.by_pictures(mode))}


def _curves(task: Task) -> dict[str, list[tuple[int, Mean]]]:
    arms = {mode: task.main(mode) for mode in TRAINED}
    found = {mode: curve(arm.arm.trials, "validation_error") for mode, arm in arms.items() if arm}
    return {mode: points for mode, points in found.items() if points}


def _figure(tasks: Sequence[Task], panel: Callable[[Axes, Task, Theme], Handles], what: str, theme: Theme) -> Figure:
    columns = min(len(tasks), ABREAST)
    rows = math.ceil(len(tasks) / columns)
    figure = Figure(figsize=(WIDTH, HEIGHT * rows), layout="constrained")
    figure.get_layout_engine().set(wspace=0.06, hspace=0.08)
    axes = list(np.atleast_1d(figure.subplots(rows, columns, sharey=True)).flat)
    handles: Handles = {}
    several = len({task.backbone for task in tasks}) > 1
    for axis, task in zip(axes, tasks, strict=False):
        _frame(axis, theme)
        handles |= panel(axis, task, theme)
        title = f"{task.title}, {task.backbone}" if several else task.title
        axis.set_title(title, loc="left", color=theme.text, fontsize=11, pad=10)
    for axis in axes[len(tasks) :]:
        axis.set_visible(False)
    for axis in axes[:: columns or 1]:
        axis.set_ylabel(_measure(tasks, what), color=theme.muted)
    top = max(high for axis in axes[: len(tasks)] for high in _highs(axis))
    axes[0].set_ylim(0, min(100, 1.06 * max(top, 1)))
    where = {"loc": "outside upper right", "ncols": len(handles), "frameon": False, "fontsize": 9, "handlelength": 2.0}
    names = sorted(handles, key=lambda name: list(MODES.values()).index(name) if name in MODES.values() else len(MODES))
    figure.legend([handles[name] for name in names], names, labelcolor=theme.muted, **where)
    return figure


def _measure(tasks: Sequence[Task], what: str) -> str:
    if what != "test":
        return what
    metrics = list(dict.fromkeys(task.metric for task in tasks))
    return f"test {metrics[0]}" if len(metrics) == 1 else "score on the test pictures"


def _highs(axis: Axes) -> list[float]:
    return [float(np.nanmax(line.get_ydata())) for line in axis.lines if len(line.get_ydata())]


def _frame(axis: Axes, theme: Theme) -> None:
    axis.patch.set_alpha(0)
    axis.set_axisbelow(True)
    axis.grid(axis="y", color=theme.grid, lw=0.7)
    axis.tick_params(colors=theme.muted, labelsize=9, length=3, labelleft=True)
    for spine in axis.spines.values():
        spine.set_color(theme.muted)
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g} %"))


def _by_pictures(axis: Axes, task: Task, theme: Theme) -> Handles:
    axis.set_xscale("log")
    found, handles = _modes(task), {}
    for mode, arms in found.items():
        places = [arm.pictures * APART[mode] for arm in arms]
        handles[MODES[mode]] = _points(axis, places, [arm.score for arm in arms], mode, theme)
    places = sorted({float(f"{arm.pictures:.2g}") for arms in found.values() for arm in arms})
    axis.set_xlim(0.8 * places[0], 1.25 * places[-1])
    axis.xaxis.set_major_locator(FixedLocator(_spaced(places)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    several = task.target["metric"] == "map_voc2007"
    axis.set_xlabel("training pictures by classes" if several else "training pictures a class", color=theme.muted)
    return handles


def _spaced(places: Sequence[float]) -> list[float]:
    """Ascending places without those whose numbers would touch the one before."""
    kept: list[float] = []
    for place in places:
        if not kept or place >= TICKS_APART * kept[-1]:
            kept.append(place)
    return kept


def _by_epoch(axis: Axes, task: Task, theme: Theme) -> Handles:
    handles, last = {}, 1
    for mode, points in _curves(task).items():
        epochs, means = zip(*points, strict=True)
        last, colour = max(last, *epochs), theme.hues[HUES[mode]]
        style = {"color": colour, "lw": 2.0, "marker": MARKERS[mode], "ms": 4, "mew": 0, "zorder": 4}
        handles[MODES[mode]] = axis.plot(epochs, [100 * mean.mean for mean in means], **style)[0]
        bounds = [[100 * getattr(m, end if m.n > 1 else "mean") for m in means] for end in ("lower", "upper")]
        axis.fill_between(epochs, *bounds, color=colour, alpha=0.2, lw=0, zorder=2)
    frozen = task.main("frozen")
    level = frozen.arm.means["validation_error"] if frozen and task.target["metric"] != "map_voc2007" else None
    if level:
        handles[MODES["frozen"]] = _level(axis, level, "frozen", theme)
    ticks = MaxNLocator(integer=True, nbins=8).tick_values(1, last)
    axis.set_xticks([int(tick) for tick in ticks if 1 <= tick <= last])
    axis.set_xlabel("epoch", color=theme.muted)
    return handles


def _by_layer(axis: Axes, task: Task, theme: Theme) -> Handles:
    arms = task.by_layer()
    handles = {MODES["frozen"]: _points(axis, range(len(arms)), [arm.score for arm in arms], "frozen", theme)}
    tuned = task.main("finetune")
    if tuned and tuned.score:
        handles["fine-tuned, whole network"] = _level(axis, tuned.score, "finetune", theme)
    axis.set_xticks(range(len(arms)), [layer_name(arm.layer) for arm in arms])
    axis.set_xlim(-0.4, len(arms) - 0.6)
    axis.set_xlabel("features of", color=theme.muted)
    return handles


def _points(axis: Axes, places: Sequence[float], means: Sequence[Mean], mode: str, theme: Theme) -> object:
    colour = theme.hues[HUES[mode]]
    for place, mean in zip(places, means, strict=True):
        if mean.n > 1:
            bounds = [100 * max(0.0, mean.lower), 100 * min(1.0, mean.upper)]
            axis.plot([place] * 2, bounds, color=colour, lw=1.4, solid_capstyle="butt", zorder=3)
    style = {"marker": MARKERS[mode], "ms": 6.5, "mew": 1.0, "mec": theme.ground, "lw": 1.8, "zorder": 4}
    return axis.plot(places, [100 * mean.mean for mean in means], color=colour, **style)[0]


def _level(axis: Axes, mean: Mean, mode: str, theme: Theme) -> object:
    """A dashed line from side to side with the band of its interval."""
    colour = theme.hues[HUES[mode]]
    if mean.n > 1:
        bounds = [100 * max(0.0, mean.lower), 100 * min(1.0, mean.upper)]
        axis.axhspan(*bounds, color=colour, alpha=0.12, lw=0, zorder=1)
    return axis.axhline(100 * mean.mean, color=colour, lw=1.4, ls=DASHED, zorder=3)
