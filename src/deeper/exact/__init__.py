"""The exact claims of the ledger, computed from networks and layers; nothing is trained and no number is typed in.

What a text says is typed in, of course, and so is the tolerance. One file a theme: ``sizes`` (parameters of whole
networks), ``layers`` (shapes, multiplications and memory of layers), ``blocks`` (what stands in for what),
``equalities`` (functions that are the same one).
"""

from deeper.exact.computed_claim import COMPUTED, Finding
from deeper.schema.ledger import ledger


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
