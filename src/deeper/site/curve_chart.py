"""Errors by epoch: means over seeds with bands, single seeds, every arm on or off."""

import json
import math
from collections.abc import Iterator, Sequence
from typing import Any

import altair as alt

from deeper.reporting.arm_results import ArmResults, curve
from deeper.reporting.arm_settings import value_of
from deeper.schema.results import StudyTable, TrialRow
from deeper.site import charts
from deeper.site.charts import HEIGHT
from deeper.site.looks import encodings

ERRORS = {"train_error": "running training error", "validation_error": "validation error"}
FIRST = ("validation_error", "train_error")
AXES = {"epoch": "epochs", "steps": "steps", "seconds": "seconds of training"}


def curve_chart(table: StudyTable, arms: Sequence[ArmResults], title: str) -> str | None:
    """The chart as JSON; None where no trial has a curve."""
    arms = [arm for arm in arms if any(row.curves for row in arm.rows)]
    if not arms:
        return None
    labels = [arm.label for arm in arms]
    named = [arm.label for arm in arms if _is_shown(arm, arms)]
    legend = alt.Legend(title=None, values=named)
    colour, shape, dash = encodings(arms, legend)
    boxes = [charts.switch(f"arm_{place}", arm.label, _is_shown(arm, arms)) for place, arm in enumerate(arms)]
    shown = f"[{','.join(box.name for box in boxes)}][datum.place]"
    name = f"{json.dumps(labels)}[datum.place]"  # once, and not in each of some thousand rows
    x = alt.X("x:Q", title=None, axis=alt.Axis(grid=False, tickMinStep=1))
    y = alt.Y("y:Q", title="error", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False))

    def ready(base: alt.Chart) -> alt.Chart:
        numbers = {"x": "toNumber(datum[axis])", "y": "toNumber(datum[error])"}
        on = base.transform_filter(shown).transform_calculate(arm=name, **numbers)
        return on.transform_filter("isValid(datum[error]) && datum[error] !== ''")

    means = ready(alt.Chart(charts.table(_means(table, arms), _MEAN_HEADS)))
    tips = ["arm:N", alt.Tooltip("epoch:Q"), alt.Tooltip("y:Q", format=".1%", title="error")]
    lower, upper = (f"toNumber(datum[error + '_{end}'])" for end in ("lower", "upper"))
    band = means.transform_filter("bands").transform_calculate(lower=lower, upper=upper)
    band = band.mark_area(opacity=0.18).encode(y=alt.Y("lower:Q", title="error"), y2="upper:Q")
    line = means.mark_line(strokeWidth=2.5).encode(y=y, strokeDash=dash, tooltip=tips)
    dots = means.mark_point(filled=True, opacity=1, size=55).encode(y=y, shape=shape, tooltip=tips)
    each = alt.Chart(alt.InlineData(values=list(_seeds(table, arms)))).transform_filter("seeds")
    each = each.transform_flatten(["epoch", "seconds", *ERRORS]).transform_calculate(steps="datum.epoch * datum.steps")
    seeds = ready(each)
    seeds = seeds.mark_line(strokeWidth=0.8, opacity=0.7).encode(
        y=y, detail="seed:N", tooltip=[*tips[:1], "seed:N", *tips[1:]]
    )
    chart = alt.layer(band, seeds, line, dots).encode(x=x, color=colour)
    chart = chart.add_params(
        charts.choice("error", "Error", _errors(arms)),
        charts.choice("axis", "Along", AXES),
        charts.switch("bands", "95 % intervals"),
        charts.switch("seeds", "each seed", on=False),
        *boxes,
    )
    # An axis' title cannot follow the choice, a chart's can.
    along = alt.Title(alt.ExprRef(f"{json.dumps(AXES)}[axis]"), orient="bottom", fontSize=12)
    words = f"{title}: error by epoch of {', '.join(labels)}. The table of arms has the errors at the end."
    return charts.as_json(chart.properties(title=along, width="container", height=HEIGHT), words, named)


def _errors(arms: Sequence[ArmResults]) -> dict[str, str]:
    """The errors that any epoch has; first the validation error, which is of the network as it is by then."""
    epochs = [epoch for arm in arms for row in arm.rows for epoch in row.curves]
    return {key: ERRORS[key] for key in FIRST if any(getattr(epoch, key) is not None for epoch in epochs)}


def _is_shown(arm: ArmResults, arms: Sequence[ArmResults]) -> bool:
    """Whether an arm's box is ticked at first; of transfer learning those with the most pictures of their set."""
    if not arm.rows[0].transfer:
        return True
    of_set = [one for one in arms if one.rows[0].transfer.target == arm.rows[0].transfer.target]
    return _pictures(arm) == max(map(_pictures, of_set))


def _pictures(arm: ArmResults) -> float:
    return max(row.metrics.pictures or 0 for row in arm.rows)


_MEAN_HEADS = (
    *("place", "epoch", "steps", "seconds"),
    *(f"{error}{end}" for error in ERRORS for end in ("", "_lower", "_upper")),
)


def _seeds(table: StudyTable, arms: Sequence[ArmResults]) -> Iterator[dict[str, Any]]:
    """Trials, each with its course as lists: a third of what a row an epoch takes. ``steps`` are those of an epoch."""
    for place, arm in enumerate(arms):
        for row in arm.rows:
            yield {
                "place": place,
                "seed": row.seed,
                "steps": _steps(table, row),
                "epoch": [epoch.epoch for epoch in row.curves],
                "seconds": list(map(charts.rounded, _seconds(row).values())),
                **{error: [charts.rounded(getattr(epoch, error)) for epoch in row.curves] for error in ERRORS},
            }


def _means(table: StudyTable, arms: Sequence[ArmResults]) -> Iterator[tuple]:
    for place, arm in enumerate(arms):
        found = {error: dict(curve(arm.rows, error)) for error in ERRORS}
        spent = [_seconds(row) for row in arm.rows]
        for epoch in sorted(set().union(*found.values())):
            times = [one[epoch] for one in spent if one.get(epoch) is not None]
            along = (epoch, epoch * _steps(table, arm.rows[0]), math.fsum(times) / len(times) if times else None)
            ends = []
            for error in ERRORS:
                mean = found[error].get(epoch)
                bounds = (mean.lower, mean.upper) if mean and mean.has_interval else (mean and mean.mean,) * 2
                ends += [mean and mean.mean, *bounds]
            yield (place, *along, *ends)


def _steps(table: StudyTable, row: TrialRow) -> int:
    """Steps of an epoch."""
    batch = value_of(row, "training.batch_size", table.recipe.get("batch_size")) or 1
    return math.ceil(table.pixels(row)[2] / batch)


def _seconds(row: TrialRow) -> dict[int, float | None]:
    """Seconds of training by epoch, from the start; an epoch that the table leaves out took as long as the next."""
    spent, before, found = 0.0, 0, {}
    for epoch in row.curves:
        spent = None if spent is None or epoch.seconds is None else spent + epoch.seconds * (epoch.epoch - before)
        before, found[epoch.epoch] = epoch.epoch, spent
    return found
