import gzip
import hashlib
import os

import pytest
import released

from deeper.data.released_files import Layout, gather
from deeper.data.sources import Unavailable
from deeper.errors import DeeperError

FILES = {"one": b"first file", "two": b"second file"}


def layout(files=FILES, **more):
    facts = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    return Layout(facts, **more)


def from_folder(folder, described, tmp_path):
    return gather("set", described, [], tmp_path, str(folder))


class Fixed:
    title = "a fixed place"

    def __init__(self, folder):
        self.folder = folder

    def fetch(self, scratch):
        return self.folder


class Closed:
    def __init__(self, title, reason):
        self.title, self.reason = title, reason

    def fetch(self, scratch):
        raise Unavailable(self.reason)


@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize("place", [".", "raw", "Set/raw"])
def test_files_are_found_plain_or_compressed_in_the_folders_torchvision_makes(tmp_path, compress, place):
    released.write(tmp_path / place, FILES, compress)
    got = from_folder(tmp_path, layout(subfolders=["Set/raw", "raw"]), tmp_path)
    assert got.content == FILES
    assert got.facts["one"] == {"bytes": 10, "sha256": hashlib.sha256(b"first file").hexdigest()}
    assert str(tmp_path) in got.route


def test_files_are_found_in_an_archive(tmp_path):
    released.tar(tmp_path / "all.tar.gz", FILES, "all")
    assert from_folder(tmp_path, layout(archive="all.tar.gz"), tmp_path).content == FILES


def test_md5_is_checked_and_kept_where_it_is_what_is_known(tmp_path):
    md5 = {name: {"md5": hashlib.md5(data).hexdigest()} for name, data in FILES.items()}
    released.write(tmp_path, FILES)
    assert set(from_folder(tmp_path, Layout(md5), tmp_path).facts["two"]) == {"bytes", "sha256", "md5"}
    (tmp_path / "two").write_bytes(b"second fill")
    with pytest.raises(DeeperError, match=f"^two .*md5 expected {md5['two']['md5']}, found"):
        from_folder(tmp_path, Layout(md5), tmp_path)


def test_folder_that_is_not_there_or_lacks_a_file_is_named_with_what_it_must_hold(tmp_path):
    with pytest.raises(
        DeeperError, match=r"nowhere is not a folder; name the one that holds one, two \(plain or \.gz\)"
    ):
        from_folder(tmp_path / "nowhere", layout(), tmp_path)
    released.write(tmp_path / "half", {"one": FILES["one"]})
    with pytest.raises(DeeperError, match=r"^two missing in .*half; it must hold one, two \(or all\.tar\.gz\)"):
        from_folder(tmp_path / "half", layout(archive="all.tar.gz"), tmp_path)


def test_named_folder_is_the_only_place_looked_at(tmp_path):
    released.write(tmp_path / "good", FILES)
    (tmp_path / "empty").mkdir()
    with pytest.raises(DeeperError, match="one, two missing in"):
        gather("set", layout(), [Fixed(tmp_path / "good")], tmp_path, str(tmp_path / "empty"))


def test_flipped_byte_is_reported_with_expected_and_found(tmp_path):
    released.write(tmp_path, FILES | {"two": b"Second file"})
    expected, found = (hashlib.sha256(data).hexdigest() for data in (b"second file", b"Second file"))
    with pytest.raises(DeeperError, match=f"^two .*sha256 expected {expected}, found {found}"):
        from_folder(tmp_path, layout(), tmp_path)


@pytest.mark.parametrize("keep", [0, 5, 20, -1, -9])
def test_truncated_gzip_is_named(tmp_path, keep):
    released.write(tmp_path, FILES, compress=True)
    data = (tmp_path / "one.gz").read_bytes()
    (tmp_path / "one.gz").write_bytes(data[:keep])
    with pytest.raises(DeeperError, match=r"one\.gz is truncated or damaged|^one .*sha256 expected"):
        from_folder(tmp_path, layout(), tmp_path)


def content_or_message(folder):
    try:
        return from_folder(folder, layout(), folder).content
    except DeeperError as error:
        return str(error)


def test_every_flipped_bit_in_a_gzip_is_harmless_or_named(tmp_path):
    released.write(tmp_path, FILES, compress=True)
    whole = gzip.compress(FILES["one"], mtime=0)
    named = 0
    for bit in range(8 * len(whole)):
        data = bytearray(whole)
        data[bit // 8] ^= 1 << bit % 8
        (tmp_path / "one.gz").write_bytes(data)
        outcome = content_or_message(tmp_path)
        assert outcome == FILES or outcome.startswith((str(tmp_path / "one.gz"), "one "))
        named += outcome != FILES
    assert named > 4 * len(whole)


@pytest.mark.parametrize("damage", [lambda data: data[: len(data) // 2], lambda data: b"", lambda data: b"x" * 100])
def test_broken_archive_is_named(tmp_path, damage):
    path = released.tar(tmp_path / "all.tar.gz", {name: os.urandom(5000) for name in FILES}, "all")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DeeperError, match=r"all\.tar\.gz is truncated or damaged|missing in .*all\.tar\.gz"):
        from_folder(tmp_path, layout(archive="all.tar.gz"), tmp_path)


@pytest.mark.parametrize("form", ["plain", "gz", "tar"])
def test_a_file_that_is_longer_than_the_released_one_is_not_read(tmp_path, form):
    longer = FILES | {"one": bytes(1_000_000)}
    if form == "tar":
        released.tar(tmp_path / "all.tar.gz", longer, "all")
    else:
        released.write(tmp_path, longer, compress=form == "gz")
    with pytest.raises(DeeperError, match=r"it holds more than 10 bytes and is not the released file; fetch it again"):
        from_folder(tmp_path, layout(archive="all.tar.gz"), tmp_path)


# --- routes in turn


def test_first_route_that_delivers_is_taken_and_the_others_are_mentioned(tmp_path):
    released.write(tmp_path / "good", FILES)
    got = gather("set", layout(), [Closed("mirror", "gone"), Fixed(tmp_path / "good"), Closed("x", "y")], tmp_path)
    assert got.content == FILES
    assert got.route == "a fixed place (before it: mirror: gone)"


def test_no_route_left_names_each_with_its_reason_and_what_to_do(tmp_path):
    with pytest.raises(DeeperError) as caught:
        gather("set", layout(), [Closed("mirror", "gone"), Closed("package", "no apt")], tmp_path)
    assert str(caught.value) == (
        "no source for set: mirror: gone; package: no apt. "
        "Put one, two (plain or .gz) into a folder and give data.folder=FOLDER"
    )


def test_wrong_bytes_from_a_route_stop_everything(tmp_path):
    released.write(tmp_path / "bad", FILES | {"one": b"first film"})
    released.write(tmp_path / "good", FILES)
    with pytest.raises(DeeperError, match=r"^one \(a fixed place\) is not the released file"):
        gather("set", layout(), [Fixed(tmp_path / "bad"), Fixed(tmp_path / "good")], tmp_path)
