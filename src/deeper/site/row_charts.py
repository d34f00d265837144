"""Charts with a row for each thing that is compared and its name above the row, so that a phone has room for them."""

from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt

from deeper.claims import verdicts as claims
from deeper.claims.metrics import Metric
from deeper.claims.verdicts import ABOVE, DIRECTIONS, Outcome
from deeper.reporting import words
from deeper.reporting.arm_results import ArmResults
from deeper.reporting.charts import comparisons, theme
from deeper.reporting.charts.comparisons import ComparedRow
from deeper.reporting.pages.finding_words import measured
from deeper.reporting.transfer_tasks import MODES, TransferTask
from deeper.site import charts
from deeper.site.looks import MODE_COLOURS, SHAPES, looks

ROW = 50  # pixels
NAME, SEEDS, SHADED = -0.33, 0.25, 0.46  # of a row, from its middle: its name, the dots of its seeds, half its shade
ROOM = 0.06  # of the axis beyond the lowest and the highest value
WIDE = 560  # pixels from which numbers have room at the right
NUMBERS = 230  # pixels for them
MARKS = {
    claims.AS_EXPECTED: "circle",
    claims.OPPOSITE: "square",
    claims.TOO_SMALL: "diamond",
    claims.OPEN: "circle",
}
FEW = alt.expr("ceil(width / 100)")  # marks of an axis
TICK = "(datum.value > 0 ? '+' : '') + format(datum.value, abs(datum.value) >= 1000 ? '~s' : '~g')"
ERRORS = {"test_error": "test error", "train_error": "training error", "validation_error": "validation error"}
MODE_STEP = 0.17  # of a row, between the ways of training
GROUND = charts.both(*(one.ground for one in theme.THEMES))


def comparison_charts(rows: Sequence[ComparedRow]) -> list[str]:
    """The differences with the intervals that decide, a chart for each number that is compared."""
    by_metric: dict[Metric, list[ComparedRow]] = {}
    for row in rows:
        if row.outcome.difference is not None:
            by_metric.setdefault(row.outcome.metric, []).append(row)
    return [_of_metric(metric, members) for metric, members in by_metric.items()]


def final_errors(arms: Sequence[ArmResults]) -> str | None:
    """The errors after the last epoch, a row an arm: the mean with its interval, and a dot a seed."""
    there = {key: said for key, said in ERRORS.items() if any(arm.means[key] for arm in arms)}
    if not there:
        return None
    means, seeds = [], []
    for place, arm in enumerate(arms):
        means.append((arm.label, place, *(end for key in there for end in _said(arm.means[key]))))
        seeds += [(arm.label, place + SEEDS, *(getattr(row.metrics, key) for key in there)) for row in arm.rows]
    labels = [arm.label for arm in arms]
    scale = alt.Scale(domain=labels, range=[look.colour for look in looks(arms)])
    colour = alt.Color("arm:N", scale=scale, legend=None)
    title = "error after the last epoch"
    x = alt.X("x:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(format="%", tickCount=FEW))
    heads = ("arm", "place", *(f"{key}{end}" for key in there for end in ("", "_lower", "_upper", "_said")))
    base = _chosen(charts.table(means, heads)).transform_calculate(
        lower="toNumber(datum[error + '_lower'])",
        upper="toNumber(datum[error + '_upper'])",
        number="datum[error + '_said']",
    )
    tips = ["arm:N", alt.Tooltip("number:N", title="error")]
    layered = alt.layer(
        _dots(_chosen(charts.table(seeds, ("arm", "place", *there))), x, colour),
        base.mark_rule(strokeWidth=2).encode(x=alt.X("lower:Q", title=title), x2="upper:Q", y=_y(), color=colour),
        base.mark_circle(size=110, opacity=1).encode(x=x, y=_y(), color=colour, tooltip=tips),
        *_names([(arm.label, place) for place, arm in enumerate(arms)]),
        _numbers(base),
    ).add_params(charts.choice("error", "Error", there))
    about = (
        f"Errors after the last epoch of {', '.join(labels)}, with 95 % intervals; the table of arms has the numbers."
    )
    return charts.as_json(_sized(layered, len(arms)), about)


def transfer_rows(tasks: Sequence[TransferTask]) -> str | None:
    """The score of each way of training, a row a target set and pretrained network; None without any."""
    rows = [
        (words.sentence(MODES[mode]), place + MODE_STEP * step, *_ends(arm.score), words.percent(arm.score))
        for place, task in enumerate(tasks)
        for step, mode in enumerate(MODES)
        if (arm := task.main(mode)) and arm.score
    ]
    if not rows:
        return None
    named = [words.sentence(said) for said in MODES.values()]
    several = len({task.backbone for task in tasks}) > 1
    names = [f"{task.title}, {task.network}" if several else task.title for task in tasks]
    legend = alt.Legend(title=None)
    colour = alt.Color("mode:N", scale=alt.Scale(domain=named, range=list(MODE_COLOURS.values())), legend=legend)
    shape = alt.Shape("mode:N", scale=alt.Scale(domain=named, range=list(SHAPES[: len(named)])), legend=legend)
    title = "score on the test pictures"
    x = alt.X("score:Q", title=title, scale=alt.Scale(zero=False), axis=alt.Axis(format="%", tickCount=FEW))
    base = alt.Chart(charts.table(rows, ("mode", "place", "score", "lower", "upper", "said")))
    layered = alt.layer(
        base.mark_rule(strokeWidth=2).encode(x=alt.X("lower:Q", title=title), x2="upper:Q", y=_y(), color=colour),
        base.mark_point(filled=True, opacity=1, size=90).encode(
            x=x, y=_y(), color=colour, shape=shape, tooltip=["mode:N", alt.Tooltip("said:N", title="score")]
        ),
        *_names([(name, place) for place, name in enumerate(names)]),
    )
    about = f"Score on the test pictures of {', '.join(names)}: frozen, fine-tuned, from scratch, with 95 % intervals."
    return charts.as_json(_sized(layered, len(tasks)), about, named)


def _of_metric(metric: Metric, rows: Sequence[ComparedRow]) -> str:
    limits = _limits(metric, rows)
    title = comparisons.axis_title(metric)
    there = [one for one in DIRECTIONS if one in {row.outcome.direction for row in rows}]
    legend = alt.Legend(title=None)
    scale = alt.Scale(domain=list(limits), nice=False, zero=False)
    x = alt.X("x:Q", title=title, scale=scale, axis=alt.Axis(grid=True, labelExpr=TICK, tickCount=FEW))
    colour = alt.Color("outcome:N", scale=alt.Scale(domain=there, range=_outcome_colours(there)), legend=legend)
    seeds = [
        (row.outcome.direction, place + SEEDS, metric.shown(value))
        for place, row in enumerate(rows)
        for value in _values(row.outcome)
    ]
    of_seeds = alt.Chart(charts.table(seeds, ("outcome", "place", "x")))
    layers = [
        *_expected(metric, rows, limits, x),
        alt.Chart(charts.table([(0,)], ("x",))).mark_rule(color=charts.MUTED).encode(x=x),
        *([_dots(of_seeds, x, colour)] if seeds else []),
        *_means(metric, rows, x, title, colour, there),
        *_names([(row.name.replace("\n", " "), place) for place, row in enumerate(rows)]),
    ]
    said = "; ".join(f"{row.name}: {measured(row.outcome)}" for row in rows)
    about = f"{words.sentence(metric.label)} with simultaneous 95 % intervals. {said}.".replace("\n", " ")
    return charts.as_json(_sized(alt.layer(*layers), len(rows)), about, there)


def _expected(metric: Metric, rows: Sequence[ComparedRow], limits: tuple[float, float], x: alt.X) -> list[alt.Chart]:
    """The side where each row is expected, shaded; in a frame the region that does not matter; a margin, dashed."""
    sides, regions, margins = [], [], []
    for place, row in enumerate(rows):
        asked, ends = row.comparison, (place - SHADED, place + SHADED)
        if asked.region:
            regions.append((*sorted(metric.shown(sign * asked.region) for sign in (-1, 1)), *ends))
        if asked.expect != "alike":
            border = metric.shown(asked.border)
            sides.append((border, limits[asked.expect in ABOVE], *ends))
            margins += [(border, border, *ends)] * bool(asked.margin)

    def drawn(found: Sequence[tuple], **style: Any) -> list[alt.Chart]:
        base = alt.Chart(charts.table(found, ("x", "x2", "top", "bottom"))).mark_rect(aria=False, **style)
        y = alt.Y("top:Q", scale=_scale(), axis=None)
        return [base.encode(x=x, x2="x2:Q", y=y, y2="bottom:Q")] if found else []

    dashed = {"stroke": charts.MUTED, "strokeDash": [3, 3], "strokeWidth": 1.3}
    return [
        *drawn(sides, color=charts.MUTED, opacity=0.13),
        *drawn(regions, fill=None, **dashed),
        *drawn(margins, fill=None, **dashed),
    ]


def _means(
    metric: Metric, rows: Sequence[ComparedRow], x: alt.X, title: str, colour: alt.Color, there: Sequence[str]
) -> list[alt.Chart]:
    """The means with their intervals; colour and shape say how a comparison came out, an open one is hollow."""
    table = []
    for place, row in enumerate(rows):
        found = row.outcome.difference
        ends = (found.lower, found.upper) if found.has_interval else (found.mean, found.mean)
        said = measured(row.outcome)
        table.append((row.name, place, row.outcome.direction, said, *map(metric.shown, (found.mean, *ends))))
    base = alt.Chart(charts.table(table, ("name", "place", "outcome", "number", "x", "lower", "upper")))
    legend = alt.Legend(title=None)
    hues = _outcome_colours(there)
    faces = [GROUND if one == claims.OPEN else hue for one, hue in zip(there, hues, strict=True)]
    marks = {
        "color": colour,
        "fill": alt.Fill("outcome:N", scale=alt.Scale(domain=there, range=faces), legend=legend),
        "shape": alt.Shape(
            "outcome:N", scale=alt.Scale(domain=there, range=[MARKS[one] for one in there]), legend=legend
        ),
    }
    tips = [alt.Tooltip("name:N", title="difference"), alt.Tooltip("number:N", title=metric.label), "outcome:N"]
    return [
        base.mark_rule(strokeWidth=2).encode(x=alt.X("lower:Q", title=title), x2="upper:Q", y=_y(), color=colour),
        base.mark_point(size=90, opacity=1, strokeWidth=1.8).encode(x=x, y=_y(), tooltip=tips, **marks),
        _numbers(base),
    ]


def _limits(metric: Metric, rows: Sequence[ComparedRow]) -> tuple[float, float]:
    """Room for 0, every interval, border, region and seed."""
    values = [0.0]
    for row in rows:
        found, region = row.outcome.difference, row.comparison.region or 0.0
        values += [row.comparison.border, -region, region, found.mean, *_values(row.outcome)]
        values += [found.lower, found.upper] if found.has_interval else []
    low, high = metric.shown(min(values)), metric.shown(max(values))
    room = ROOM * (high - low) or 1.0
    return low - room, high + room


def _values(outcome: Outcome) -> Sequence[float]:
    """A value a seed; what is counted is the same for all."""
    return () if outcome.is_fact else outcome.values


def _outcome_colours(there: Sequence[str]) -> list[str]:
    hues = [comparisons.SIGNALS.get(one, "grey") for one in there]
    return [charts.both(*(one.signals[hue] for one in theme.THEMES)) for hue in hues]


def _chosen(table: alt.InlineData) -> alt.Chart:
    """The rows that have the error that is chosen, with its value as ``x``."""
    base = alt.Chart(table).transform_filter("isValid(datum[error]) && datum[error] !== ''")
    return base.transform_calculate(x="toNumber(datum[error])")


def _said(mean: Any) -> tuple:
    return (*_ends(mean), words.percent(mean) if mean else None)


def _ends(mean: Any) -> tuple:
    if mean is None:
        return None, None, None
    return mean.mean, *((mean.lower, mean.upper) if mean.has_interval else (mean.mean, mean.mean))


def _dots(base: alt.Chart, x: alt.X, colour: alt.Color) -> alt.Chart:
    return base.mark_circle(size=16, opacity=0.55, aria=False).encode(x=x, y=_y(), color=colour)


def _names(names: Iterable[tuple[str, float]]) -> list[alt.Chart]:
    base = alt.Chart(charts.table([(name, place + NAME) for name, place in names], ("name", "place")))
    limit = alt.expr(f"width > {WIDE} ? width - {NUMBERS} : width")
    return [base.mark_text(align="left", limit=limit).encode(x=alt.value(0), y=_y(), text="name:N")]


def _numbers(base: alt.Chart) -> alt.Chart:
    """Each row's ``number`` at the right, beside its name, where the page is wide."""
    there = base.transform_filter(f"width > {WIDE}").transform_calculate(above=f"toNumber(datum.place) + {NAME}")
    y = alt.Y("above:Q", scale=_scale(), axis=None)
    return there.mark_text(align="right").encode(x=alt.value("width"), y=y, text="number:N")


def _y() -> alt.Y:
    return alt.Y("place:Q", scale=_scale(), axis=None)


def _scale() -> alt.Scale:
    """Rows from top to bottom; ``_sized`` gives the domain."""
    return alt.Scale(reverse=True, nice=False, zero=False, domain=[-0.5, {"expr": "rows - 0.5"}])


def _sized(chart: alt.LayerChart, rows: int) -> alt.LayerChart:
    chart = chart.add_params(alt.param(name="rows", value=rows))
    return chart.properties(width="container", height=ROW * rows)
