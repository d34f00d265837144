import errno
import itertools
import os
import shutil
from pathlib import Path

import deep_pictures
import numpy as np
import photographs
import pytest
from hydra import compose, initialize_config_dir
from PIL import Image

from deeper.data import list_folder
from deeper.data.class_folders import class_folders
from deeper.data.listing import open_listing
from deeper.data.prepared import write_files
from deeper.errors import DeeperError
from deeper.files import write_json
from deeper.paths import CONF
from deeper.prepare import main, prepare

PARTS = ("train", "validation", "test")


def listed(folder, root, *overrides):
    """What ``prepare`` says, and the listing of ``folder`` below ``root``."""
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        own = [f"data.folder={folder}", f"data.root={root}", *overrides]
        data = compose("prepare", ["data=folder", *own]).data
    return prepare(data), open_listing(root / data.name)


def names(listing, part):
    return [str(listing.path(row).relative_to(listing.place)) for row in listing.rows(part)]


@pytest.fixture
def folder(tmp_path):
    return photographs.write(tmp_path / "pictures")


def test_the_parts_of_imagenet_are_training_and_test_pictures(folder, tmp_path):
    said, listing = listed(folder, tmp_path / "data", "data.held_out=6")
    assert "30 train, 6 validation, 15 test pictures of 3 classes" in said
    assert listing.meta["classes"] == ["n00000000", "n00000001", "n00000002"]
    assert all(name.startswith("val/") for name in names(listing, "test"))
    assert all(name.startswith("train/") for part in ("train", "validation") for name in names(listing, part))
    assert np.bincount(listing.labels[listing.rows("validation")]).tolist() == [2, 2, 2]
    for row, size in enumerate(listing.sizes):
        assert listing.path(row).stat().st_size == size
        assert listing.path(row).parent.name == listing.meta["classes"][listing.labels[row]]


@pytest.mark.parametrize(
    ("parts", "counts"),
    [
        ({"Training": 9, "valid": 2, "test": 3}, {"train": 27, "validation": 6, "test": 9}),
        ({"train": 10, "testing": 3}, {"train": 27, "validation": 3, "test": 9}),
        ({"": 10}, {"train": 22, "validation": 2, "test": 6}),
    ],
)
def test_parts_are_the_folders_own_or_drawn(parts, counts, tmp_path):
    counts = counts if counts["validation"] != 2 else {"train": 21, "validation": 3, "test": 6}
    listing = listed(photographs.write(tmp_path / "pictures", parts=parts), tmp_path / "data")[1]
    assert {part: len(listing.rows(part)) for part in counts} == counts
    everything = [name for part in counts for name in names(listing, part)]
    assert len(set(everything)) == len(everything)


def test_a_listing_does_not_depend_on_where_the_folder_lies(folder, tmp_path):
    one = listed(folder, tmp_path / "one")[1]
    shutil.copytree(folder, tmp_path / "elsewhere")
    two = listed(tmp_path / "elsewhere", tmp_path / "two")[1]
    assert one.digest == two.digest
    shutil.move(folder, tmp_path / "moved")
    with pytest.raises(DeeperError, match=r"is not a folder; .* name where they are now with data\.folder=FOLDER"):
        open_listing(tmp_path / "one" / "folder")
    assert open_listing(tmp_path / "one" / "folder", str(tmp_path / "moved")).read(0) == two.read(0)


def test_a_second_time_does_nothing_and_a_change_lists_again(folder, tmp_path):
    first = listed(folder, tmp_path / "data")[1]
    said, second = listed(folder, tmp_path / "data")
    assert said.endswith("already listed, nothing to do")
    assert first.digest == second.digest
    photographs.picture(folder / "train" / "n00000001" / "new.JPEG", 1, np.random.default_rng(1))
    said, third = listed(folder, tmp_path / "data")
    assert said.startswith("listed again, because the folder or the settings have changed")
    assert third.digest != first.digest
    (tmp_path / "data" / "folder" / "sizes.npy").write_bytes(b"x")
    assert listed(folder, tmp_path / "data")[0].startswith("listed again, because")


@pytest.mark.parametrize(
    ("most", "words", "kept"),
    [(2e9, [], True), (2e9, ["data.digests=false"], False), (1, [], False), (1, ["data.digests=true"], True)],
)
def test_digests_are_made_of_few_bytes_or_when_asked_for(most, words, kept, folder, tmp_path, monkeypatch):
    monkeypatch.setattr(list_folder, "DIGESTED", most)
    assert (listed(folder, tmp_path / "data", *words)[1].digests is not None) == kept


def test_digests_notice_other_bytes_of_the_same_length(folder, tmp_path):
    listing = listed(folder, tmp_path / "data")[1]
    path = listing.path(3)
    content = path.read_bytes()
    path.write_bytes(content[:-9] + b"x" + content[-8:])
    assert listing.read(2)
    with pytest.raises(DeeperError, match="has other bytes than when its folder was listed"):
        listing.read(3)


@pytest.mark.parametrize("digests", [False, True])
def test_an_empty_file_is_no_picture_with_digests_or_without(digests, folder, tmp_path):
    empty = next(folder.rglob("*.JPEG"))
    empty.write_bytes(b"")
    with pytest.raises(
        DeeperError, match=r"1 of 51 pictures cannot be read: .*\.JPEG \(it is empty\); mend them or take"
    ):
        listed(folder, tmp_path / "data", f"data.digests={str(digests).lower()}")
    assert not (tmp_path / "data" / "folder").exists()


@pytest.mark.parametrize("second", [-(10**9), 0, 12 * 10**9])
def test_a_picture_of_any_year_is_listed_and_read(second, folder, tmp_path):
    for picture in folder.rglob("*.JPEG"):
        os.utime(picture, (second, second))
    _, listing = listed(folder, tmp_path / "data", "data.digests=false")
    assert listing.read(3)
    os.utime(listing.path(3), (second + 1, second + 1))
    with pytest.raises(DeeperError, match="was written after its folder was listed"):
        listing.read(3)


def test_times_hold_for_the_folder_by_any_of_its_names(folder, tmp_path):
    _, listing = listed(folder, tmp_path / "data", "data.digests=false")
    (tmp_path / "link").symlink_to(folder)
    for name in (tmp_path / "link", f"{folder.parent}/./{folder.name}", f"{folder}/../{folder.name}"):
        assert open_listing(listing.folder, str(name)).times is not None


def test_what_is_neither_file_nor_folder_is_said(folder, tmp_path):
    os.mkfifo(next(folder.rglob("*.JPEG")).parent / "pipe.jpg")
    assert "pipe.jpg (no file)" in listed(folder, tmp_path / "data")[0]


def test_without_digests_a_later_time_is_noticed_until_the_folder_is_listed_again(folder, tmp_path):
    listing = listed(folder, tmp_path / "data", "data.digests=false")[1]
    path = listing.path(3)
    content = path.read_bytes()
    path.write_bytes(content)
    os.utime(path, ns=(0, 10**18))
    assert listing.read(2)
    with pytest.raises(DeeperError, match="was written after its folder was listed; if it is the same picture, list"):
        listing.read(3)
    said, again = listed(folder, tmp_path / "data", "data.digests=false")
    assert said.endswith("already listed, nothing to do")
    assert (again.digest, again.read(3)) == (listing.digest, content)
    shutil.copytree(folder, tmp_path / "copy", copy_function=shutil.copyfile)
    assert open_listing(again.folder, str(tmp_path / "copy")).read(3) == content, "a copy has other times"


@pytest.mark.parametrize(("root", "name"), [(".", "pictures"), ("pictures/..", "pictures"), ("pictures", "flowers")])
def test_a_folder_is_not_listed_into_itself(root, name, folder, tmp_path):
    before = sorted(folder.rglob("*"))
    with pytest.raises(DeeperError, match=r"is no file of a prepared set|lies in the folder of its pictures"):
        listed(folder, tmp_path / root, f"data.name={name}")
    assert sorted(folder.rglob("*")) == before


def test_pictures_that_came_into_the_place_of_a_listing_stay(folder, tmp_path):
    place = tmp_path / "data" / "folder"
    listed(folder, tmp_path / "data")
    shutil.move(folder, place)
    before = sorted(place.rglob("*"))
    with pytest.raises(DeeperError, match="pictures is there and is no file of a prepared set"):
        listed(place / "pictures", tmp_path / "data", "data.held_out=6")
    assert sorted(place.rglob("*")) == before


@pytest.mark.parametrize("kind", deep_pictures.WHITE)
def test_what_is_white_in_deep_pictures_is_kept_and_said(kind, tmp_path):
    white = deep_pictures.WHITE[kind]
    folder = deep_pictures.write(tmp_path / "pictures", kind)
    said, listing = listed(folder, tmp_path / "data")
    assert listing.white == listing.meta["white"] == {kind: white}
    assert f"of pictures of more than 8 bits {white} is white in all that hold {kind}" in said
    assert listed(folder, tmp_path / "data")[0].endswith("already listed, nothing to do")


def test_another_white_is_another_set(tmp_path):
    folder = deep_pictures.write(tmp_path / "pictures", each=4)
    first = listed(folder, tmp_path / "data")[1]
    meta = {key: value for key, value in first.meta.items() if key not in ("files", "digest", "white")}
    content = {name: np.array(getattr(first, name.removesuffix(".npy"))) for name in first.meta["files"]}
    write_files(tmp_path / "data" / "folder", meta, content)  # as it was listed before white was looked for
    write_json(tmp_path / "data" / "folder" / "place.json", {"folder": str(folder)})
    said, second = listed(folder, tmp_path / "data")
    assert said.startswith("listed again, because the folder or the settings have changed")
    assert second.digest == first.digest
    write_files(tmp_path / "data" / "folder", {**meta, "white": {"integers": 1023}}, content)
    write_json(tmp_path / "data" / "folder" / "place.json", {"folder": str(folder)})
    assert listed(folder, tmp_path / "data")[1].white == {"integers": 4095}


def test_pictures_of_eight_bits_are_listed_as_ever(folder, tmp_path):
    meta = listed(folder, tmp_path / "data")[1].meta
    assert set(meta) == {"name", "classes", "splits", "validation", "bytes", "files", "digest"}


def test_files_that_are_no_pictures_are_said(folder, tmp_path):
    (folder / "train" / "n00000001" / "notes.txt").write_text("x")
    (folder / "train" / "n00000001" / ".hidden.JPEG").write_text("x")
    said, listing = listed(folder, tmp_path / "data")
    assert "1 files and folders are none of them" in said
    assert "train/n00000001/notes.txt" in said
    assert len(listing.labels) == 51


def test_every_ending_that_is_passed_over_is_counted(folder, tmp_path):
    place = folder / "train" / "n00000001"
    for name in ("Thumbs.db", "a.heic", "b.HEIC", "c.heic"):
        (place / name).write_text("x")
    assert listed(folder, tmp_path / "data")[0].endswith(
        "; 4 files and folders are none of them: 3 such as train/n00000001/a.heic (no picture by its suffix .heic), "
        "1 such as train/n00000001/Thumbs.db (no picture by its suffix .db)"
    )


def test_rare_endings_do_not_hide_how_many_there_are(folder, tmp_path):
    for number in range(7):
        (folder / "train" / "n00000001" / f"z.{number}").write_text("x")
    assert listed(folder, tmp_path / "data")[0].endswith("(no picture by its suffix .4) and 2 for other reasons")


def emptied(folder):
    (folder / "train" / "n00000009").mkdir()


def lacking(folder):
    shutil.rmtree(folder / "val" / "n00000001")


def broken(folder):
    picture = next((folder / "train" / "n00000000").iterdir())
    picture.write_bytes(picture.read_bytes()[:300])


def cut(folder):
    (folder / "train" / "n00000000" / "deep.png").write_bytes(deep_pictures.png(2, 3))


def flat(folder):
    for part in ("train", "val"):
        for category in list((folder / part).iterdir())[1:]:
            shutil.rmtree(category)


def looped(folder):
    (folder / "train" / "n00000000" / "again").symlink_to(folder / "train")


@pytest.mark.parametrize(
    ("damage", "overrides", "line"),
    [
        (emptied, (), "class folder train/n00000009 has no picture; put some there, or take it out"),
        (lacking, (), "has no test pictures of n00000001; every part needs every class"),
        (broken, (), "1 of 51 pictures cannot be read: train/n00000000/"),
        (cut, (), "train/n00000000/deep.png (it has more than 8 bits in colour or beside transparency; convert it"),
        (flat, (), "holds pictures of 1 classes"),
        (looped, (), "is a link that leads back to a folder above it"),
        (lambda folder: None, ("data.classes=7",), "3 classes, 7 expected"),
        (lambda folder: None, ("data.held_out=99",), "cannot draw a stratified subset of 99 images from 36"),
        (shutil.rmtree, (), "is not a folder; name the one that holds the class folders"),
    ],
)
def test_a_folder_that_is_no_set_is_one_line(damage, overrides, line, folder, tmp_path, in_process):
    damage(folder)
    own = ["data=folder", f"data.folder={folder}", f"data.root={tmp_path / 'data'}", *overrides]
    status, _, said = in_process(main)(*own)
    assert status == 2
    assert line in said
    assert len(said.splitlines()) == 1
    assert not (tmp_path / "data" / "folder").exists()


@pytest.mark.parametrize(
    ("number", "why"),
    [(errno.EACCES, "Permission denied"), (errno.EIO, "Input/output error")],
    ids=["rights", "server"],
)
def test_a_folder_that_cannot_be_read_is_one_line(number, why, folder, tmp_path, in_process, monkeypatch):
    """The system refuses, as it does where rights are lacking or a network's server is gone; root reads all else."""
    real = os.scandir

    def scandir(path):
        if str(path).endswith("n00000001"):
            raise OSError(number, os.strerror(number), str(path))
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    status, _, said = in_process(main)("data=folder", f"data.folder={folder}", f"data.root={tmp_path / 'data'}")
    assert status == 2
    assert f"train/n00000001 cannot be read ({why}); let this user read it" in said


def test_no_folder_is_one_line(tmp_path, in_process):
    status, _, said = in_process(main)("data=imagenet", f"data.root={tmp_path}")
    assert status == 2
    assert "imagenet: name the folder of class folders with data.folder=FOLDER" in said


def test_a_name_that_is_not_utf8_is_listed_and_read(folder, tmp_path):
    odd = os.fsencode(folder / "train" / "n00000000") + b"/\xff.png"
    with open(odd, "wb") as file:
        Image.new("RGB", (40, 40)).save(file, format="PNG")
    listing = listed(folder, tmp_path / "data")[1]
    (row,) = (row for row in range(len(listing.labels)) if os.fsencode(listing.path(row)) == odd)
    assert listing.read(row)[:4] == b"\x89PNG"


def test_copies_of_a_picture_are_in_one_part(tmp_path):
    folder = photographs.write(tmp_path / "pictures", parts={"": 6})
    for picture in sorted(folder.rglob("*.JPEG")):
        for number in range(3):
            shutil.copy(picture, picture.with_name(f"{number}-{picture.name}"))
    said, listing = listed(folder, tmp_path / "data")
    parts = {part: {listing.digests[row].tobytes() for row in listing.rows(part)} for part in PARTS}
    assert not any(parts[one] & parts[other] for one, other in itertools.combinations(PARTS, 2))
    assert (len(listing.labels), len(set.union(*parts.values()))) == (72, 18)
    assert "byte for byte" not in said


def test_copies_in_the_folders_own_parts_and_in_two_classes_are_counted(tmp_path):
    folder = photographs.write(tmp_path / "pictures", parts={"train": 6, "test": 3})
    one, other, *_ = sorted(path for path in (folder / "train").iterdir() if path.is_dir())
    picture = sorted(one.iterdir())[0]
    shutil.copy(picture, folder / "test" / one.name / "copy.jpg")
    shutil.copy(sorted(one.iterdir())[1], other / "copy.jpg")
    said, _ = listed(folder, tmp_path / "data")
    assert "; 1 test pictures are training or validation pictures too, byte for byte" in said
    assert "; 1 pictures are in another class too, byte for byte" in said


def test_a_folder_by_a_relative_name_is_the_same(folder, tmp_path, monkeypatch):
    found = class_folders(folder)
    monkeypatch.chdir(folder)
    assert class_folders(Path()) == found
    assert {file.name.partition("/")[0] for file in found.files} == {"train", "val"}
