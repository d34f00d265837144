"""Classifiers of pixels."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from trials import prepare

from deeper.data.batches import load
from deeper.fit.pixels import METHODS, STRENGTHS, forest, logistic


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    root = prepare(tmp_path_factory.mktemp("data"))
    sizes = {"image_size": 14, "train_size": 150, "validation_size": None, "subset_seed": 1}
    return load({"root": str(root), "name": "fashion_mnist", **sizes})


def test_logistic_regression_takes_the_strength_that_validation_says(data):
    found = logistic(data, 0)
    pixels = [(part.images.numpy().reshape(len(part), -1) / 255 - data.mean[0]) / data.std[0] for part in _parts(data)]
    labels = [part.labels.numpy() for part in _parts(data)]
    errors = {}
    for strength in STRENGTHS:
        fitted = LogisticRegression(C=strength, max_iter=1000).fit(pixels[0], labels[0])
        errors[strength] = [np.mean(fitted.predict(x) != y) for x, y in zip(pixels, labels, strict=True)]
    best = min(errors, key=lambda strength: errors[strength][1])
    assert found.setting == f"C={best:g}"
    assert [found.train_error, found.validation_error, found.test_error] == pytest.approx(errors[best], abs=0.011)


def _parts(data):
    return data.train, data.validation, data.test


def test_a_forest_is_the_same_for_a_seed(data):
    one, again, other = forest(data, 3), forest(data, 3), forest(data, 4)
    assert one.test_error == again.test_error
    assert one.train_error == other.train_error == 0
    assert set(METHODS) == {one.method, logistic(data, 0).method}
