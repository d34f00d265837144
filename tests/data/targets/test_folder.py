import os
import shutil
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official_sets import draw, seen, write_folder

from deeper.data.targets.folder import read
from deeper.errors import DeeperError


def parts(found):
    return {picture.name: picture.part for picture in found.pictures}


def test_classes_are_the_folders_and_pictures_have_their_labels(tmp_path):
    found = read(write_folder(tmp_path, classes=3, images=4))
    assert list(found.classes) == ["a", "b", "c"]
    assert [seen(picture.open(), 3) for picture in found.pictures] == [picture.label for picture in found.pictures]
    assert Counter((picture.label, picture.part) for picture in found.pictures) == {
        (label, part): count for label in range(3) for part, count in (("train", 3), ("test", 1))
    }
    assert not found.dropped


@settings(max_examples=15)
@given(st.lists(st.integers(3, 9), min_size=2, max_size=3), st.floats(0.01, 0.99), st.integers(0, 99))
def test_every_class_is_split_by_the_share(sizes, share, seed):
    with TemporaryDirectory() as folder:
        for label, size in enumerate(sizes):
            (Path(folder) / str(label)).mkdir()
            for i in range(size):
                (Path(folder) / str(label) / f"{i}.png").write_bytes(bytes([label, i]))
        found = read(folder, share, seed)
    counts = Counter((picture.label, picture.part) for picture in found.pictures)
    for label, size in enumerate(sizes):
        assert counts[label, "test"] == min(max(1, round(share * size)), size - 2)
        assert counts[label, "train"] + counts[label, "test"] == size


def test_seed_decides_the_split(tmp_path):
    write_folder(tmp_path, images=8)
    assert parts(read(tmp_path, seed=0)) == parts(read(tmp_path, seed=0)) != parts(read(tmp_path, seed=1))


@pytest.mark.parametrize(
    ("folders", "expected"),
    [
        (("train", "test"), {"train": "train", "test": "test"}),
        (("train", "val"), {"train": "train", "val": "test"}),
        (("train", "val", "test"), {"train": "train", "val": "train", "test": "test"}),
        (("train", "valid"), {"train": "train", "valid": "test"}),
        (("Training", "Validation", "Testing"), {"Training": "train", "Validation": "train", "Testing": "test"}),
        (("TRAIN", "dev", "eval"), {"TRAIN": "train", "dev": "train", "eval": "test"}),
        (("train_set", "Test Images"), {"train_set": "train", "Test Images": "test"}),
        (("trn", "tst"), {"trn": "train", "tst": "test"}),
        (("train2017", "val2017"), {"train2017": "train", "val2017": "test"}),
        (("imagenet_train", "imagenet_VAL"), {"imagenet_train": "train", "imagenet_VAL": "test"}),
        (("ILSVRC2012_train", "ILSVRC2012_val"), {"ILSVRC2012_train": "train", "ILSVRC2012_val": "test"}),
        (("train_256", "val_256", "test2"), {"train_256": "train", "val_256": "train", "test2": "test"}),
        (("train_v2", "val_v2"), {"train_v2": "train", "val_v2": "test"}),
        (("_train", "holdout"), {"_train": "train", "holdout": "test"}),
        (("trainval", "test"), {"trainval": "train", "test": "test"}),
        (("voc-train-val", "voc-test"), {"voc-train-val": "train", "voc-test": "test"}),
        (("trainImages", "TESTSet"), {"trainImages": "train", "TESTSet": "test"}),
    ],
)
def test_parts_above_the_class_folders_are_the_split(tmp_path, folders, expected):
    for number, part in enumerate(folders):
        for label in range(2):
            draw(tmp_path / part / "ab"[label] / "x.png", [label], 2, number)
    found = read(tmp_path)
    assert list(found.classes) == ["a", "b"]
    assert parts(found) == {f"{part}/{name}/x.png": expected[part] for part in folders for name in "ab"}


def split_folders(root, *parts):
    for number, part in enumerate(parts):
        for label in range(2):
            draw(root / part / "ab"[label] / "x.png", [label], 2, number)


def test_folders_beside_the_split_are_named(tmp_path):
    split_folders(tmp_path, "train", "test", "unused")
    found = read(tmp_path)
    assert found.dropped == {"unused/": "a folder beside the parts of the split"}
    assert len(found.pictures) == 4


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        (("train", "val", "valid"), "has val/ and valid/, each of which may be the val part; leave one"),
        (("train", "test", "Test"), "has Test/ and test/, each of which may be the test part; leave one"),
        (("train",), r"has train/, which looks like a part of a split.* name .*/train$"),
        (("val", "test"), "has test/, which looks like a part of a split"),
        (("cats", "dogs", "testing"), "has testing/, which looks like a part of a split"),
        (("train_v2", "val"), "has train_v2/ and val/, which may be parts of a split or classes; call parts train/"),
        (("train2014", "train2017", "val2017"), "has train2014/ and train2017/, each of which may be the train part"),
        (("train", "trainval", "test"), "has train/ and trainval/, each of which may be the train part"),
        (("trainval", "val"), "has trainval/, which may be two parts of a split"),
        (("trainA", "trainB", "testA", "testB"), "has trainA/ and trainB/, each of which may be the train part"),
        (("tiny_train_test", "tiny_val"), "has tiny_train_test/, which may be two parts of a split"),
        (("training_shoes", "test_tubes"), "which may be parts of a split or classes; .* classes otherwise"),
    ],
)
def test_parts_that_make_no_split_are_refused_and_never_classes(tmp_path, folders, words):
    split_folders(tmp_path, *folders)
    with pytest.raises(DeeperError, match=words):
        read(tmp_path)


def test_parts_without_class_folders_are_refused(tmp_path):
    for part in ("train2017", "val2017"):
        draw(tmp_path / part / "x.png", [0], 2, 0)
    with pytest.raises(DeeperError, match="train2017/, which looks like the train part of a split and holds no class"):
        read(tmp_path)


def test_classes_may_have_a_word_of_a_split_in_their_names(tmp_path):
    names = ["boots", "freight_train", "steam_train", "test_tubes", "training_shoes"]
    for label, name in enumerate(names):
        for number in range(4):
            draw(tmp_path / name / f"view {number}" / "x.png", [label], 5, number)
    assert list(read(tmp_path).classes) == names


@pytest.mark.parametrize("wrapped", ["cat", "images"])
def test_a_split_below_the_class_folders_is_refused_and_not_mixed(tmp_path, wrapped):
    for name in (wrapped, "zebra"):
        split_folders(tmp_path / name, "train", "Validation")
    with pytest.raises(DeeperError, match=rf"has {wrapped}/Validation/ and {wrapped}/train/, a split below a folder"):
        read(tmp_path)


def test_a_class_may_be_called_like_a_part(tmp_path):
    for label, name in enumerate(("train", "bus")):
        for number in range(4):
            draw(tmp_path / name / f"{number}.png", [label], 2, number)
    assert list(read(tmp_path).classes) == ["bus", "train"]


def test_links_are_followed_and_a_loop_of_them_is_refused(tmp_path):
    write_folder(tmp_path / "elsewhere", classes=2, images=4)
    (tmp_path / "set").mkdir()
    for name in "ab":
        (tmp_path / "set" / name).symlink_to(tmp_path / "elsewhere" / name)
    leading = {"more.png": tmp_path / "nowhere.png", "self.png": "self.png", "zero.png": "/dev/zero"}
    for name, target in leading.items():
        (tmp_path / "elsewhere" / "a" / name).symlink_to(target)
    found = read(tmp_path / "set")
    assert len(found.pictures) == 8
    assert found.dropped == {f"a/{name}": "a link that leads to no file" for name in leading}
    (tmp_path / "elsewhere" / "b" / "loop").symlink_to(tmp_path / "elsewhere" / "b")
    with pytest.raises(DeeperError, match="loop is a link that leads back to a folder above it; take it out"):
        read(tmp_path / "set")


def test_names_that_are_not_utf_8_are_names_like_others(tmp_path):
    write_folder(tmp_path, classes=2, images=4)
    os.rename(tmp_path / "a", os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9"))
    os.rename(tmp_path / "b" / "0.png", os.fsdecode(os.fsencode(tmp_path / "b") + b"/\xff.png"))
    found = read(tmp_path)
    assert list(found.classes) == ["b", "caf\\xe9"]
    assert "b/\\xff.png" in {picture.name for picture in found.pictures}
    assert all(picture.open().mode == "RGB" for picture in found.pictures)


def test_pictures_lie_at_any_depth_and_other_files_are_named(tmp_path):
    write_folder(tmp_path)
    draw(tmp_path / "a" / "deep" / "er" / "x.JPEG", [0], 3, 9)
    (tmp_path / "a" / "notes.txt").touch()
    (tmp_path / "a" / ".hidden.png").touch()
    (tmp_path / ".cache").mkdir()
    (tmp_path / "empty").mkdir()
    found = read(tmp_path)
    assert "a/deep/er/x.JPEG" in parts(found)
    assert found.dropped == {"a/notes.txt": "no picture by its suffix .txt", "empty/": "a folder without a picture"}
    assert list(found.classes) == ["a", "b", "c"]


def test_copies_stay_on_one_side(tmp_path):
    write_folder(tmp_path, classes=2, images=4)
    for i in range(4):
        shutil.copy(tmp_path / "a" / f"{i}.png", tmp_path / "a" / f"copy-{i}.png")
    for seed in range(8):
        found = read(tmp_path, test=0.5, seed=seed)
        side = parts(found)
        assert all(side[f"a/{i}.png"] == side[f"a/copy-{i}.png"] for i in range(4))
        assert len({picture.group for picture in found.pictures}) == 8


def test_training_picture_that_is_a_test_picture_is_left_out(tmp_path):
    for part in ("train", "test"):
        write_folder(tmp_path / part, classes=2, images=2)
    draw(tmp_path / "train" / "a" / "own.png", [0], 2, 7)
    draw(tmp_path / "train" / "b" / "own.png", [1], 2, 7)
    found = read(tmp_path)
    assert found.dropped["train/a/0.png"] == "the same file as test/a/0.png"
    assert len(found.dropped) == 4
    assert sorted(name for name, part in parts(found).items() if part == "train") == [
        "train/a/own.png",
        "train/b/own.png",
    ]


def test_picture_in_two_classes_is_left_out(tmp_path):
    write_folder(tmp_path, classes=2)
    shutil.copy(tmp_path / "a" / "0.png", tmp_path / "b" / "9.png")
    found = read(tmp_path)
    assert found.dropped == {"a/0.png": "the same file as b/9.png", "b/9.png": "the same file as a/0.png"}


def test_class_of_too_few_pictures_is_left_out_and_named(tmp_path):
    write_folder(tmp_path, classes=2)
    draw(tmp_path / "few" / "0.png", [0], 2, 0, size=30)
    draw(tmp_path / "few" / "1.png", [0], 2, 1, size=30)
    found = read(tmp_path)
    assert list(found.classes) == ["a", "b"]
    assert found.dropped == {f"few/{i}.png": "few has fewer than 3 different pictures" for i in range(2)}


@pytest.mark.parametrize("share", [0, 1, -0.5])
def test_share_that_is_none_is_refused(tmp_path, share):
    with pytest.raises(DeeperError, match=r"reader\.test=.* is no share; give one between 0 and 1"):
        read(write_folder(tmp_path), test=share)


def test_folder_that_is_not_one_of_class_folders_is_named(tmp_path):
    with pytest.raises(DeeperError, match="nowhere is not a folder; name one that holds a folder of pictures for each"):
        read(tmp_path / "nowhere")
    with pytest.raises(DeeperError, match="holds pictures of 0 classes, two are the least"):
        read(tmp_path)
    write_folder(tmp_path / "inner", classes=3)
    with pytest.raises(DeeperError, match="holds pictures of 1 classes, two are the least"):
        read(tmp_path)


def test_parts_with_different_classes_are_named(tmp_path):
    write_folder(tmp_path / "train", classes=3)
    for label in range(2):
        draw(tmp_path / "test" / "ab"[label] / "x.png", [label], 3, 99)
    with pytest.raises(DeeperError, match="has no test pictures of c; both parts need every class"):
        read(tmp_path)
