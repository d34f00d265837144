"""What some studies have beside errors by epoch: depth against error, errors without a block, transfer by mode."""

import re
from collections.abc import Sequence

import altair as alt

from deeper.claims.statistics import PERCENTAGE, Mean
from deeper.reporting import words
from deeper.reporting.arm_results import ArmResults, best_single_error, lesions, mean_of
from deeper.reporting.charts import arm_map
from deeper.reporting.charts.networks_averaged import averaged_by_size
from deeper.reporting.charts.transfer import APART
from deeper.reporting.load import StudyResults
from deeper.reporting.transfer_tasks import MODES, transfer_tasks
from deeper.site import charts
from deeper.site.charts import HEIGHT
from deeper.site.looks import MODE_COLOURS, SHAPES, encodings, looks
from deeper.site.point_names import NAMED, with_names
from deeper.site.row_charts import transfer_rows

NUMBER = re.compile(r"\d+")  # of a network's name: what deeper ones of its kind differ in
ROOM = 1.3  # of the axis beyond the fewest and the most pictures
ERRORS = {"test_error": "test error", "train_error": "training error"}
MEANS = {"error": "test error", "lower": "from", "upper": "to"}
CELL = 72  # pixels a row of a map
PLAIN = alt.Axis(grid=False, ticks=False, domain=False, labelAngle=0)


def depth_chart(arms: Sequence[ArmResults]) -> str | None:
    """Error against depth, a point an arm, with a slider for the deepest shown; None where no network is deepened.

    Of transfer learning neither: its arms differ in much more than depth.
    """
    if any(arm.rows[0].transfer for arm in arms):
        return None
    arms = [arm for arm in arms if arm.means["test_error"] and not arm.average and arm.rows[0].cost.depth]
    depths = [arm.rows[0].cost.depth for arm in arms]
    kinds = {(NUMBER.sub("", arm.network or ""), depth) for arm, depth in zip(arms, depths, strict=True)}
    if len(kinds) == len({kind for kind, _ in kinds}):
        return None
    rows = []
    for depth, arm in zip(depths, arms, strict=True):
        errors = [arm.means[error] for error in ERRORS]
        ends = [end for mean in errors for end in _ends(mean)]
        rows.append((arm.label, arm.group or arm.label, depth, *ends))
    heads = ("arm", "group", "depth", *(f"{error}{end}" for error in ERRORS for end in ("", "_lower", "_upper")))
    slider = alt.binding_range(min=min(depths), max=max(depths), step=1, name="At most so many layers deep")
    base = alt.Chart(charts.table(rows, heads)).transform_filter("datum.depth <= deepest && datum[error] !== ''")
    values = {"y": "datum[error]", "lower": "datum[error + '_lower']", "upper": "datum[error + '_upper']"}
    base = base.transform_calculate(**{name: f"toNumber({value})" for name, value in values.items()})
    labels = [arm.label for arm in arms]
    colour = alt.Color(
        "arm:N", scale=alt.Scale(domain=labels, range=[look.colour for look in looks(arms)]), legend=None
    )
    whole_numbers = alt.Axis(grid=False, tickMinStep=1, format="d")
    x = alt.X("depth:Q", title="layers deep", scale=alt.Scale(zero=False, padding=25), axis=whole_numbers)
    y = alt.Y("y:Q", title="error", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False))
    tips = ["arm:N", "depth:Q", alt.Tooltip("y:Q", title="error", format=".2%")]
    whole = alt.layer(
        base.mark_rule().encode(x=x, y=alt.Y("lower:Q", title="error"), y2="upper:Q", color=colour),
        base.mark_circle(size=110).encode(x=x, y=y, color=colour, tooltip=tips),
        base.mark_circle(size=110, opacity=0, aria=False).encode(x=x, y=y).properties(name=NAMED),
    ).add_params(charts.choice("error", "Error", ERRORS), alt.param(name="deepest", value=max(depths), bind=slider))
    about = f"Error against depth of {', '.join(labels)}, with 95 % intervals; the table of arms has the numbers."
    whole = whole.properties(width="container", height=HEIGHT)
    return with_names(charts.as_json(whole, about), "arm", "depth")


def map_chart(arms: Sequence[ArmResults]) -> str | None:
    """Test error in a cell for each value of two settings, depth and width say; None where a study has no map."""
    cells = arm_map.placed(arms)
    if not cells:
        return None
    sides = cells[0].cell.map
    rows = [
        (arm.label, arm.cell.row, arm.cell.column, *_ends(mean), arm_map.interval(mean), arm.rows[0].cost.macs)
        for arm in cells
        if (mean := arm.means["test_error"])
    ]
    base = alt.Chart(charts.table(rows, ("arm", "row", "column", "error", "lower", "upper", "half", "macs")))
    base = base.transform_calculate(said="format(100 * datum.error, '.1f') + ' %'")
    across, up = (arm_map.values_of(row[place] for row in rows) for place in (2, 1))
    x = alt.X("column:O", title=sides.columns.label, sort=list(map(str, across)), axis=PLAIN)
    y = alt.Y("row:O", title=sides.rows.label, sort=list(map(str, up[::-1])), axis=PLAIN)
    strength = alt.Scale(range=[arm_map.PALE, arm_map.STRONG], zero=False)
    tips = [
        "arm:N",
        *(alt.Tooltip(f"{end}:Q", title=said, format=".2%") for end, said in MEANS.items()),
        alt.Tooltip("macs:Q", title="multiply-adds", format=".3s"),
    ]
    (colour,) = charts.family_colours(["residual"])
    layered = alt.layer(
        base.mark_rect(color=colour).encode(
            x=x, y=y, opacity=alt.Opacity("error:Q", scale=strength, legend=None), tooltip=tips
        ),
        base.mark_text(fontSize=15, fontWeight="bold", dy=-8, color=charts.TEXT).encode(x=x, y=y, text="said:N"),
        base.mark_text(fontSize=11, dy=10, color=charts.TEXT).encode(x=x, y=y, text="half:N"),
    )
    about = f"Test error by {sides.columns.label} and {sides.rows.label}; the table of arms has the numbers."
    return charts.as_json(layered.properties(width="container", height=CELL * len(up)), about)


def averaged_chart(arms: Sequence[ArmResults]) -> str | None:
    """Test error by the number of networks averaged, a line an averaged arm; None where nothing is averaged."""
    lines = averaged_by_size(arms)
    if not lines:
        return None
    sources = [line[0][1] for line in lines]
    points = [
        (source.label, size, *_ends(arm.means["test_error"]), best_single_error(arm))
        for source, line in zip(sources, lines, strict=True)
        for size, arm in line
    ]
    labels, sizes = [arm.label for arm in sources], sorted({size for _, size, *_ in points})
    base = alt.Chart(charts.table(points, ("arm", "size", "error", "lower", "upper", "best")))
    scale = alt.Scale(domain=labels, range=[look.colour for look in looks(sources)])
    colour = alt.Color("arm:N", scale=scale, legend=alt.Legend(title=None) if len(labels) > 1 else None)
    spread = alt.Scale(type="log", nice=False, domain=[sizes[0] / ROOM, sizes[-1] * ROOM])
    x = alt.X("size:Q", title="networks averaged", scale=spread, axis=alt.Axis(values=sizes, grid=False))
    y = alt.Y("error:Q", title="test error", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False))
    tips = [alt.Tooltip("size:Q", title="networks averaged"), alt.Tooltip("error:Q", title="test error", format=".2%")]
    layered = alt.layer(
        base.mark_line(strokeDash=[5, 4]).encode(x=x, y=alt.Y("best:Q", title="test error"), color=colour),
        base.mark_rule(strokeWidth=2).encode(x=x, y=alt.Y("lower:Q", title="test error"), y2="upper:Q", color=colour),
        base.mark_line(strokeWidth=2.5).encode(x=x, y=y, color=colour),
        base.mark_circle(size=110, opacity=1).encode(x=x, y=y, color=colour, tooltip=tips),
    )
    about = (
        f"Test error against the number of networks averaged, {words.listed(sizes)}; the table of arms has the numbers."
    )
    return charts.as_json(layered.properties(width="container", height=HEIGHT), about, labels)


def lesion_chart(arms: Sequence[ArmResults]) -> str | None:
    """Error with one block taken out, by the block's place, mean over seeds; None where nobody measured it."""
    rows, shown = [], []
    for arm in arms:
        values = lesions(arm)
        if not values:
            continue
        shown.append(arm)
        whole = mean_of(value["whole"] for value in values)
        for place, errors in enumerate(zip(*(value["deleted"] for value in values), strict=True), 1):
            error = mean_of(errors, PERCENTAGE)
            if error and whole:
                rows.append((arm.label, place, *_ends(error), whole.mean))
    if not rows:
        return None
    labels = [arm.label for arm in shown]
    boxes = [charts.switch(f"arm_{place}", label) for place, label in enumerate(labels)]
    keep = f"[{','.join(box.name for box in boxes)}][indexof({labels!r}, datum.arm)]"
    base = alt.Chart(charts.table(rows, ("arm", "block", "error", "lower", "upper", "whole"))).transform_filter(keep)
    colour, shape, dash = encodings(shown, alt.Legend(title=None))
    x = alt.X("block:Q", title="block taken out, from input to output", axis=alt.Axis(tickMinStep=1, grid=False))
    y = alt.Y("error:Q", title="validation error", axis=alt.Axis(format="%"))
    tips = ["arm:N", "block:Q", *(alt.Tooltip(f"{key}:Q", format=".1%") for key in ("error", "whole"))]
    layered = alt.layer(
        base.mark_area(opacity=0.18).encode(
            x=x, y=alt.Y("lower:Q", title="validation error"), y2="upper:Q", color=colour
        ),
        base.mark_line().encode(x=x, y=y, color=colour, strokeDash=dash),
        base.mark_point(filled=True, opacity=1, size=50).encode(x=x, y=y, color=colour, shape=shape, tooltip=tips),
        base.mark_rule(strokeDash=[5, 4]).encode(y=alt.Y("whole:Q", title="validation error"), color=colour),
    ).add_params(*boxes)
    about = f"Validation error of {', '.join(labels)} with one block taken out; dashed, the whole network's."
    return charts.as_json(layered.properties(width="container", height=HEIGHT), about, labels)


def transfer_chart(results: StudyResults, arms: Sequence[ArmResults]) -> str | None:
    """Scores by way of training: by training pictures a class, or a row a target set that has one number of them."""
    if results.page != "transfer":
        return None
    tasks = transfer_tasks(results, arms)
    rows = [
        (task.title, MODES[mode], one.arm.label, one.pictures, one.pictures * APART[mode], *_ends(one.score))
        for task in tasks
        for mode in MODES
        for one in task.by_pictures(mode)
    ]
    several = any(len(task.by_pictures(mode)) > 1 for task in tasks for mode in MODES)
    return _by_pictures(rows) if several else transfer_rows(tasks)


def _by_pictures(rows: Sequence[tuple]) -> str:
    """Marks of the ways of training stand a little apart, so that their intervals do not hide each other."""
    base = alt.Chart(charts.table(rows, ("target", "mode", "arm", "pictures", "x", "score", "lower", "upper")))
    modes = list(MODES.values())
    boxes = [charts.switch(f"mode_{place}", words.sentence(mode)) for place, mode in enumerate(modes)]
    base = base.transform_filter(f"[{','.join(box.name for box in boxes)}][indexof({modes!r}, datum.mode)]")
    base = base.transform_filter("datum.target === target")
    legend = alt.Legend(title=None)
    colour = alt.Color("mode:N", scale=alt.Scale(domain=modes, range=list(MODE_COLOURS.values())), legend=legend)
    shape = alt.Shape("mode:N", scale=alt.Scale(domain=modes, range=list(SHAPES[: len(modes)])), legend=legend)
    pictures = [row[3] for row in rows]
    x = alt.X(
        "x:Q",
        title="training pictures a class",
        scale=alt.Scale(type="log", nice=False, domain=[min(pictures) / ROOM, max(pictures) * ROOM]),
        axis=alt.Axis(grid=False, tickCount=8),
    )
    y = alt.Y("score:Q", title="score on the test pictures", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False))
    tips = ["arm:N", "mode:N", alt.Tooltip("pictures:Q", format=".1f"), alt.Tooltip("score:Q", format=".1%")]
    layered = alt.layer(
        base.mark_rule(strokeWidth=1.8).encode(
            x=x, y=alt.Y("lower:Q", title="score on the test pictures"), y2="upper:Q", color=colour
        ),
        base.mark_line().encode(x=x, y=y, color=colour, detail="mode:N"),
        base.mark_point(filled=True, opacity=1, size=100).encode(x=x, y=y, color=colour, shape=shape, tooltip=tips),
    ).add_params(charts.choice("target", "Target set", {row[0]: row[0] for row in rows}), *boxes)
    about = "Score by the number of training pictures a class, frozen, fine-tuned and from scratch, by target set."
    return charts.as_json(layered.properties(width="container", height=HEIGHT), about, modes)


def _ends(mean: Mean | None) -> tuple:
    """A mean and the ends of its interval; itself for both where it has none."""
    if mean is None:
        return None, None, None
    return mean.mean, *((mean.lower, mean.upper) if mean.has_interval else (mean.mean, mean.mean))
