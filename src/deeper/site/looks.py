"""What tells the lines of a chart apart: colour, dashes and the shape of their marks, no two arms alike.

A family of networks has its colour wherever that is enough. Where one has more arms than two shades can tell apart,
every arm has a colour of its own, its family's for the first of it. Of transfer learning the colour is the target
set's, dashes are the way of training, and the shape is that and the number of pictures.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

import altair as alt

from deeper.reporting.arm_results import ArmResults
from deeper.reporting.charts import theme
from deeper.reporting.charts.transfer import SIGNALS
from deeper.site import charts

SHADES = 2  # of one colour that are told apart
SHAPES = ("circle", "square", "triangle-up", "diamond", "cross", "triangle-down", "triangle-right", "triangle-left")
DASHES = ((1, 0), (7, 3), (2, 3), (10, 3, 2, 3))
HUES = tuple(theme.LIGHT.families)
MODE_DASHES = {"finetune": DASHES[0], "scratch": DASHES[1], "frozen": DASHES[2]}
MODE_COLOURS = {mode: charts.both(*(one.signals[hue] for one in theme.THEMES)) for mode, hue in SIGNALS.items()}


@dataclass(frozen=True)
class Look:
    """How an arm is drawn; ``colour`` is of both themes."""

    colour: str
    dash: Sequence[int]
    shape: str


def looks(arms: Sequence[ArmResults]) -> list[Look]:
    """The look of each arm, in their order."""
    if all(arm.rows[0].transfer for arm in arms):
        return _of_transfer(arms)
    families = [theme.family(arm.network) for arm in arms]
    enough = all(families.count(family) <= SHADES for family in families)
    colours = charts.arm_colours(arms) if enough else _own_colours(families)
    return [
        Look(colour, DASHES[place // len(HUES) % len(DASHES)], SHAPES[place % len(SHAPES)])
        for place, colour in enumerate(colours)
    ]


def encodings(arms: Sequence[ArmResults], legend: alt.Legend | None) -> tuple[alt.Color, alt.Shape, alt.StrokeDash]:
    """Colour, shape and dashes of the field ``arm``, which holds the arms' labels."""
    labels, seen = [arm.label for arm in arms], looks(arms)

    def scale(key: str) -> alt.Scale:
        return alt.Scale(domain=labels, range=[getattr(look, key) for look in seen])

    said = {"sort": labels, "legend": legend}
    return (
        alt.Color("arm:N", scale=scale("colour"), **said),
        alt.Shape("arm:N", scale=scale("shape"), **said),
        alt.StrokeDash("arm:N", scale=scale("dash"), **said),
    )


def _own_colours(families: Sequence[str]) -> list[str]:
    """A colour for each arm; when all are taken, they begin again, and dashes tell the arms apart."""
    first = {family: families.index(family) for family in families}
    spare = [hue for hue in HUES if hue not in first] or list(HUES)
    hues, taken = [], 0
    for place, family in enumerate(families):
        if first[family] == place:
            hues.append(family)
        else:
            hues.append(spare[taken % len(spare)])
            taken += 1
    return charts.family_colours(hues)


def _of_transfer(arms: Sequence[ArmResults]) -> list[Look]:
    tasks = [(arm.rows[0].transfer.target.name, arm.rows[0].transfer.backbone) for arm in arms]
    ways = [(arm.rows[0].transfer.mode, arm.rows[0].transfer.per_class) for arm in arms]
    return [
        Look(
            charts.family_colours([HUES[_place(task, tasks) % len(HUES)]])[0],
            MODE_DASHES[arm.rows[0].transfer.mode],
            SHAPES[_place(way, ways) % len(SHAPES)],
        )
        for arm, task, way in zip(arms, tasks, ways, strict=True)
    ]


def _place(value: Hashable, values: Sequence[Hashable]) -> int:
    return list(dict.fromkeys(values)).index(value)
