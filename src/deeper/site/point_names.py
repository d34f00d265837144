"""Names beside dots, where they have room and cover nothing: Vega places them, Vega-Lite has no word for it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from deeper.site import charts

NAMED = "named"  # the layer whose dots have names
SIDES = ("bottom-left", "left", "bottom", "right", "bottom-right", "top-right", "top-left", "top")
GAP = 2  # pixels between a dot and its name
SIZE = 11.5


def with_names(chart: str, field: str) -> str:
    """A chart of Vega-Lite as one of Vega, where each dot of the layer ``named`` has its ``field`` beside it."""
    import vl_convert

    vega = vl_convert.vegalite_to_vega(json.loads(chart))
    avoided = [mark["name"] for mark in _marks(vega) if mark["type"] in ("symbol", "text")]
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
                    "sort": {"field": "datum.datum.error"},
                    "avoidMarks": avoided,
                }
            ],
        }
    )
    return json.dumps(vega, separators=(",", ":")).replace("</", "<\\/")


def _style() -> dict[str, Any]:
    return {"fill": {"value": charts.TEXT}, "fontSize": {"value": SIZE}}


def _marks(group: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for mark in group.get("marks", ()):
        yield mark
        yield from _marks(mark)
