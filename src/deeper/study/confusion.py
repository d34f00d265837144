"""Which classes a classifier takes for which others."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

Pair = tuple[int, int]


def confusion(logits: np.ndarray, labels: np.ndarray, most: int = 600) -> dict[str, Any]:
    """Errors of a classifier, (N, classes) and int64 (N,), as a table small enough for a results file.

    Returns:
        ``tested`` and ``right``: pictures of each class and how many of them were told rightly; ``pairs``: the ``most``
        frequent confusions (of 25 classes or fewer, all) as [class, taken for, pictures], the most frequent first.
    """
    classes, guesses = logits.shape[1], logits.argmax(1)
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (labels, guesses), 1)
    right = counts.diagonal().copy()
    wrong = counts - np.diag(right)
    order = np.lexsort((np.arange(wrong.size), -wrong.ravel()))[:most]
    pairs = [[int(place // classes), int(place % classes), int(wrong.ravel()[place])] for place in order]
    return {
        "tested": counts.sum(1).tolist(),
        "right": right.tolist(),
        "pairs": [pair for pair in pairs if pair[2]],
    }


def most_confused(found: Sequence[Mapping[str, Any]], most: int) -> list[tuple[Pair, int]]:
    """Unordered pairs of classes by how often one was taken for the other, added up over trials; ties by class."""
    counts: dict[Pair, int] = {}
    for one in found:
        for true, guess, count in one["pairs"]:
            pair = (min(true, guess), max(true, guess))
            counts[pair] = counts.get(pair, 0) + count
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))[:most]
