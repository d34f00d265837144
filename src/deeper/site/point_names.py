"""Names beside dots, where they have room and cover nothing: Vega places them, Vega-Lite has no word for it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from deeper.site import charts

NAMED = "named"  # the layer whose dots have names
SIDES = ("bottom-left", "left", "bottom", "right", "bottom-right", "top-right", "top-left", "top")
GAP = 2  # pixels between a dot and its name
SIZE = 11.5
HARDLY = 0.01  # of opacity: a trace that counts, and that no eye sees
AVOIDED = ("symbol", "text", "rule")
SHAPE = ("x", "y", "x2", "y2", "shape", "size", "text", "align", "baseline", "dx", "dy", "fontSize")


def with_names(chart: str, field: str, first: str) -> str:
    """A chart of Vega-Lite as one of Vega, where each dot of the layer ``named`` has its ``field`` beside it.

    Where room is short, dots with the least ``first`` have theirs.
    """
    import vl_convert

    vega = vl_convert.vegalite_to_vega(json.loads(chart), config=charts.configuration())
    avoided = [_shadow(mark) for mark in _marks(vega) if mark["type"] in AVOIDED]
    next(mark for mark in _marks(vega) if mark["name"] == f"{NAMED}_marks")["interactive"] = False
    vega["marks"] += avoided
    vega["marks"].append(
        {
            "type": "text",
            "name": "names",
            "from": {"data": f"{NAMED}_marks"},
            "interactive": False,
            "encode": {"update": {"text": {"field": f"datum.{field}"}, **_style()}},
            "transform": [
                {
                    "type": "label",
                    "size": {"signal": "[max(1, width), max(1, height)]"},
                    "anchor": list(SIDES),
                    "offset": [GAP],
                    "sort": {"field": f"datum.datum.{first}"},
                    "avoidMarks": [mark["name"] for mark in avoided],
                }
            ],
        }
    )
    return json.dumps(vega, separators=(",", ":")).replace("</", "<\\/")


def _style() -> dict[str, Any]:
    return {"fill": {"value": charts.TEXT}, "fontSize": {"value": SIZE}}


def _shadow(mark: Mapping[str, Any]) -> dict[str, Any]:
    """A copy that nobody sees, in plain black: what is drawn in a colour of both themes leaves no trace for a name."""
    shape = {key: mark["encode"]["update"].get(key) for key in SHAPE}
    drawn = {key: value for key, value in shape.items() if value is not None}
    copied = {key: mark[key] for key in ("type", "from") if key in mark}
    style = {"fill": {"value": "#000"}, "stroke": {"value": "#000"}, "opacity": {"value": HARDLY}}
    own = {"name": f"{mark['name']}_shadow", "interactive": False, "aria": False}
    return {**copied, **own, "encode": {"update": {**drawn, **style}}}


def _marks(group: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for mark in group.get("marks", ()):
        yield mark
        yield from _marks(mark)
