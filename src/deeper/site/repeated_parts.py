"""Charts of all pages with what they repeat said once: most layers of most charts have the same axes, scales and words.

A page has ``{"parts": […], "chart": …}``. In the chart, and in a part, ``{"part": 2}`` stands for the third of those
parts, ``{"common": 2}`` for the third of those that several charts share, which are in a file of their own. ``site.js``
puts them in their places again.
"""

import collections
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

LEAST = 40  # letters of a part that is worth it
SEVERAL = 4  # charts that share a part


def common_parts(charts: Iterable[str]) -> list[Any]:
    """What stands in several of the charts, which are JSON."""
    counts: collections.Counter[str] = collections.Counter()
    for chart in charts:
        in_chart: collections.Counter[str] = collections.Counter()
        _count(json.loads(chart), in_chart, counts)
        counts.update(in_chart.keys())
    return [json.loads(text) for text, count in counts.items() if count >= SEVERAL and len(text) >= LEAST]


def said_once(chart: str, common: Sequence[Any]) -> str:
    """A chart's JSON with its own parts apart, and with numbers in the places of the common ones."""
    places = {_text(part): place for place, part in enumerate(common)}
    content = json.loads(chart)
    counts: collections.Counter[str] = collections.Counter()
    _count(content, counts, counts)
    own: dict[str, int] = {}
    parts: list[Any] = []

    def without(value: Any) -> Any:
        if isinstance(value, list):
            return [without(one) for one in value]
        if not isinstance(value, dict):
            return value
        text = _text(value)
        if text in places:
            return {"common": places[text]}
        slim = {key: without(one) for key, one in value.items()}
        if counts[text] == 1 or len(text) < LEAST:
            return slim
        if text not in own:
            own[text] = len(parts)
            parts.append(slim)
        return {"part": own[text]}

    chart = without(content)
    # A script's text must not close the script.
    return _text({"parts": parts, "chart": chart}).replace("</", "<\\/")


def whole(said: str, common: Sequence[Any]) -> Any:
    """The specification as it was."""
    content = json.loads(said)
    lists = {"part": content["parts"], "common": common}

    def placed(value: Any) -> Any:
        if isinstance(value, list):
            return [placed(one) for one in value]
        if not isinstance(value, dict):
            return value
        for name, parts in lists.items():
            if list(value) == [name]:
                return placed(parts[value[name]])
        return {key: placed(one) for key, one in value.items()}

    return placed(content["chart"])


def _count(value: Any, counts: collections.Counter[str], known: Mapping[str, int]) -> None:
    """How often each object stands in a value; what is in one that is known already is not looked at again."""
    if isinstance(value, list):
        for one in value:
            _count(one, counts, known)
    elif isinstance(value, dict):
        text = _text(value)
        is_new = text not in known and text not in counts
        counts[text] += 1
        if is_new:
            for one in value.values():
                _count(one, counts, known)


def _text(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)
