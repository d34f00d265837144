"""How well the stored test logits of a trial tell the classes, beyond the share that is wrong (torchmetrics)."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from deeper.run.store import PREDICTIONS, Home

BINS = 15  # Guo et al. 2017, 1706.04599, section 4
TOP = 5


def of_trial(home: Home, classes: Sequence[str]) -> dict[str, Any] | None:
    """``measure`` of a trial's predictions; None where a picture has several labels or a logit is not finite."""
    with np.load(home / PREDICTIONS) as kept:
        logits, labels = kept["logits"], kept["labels"]
    if not np.isfinite(logits).all() or labels.min() < 0 or labels.max() >= len(classes):
        return None
    return measure(logits, labels, classes)


def measure(logits: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> Mapping[str, Any]:
    """The block ``scores`` of a row (``deeper.schema.results.Scores``).

    Args:
        logits: float (N, classes).
        labels: int64 (N,).
        classes: their names.

    Returns:
        ``top5_error``: share of the pictures whose class is not among the five largest logits; ``calibration_error``:
        mean distance of confidence and accuracy over 15 bins (Guo et al. 2017, arXiv 1706.04599, section 2);
        ``macro_f1``: F1 of each class, averaged over them; ``class_errors``: by class, None where no picture is of it.
    """
    import torch
    from torchmetrics.functional import classification

    found, true, count = torch.from_numpy(logits).float().softmax(1), torch.from_numpy(labels), len(classes)
    top = classification.multiclass_accuracy(found, true, count, top_k=min(TOP, count), average="micro")
    by_class = classification.multiclass_accuracy(found, true, count, average=None)
    tested = np.bincount(labels, minlength=count)
    return {
        "top5_error": _share(1 - float(top)),
        "calibration_error": _share(float(classification.multiclass_calibration_error(found, true, count, BINS))),
        "macro_f1": _share(float(classification.multiclass_f1_score(found, true, count, average="macro"))),
        "class_errors": {
            name: _share(1 - float(right)) if pictures else None
            for name, right, pictures in zip(classes, by_class, tested, strict=True)
        },
    }


def _share(value: float) -> float:
    """Of float32, to the digits that it has."""
    return min(1.0, max(0.0, round(value, 6)))
