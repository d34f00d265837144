"""From a listing to arrays, and what a seed sees of them."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from deeper.data import prepared as arrays
from deeper.data.pictures import Collection, Picture, Unreadable
from deeper.data.targets import target_set as target
from deeper.data.targets.multilabel import mask
from deeper.errors import DeeperError

SETTINGS = {
    "name": "toys",
    "size": 8,
    "fit": "crop",
    "classes": 2,
    "counts": {"train": 8, "test": 4},
    "reader": {"_target_": "a.b"},
    "packages": [],
    "path": None,
}


def picture(number, part, label, opened=None, group=None):
    def plain():
        return Image.new("RGB", (12, 10), (10 * number, 100 * label, 0))

    return Picture(f"{part}/{number}.png", label, part, group or f"g{number}", opened or plain)


def listing(**replaced):
    parts = ["test"] * 4 + ["train"] * 8
    pictures = [picture(n, part, n % 2, replaced.get(f"p{n}")) for n, part in enumerate(parts)]
    return Collection(["red", "green"], pictures, {"train/odd.txt": "no picture"})


def test_the_pool_comes_first_and_every_picture_keeps_label_and_name(tmp_path):
    meta = target.write(tmp_path / "toys", SETTINGS, listing(), {"folder": "x"})
    prepared = arrays.open_set(tmp_path / "toys")
    assert meta["splits"] == {"train": [0, 8], "validation": [8, 8], "test": [8, 12]}
    assert prepared.labels.tolist() == [0, 1] * 6
    names = json.loads((tmp_path / "toys/names.json").read_text())
    assert [name.partition("/")[0] for name in names] == ["train"] * 8 + ["test"] * 4
    assert prepared.images[names.index("train/5.png"), 3, 3].tolist() == [50, 100, 0]
    assert meta["dropped"] == {"train/odd.txt": "no picture"}


def test_a_picture_that_cannot_be_decoded_is_left_out_counted_and_named(tmp_path):
    def broken():
        raise Unreadable("truncated")

    meta = target.write(tmp_path / "toys", SETTINGS, listing(p5=broken), {})
    assert meta["left_out"] == {"train/5.png": "truncated"}
    assert meta["splits"]["train"] == [0, 7]
    assert meta["splits"]["test"] == [7, 11]


def test_a_set_of_which_much_cannot_be_decoded_is_refused(tmp_path):
    def broken():
        raise Unreadable("truncated")

    with pytest.raises(DeeperError, match=r"3 of 12 pictures cannot be read, the first test/1.png \(truncated\)"):
        target.write(tmp_path / "toys", SETTINGS, listing(p1=broken, p2=broken, p6=broken), {})
    assert not (tmp_path / "toys").exists()


def test_a_class_that_has_lost_its_pictures_is_named(tmp_path):
    parts = ["test"] * 2 + ["train"] * 10

    def broken():
        raise Unreadable("truncated")

    pictures = [picture(n, part, n % 2, broken if n == 1 else None) for n, part in enumerate(parts)]
    sizes = {"counts": {"train": 10, "test": 2}}
    with pytest.raises(DeeperError, match=r"class green has no picture for test \(1 of the set cannot be read\)"):
        target.write(tmp_path / "toys", SETTINGS | sizes, Collection(["red", "green"], pictures, {}), {})
    alike = [picture(n, part, n % 2, group="same" if n % 2 else None) for n, part in enumerate(parts)]
    with pytest.raises(DeeperError, match="class green has 1 training pictures that differ"):
        target.write(tmp_path / "toys", SETTINGS | sizes, Collection(["red", "green"], alike, {}), {})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"classes": 3}, "2 classes found, 3 expected"),
        ({"counts": {"train": 9, "test": 4}}, "8 pictures in the train part, 9 expected"),
        ({"fit": "stretch"}, "one of crop, pad"),
    ],
)
def test_a_wrong_count_says_what_was_found(tmp_path, changed, words):
    with pytest.raises(DeeperError, match=words):
        target.write(tmp_path / "toys", {**SETTINGS, **changed}, listing(), {})


def test_a_set_made_with_other_settings_is_not_current(tmp_path):
    assert not target.is_current(tmp_path / "toys", SETTINGS)
    target.write(tmp_path / "toys", SETTINGS, listing(), {})
    assert target.is_current(tmp_path / "toys", SETTINGS)
    assert not target.is_current(tmp_path / "toys", {**SETTINGS, "size": 9})
    (tmp_path / "toys/groups.npy").write_bytes(b"damaged")
    assert not target.is_current(tmp_path / "toys", SETTINGS)


def test_the_same_listing_gives_the_same_set(tmp_path):
    one = target.write(tmp_path / "toys", SETTINGS, listing(), {})
    assert target.write(tmp_path / "again/toys", SETTINGS, listing(), {}) == one


def test_the_digest_of_the_content_does_not_tell_where_it_came_from(tmp_path):
    one = target.write(tmp_path / "one/toys", SETTINGS, listing(), {"folder": "here"})
    other = target.write(tmp_path / "other/toys", {**SETTINGS, "path": "/there"}, listing(), {"folder": "there"})
    assert one["digest"] != other["digest"]
    assert target.content_digest(one) == target.content_digest(other)
    smaller = target.write(tmp_path / "less/toys", {**SETTINGS, "size": 6}, listing(), {})
    assert target.content_digest(smaller) != target.content_digest(one)


def test_a_wide_picture_is_cropped_or_padded_white(tmp_path):
    wide = Image.new("RGB", (40, 10), "black")
    cropped, padded = np.asarray(target._crop(wide, 8)), np.asarray(target._pad(wide, 8))
    assert (cropped == 0).all()
    assert (padded[0] == 255).all()
    assert (padded[4] == 0).all()


@st.composite
def pools(draw):
    classes = draw(st.lists(st.integers(0, 2), min_size=6, max_size=40))
    classes = [0, 0, 1, 1, 2, 2, *classes]
    groups = [0, 1, 2, 3, 4, 5, *draw(st.lists(st.integers(0, 12), min_size=len(classes) - 6, max_size=len(classes)))]
    return np.array(classes), np.array(groups[: len(classes)])


@given(pools(), st.integers(0, 5), st.sampled_from([0.1, 0.2, 0.5]), st.sampled_from([None, 1, 2, 5]))
def test_no_group_is_on_two_sides_and_every_class_on_both(pool, seed, share, each):
    classes, groups = pool
    rows = np.concatenate([classes, [0, 1]]), np.concatenate([groups, [90, 91]])
    parts = target.draw(*rows, len(classes), seed, share, each)
    held, trained = set(groups[parts.validation]), set(groups[parts.train])
    assert not held & trained
    assert parts.test.tolist() == [len(classes), len(classes) + 1]
    if each is None:
        assert sorted([*parts.train, *parts.validation]) == list(range(len(classes)))
    else:
        assert np.bincount(classes[parts.train]).max() <= each


@given(pools(), st.integers(0, 5))
def test_fewer_pictures_a_class_are_among_more(pool, seed):
    classes, groups = pool
    chosen = [set(target.draw(classes, groups, len(classes), seed, 0.2, each).train.tolist()) for each in (1, 3, None)]
    assert chosen[0] <= chosen[1] <= chosen[2]


def test_seeds_hold_out_other_pictures():
    classes, groups = np.repeat([0, 1], 20), np.arange(40)
    held = [tuple(target.draw(classes, groups, 40, seed, 0.2, None).validation) for seed in range(4)]
    assert len(set(held)) == 4
    assert {len(rows) for rows in held} == {8}


def test_a_class_of_one_group_cannot_be_divided():
    with pytest.raises(DeeperError, match="class 1 of the target set has training pictures of one group alone"):
        target.draw(np.array([0, 0, 1, 1]), np.array([0, 1, 2, 2]), 4, 0, 0.2, None)


def several(tmp_path):
    pictures = [picture(n, "train" if n < 8 else "test", mask([n % 2])) for n in range(12)]
    target.write(tmp_path / "toys", SETTINGS, Collection(["red", "green"], pictures, {}, several=True), {})
    return tmp_path / "toys"


def test_several_labels_a_picture_have_no_number_a_class(tmp_path):
    folder = several(tmp_path)
    found = target.load(folder, 8, 3, [0.5] * 3, [0.5] * 3, 0, 0.25, None)
    assert found.several
    assert len(found.parts.validation) == 2
    with pytest.raises(DeeperError, match="per_class must be null"):
        target.load(folder, 8, 3, [0.5] * 3, [0.5] * 3, 0, 0.25, 2)


def test_pictures_come_in_the_size_channels_and_normalisation_asked_for(tmp_path):
    target.write(tmp_path / "toys", SETTINGS, listing(), {})
    found = target.load(tmp_path / "toys", 4, 1, [0.25], [0.5], 0, 0.25, None)
    split = found.split()
    assert split.images.shape == (12, 4, 4, 1)
    grey = round(0.299 * 40 + 0.587 * 0)
    assert split.images[0, 0, 0, 0] == grey
    assert np.isclose(found.normalise(split.images[:1])[0, 0, 0, 0].item(), (grey / 255 - 0.25) / 0.5)
