"""Linear classifiers on frozen features."""

import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from deeper.data.targets.multilabel import unpack

Score = Callable[[np.ndarray, np.ndarray], float]
MOST_STEPS = 500


@dataclass(frozen=True)
class Linear:
    """``((features - mean) / std) @ weight + bias``: float64 (D,), (D,), (D, classes), (classes,); its strength."""

    mean: np.ndarray
    std: np.ndarray
    weight: np.ndarray
    bias: np.ndarray
    strength: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """(N, D) → logits, float32 (N, classes)."""
        return ((features - self.mean) / self.std @ self.weight + self.bias).astype(np.float32)


def best(kind: str, strengths: Sequence[float], train: "Labelled", validation: "Labelled", score: Score) -> Linear:
    """The classifier of the ``strength`` with the best score on the validation part; of equals the strongest.

    Args:
        kind: ``logistic`` (multinomial; one against the rest where labels are masks) or ``ridge`` (least squares).
        strengths: of the squared weights' penalty, in units of the training pictures; larger is stronger.

    Raises:
        ValueError: there is no such kind.
    """
    if kind not in KINDS:
        raise ValueError(f"transfer.mode.classifier={kind}: it must be one of {', '.join(KINDS)}")
    ranked = sorted(strengths, reverse=True)
    found = [(score(fitted(validation.features), validation.labels), fitted) for fitted in KINDS[kind](train, ranked)]
    return max(found, key=lambda one: one[0])[1]


@dataclass(frozen=True)
class Labelled:
    """Features float (N, D), labels int64 (N,), of so many classes; ``several``: labels are masks."""

    features: np.ndarray
    labels: np.ndarray
    classes: int
    several: bool = False

    def standardised(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Features of zero mean and unit deviation, the mean and the deviation; a constant feature stays zero."""
        mean, std = self.features.mean(0, dtype=np.float64), self.features.std(0, dtype=np.float64)
        std[std < 1e-6] = 1.0
        return (self.features - mean) / std, mean, std

    def signs(self) -> np.ndarray:
        """float64 (N, classes): 1 of the class, −1 not, 0 where nothing can be said."""
        if self.several:
            truth = unpack(self.labels, self.classes)
            return np.select([truth == 1, truth == 0], [1.0, -1.0], 0.0)
        return np.where(self.labels[:, None] == np.arange(self.classes), 1.0, -1.0)


def _ridge(train: Labelled, strengths: Sequence[float]) -> Iterator[Linear]:
    features, mean, std = train.standardised()
    signs = train.signs()
    bias = signs.mean(0)
    left, values, right = np.linalg.svd(features, full_matrices=False)
    turned = left.T @ (signs - bias)
    for strength in strengths:
        shrunk = values / (values**2 + strength * len(features))
        yield Linear(mean, std, right.T @ (shrunk[:, None] * turned), bias, strength)


def _logistic(train: Labelled, strengths: Sequence[float]) -> Iterator[Linear]:
    from sklearn.linear_model import LogisticRegression

    features, mean, std = train.standardised()
    tasks = [(features, train.labels)] if not train.several else list(_one_by_one(features, train.signs()))
    models = [LogisticRegression(max_iter=MOST_STEPS, tol=1e-4, warm_start=True) for _ in tasks]
    for strength in strengths:
        for model, (inputs, labels) in zip(models, tasks, strict=True):
            model.C = 1 / (strength * len(inputs))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # the steps are bounded on purpose
                if len(np.unique(labels)) > 1:
                    model.fit(inputs, labels)
        yield Linear(mean, std, *_planes(models, train), strength)


def _one_by_one(features: np.ndarray, signs: np.ndarray) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    for column in signs.T:
        yield features[column != 0], (column[column != 0] > 0).astype(np.int64)


def _planes(models: Sequence, train: Labelled) -> tuple[np.ndarray, np.ndarray]:
    """Weights (D, classes) and biases (classes,); of a class that the training part has not, −∞ as bias."""
    width = train.features.shape[1]
    if train.several:
        fitted = [(m.coef_[0], m.intercept_[0]) if hasattr(m, "coef_") else (np.zeros(width), 0.0) for m in models]
        return np.stack([weight for weight, _ in fitted], 1), np.array([bias for _, bias in fitted])
    model = models[0]
    weight, bias = np.zeros((width, train.classes)), np.full(train.classes, -np.inf)
    if len(model.classes_) == 2:
        weight[:, model.classes_[1]] = model.coef_[0]
        bias[model.classes_] = [0.0, model.intercept_[0]]
    else:
        weight[:, model.classes_], bias[model.classes_] = model.coef_.T, model.intercept_
    return weight, bias


KINDS = {"logistic": _logistic, "ridge": _ridge}
