import numpy as np
import pytest
import released
from hypothesis import given, settings
from hypothesis import strategies as st

from deeper.data.splits import statistics, subset, validation_rows
from deeper.errors import DeeperError


@given(st.integers(0, 1000), st.integers(1, 5), st.permutations(range(40)))
@settings(max_examples=25, deadline=None)
def test_validation_images_do_not_depend_on_the_order_of_the_release(seed, each, order):
    images, labels = released.pictures(40, 4, size=3, seed=seed)
    rows = validation_rows(images, labels, 4, 4 * each)
    shuffled = validation_rows(images[order], labels[order], 4, 4 * each)
    assert np.array_equal(np.bincount(labels[rows]), [each] * 4)
    assert {image.tobytes() for image in images[rows]} == {image.tobytes() for image in images[order][shuffled]}
    assert np.array_equal(rows, np.unique(rows))


def test_equal_images_are_held_out_in_the_order_of_the_release():
    assert validation_rows(np.zeros((6, 2, 2, 1), np.uint8), np.array([0, 1] * 3), 2, 4).tolist() == [0, 1, 2, 3]


def test_statistics_are_kept_apart_by_channel():
    images = np.zeros((4, 5, 5, 3), np.uint8)
    images[..., 1] = 255
    images[:2, ..., 2] = 255
    assert statistics(images) == ([0.0, 1.0, 0.5], [0.0, 0.0, 0.5])


label_lists = st.lists(st.integers(0, 4), min_size=5, max_size=60).map(lambda rest: np.array([*range(5), *rest]))


@given(label_lists, st.integers(0, 2**32), st.data())
@settings(deadline=None)
def test_subsets_are_nested_whole_and_repeatable(labels, seed, data):
    large = data.draw(st.integers(5, len(labels)))
    small = data.draw(st.integers(5, large))
    inner, outer = subset(labels, small, seed), subset(labels, large, seed)
    assert len(inner) == small
    assert np.isin(inner, outer).all()
    assert np.array_equal(inner, np.unique(inner))
    assert inner.dtype == np.int64
    assert set(labels[inner]) == set(range(5))
    assert np.array_equal(inner, subset(labels.copy(), small, seed))


@given(st.integers(1, 6), st.integers(1, 30), st.integers(0, 100), st.data())
@settings(deadline=None)
def test_balanced_classes_differ_by_one_at_most(classes, each, seed, data):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(classes), each))
    counts = np.bincount(labels[subset(labels, data.draw(st.integers(classes, len(labels))), seed)])
    assert counts.max() - counts.min() <= 1


def test_unequal_classes_keep_their_shares():
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    for size in (10, 50, 200, 500, 999):
        counts = np.bincount(labels[subset(labels, size, 3)])
        assert np.abs(counts - size * np.array([0.6, 0.3, 0.1])).max() <= 1


def test_subset_of_everything_and_other_seeds():
    labels = np.arange(100) % 10
    assert np.array_equal(subset(labels, None, 0), np.arange(100))
    assert np.array_equal(subset(labels, 100, 0), np.arange(100))
    assert not np.array_equal(subset(labels, 20, 0), subset(labels, 20, 1))


def test_subset_is_the_same_on_every_machine_and_version():
    assert subset(np.arange(30) % 3, 6, 0).tolist() == [0, 1, 2, 11, 21, 25]


@pytest.mark.parametrize("size", [9, 101, 0, -1])
def test_subset_of_an_impossible_size_says_what_is_possible(size):
    with pytest.raises(DeeperError, match="choose a size from 10 to 100"):
        subset(np.arange(100) % 10, size, 0)
