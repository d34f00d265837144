import json
import os
import signal

import numpy as np
import pytest
import released
from hypothesis import given, settings
from hypothesis import strategies as st

from deeper import files
from deeper.data import prepared as arrays
from deeper.data.prepared import Labelled
from deeper.errors import DeeperError

FACTS = {"file": {"bytes": 1, "sha256": "00"}}


def labelled(count=60, classes=10, seed=1):
    train, test = released.pictures(count, classes, seed=seed), released.pictures(20, classes, seed=seed + 1)
    return Labelled(*train, *test, [f"class {i}" for i in range(classes)])


@pytest.fixture
def prepared(tmp_path):
    arrays.write_set(tmp_path / "tiny", "tiny", labelled(), 20, FACTS)
    return tmp_path / "tiny"


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


# --- what is written


def test_set_holds_every_image_once_in_its_split(prepared):
    opened, data = arrays.open_set(prepared), labelled()
    assert opened.meta["splits"] == {"train": [0, 40], "validation": [40, 60], "test": [60, 80]}
    rows = arrays.validation_rows(data.train_images, data.train_labels, 10, 20)
    rest = [row for row in range(60) if row not in rows]
    for split, images, labels in (
        ("train", data.train_images[rest], data.train_labels[rest]),
        ("validation", data.train_images[rows], data.train_labels[rows]),
        ("test", data.test_images, data.test_labels),
    ):
        assert np.array_equal(opened.split(split)[0], images)
        assert np.array_equal(opened.split(split)[1], labels)
    assert opened.images.dtype == np.uint8
    assert opened.labels.dtype == np.int64
    assert isinstance(opened.images, np.memmap)
    assert not opened.images.flags.writeable


def test_meta_is_as_the_formats_page_says(prepared):
    meta = json.loads((prepared / "meta.json").read_text())
    train = np.load(prepared / "images.npy")[:40]
    assert list(meta) == [
        *("name", "classes", "image_shape", "splits", "mean", "std", "validation", "source", "files", "digest")
    ]
    assert meta["image_shape"] == [28, 28, 1]
    assert meta["mean"] == pytest.approx([train.mean() / 255], abs=1e-6)
    assert meta["std"] == pytest.approx([train.std() / 255], abs=1e-6)
    assert meta["source"] == FACTS
    assert arrays.open_set(prepared).digest == meta["digest"] == arrays.read_meta(prepared)["digest"]


def test_statistics_are_kept_apart_by_channel():
    images = np.zeros((4, 5, 5, 3), np.uint8)
    images[..., 1] = 255
    images[:2, ..., 2] = 255
    assert arrays.statistics(images) == ([0.0, 1.0, 0.5], [0.0, 0.0, 0.5])


def test_same_set_is_written_in_the_same_bytes(tmp_path, prepared):
    arrays.write_set(tmp_path / "again", "tiny", labelled(), 20, FACTS)
    assert contents(tmp_path / "again") == contents(prepared)


def test_digest_tells_sets_apart(tmp_path, prepared):
    other = arrays.write_set(tmp_path / "other", "tiny", labelled(seed=7), 20, FACTS)
    assert other["digest"] != arrays.read_meta(prepared)["digest"]


# --- the validation split


@given(st.integers(0, 1000), st.integers(1, 5), st.permutations(range(40)))
@settings(max_examples=25, deadline=None)
def test_validation_images_do_not_depend_on_the_order_of_the_release(seed, each, order):
    images, labels = released.pictures(40, 4, size=3, seed=seed)
    rows = arrays.validation_rows(images, labels, 4, 4 * each)
    shuffled = arrays.validation_rows(images[order], labels[order], 4, 4 * each)
    assert np.array_equal(np.bincount(labels[rows]), [each] * 4)
    assert {image.tobytes() for image in images[rows]} == {image.tobytes() for image in images[order][shuffled]}
    assert np.array_equal(rows, np.unique(rows))


def test_equal_images_are_held_out_in_the_order_of_the_release():
    assert arrays.validation_rows(np.zeros((6, 2, 2, 1), np.uint8), np.array([0, 1] * 3), 2, 4).tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize(("size", "words"), [(15, "15 cannot hold"), (60, "too few"), (70, "too few")])
def test_validation_split_that_cannot_be_is_refused(tmp_path, size, words):
    with pytest.raises(DeeperError, match=words):
        arrays.write_set(tmp_path / "tiny", "tiny", labelled(), size, FACTS)
    assert list(tmp_path.iterdir()) == []


# --- damage


def test_missing_set_says_how_to_prepare_it(tmp_path):
    with pytest.raises(DeeperError, match=r"prepare it: python -m deeper\.prepare data=tiny"):
        arrays.open_set(tmp_path / "tiny")


def flip(path, place):
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("name", ["images.npy", "labels.npy"])
@pytest.mark.parametrize("place", [0, 100, 140, -1])
def test_flipped_bit_is_found_with_file_and_both_digests(prepared, name, place):
    expected = arrays.read_meta(prepared)["files"][name]["sha256"]
    flip(prepared / name, place)
    with pytest.raises(
        DeeperError, match=rf"{name} is damaged: expected {expected}, found [0-9a-f]{{64}}; .*data=tiny"
    ):
        arrays.open_set(prepared)


@pytest.mark.parametrize("verify", [True, False])
@pytest.mark.parametrize("name", ["images.npy", "labels.npy"])
def test_truncated_or_missing_file_is_found_even_without_digests(prepared, name, verify):
    data = (prepared / name).read_bytes()
    (prepared / name).write_bytes(data[:-1])
    with pytest.raises(DeeperError, match=rf"{name} is damaged: expected {len(data)} bytes, found {len(data) - 1}"):
        arrays.open_set(prepared, verify)
    (prepared / name).unlink()
    with pytest.raises(DeeperError, match=rf"{name} is missing"):
        arrays.open_set(prepared, verify)


@pytest.mark.parametrize("change", [{"mean": [0.5]}, {"digest": "00"}, {"image_shape": [14, 56, 1]}])
def test_changed_meta_is_found(prepared, change):
    meta = json.loads((prepared / "meta.json").read_text())
    (prepared / "meta.json").write_text(json.dumps(meta | change))
    with pytest.raises(DeeperError, match=r"meta\.json is damaged: expected"):
        arrays.read_meta(prepared)


@pytest.mark.parametrize("text", ["", "{", "[1]", "{}", "\0"])
def test_meta_that_is_not_one_is_found(prepared, text):
    (prepared / "meta.json").write_text(text)
    with pytest.raises(DeeperError, match=r"meta\.json is damaged"):
        arrays.open_set(prepared)


def test_arrays_of_another_shape_than_meta_are_refused(prepared):
    meta = json.loads((prepared / "meta.json").read_text()) | {"image_shape": [56, 14, 1]}
    meta["digest"] = arrays.meta_digest(meta)
    (prepared / "meta.json").write_text(json.dumps(meta))
    with pytest.raises(
        DeeperError, match=r"images\.npy is damaged: expected uint8 \(80, 56, 14, 1\), found uint8 \(80, 28"
    ):
        arrays.open_set(prepared)


def test_unknown_split_names_the_known_ones(prepared):
    with pytest.raises(DeeperError, match="no split 'val'; there are: train, validation, test"):
        arrays.open_set(prepared).split("val")


# --- a kill at any moment

STEPS = ["fsync", "rename", "mkdir"]


def killed_at(monkeypatch, call, number, work):
    """Fork, let the child do ``work`` and kill itself at the ``number``-th ``call`` of os; True where it got there."""
    child = os.fork()
    if child == 0:
        left, real = [number], getattr(os, call)

        def deadly(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*args, **kwargs)

        monkeypatch.setattr(os, call, deadly)
        try:
            work()
        finally:
            os._exit(0)
    return os.WIFSIGNALED(os.waitpid(child, 0)[1])


@pytest.mark.parametrize("call", STEPS)
@pytest.mark.parametrize("before", ["nothing", "another set"])
def test_kill_leaves_the_old_set_or_the_new_one(tmp_path, monkeypatch, call, before):
    place = tmp_path / "data" / "tiny"
    new = arrays.write_set(tmp_path / "reference" / "tiny", "tiny", labelled(), 20, FACTS)["digest"]
    allowed = {None, new}
    if before == "another set":
        allowed = {arrays.write_set(place, "tiny", labelled(seed=9), 20, FACTS)["digest"], new}
    number = 1
    while killed_at(monkeypatch, call, number, lambda: arrays.write_set(place, "tiny", labelled(), 20, FACTS)):
        assert (arrays.open_set(place).digest if place.exists() else None) in allowed
        number += 1
    assert number > 1
    assert arrays.open_set(place).digest == new
    with files.folder_lock(place):
        assert [path.name for path in place.parent.iterdir() if path.is_dir()] == ["tiny"]


def test_failed_write_leaves_the_old_set_and_nothing_else(prepared, monkeypatch):
    before = contents(prepared)

    def full(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(np, "save", full)
    with pytest.raises(OSError, match="No space left"):
        arrays.write_set(prepared, "tiny", labelled(seed=9), 20, FACTS)
    assert contents(prepared) == before
    assert [path.name for path in prepared.parent.iterdir()] == ["tiny"]


def test_set_takes_its_place_where_names_cannot_be_exchanged(prepared, monkeypatch):
    monkeypatch.setattr(arrays.ctypes, "CDLL", lambda *args, **kwargs: object())
    new = arrays.write_set(prepared, "tiny", labelled(seed=9), 20, FACTS)
    assert arrays.open_set(prepared).digest == new["digest"]
    assert [path.name for path in prepared.parent.iterdir()] == ["tiny"]


# --- subsets

label_lists = st.lists(st.integers(0, 4), min_size=5, max_size=60).map(lambda rest: np.array([*range(5), *rest]))


@given(label_lists, st.integers(0, 2**32), st.data())
@settings(deadline=None)
def test_subsets_are_nested_whole_and_repeatable(labels, seed, data):
    large = data.draw(st.integers(5, len(labels)))
    small = data.draw(st.integers(5, large))
    inner, outer = arrays.subset(labels, small, seed), arrays.subset(labels, large, seed)
    assert len(inner) == small
    assert np.isin(inner, outer).all()
    assert np.array_equal(inner, np.unique(inner))
    assert inner.dtype == np.int64
    assert set(labels[inner]) == set(range(5))
    assert np.array_equal(inner, arrays.subset(labels.copy(), small, seed))


@given(st.integers(1, 6), st.integers(1, 30), st.integers(0, 100), st.data())
@settings(deadline=None)
def test_balanced_classes_differ_by_one_at_most(classes, each, seed, data):
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(classes), each))
    counts = np.bincount(labels[arrays.subset(labels, data.draw(st.integers(classes, len(labels))), seed)])
    assert counts.max() - counts.min() <= 1


def test_unequal_classes_keep_their_shares():
    labels = np.repeat([0, 1, 2], [600, 300, 100])
    for size in (10, 50, 200, 500, 999):
        counts = np.bincount(labels[arrays.subset(labels, size, 3)])
        assert np.abs(counts - size * np.array([0.6, 0.3, 0.1])).max() <= 1


def test_subset_of_everything_and_other_seeds():
    labels = np.arange(100) % 10
    assert np.array_equal(arrays.subset(labels, None, 0), np.arange(100))
    assert np.array_equal(arrays.subset(labels, 100, 0), np.arange(100))
    assert not np.array_equal(arrays.subset(labels, 20, 0), arrays.subset(labels, 20, 1))


def test_subset_is_the_same_on_every_machine_and_version():
    assert arrays.subset(np.arange(30) % 3, 6, 0).tolist() == [0, 1, 2, 11, 21, 25]


@pytest.mark.parametrize("size", [9, 101, 0, -1])
def test_subset_of_an_impossible_size_says_what_is_possible(size):
    with pytest.raises(DeeperError, match="choose a size from 10 to 100"):
        arrays.subset(np.arange(100) % 10, size, 0)


# --- sizes


def test_native_size_is_the_same_array():
    images = released.pictures(3, 3)[0]
    assert arrays.resize(images, 28) is images


@pytest.mark.parametrize("size", [1, 7, 14, 29, 56])
@pytest.mark.parametrize("channels", [1, 3])
def test_resized_images_keep_type_channels_and_flat_values(size, channels):
    flat = np.broadcast_to(np.array([0, 131, 255, 7, 250], np.uint8)[:, None, None, None], (5, 28, 28, channels))
    resized = arrays.resize(flat, size)
    assert resized.shape == (5, size, size, channels)
    assert resized.dtype == np.uint8
    assert np.array_equal(resized, np.broadcast_to(flat[:, :1, :1], resized.shape))


def test_halving_weighs_neighbours_as_a_triangle_does():
    images = released.pictures(2, 2, size=8)[0]
    weights = np.array([1, 3, 3, 1]) / 8
    window = images[:, 1:5, 1:5, 0].astype(float)
    expected = np.floor(np.einsum("nij,i,j->n", window, weights, weights) + 0.5)
    assert np.array_equal(arrays.resize(images, 4)[:, 1, 1, 0], expected)


def test_resize_does_not_depend_on_the_chunk(monkeypatch):
    images = released.pictures(25, 5, channels=3, size=12)[0]
    whole = arrays.resize(images, 5)
    monkeypatch.setattr(arrays, "RESIZE_CHUNK", 4)
    assert np.array_equal(arrays.resize(images, 5), whole)


def test_a_set_at_another_size_is_kept_and_verified(prepared):
    expected = arrays.resize(arrays.open_set(prepared).images, 9)
    first = arrays.open_resized(prepared, 9)
    (kept,) = (prepared.parent / ".resized").glob("*.npy")
    content = kept.read_bytes()
    (prepared / "images.npy").rename(prepared.parent / "away.npy")
    again = arrays.open_resized(prepared, 9)
    for found in (first, again):
        assert np.array_equal(found.images, expected)
        assert found.split("test")[0].shape[1:3] == (9, 9)
    (prepared.parent / "away.npy").rename(prepared / "images.npy")
    for damaged in (content[:-1], content[:-1] + bytes([content[-1] ^ 1]), b""):
        kept.write_bytes(damaged)
        assert np.array_equal(arrays.open_resized(prepared, 9).images, expected)
        assert kept.read_bytes() == content


def test_a_set_at_its_own_size_is_the_set(prepared):
    size = arrays.read_meta(prepared)["image_shape"][0]
    assert np.array_equal(arrays.open_resized(prepared, size).images, arrays.open_set(prepared).images)
    assert not (prepared.parent / ".resized").exists()


def test_size_of_nothing_is_refused():
    with pytest.raises(DeeperError, match="cannot be resized to 0"):
        arrays.resize(released.pictures(1, 1)[0], 0)
