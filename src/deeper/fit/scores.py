"""How well logits tell the classes, by the metric that a target set is customarily judged by."""

from collections.abc import Callable

import numpy as np

from deeper.data.targets.multilabel import unpack


def accuracy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Share of the pictures whose largest logit is their class's: (N, classes), int64 (N,)."""
    return float((logits.argmax(1) == labels).mean())


def mean_per_class(logits: np.ndarray, labels: np.ndarray) -> float:
    """Accuracy of each class that occurs, averaged over them: (N, classes), int64 (N,)."""
    right = logits.argmax(1) == labels
    return float(np.mean([right[labels == label].mean() for label in np.unique(labels)]))


def map_voc2007(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean over the classes of the 11-point interpolated average precision: (N, classes), masks (N,).

    Everingham et al., *The PASCAL visual object classes challenge*, 2010, §4.2: the mean over the recalls 0, 0.1, …, 1
    of the highest precision at that recall or a higher one. Pictures that show a class only as a difficult object are
    left out for it; a class that no picture shows is left out.
    """
    truth = unpack(labels, logits.shape[1])
    precisions = [_eleven_points(logits[:, c], truth[:, c]) for c in range(logits.shape[1]) if (truth[:, c] == 1).any()]
    return float(np.mean(precisions))


def _eleven_points(scores: np.ndarray, truth: np.ndarray) -> float:
    scores, there = scores[truth >= 0], truth[truth >= 0] == 1
    hits = there[np.argsort(-scores, kind="stable")].cumsum()
    recall, precision = hits / hits[-1], hits / np.arange(1, len(hits) + 1)
    return float(np.mean([precision[recall >= point - 1e-12].max() for point in np.linspace(0, 1, 11)]))


METRICS: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
    "accuracy": accuracy,
    "mean_per_class": mean_per_class,
    "map_voc2007": map_voc2007,
}
