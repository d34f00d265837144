"""From the listing of a target set to its arrays."""

import json

import numpy as np
import pytest
from PIL import Image
from target_listing import SETTINGS, listing, picture

from deeper.data.pictures import Collection, Unreadable
from deeper.data.prepared import open_set
from deeper.data.targets import target_arrays as target
from deeper.errors import DeeperError


def test_the_pool_comes_first_and_every_picture_keeps_label_and_name(tmp_path):
    meta = target.write(tmp_path / "toys", SETTINGS, listing(), {"folder": "x"})
    prepared = open_set(tmp_path / "toys")
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


def test_deep_pictures_of_a_set_have_one_white(tmp_path):
    def deep(value):
        return lambda: Image.fromarray(np.full((8, 8), value, np.uint16))

    meta = target.write(tmp_path / "toys", SETTINGS, listing(p5=deep(200), p6=deep(4000)), {})
    assert meta["white"] == {"integers": 4095}
    names = json.loads((tmp_path / "toys/names.json").read_text())
    images = open_set(tmp_path / "toys").images
    seen = [images[number].max() for number, name in enumerate(names) if name.endswith(("/5.png", "/6.png"))]
    assert sorted(seen) == [200 * 255 // 4095, 4000 * 255 // 4095]
    assert "white" not in target.write(tmp_path / "others", SETTINGS | {"name": "others"}, listing(), {})


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
    moved = {**SETTINGS, "reader": {"_target_": "elsewhere.a.b"}}
    assert target.is_current(tmp_path / "toys", moved)
    assert not target.is_current(tmp_path / "toys", {**SETTINGS, "reader": {"_target_": "a.c"}})
    assert not target.is_current(tmp_path / "toys", {**SETTINGS, "reader": {"_target_": "a.b", "test": 0.1}})
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
