"""The charts of a page on transfer learning, a panel for each target set: the three modes by number of training
pictures and by epoch, and frozen features by layer.
"""

from collections.abc import Callable, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from deeper.claims.statistics import Mean
from deeper.reporting.arm_results import curve
from deeper.reporting.charts import theme as themes
from deeper.reporting.charts.theme import DASHED, KEY, Chart, Theme, percent
from deeper.reporting.transfer_tasks import MODES, SEVERAL_LABELS, TransferArm, TransferTask, layer_name

HEIGHT, ABREAST = 3.7, 3
SIGNALS = {"frozen": "good", "finetune": "bad", "scratch": "grey"}
MARKERS = {"frozen": "o", "finetune": "s", "scratch": "^"}
APART = {"frozen": 1.0, "finetune": 1.035, "scratch": 0.966}
TICKS_APART = 1.15
TRAINED = ("finetune", "scratch")

Handles = dict[str, object]


def accuracy_by_pictures(tasks: Sequence[TransferTask], theme: Theme) -> Figure:
    """Score on the test pictures against training pictures a class, means with their 95 % intervals."""
    return _figure([task for task in tasks if _by_pictures(task)], _draw_by_pictures, "test", theme)


def learning_curves(tasks: Sequence[TransferTask], theme: Theme) -> Figure:
    """Validation error by epoch of fine-tuning and of training from scratch; frozen features as a level."""
    return _figure([task for task in tasks if _curves(task)], _draw_curves, "validation error", theme)


def accuracy_by_layer(tasks: Sequence[TransferTask], theme: Theme) -> Figure:
    """Score of a classifier on each layer's frozen features, from input to output; fine-tuned as a level."""
    return _figure([task for task in tasks if len(task.by_layer()) > 1], _draw_by_layer, "test", theme)


def _by_pictures(task: TransferTask) -> dict[str, list[TransferArm]]:
    """Arms by mode; none of a task with one point alone, which compares nothing."""
    found = {mode: arms for mode in MODES if (arms := task.by_pictures(mode))}
    return found if sum(map(len, found.values())) > 1 else {}


def _curves(task: TransferTask) -> dict[str, list[tuple[int, Mean]]]:
    arms = {mode: task.main(mode) for mode in TRAINED}
    return {mode: points for mode, arm in arms.items() if arm and (points := curve(arm.arm.rows, "validation_error"))}


CHARTS = (
    Chart("accuracy-by-pictures", accuracy_by_pictures, lambda tasks: any(map(_by_pictures, tasks))),
    Chart("learning-curves", learning_curves, lambda tasks: any(map(_curves, tasks))),
    Chart("accuracy-by-layer", accuracy_by_layer, lambda tasks: any(len(task.by_layer()) > 1 for task in tasks)),
)


def _figure(
    tasks: Sequence[TransferTask], panel: Callable[[Axes, TransferTask, Theme], Handles], what: str, theme: Theme
) -> Figure:
    figure, axes = themes.panels(len(tasks), theme, HEIGHT, ABREAST)
    handles: Handles = {}
    several = len({task.backbone for task in tasks}) > 1
    for axis, task in zip(axes, tasks, strict=True):
        handles |= panel(axis, task, theme)
        themes.title(axis, f"{task.title}, {task.backbone}" if several else task.title, theme)
        themes.in_percent(axis.yaxis)
    for axis in axes[::ABREAST]:
        axis.set_ylabel(_measure(tasks) if what == "test" else what)
    top = max(float(np.nanmax(line.get_ydata())) for axis in axes for line in axis.lines if len(line.get_ydata()))
    axes[0].set_ylim(0, min(100, 1.06 * max(top, 1)))
    order = list(MODES.values())
    names = sorted(handles, key=lambda name: order.index(name) if name in order else len(order))
    where = {"loc": "outside upper right", "ncols": len(names), "labelcolor": theme.muted, **KEY}
    figure.legend([handles[name] for name in names], names, **where)
    return figure


def _measure(tasks: Sequence[TransferTask]) -> str:
    metrics = list(dict.fromkeys(task.metric for task in tasks))
    return f"test {metrics[0]}" if len(metrics) == 1 else "score on the test pictures"


def _draw_by_pictures(axis: Axes, task: TransferTask, theme: Theme) -> Handles:
    axis.set_xscale("log")
    modes, handles = _by_pictures(task), {}
    for mode, arms in modes.items():
        places = [arm.pictures * APART[mode] for arm in arms]
        handles[MODES[mode]] = _points(axis, places, [arm.score for arm in arms], mode, theme)
    places = sorted({float(f"{arm.pictures:.2g}") for arms in modes.values() for arm in arms})
    axis.set_xlim(0.8 * places[0], 1.25 * places[-1])
    axis.xaxis.set_major_locator(FixedLocator(spaced(places)))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    several = task.target.metric == SEVERAL_LABELS
    axis.set_xlabel("training pictures by classes" if several else "training pictures a class")
    return handles


def spaced(places: Sequence[float]) -> list[float]:
    """Ascending places without those whose numbers would touch the one before."""
    kept: list[float] = []
    for place in places:
        if not kept or place >= TICKS_APART * kept[-1]:
            kept.append(place)
    return kept


def _draw_curves(axis: Axes, task: TransferTask, theme: Theme) -> Handles:
    handles, last = {}, 1
    for mode, points in _curves(task).items():
        epochs, means = zip(*points, strict=True)
        last = max(last, *epochs)
        style = {"color": theme.signals[SIGNALS[mode]], "marker": MARKERS[mode], "ms": 4, "mew": 0}
        handles[MODES[mode]] = themes.band(axis, epochs, means, percent, **style)
    frozen = task.main("frozen")
    level = frozen.arm.means["validation_error"] if frozen and task.target.metric != SEVERAL_LABELS else None
    if level:
        handles[MODES["frozen"]] = _level(axis, level, "frozen", theme)
    themes.whole_ticks(axis, last)
    axis.set_xlabel("epoch")
    return handles


def _draw_by_layer(axis: Axes, task: TransferTask, theme: Theme) -> Handles:
    arms = task.by_layer()
    handles = {MODES["frozen"]: _points(axis, range(len(arms)), [arm.score for arm in arms], "frozen", theme)}
    tuned = task.main("finetune")
    if tuned and tuned.score:
        handles["fine-tuned, whole network"] = _level(axis, tuned.score, "finetune", theme)
    axis.set_xticks(range(len(arms)), [layer_name(arm.layer) for arm in arms])
    axis.set_xlim(-0.4, len(arms) - 0.6)
    axis.set_xlabel("features of")
    return handles


def _points(axis: Axes, places: Sequence[float], means: Sequence[Mean], mode: str, theme: Theme) -> object:
    colour = theme.signals[SIGNALS[mode]]
    for place, mean in zip(places, means, strict=True):
        if mean.has_interval:
            axis.plot([place] * 2, _bounds(mean), color=colour, lw=1.4, solid_capstyle="butt", zorder=3)
    style = {"marker": MARKERS[mode], "ms": 6.5, "mew": 1.0, "mec": theme.ground, "lw": 1.8, "zorder": 4}
    return axis.plot(places, [percent(mean.mean) for mean in means], color=colour, **style)[0]


def _level(axis: Axes, mean: Mean, mode: str, theme: Theme) -> object:
    """A dashed line from side to side with the band of its interval."""
    colour = theme.signals[SIGNALS[mode]]
    if mean.has_interval:
        axis.axhspan(*_bounds(mean), color=colour, alpha=0.12, lw=0, zorder=1)
    return axis.axhline(percent(mean.mean), color=colour, lw=1.4, ls=DASHED, zorder=3)


def _bounds(mean: Mean) -> list[float]:
    """Ends of an interval, cut off where accuracies end."""
    return [percent(max(0.0, mean.lower)), percent(min(1.0, mean.upper))]
