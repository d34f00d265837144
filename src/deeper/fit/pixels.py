"""Classifiers that are no networks, on the same pixels: what whatever is meant to learn must beat."""

import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression

from deeper.data.batches import ImageData, Split
from deeper.seeds import Purpose, seed_of

TREES = 100
STRENGTHS = (0.001, 0.01, 0.1, 1.0)
STEPS = 300


@dataclass(frozen=True)
class PixelClassifier:
    """A fitted classifier: what was chosen for it, its errors as fractions, and the seconds that it took."""

    method: str
    setting: str
    train_error: float
    validation_error: float
    test_error: float
    seconds: float


def logistic(data: ImageData, seed: int) -> PixelClassifier:
    """Multinomial logistic regression on pixels in units of their deviation, from scikit-learn.

    The inverse strength of its L2 penalty is that of ``STRENGTHS`` with the lowest error on the validation pictures.
    """

    def candidates() -> Iterator[tuple[str, LogisticRegression]]:
        for strength in STRENGTHS:
            yield f"C={strength:g}", LogisticRegression(C=strength, max_iter=STEPS)

    return _best("logistic", candidates, data)


def forest(data: ImageData, seed: int) -> PixelClassifier:
    """A random forest of 100 trees, scikit-learn's settings otherwise."""
    state = seed_of(seed, Purpose.BASELINE) % 2**32
    found = f"{TREES} trees", RandomForestClassifier(TREES, n_jobs=1, random_state=state)
    return _best("forest", lambda: iter([found]), data)


def _best(method: str, candidates: Callable[[], Iterator[tuple[str, object]]], data: ImageData) -> PixelClassifier:
    began, fitted = time.perf_counter(), []
    train = _pixels(data, data.train)
    for setting, classifier in candidates():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # the steps are bounded on purpose
            classifier.fit(train, data.train.labels.numpy())
        fitted.append((_error(classifier, data, data.validation), setting, classifier))
    validation_error, setting, classifier = min(fitted, key=lambda one: one[0])
    train_error, test_error = (_error(classifier, data, part) for part in (data.train, data.test))
    return PixelClassifier(method, setting, train_error, validation_error, test_error, time.perf_counter() - began)


def _error(classifier: object, data: ImageData, part: Split) -> float:
    return float(np.mean(classifier.predict(_pixels(data, part)) != part.labels.numpy()))


def _pixels(data: ImageData, part: Split) -> np.ndarray:
    """(pictures, pixels) in units of the set's deviation, float32."""
    return data.normalise(part.images).flatten(1).numpy()


METHODS = {"logistic": logistic, "forest": forest}
