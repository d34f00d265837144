"""What a seed sees of a target set."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from target_listing import SETTINGS, listing, picture

from deeper.data.pictures import Collection
from deeper.data.targets.multilabel import mask
from deeper.data.targets.target_arrays import write
from deeper.data.targets.target_set import draw as draw_parts
from deeper.data.targets.target_set import load
from deeper.errors import DeeperError


@st.composite
def pools(draw):
    classes = draw(st.lists(st.integers(0, 2), min_size=6, max_size=40))
    classes = [0, 0, 1, 1, 2, 2, *classes]
    groups = [0, 1, 2, 3, 4, 5, *draw(st.lists(st.integers(0, 12), min_size=len(classes) - 6, max_size=len(classes)))]
    return np.array(classes), np.array(groups[: len(classes)])


@given(pools(), st.integers(0, 5), st.sampled_from([0.1, 0.2, 0.5]), st.sampled_from([None, 1, 2, 5]))
def test_no_group_is_on_two_sides_and_every_class_is_trained(pool, seed, share, each):
    classes, groups = pool
    rows = np.concatenate([classes, [0, 1]]), np.concatenate([groups, [90, 91]])
    parts = draw_parts(*rows, len(classes), seed, share, each)
    held, trained = set(groups[parts.validation]), set(groups[parts.train])
    assert not held & trained
    assert set(classes[parts.train]) == set(classes)
    assert parts.test.tolist() == [len(classes), len(classes) + 1]
    if each is None:
        assert sorted([*parts.train, *parts.validation]) == list(range(len(classes)))
    else:
        assert np.bincount(classes[parts.train]).max() <= each


@given(pools(), st.integers(0, 5))
def test_fewer_pictures_a_class_are_among_more(pool, seed):
    classes, groups = pool
    chosen = [set(draw_parts(classes, groups, len(classes), seed, 0.2, each).train.tolist()) for each in (1, 3, None)]
    assert chosen[0] <= chosen[1] <= chosen[2]


def test_seeds_hold_out_other_pictures():
    classes, groups = np.repeat([0, 1], 20), np.arange(40)
    held = [tuple(draw_parts(classes, groups, 40, seed, 0.2, None).validation) for seed in range(4)]
    assert len(set(held)) == 4
    assert {len(rows) for rows in held} == {8}


def test_a_class_of_one_group_cannot_be_divided():
    with pytest.raises(DeeperError, match="class 1 of the target set has training pictures of one group alone"):
        draw_parts(np.array([0, 0, 1, 1]), np.array([0, 1, 2, 2]), 4, 0, 0.2, None)


def several(tmp_path):
    pictures = [picture(n, "train" if n < 8 else "test", mask([n % 2])) for n in range(12)]
    write(tmp_path / "toys", SETTINGS, Collection(["red", "green"], pictures, {}, several=True), {})
    return tmp_path / "toys"


def test_several_labels_a_picture_have_no_number_a_class(tmp_path):
    folder = several(tmp_path)
    found = load(folder, 8, 3, [0.5] * 3, [0.5] * 3, 0, 0.25, None)
    assert found.several
    assert len(found.parts.validation) == 2
    with pytest.raises(DeeperError, match="per_class must be null"):
        load(folder, 8, 3, [0.5] * 3, [0.5] * 3, 0, 0.25, 2)


def test_pictures_come_in_the_size_channels_and_normalisation_asked_for(tmp_path):
    write(tmp_path / "toys", SETTINGS, listing(), {})
    found = load(tmp_path / "toys", 4, 1, [0.25], [0.5], 0, 0.25, None)
    split = found.split()
    assert split.images.shape == (12, 4, 4, 1)
    grey = round(0.299 * 40 + 0.587 * 0)
    assert split.images[0, 0, 0, 0] == grey
    assert np.isclose(found.normalise(split.images[:1])[0, 0, 0, 0].item(), (grey / 255 - 0.25) / 0.5)


@pytest.mark.parametrize("seed", range(20))
def test_a_class_whose_groups_are_another_ones_too_keeps_one_to_train(seed):
    classes, groups = np.array([0, 0, 0, 0, 1, 1]), np.array([0, 1, 2, 3, 0, 1])
    assert set(classes[draw_parts(classes, groups, 6, seed, 0.5, None).train]) == {0, 1}
