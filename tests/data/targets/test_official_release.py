import hashlib
import io
import os
import tarfile
import zipfile

import pytest
from official_sets import write_aircraft, write_caltech101, write_cars, write_cub, write_voc2007

from deeper.data.targets import aircraft, caltech101, cars, cub, official_release, voc2007
from deeper.errors import DeeperError

READERS = {module.RELEASE.title: module for module in (aircraft, caltech101, cars, cub, voc2007)}


def pack(archive, folder, *members):
    """Write ``members`` of ``folder`` as the tar file ``archive``, whatever its compression by name."""
    archive.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(archive, "w" if archive.suffix == ".tar" else "w:gz") as tar:
        for member in members:
            tar.add(folder / member, member)


def md5(*files):
    return {file.name: hashlib.md5(file.read_bytes()).hexdigest() for file in files}


def what(collection):
    return [(picture.name, picture.label, picture.part) for picture in collection.pictures]


def test_archive_alone_is_unpacked_once_beside_itself(tmp_path):
    write_cub(tmp_path / "made")
    archive = tmp_path / "given" / "CUB_200_2011.tgz"
    pack(archive, tmp_path / "made", "CUB_200_2011")
    found = cub.read(archive.parent, archives=md5(archive))
    assert what(found) == what(cub.read(tmp_path / "made"))
    assert found.pictures[0].open().size == (48, 48)
    assert sorted(path.name for path in archive.parent.iterdir()) == ["CUB_200_2011", "CUB_200_2011.tgz"]
    archive.write_bytes(b"no longer looked at")
    assert what(cub.read(archive.parent)) == what(found)


def test_the_disk_has_all_of_it_before_it_takes_its_place(tmp_path, monkeypatch):
    write_cub(tmp_path / "made")
    archive = tmp_path / "given" / "CUB_200_2011.tgz"
    pack(archive, tmp_path / "made", "CUB_200_2011")
    there = []
    monkeypatch.setattr(os, "sync", lambda: there.append((archive.parent / "CUB_200_2011").exists()))
    cub.read(archive.parent, archives=md5(archive))
    assert there == [False]


def test_the_disk_has_its_name_and_what_a_killed_process_left_is_cleared(tmp_path, monkeypatch):
    write_cub(tmp_path / "made")
    archive = tmp_path / "given" / "CUB_200_2011.tgz"
    pack(archive, tmp_path / "made", "CUB_200_2011")
    (archive.parent / ".CUB_200_2011.tmp-dead" / "CUB_200_2011").mkdir(parents=True)
    synced = []
    monkeypatch.setattr(official_release, "sync_folder", lambda place: synced.append((place / "CUB_200_2011").is_dir()))
    cub.read(archive.parent, archives=md5(archive))
    assert synced == [True]
    assert sorted(path.name for path in archive.parent.iterdir()) == ["CUB_200_2011", "CUB_200_2011.tgz"]


def test_what_another_process_has_unpacked_meanwhile_is_taken(tmp_path, monkeypatch):
    archive = tmp_path / "given" / "CUB_200_2011.tgz"
    archive.parent.mkdir()
    archive.write_bytes(b"not unpacked a second time")
    monkeypatch.setattr(official_release, "_check", lambda *_: write_cub(archive.parent))
    assert cub.read(archive.parent, archives={}).pictures


def test_every_archive_of_a_part_is_unpacked_into_one_folder(tmp_path):
    root = write_voc2007(tmp_path / "made")
    test = {(root / "ImageSets" / "Main" / "test.txt")} | {
        path for number in range(13, 19) for path in root.rglob(f"{number:06d}.*")
    }
    names = {path.relative_to(tmp_path / "made") for path in root.rglob("*") if path.is_file()}
    of_test = {path.relative_to(tmp_path / "made") for path in test}
    given = tmp_path / "given"
    pack(given / "VOCtest_06-Nov-2007.tar", tmp_path / "made", *map(str, sorted(of_test)))
    with pytest.raises(DeeperError, match=r"holds no PASCAL VOC 2007; put there VOCdevkit/VOC2007/ with .*VOCtrainval"):
        voc2007.read(given)
    pack(given / "VOCtrainval_06-Nov-2007.tar", tmp_path / "made", *map(str, sorted(names - of_test)))
    assert what(voc2007.read(given, archives=md5(*given.glob("*.tar")))) == what(voc2007.read(root))


def test_archives_complete_folders_that_are_there(tmp_path):
    write_cars(tmp_path)
    expected = what(cars.read(tmp_path))
    pack(tmp_path / "cars_test.tgz", tmp_path, "cars_test")
    for path in sorted((tmp_path / "cars_test").iterdir()):
        path.unlink()
    (tmp_path / "cars_test").rmdir()
    assert what(cars.read(tmp_path, archives=md5(tmp_path / "cars_test.tgz"))) == expected


@pytest.mark.parametrize(
    "place", ["caltech-101.zip", "101_ObjectCategories.tar.gz", "caltech-101/101_ObjectCategories.tar.gz"]
)
def test_archive_within_an_archive_is_unpacked(tmp_path, place):
    write_caltech101(tmp_path / "made")
    inner = tmp_path / "inner.tar.gz"
    pack(inner, tmp_path / "made", "101_ObjectCategories")
    given = tmp_path / "given"
    (given / place).parent.mkdir(parents=True)
    if place.endswith(".zip"):
        with zipfile.ZipFile(given / place, "w") as outer:
            outer.writestr("caltech-101/Annotations.tar", b"")
            outer.write(inner, "caltech-101/101_ObjectCategories.tar.gz")
    else:
        inner.rename(given / place)
    found = caltech101.read(given, train=4, archives=md5(given / place))
    assert what(found) == what(caltech101.read(tmp_path / "made", train=4))


@pytest.mark.parametrize(
    ("reader", "archive"), [(reader, archive) for reader in READERS for archive in READERS[reader].ARCHIVES]
)
def test_archive_that_is_not_the_official_one_is_not_unpacked(tmp_path, reader, archive):
    module = READERS[reader]
    together = next(packed.archives for packed in module.RELEASE.packed if archive in packed.archives)
    for name in together:
        (tmp_path / name).write_bytes(b"something else")
    found, expected = hashlib.md5(b"something else").hexdigest(), module.ARCHIVES[archive]
    with pytest.raises(
        DeeperError, match=f"{archive} is not the released file: md5 expected {expected}, found {found}"
    ):
        module.read(tmp_path, archives=dict.fromkeys(together, found) | {archive: expected})
    assert len(expected) == 32
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(together)


@pytest.mark.parametrize("lost", [1, 8, 400, 900])
def test_truncated_archive_leaves_nothing_behind(tmp_path, lost):
    write_aircraft(tmp_path / "made")
    archive = tmp_path / "given" / "fgvc-aircraft-2013b.tar.gz"
    pack(archive, tmp_path / "made", "fgvc-aircraft-2013b")
    archive.write_bytes(archive.read_bytes()[:-lost])
    with pytest.raises(DeeperError, match=r"fgvc-aircraft-2013b\.tar\.gz is truncated or damaged .*; fetch it again"):
        aircraft.read(archive.parent, archives=md5(archive))
    assert [path.name for path in archive.parent.iterdir()] == [archive.name]


def test_an_archive_that_is_cut_where_a_header_begins_is_not_whole(tmp_path):
    root = write_voc2007(tmp_path / "made")
    given = tmp_path / "given"
    for name in voc2007.ARCHIVES:
        if name.endswith(".tar"):
            pack(given / name, tmp_path / "made", root.parent.name)
    with tarfile.open(given / "VOCtest_06-Nov-2007.tar") as whole:
        cut = whole.getmembers()[-3].offset
    os.truncate(given / "VOCtest_06-Nov-2007.tar", cut)
    with pytest.raises(DeeperError, match=r"VOCtest_06-Nov-2007\.tar is truncated or damaged"):
        voc2007.read(given, archives={})
    assert {path.suffix for path in given.iterdir()} == {".tar"}


def test_folder_that_cannot_be_unpacked_into_is_named(tmp_path):
    write_cub(tmp_path / "made")
    archive = tmp_path / "given" / "CUB_200_2011.tgz"
    pack(archive, tmp_path / "made", "CUB_200_2011")
    (archive.parent / "CUB_200_2011").symlink_to(tmp_path / "nowhere")
    with pytest.raises(
        DeeperError, match=r"tgz cannot be unpacked into .*given \(.+\); unpack it yourself where there is"
    ):
        cub.read(archive.parent, archives=md5(archive))
    assert {path.name for path in archive.parent.iterdir()} == {"CUB_200_2011", archive.name}


def test_archive_cannot_write_outside_the_folder(tmp_path):
    given = tmp_path / "given"
    given.mkdir()
    archive = given / "CUB_200_2011.tgz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("../../escaped")
        member.size = 4
        tar.addfile(member, io.BytesIO(b"text"))
    with pytest.raises(DeeperError, match="is truncated or damaged"):
        cub.read(given, archives=md5(archive))
    assert [path.name for path in tmp_path.rglob("*") if path.is_file()] == [archive.name]


def test_archive_of_another_set_is_named(tmp_path):
    write_cub(tmp_path / "made")
    archive = tmp_path / "fgvc-aircraft-2013b.tar.gz"
    pack(archive, tmp_path / "made", "CUB_200_2011")
    with pytest.raises(DeeperError, match=r"2013b\.tar\.gz holds no folder fgvc-aircraft-2013b"):
        aircraft.read(tmp_path, archives={archive.name: None})
    assert not (tmp_path / "CUB_200_2011").exists()


@pytest.mark.parametrize("title", READERS)
def test_empty_or_absent_folder_is_told_what_it_must_hold_and_where_that_is_to_be_had(tmp_path, title):
    module = READERS[title]
    for folder, says in ((tmp_path, "holds no"), (tmp_path / "nowhere", "is no folder that holds")):
        with pytest.raises(DeeperError) as error:
            module.read(folder)
        message = str(error.value)
        assert message.startswith(f"{folder} {says} {title}; put there ")
        assert all(part in message for part in module.RELEASE.holds)
        assert all(name in message for name in module.ARCHIVES)
        assert module.RELEASE.source in message
        assert (" or caltech-101.zip)" in message) == (title == "Caltech-101")
        assert "\n" not in message
