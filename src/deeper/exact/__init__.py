"""The exact claims of the ledger, computed from networks and layers; nothing is trained and no number is typed in.

What a text says is typed in, of course, and so is the tolerance. One file a theme: ``sizes`` (parameters of whole
networks), ``layers`` (shapes, multiplications and memory of layers), ``blocks`` (what stands in for what),
``equalities`` (functions that are the same one).
"""

import json
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from deeper import kept
from deeper.exact.computed_claim import COMPUTED, Finding, Part
from deeper.paths import CONF
from deeper.schema.ledger import ledger

ROOMS = ("claims", "cost", "exact", "models", "schema")
LIBRARIES = ("torch", "torchvision", "timm", "numpy")


def findings(folder: Path | None) -> list[Finding]:
    """All exact claims, taken from ``folder`` where it keeps those of this code; None computes them."""
    if folder is None:
        return compute()
    place = kept.place(folder, "exact_claims", kept.code((*(kept.HOME / room for room in ROOMS), CONF), LIBRARIES))
    if (content := kept.read(place)) is not None:
        return [_found(told) for told in json.loads(content)]
    found = compute()
    content = TypeAdapter(list[Finding]).dump_json(found)
    if [_found(told) for told in json.loads(content)] == found:  # else one of them says what JSON cannot
        kept.write(place, content)
    return found


def _found(told: dict[str, Any]) -> Finding:
    parts = (
        {key: tuple(value) if isinstance(value, list) else value for key, value in one.items()} for one in told["parts"]
    )
    return Finding(told["claim"], tuple(Part(**one) for one in parts), told["how"])


def compute() -> list[Finding]:
    """All exact claims, in the ledger's order, on one thread."""
    import torch  # takes seconds, which the report of studies alone does not need

    from deeper.exact import blocks, equalities, layers, sizes  # noqa: F401, each fills COMPUTED when it is imported

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [COMPUTED[claim]() for claim in ledger() if claim in COMPUTED]
    finally:
        torch.set_num_threads(threads)
