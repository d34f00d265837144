"""What every live chart shares: Vega's specification as JSON, colours of both themes in one value, axes by choice.

A colour is CSS's ``light-dark(…, …)``, which the browser resolves, so that a chart follows the page's theme by itself.
"""

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import altair as alt

from deeper.reporting.arm_results import ArmResults
from deeper.reporting.charts import theme

HEIGHT = 380  # pixels


def both(light: str, dark: str) -> str:
    """A colour that the browser takes from the page's theme."""
    return f"light-dark({light}, {dark})"


TEXT, MUTED, GRID = (both(getattr(theme.LIGHT, name), getattr(theme.DARK, name)) for name in ("text", "muted", "grid"))
DIGITS = 5
NARROW = 340  # pixels that a chart has on a phone
UPRIGHT = 44  # pixels for the numbers of a vertical axis: another choice may have longer ones
LETTER, SYMBOL = 6.5, 28  # pixels of a letter, and of a legend's symbol with the gap after it


def family_colours(families: Sequence[str]) -> list[str]:
    """A colour of both themes for each family of networks."""
    return [both(theme.LIGHT.families[one], theme.DARK.families[one]) for one in families]


def arm_colours(arms: Sequence[ArmResults]) -> list[str]:
    """A colour of both themes for each arm, in their order."""
    light, dark = (theme.arm_colours(arms, one) for one in (theme.LIGHT, theme.DARK))
    return [both(light[arm.name], dark[arm.name]) for arm in arms]


def choice(name: str, label: str, options: Mapping[str, str]) -> alt.Parameter:
    """A list to choose from under the chart; ``options`` maps values to what is read. The first is chosen."""
    bind = alt.binding_select(options=list(options), labels=list(options.values()), name=label)
    return alt.param(name=name, value=next(iter(options)), bind=bind)


def switch(name: str, label: str, on: bool = True) -> alt.Parameter:
    """A box to tick."""
    return alt.param(name=name, value=on, bind=alt.binding_checkbox(name=label))


def decades() -> alt.Axis:
    """A logarithmic axis: a mark, and its number, at 1 and 3 of each power of ten, so that all have room."""
    values = [lead * 10**power for power in range(-1, 13) for lead in (1, 3)]
    return alt.Axis(values=values, format="~s", grid=False, labelOverlap=False)


def table(rows: Iterable[Sequence[Any]], heads: Sequence[str]) -> alt.InlineData:
    """Rows as comma-separated values, a third of JSON's size; ``None`` is left empty."""
    lines = [",".join(heads), *(",".join(map(_cell, row)) for row in rows)]
    return alt.InlineData(values="\n".join(lines), format=alt.CsvDataFormat(type="csv"))


def as_json(chart: alt.TopLevelMixin, description: str, named: Sequence[str] = ()) -> str:
    """The chart for a page, as wide as that is; ``description`` is its alternative text, ``named`` are its legend's.

    What all charts look alike in is not in it: ``configuration`` has it for all pages.
    """
    columns = max(1, int(NARROW / (SYMBOL + LETTER * max(map(len, named), default=0))))
    content = chart.properties(description=description).to_dict(validate=False)
    content["config"] = {"legend": {"columns": columns}}  # in the place of altair's own, a size that no chart has
    # A script's text must not close the script.
    text = json.dumps(content, separators=(",", ":")).replace("</", "<\\/")
    for place, name in enumerate(content.get("datasets", ())):
        text = text.replace(name, f"data{place}")  # Altair's own names are digests of forty letters
    return text


def configuration() -> dict[str, Any]:
    """How every chart looks: its colours, letters, axes and legends."""
    letters = {"labelFontSize": 12, "titleFontSize": 12}
    axis = alt.AxisConfig(
        labelColor=MUTED,
        titleColor=MUTED,
        gridColor=GRID,
        domainColor=MUTED,
        tickColor=MUTED,
        labelOverlap="greedy",
        labelSeparation=6,
        **letters,
    )
    legend = alt.LegendConfig(
        labelColor=TEXT, titleColor=MUTED, orient="top", labelLimit=400, symbolOpacity=1, **letters
    )
    return alt.Config(
        background="transparent",
        axis=axis,
        axisY=alt.AxisConfig(minExtent=UPRIGHT),
        legend=legend,
        view=alt.ViewConfig(stroke=None),
        text=alt.MarkConfig(color=TEXT, fontSize=12),
    ).to_dict()


def rounded(value: float | None) -> float | None:
    """A number with as many digits as those of a table; None for one that is not a number."""
    return None if value is None or math.isnan(value) else float(f"{value:.{DIGITS}g}")


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.{DIGITS}g}"
    text = str(value).replace('"', '""')
    return f'"{text}"' if set(text) & set(',"\n') else text
