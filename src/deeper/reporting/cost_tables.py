"""What ``python -m deeper.cost`` prints: an aligned table, JSON lines or CSV, of networks or of their layers."""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from deeper.cost.counted import Counted
from deeper.reporting.terminal_table import aligned

COSTS = {
    "params": "all parameters",
    "macs": "multiply-adds without extra heads",
    "activation_bytes": "activation bytes",
    "depth": "depth",
    "receptive_field": "receptive field",
    "extra_head_params": "parameters in extra heads",
}
LAYERS = {"params": "parameters", "macs": "multiply-adds", "activations": "activations"}
ABSENT = "in training only"


def one(counted: Counted) -> str:
    """A single run: one JSON object, or a table of layers where they were asked for; or as ``format`` says."""
    if counted.layers is None and counted.format in (None, "json"):
        return json.dumps(counted.costs)
    return many([counted])


def many(counted: Sequence[Counted]) -> str:
    """Several networks, each by its name; their layers where they were asked for.

    The format is that of the first, and a table where it has none.
    """
    shape = counted[0].format or "table"
    if counted[0].layers is None:
        rows = [{"network": c.network, "input": _image(c.image), **c.costs} for c in counted]
        return {"table": _networks, "json": _json, "csv": _csv}[shape](rows)
    if shape == "table":
        return "\n\n".join(_layers(c) for c in counted)
    rows = [{"network": c.network, **layer, "shape": _image(layer["shape"])} for c in counted for layer in c.layers]
    return {"json": _json, "csv": _csv}[shape](rows)


def as_json(counted: Counted) -> dict[str, Any]:
    """A network for ``--json``; a cost that it does not have is null."""
    costs = {name: value if isinstance(value, int | float) else None for name, value in counted.costs.items()}
    layers = {} if counted.layers is None else {"layers": counted.layers}
    return {"network": counted.network, "input": list(counted.image), **costs, **layers}


def _image(shape: Sequence[int] | None) -> str | None:
    return None if shape is None else "x".join(map(str, shape))


def _json(rows: list[dict[str, Any]]) -> str:
    return "\n".join(json.dumps(row) for row in rows)


def _csv(rows: list[dict[str, Any]]) -> str:
    buffer = io.StringIO()
    table = csv.DictWriter(buffer, list(rows[0]), lineterminator="\n")
    table.writeheader()
    table.writerows(rows)
    return buffer.getvalue().rstrip("\n")


def _networks(rows: list[dict[str, Any]]) -> str:
    head = ["network", "input", *COSTS.values()]
    body = [[row["network"], row["input"], *(f"{row[key]:,}" for key in COSTS)] for row in rows]
    return aligned(head, body, left=2)


def _layers(counted: Counted) -> str:
    head = ["layer", "kind", "output", *LAYERS.values()]
    rows = [
        [layer["name"], layer["kind"], _image(layer["shape"]) or ABSENT, *(f"{layer[key]:,}" for key in LAYERS)]
        for layer in counted.layers
    ]
    total = ["total", "", "", *(f"{sum(layer[key] for layer in counted.layers):,}" for key in LAYERS)]
    costs, title = counted.costs, f"{counted.network}, {_image(counted.image)}"
    facts = f"{costs['depth']} weight layers deep, receptive field {costs['receptive_field']}"
    return f"{title}: {facts}\n\n" + aligned(head, [*rows, total], left=3, rule_before_last=True)
