import errno
import json
import os
import signal

import numpy as np
import pytest
import released

from deeper import files
from deeper.data import prepared as arrays
from deeper.data.prepared import LabelledImages
from deeper.data.splits import validation_rows
from deeper.errors import DeeperError

FACTS = {"file": {"bytes": 1, "sha256": "00"}}


def labelled(count=60, classes=10, seed=1):
    train, test = released.pictures(count, classes, seed=seed), released.pictures(20, classes, seed=seed + 1)
    return LabelledImages(*train, *test, [f"class {i}" for i in range(classes)])


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
    rows = validation_rows(data.train_images, data.train_labels, 10, 20)
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


def test_same_set_is_written_in_the_same_bytes(tmp_path, prepared):
    arrays.write_set(tmp_path / "again", "tiny", labelled(), 20, FACTS)
    assert contents(tmp_path / "again") == contents(prepared)


def test_digest_tells_sets_apart(tmp_path, prepared):
    other = arrays.write_set(tmp_path / "other", "tiny", labelled(seed=7), 20, FACTS)
    assert other["digest"] != arrays.read_meta(prepared)["digest"]


# --- the validation split


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
    monkeypatch.setattr(files.ctypes, "CDLL", lambda *args, **kwargs: object())
    new = arrays.write_set(prepared, "tiny", labelled(seed=9), 20, FACTS)
    assert arrays.open_set(prepared).digest == new["digest"]
    assert [path.name for path in prepared.parent.iterdir()] == ["tiny"]


def test_the_old_set_stays_where_names_cannot_be_exchanged_and_the_new_one_cannot_be_named(prepared, monkeypatch):
    before, real = contents(prepared), os.rename

    def rename(one, other):
        if other == prepared and "tiny.before" not in str(one):
            raise OSError(errno.ENOTEMPTY if prepared.exists() else errno.EIO, "no", str(other))
        real(one, other)

    monkeypatch.setattr(files.ctypes, "CDLL", lambda *args, **kwargs: object())
    monkeypatch.setattr(os, "rename", rename)
    with pytest.raises(OSError, match="no"):
        arrays.write_set(prepared, "tiny", labelled(seed=9), 20, FACTS)
    assert contents(prepared) == before


def test_only_what_lies_beside_this_set_is_cleared(tmp_path):
    (tmp_path / ".other.tmp-1").mkdir()
    with files.folder_lock(tmp_path / "*"):
        assert (tmp_path / ".other.tmp-1").exists()
