"""Labels of sets with several objects a picture, one whole number each.

Bit c says that class c is there; bit ``DIFFICULT + c`` that nothing can be said of it: the picture shows it only as an
object that the release marks as difficult, and an evaluation leaves the picture out for that class.
"""

from collections.abc import Iterable

import numpy as np

DIFFICULT = 31
MOST_CLASSES = 31


def mask(present: Iterable[int], difficult: Iterable[int] = ()) -> int:
    """The label of a picture with the classes ``present``; a class that is in both is present.

    Raises:
        ValueError: a class is not from 0 to 30.
    """
    certain = set(present)
    unsure = set(difficult) - certain
    if any(not 0 <= c < MOST_CLASSES for c in certain | unsure):
        raise ValueError(f"classes of a mask are 0 to {MOST_CLASSES - 1}, not {sorted(certain | unsure)}")
    return sum(1 << c for c in certain) | sum(1 << (DIFFICULT + c) for c in unsure)


def unpack(labels: np.ndarray, classes: int) -> np.ndarray:
    """Masks (int64, N) → int8 (N, classes): 1 present, 0 absent, −1 nothing can be said."""
    bits = np.arange(classes, dtype=np.int64)
    present = (labels[:, None] >> bits) & 1
    unsure = (labels[:, None] >> (bits + DIFFICULT)) & 1
    return np.where(present == 1, 1, -unsure).astype(np.int8)
