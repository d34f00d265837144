"""The zoo: every network of the studies that set accuracy against cost, as points of a chart and lines of a table."""

import json
from collections.abc import Container, Sequence
from dataclasses import dataclass

import altair as alt

from deeper.claims.statistics import Mean
from deeper.reporting import words
from deeper.reporting.charts import theme
from deeper.reporting.pages.study import StudyPage
from deeper.schema.baselines import FOREST, LOGISTIC
from deeper.site import charts, scales
from deeper.site.arm_networks import network_itself
from deeper.site.charts import HEIGHT
from deeper.site.point_names import NAMED, with_names
from deeper.site.sources import Source

COSTS = {
    "macs": "multiply-adds of an image",
    "params": "parameters",
    "activation_bytes": "activation memory of an image, bytes",
    "train_s": "seconds of training",
}
UNTIMED = "Several kinds of processor: seconds do not compare."
METHODS = {LOGISTIC: "logistic regression", FOREST: "random forest"}


@dataclass(frozen=True)
class ZooPoint:
    """A network at a scale.

    ``network`` is None where its study changed it, ``seconds`` where times were measured on several processors.
    """

    label: str
    network: str | None
    family: str
    profile: str
    scale: str
    study: str
    params: int
    macs: int
    activation_bytes: int | None
    seconds: float | None
    error: Mean

    @property
    def address(self) -> str:
        """From the zoo's page."""
        return f"networks/{self.network}.html"


def points(sources: Sequence[Source]) -> list[ZooPoint]:
    """Those with a test error, in the order of sources, studies and arms."""
    return [point for source in sources for page in source.pages if shows(page) for point in _points(source, page)]


def shows(page: StudyPage) -> bool:
    """Whether a study's networks are the zoo's."""
    return page.results.page == "zoo"


def scale(page: StudyPage) -> str:
    """How a page's scale is named in a list: ``●○○○ Fashion-MNIST, 4,000 of 12×12, 4 epochs``."""
    return f"{scales.dots(page.results.table.profile)} {page.scale.brief()}"


def chart(sources: Sequence[Source], named: Container[str]) -> str | None:
    """The chart as JSON; None without any point. Networks that are ``named`` have a page, which a click opens."""
    found = points(sources)
    if not found:
        return None
    families = [name for name in theme.LIGHT.families if name in {point.family for point in found}]
    boxes = [charts.switch(f"family_{place}", words.sentence(name)) for place, name in enumerate(families)]
    shown = f"[{','.join(box.name for box in boxes)}][datum.place] && datum.scale === scale"
    heads = ("network", "family", "place", "scale", *COSTS, "error", "lower", "upper", "href")
    rows = [
        (
            p.label,
            p.family,
            families.index(p.family),
            p.scale,
            *_costs(p),
            *_error(p),
            p.address if p.network in named else None,
        )
        for p in found
    ]
    x = alt.X("x:Q", title=None, scale=alt.Scale(type="log", nice=False, padding=25), axis=charts.decades())
    y = alt.Y("error:Q", title="test error", axis=alt.Axis(format="%"), scale=alt.Scale(zero=False, padding=15))
    colours = alt.Scale(domain=families, range=charts.family_colours(families))
    base = alt.Chart(charts.table(rows, heads)).transform_filter(shown).transform_calculate(x="toNumber(datum[cost])")
    base = base.transform_filter("datum.x > 0")
    numbers = [alt.Tooltip(f"{cost}:Q", title=title, format=",") for cost, title in COSTS.items()]
    errors = [alt.Tooltip(f"{end}:Q", title=title, format=".2%") for end, title in _ENDS.items()]
    dots = base.mark_circle(size=130, opacity=0.85, cursor="pointer").encode(
        x=x,
        y=y,
        color=alt.Color("family:N", scale=colours, legend=alt.Legend(title=None)),
        href="href:N",
        tooltip=["network:N", "family:N", *errors, *numbers],
    )
    best = base.transform_calculate(e="toNumber(datum.error)").transform_window(
        best="min(e)", sort=[alt.SortField("x"), alt.SortField("e")], frame=[None, 0]
    )
    # Nobody sees or hears these dots: the names stand beside them.
    named = best.transform_filter("names === 'all' || names === 'front' && datum.e <= datum.best")
    named = named.mark_circle(size=130, opacity=0, aria=False).encode(x=x, y=y).properties(name=NAMED)
    layers = [*_published(found, sources, x, y), *_baselines(sources, y), dots, named, *_untimed(found)]
    whole = alt.layer(*layers).add_params(
        charts.choice("scale", "Scale", {point.scale: point.scale for point in found}),
        charts.choice("cost", "Cost", COSTS),
        charts.choice(
            "names", "Names", {"front": "least error at their cost", "all": "all that have room", "none": "none"}
        ),
        charts.switch("baselines", "classifiers of pixels"),
        charts.switch("published", "published errors"),
        *boxes,
    )
    about = "Test error of every network of the zoo against its cost; the table below has the same numbers."
    whole = whole.properties(width="container", height=HEIGHT + 80)
    return with_names(charts.as_json(whole, about, families), "network", "e")


_ENDS = {"error": "test error", "lower": "its 95 % interval from", "upper": "its 95 % interval to"}


def _points(source: Source, page: StudyPage) -> list[ZooPoint]:
    timed = len(page.results.processors()) == 1
    found = []
    for arm in page.arms:
        if arm.network is None or arm.means["test_error"] is None:
            continue
        cost, seconds = arm.rows[0].cost, arm.means["train_s"]
        found.append(
            ZooPoint(
                arm.label,
                network_itself(page.study, arm),
                theme.family(arm.network),
                page.results.table.profile,
                scale(page),
                source.address(page),
                cost.params,
                cost.macs,
                cost.activation_bytes,
                seconds.mean if seconds and timed else None,
                arm.means["test_error"],
            )
        )
    return found


def _costs(point: ZooPoint) -> tuple:
    return point.macs, point.params, point.activation_bytes, point.seconds


def _error(point: ZooPoint) -> tuple:
    error = point.error
    return error.mean, *((error.lower, error.upper) if error.has_interval else (None, None))


def _baselines(sources: Sequence[Source], y: alt.Y) -> list[alt.Chart]:
    """A line across for each classifier on the pixels that the networks of a scale see."""
    rows = []
    for source in sources:
        for page in filter(shows, source.pages):
            [place, *others] = {page.results.table.pixels(row) for row in page.results.rows}
            for method, name in METHODS.items():
                error = None if others else source.baselines.test_error(method, *place)
                if error is not None:
                    rows.append((name, scale(page), error))
    if not rows:
        return []
    base = alt.Chart(charts.table(rows, ("name", "scale", "error")))
    base = base.transform_filter("baselines && datum.scale === scale")
    tips = ["name:N", alt.Tooltip("error:Q", title="test error", format=".2%")]
    rule = base.mark_rule(strokeDash=[5, 4], strokeWidth=1.5, color=charts.MUTED).encode(y=y, tooltip=tips)
    side = {name: {"baseline": "bottom", "dy": -3} for name in METHODS.values()}
    side[METHODS[FOREST]] = {"baseline": "top", "dy": 4}
    texts = [
        base.transform_filter(f"datum.name === '{name}'")
        .mark_text(align="left", dx=4, color=charts.MUTED, **style)
        .encode(x=alt.value(0), y=y, text="name:N")
        for name, style in side.items()
    ]
    return [rule, *texts]


def _untimed(found: Sequence[ZooPoint]) -> list[alt.Chart]:
    """Why there is no dot at a scale whose times do not compare."""
    without = {point.scale for point in found} - {point.scale for point in found if point.seconds}
    if not without:
        return []
    said = f"cost === 'train_s' && indexof({json.dumps(sorted(without))}, scale) >= 0 ? '{UNTIMED}' : ''"
    base = alt.Chart(alt.InlineData(values=[{}])).transform_calculate(said=said)  # names cannot avoid a mark of no data
    text = base.mark_text(color=charts.MUTED, fontSize=12, align="left")
    return [text.encode(x=alt.value(10), y=alt.value(40), text="said:N")]


def _published(found: Sequence[ZooPoint], sources: Sequence[Source], x: alt.X, y: alt.Y) -> list[alt.Chart]:
    """Published test errors on the whole set, at the cost of our network that they stand beside."""
    rows = []
    for page in (page for source in sources for page in filter(shows, source.pages)):
        here = {arm.name: arm for arm in page.arms}
        for number in page.published:
            arm = here.get(number.arm)
            if arm is None or number.accuracy is None:
                continue
            point = next((p for p in found if p.scale == scale(page) and p.label == arm.label), None)
            if point:
                rows.append((number.network, number.source, point.scale, *_costs(point), 1 - number.accuracy / 100))
    if not rows:
        return []
    base = alt.Chart(charts.table(rows, ("name", "source", "scale", *COSTS, "error")))
    base = base.transform_filter("published && datum.scale === scale").transform_calculate(x="toNumber(datum[cost])")
    tips = [alt.Tooltip("name:N", title="published"), alt.Tooltip("error:Q", format=".2%"), "source:N"]
    return [base.mark_point(shape="diamond", size=70, color=charts.MUTED).encode(x=x, y=y, tooltip=tips)]
