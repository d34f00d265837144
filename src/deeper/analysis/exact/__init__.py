"""The exact claims of the ledger, computed from networks and layers; nothing is trained and no number is typed in.

What a text says is typed in, of course, and so is the tolerance. One file a theme: ``sizes`` (parameters of whole
networks), ``layers`` (shapes, multiplications and memory of layers), ``blocks`` (what stands in for what),
``equalities`` (functions that are the same one).
"""

from deeper.analysis.exact import blocks, equalities, layers, sizes
from deeper.analysis.exact.findings import COMPUTED, FAILS, Finding
from deeper.analysis.ledger import ledger

__all__ = ["DISAGREEMENTS", "blocks", "compute", "equalities", "layers", "right", "sizes"]

DISAGREEMENTS = (("alexnet-params-60m", "alexnet-params-6m"), ("vgg16-params-138m", "vgg16-params-1m"))
"""Claims of two texts of which at most one can be right."""


def compute() -> list[Finding]:
    """All exact claims, in the ledger's order."""
    return [COMPUTED[claim]() for claim in ledger() if claim in COMPUTED]


def right(findings: dict[str, Finding], claims: tuple[str, ...]) -> list[str]:
    """Those of some disagreeing claims that hold."""
    return [claim for claim in claims if findings[claim].verdict != FAILS]
