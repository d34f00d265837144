import errno
import fcntl

import numpy as np
import pytest
import released

from deeper.data import resized as resizing
from deeper.data.prepared import LabelledImages, open_set, read_meta, write_set
from deeper.data.resized import open_resized, resize
from deeper.errors import DeeperError


@pytest.fixture
def prepared(tmp_path):
    parts = released.pictures(60, 10, seed=1), released.pictures(20, 10, seed=2)
    data = LabelledImages(*parts[0], *parts[1], [f"class {i}" for i in range(10)])
    write_set(tmp_path / "tiny", "tiny", data, 20, {})
    return tmp_path / "tiny"


def test_native_size_is_the_same_array():
    images = released.pictures(3, 3)[0]
    assert resize(images, 28) is images


@pytest.mark.parametrize("size", [1, 7, 14, 29, 56])
@pytest.mark.parametrize("channels", [1, 3])
def test_resized_images_keep_type_channels_and_flat_values(size, channels):
    flat = np.broadcast_to(np.array([0, 131, 255, 7, 250], np.uint8)[:, None, None, None], (5, 28, 28, channels))
    resized = resize(flat, size)
    assert resized.shape == (5, size, size, channels)
    assert resized.dtype == np.uint8
    assert np.array_equal(resized, np.broadcast_to(flat[:, :1, :1], resized.shape))


def test_halving_weighs_neighbours_as_a_triangle_does():
    images = released.pictures(2, 2, size=8)[0]
    weights = np.array([1, 3, 3, 1]) / 8
    window = images[:, 1:5, 1:5, 0].astype(float)
    expected = np.floor(np.einsum("nij,i,j->n", window, weights, weights) + 0.5)
    assert np.array_equal(resize(images, 4)[:, 1, 1, 0], expected)


def test_resize_does_not_depend_on_the_chunk(monkeypatch):
    images = released.pictures(25, 5, channels=3, size=12)[0]
    whole = resize(images, 5)
    monkeypatch.setattr(resizing, "RESIZE_CHUNK", 4)
    assert np.array_equal(resize(images, 5), whole)


def test_a_set_at_another_size_is_kept_and_verified(prepared):
    expected = resize(open_set(prepared).images, 9)
    first = open_resized(prepared, 9)
    (kept,) = (prepared.parent / ".resized").glob("*.npy")
    content = kept.read_bytes()
    (prepared / "images.npy").rename(prepared.parent / "away.npy")
    again = open_resized(prepared, 9)
    for found in (first, again):
        assert np.array_equal(found.images, expected)
        assert found.split("test")[0].shape[1:3] == (9, 9)
    (prepared.parent / "away.npy").rename(prepared / "images.npy")
    for damaged in (content[:-1], content[:-1] + bytes([content[-1] ^ 1]), b""):
        kept.write_bytes(damaged)
        assert np.array_equal(open_resized(prepared, 9).images, expected)
        assert kept.read_bytes() == content


def test_a_set_at_its_own_size_is_the_set(prepared):
    size = read_meta(prepared)["image_shape"][0]
    assert np.array_equal(open_resized(prepared, size).images, open_set(prepared).images)
    assert not (prepared.parent / ".resized").exists()


def test_size_of_nothing_is_refused():
    with pytest.raises(DeeperError, match="cannot be resized to 0"):
        resize(released.pictures(1, 1)[0], 0)


def test_copies_of_an_older_version_of_resize_are_made_again(prepared, monkeypatch):
    open_resized(prepared, 9)
    (earlier,) = (prepared.parent / ".resized").glob("*.npy")
    monkeypatch.setattr(resizing, "RESIZE_VERSION", resizing.RESIZE_VERSION + 1)
    open_resized(prepared, 9)
    (kept,) = (prepared.parent / ".resized").glob("*.npy")
    assert kept != earlier


def test_what_a_killed_process_left_of_a_copy_is_cleared(prepared):
    open_resized(prepared, 9)
    (kept,) = (prepared.parent / ".resized").glob("*.npy")
    kept.unlink()
    leftover = kept.with_name(f".{kept.name}.tmp-dead")
    leftover.mkdir()
    (leftover / kept.name).write_bytes(b"a part of it")
    open_resized(prepared, 9)
    assert sorted(kept.parent.iterdir()) == [kept.with_suffix(".json"), kept]


def test_a_copy_that_another_process_has_written_meanwhile_is_left_alone(prepared, monkeypatch):
    written, tried = [], []

    def slow(images, size):
        tried.append(size)
        if len(tried) == 1:
            open_resized(prepared, size)
        return resize(images, size)

    def counted(path, content, save=resizing.save_file):
        written.append(path.name)
        return save(path, content)

    monkeypatch.setattr(resizing, "resize", slow)
    monkeypatch.setattr(resizing, "save_file", counted)
    open_resized(prepared, 9)
    assert (len(tried), len(written)) == (2, 1)


def test_the_disk_has_the_names_of_a_copy(prepared, monkeypatch):
    there = []
    monkeypatch.setattr(resizing, "sync_folder", lambda place: there.append({path.suffix for path in place.glob("t*")}))
    open_resized(prepared, 9)
    assert there == [{".npy", ".json"}]


def test_a_file_system_without_locks_keeps_no_copy_and_stops_nothing(prepared, monkeypatch):
    def refused(*_):
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(fcntl, "flock", refused)
    assert np.array_equal(open_resized(prepared, 9).images, resize(open_set(prepared).images, 9))
    assert not list(prepared.parent.glob(".resized/*"))


def test_copies_of_the_set_before_it_was_prepared_anew_are_removed(prepared):
    open_resized(prepared, 9)
    other = prepared.parent / ".resized" / "tiny-9-more-0123456789abcdef.npy"
    other.write_bytes(b"of a set whose name begins alike")
    parts = released.pictures(60, 10, seed=3), released.pictures(20, 10, seed=2)
    write_set(prepared, "tiny", LabelledImages(*parts[0], *parts[1], [f"class {i}" for i in range(10)]), 20, {})
    open_resized(prepared, 9)
    open_resized(prepared, 10)
    kept = sorted(path.name[:7] for path in other.parent.glob("tiny-*.npy") if path != other)
    assert kept == ["tiny-10", "tiny-9-"]
    assert other.exists()
