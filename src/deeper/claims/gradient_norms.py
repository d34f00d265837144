"""What the norms of a network's gradient, layer by layer, say about how the signal travels back.

Norms come from the ``gradients`` block of a trial's results (docs/formats.md): one Euclidean norm for each weight
tensor, in order from input to output, ``None`` where it was not finite.
"""

import math
from collections.abc import Iterable, Sequence

Norms = Sequence[float | None]

SMALLEST = 2.0**-149  # the smallest positive float32: what a norm that underflowed to zero counts as
AUXILIARY = ("heads.", "auxiliary.")  # how the names of an auxiliary head's layers start


def imbalance(norms: Norms) -> float:
    """Decades between the gradient of the first and of the last third of the layers, whichever is larger.

    ``|log10(g_first / g_last)|`` with ``g`` the geometric mean of a third's norms; 0 is even, 1 is a factor of ten. A
    third is ``len(norms) // 3`` layers and at least one. NaN without layers or where a norm of either third is not
    finite.
    """
    third = max(1, len(norms) // 3)
    return abs(mean_log10(norms[:third]) - mean_log10(norms[-third:]))


def slope(norms: Norms) -> float:
    """log10 of the last third's gradient over the first third's: above 0, it shrinks on its way to the input."""
    third = max(1, len(norms) // 3)
    return mean_log10(norms[-third:]) - mean_log10(norms[:third])


def mean_imbalance(epochs: Sequence[Norms]) -> float:
    """Mean of ``imbalance`` over the epochs where it is known; NaN where it is known in none."""
    return _mean_known(map(imbalance, epochs))


def early(layers: Sequence[str], norms: Norms) -> float:
    """log10 of the geometric mean of the first third of the layers' gradient, those of auxiliary heads left out.

    With and without such heads the network's own layers are the same, and so is their first third: ``len // 3`` of
    them, at least one. NaN without layers or where a norm of the third is not finite.
    """
    own = [norm for layer, norm in zip(layers, norms, strict=True) if not layer.startswith(AUXILIARY)]
    return mean_log10(own[: max(1, len(own) // 3)])


def mean_early(layers: Sequence[str], epochs: Sequence[Norms]) -> float:
    """Mean of ``early`` over the epochs where it is known; NaN where it is known in none."""
    return _mean_known(early(layers, norms) for norms in epochs)


def geometric_mean(rows: Sequence[Norms]) -> list[float]:
    """Layer by layer, the geometric mean over ``rows`` (epochs or seeds) of the finite norms; NaN where none is.

    Raises ``ValueError`` where the rows differ in their number of layers.
    """
    return [10.0 ** mean_log10([norm for norm in layer if _finite(norm)]) for layer in zip(*rows, strict=True)]


def mean_log10(norms: Norms) -> float:
    """Mean of log10 of the norms, a zero counted as ``SMALLEST``; NaN without norms or with one that is not finite."""
    if not norms or not all(_finite(norm) for norm in norms):
        return math.nan
    return math.fsum(math.log10(max(norm, SMALLEST)) for norm in norms) / len(norms)


def _mean_known(values: Iterable[float]) -> float:
    known = [value for value in values if math.isfinite(value)]
    return math.fsum(known) / len(known) if known else math.nan


def _finite(norm: float | None) -> bool:
    return norm is not None and math.isfinite(norm)
