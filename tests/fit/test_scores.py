import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeper.data.targets.multilabel import mask
from deeper.fit.scores import METRICS, accuracy, map_voc2007, mean_per_class


def test_each_class_counts_alike_in_the_mean_per_class():
    logits = np.eye(3)[[0, 0, 0, 0, 1, 0]]
    labels = np.array([0, 0, 0, 0, 1, 1])
    assert accuracy(logits, labels) == pytest.approx(5 / 6)
    assert mean_per_class(logits, labels) == pytest.approx(0.75)


def test_eleven_points_by_hand():
    """Ranked right, wrong, right, wrong: precision 1 up to recall 1/2 (six points), 2/3 beyond (five points)."""
    logits = np.array([[4.0], [3.0], [2.0], [1.0]])
    labels = np.array([mask([0]), mask([]), mask([0]), mask([])])
    assert map_voc2007(logits, labels) == pytest.approx((6 * 1 + 5 * 2 / 3) / 11)


def test_difficult_objects_and_classes_that_nobody_shows_are_left_out():
    logits = np.array([[4.0, 0.0], [3.0, 9.0], [2.0, 0.0]])
    without = map_voc2007(logits[[0, 2]], np.array([mask([0]), mask([])]))
    labels = np.array([mask([0]), mask([], difficult=[0]), mask([])])
    assert map_voc2007(logits, labels) == without == 1.0
    assert map_voc2007(logits, np.array([mask([0]), mask([]), mask([])])) == 1.0


@given(st.lists(st.integers(0, 3), min_size=4, max_size=30), st.integers(0, 1000))
def test_a_metric_is_a_share_and_one_for_perfect_logits(labels, seed):
    labels = np.array(labels)
    noise = np.random.default_rng(seed).normal(size=(len(labels), 4))
    for name, metric in METRICS.items():
        own = np.array([mask([int(label)]) for label in labels]) if name == "map_voc2007" else labels
        assert 0 <= metric(noise, own) <= 1
        assert metric(np.eye(4)[labels], own) == 1
