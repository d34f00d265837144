from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from official_sets import draw, seen, write_caltech101
from torchvision.datasets import Caltech101

from deeper.data.targets.caltech101 import read
from deeper.errors import DeeperError


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """Three categories of 9, 5 and 4 pictures."""
    folder = tmp_path_factory.mktemp("caltech101")
    root = write_caltech101(folder, classes=3, images=4)
    for i in range(4, 9):
        draw(root / "Faces" / f"image_{i + 1:04d}.jpg", [0], 3, i)
    draw(root / "Faces_easy" / "image_0005.jpg", [1], 3, 4)
    return folder


def test_both_kinds_of_faces_are_classes_and_the_background_is_none(released):
    found = read(released, train=2)
    assert list(found.classes) == ["Faces", "Faces_easy", "accordion"]
    assert not [picture for picture in found.pictures if "BACKGROUND" in picture.name]
    assert [seen(picture.open(), 3) for picture in found.pictures] == [picture.label for picture in found.pictures]


def test_labels_are_those_of_torchvision(tmp_path):
    write_caltech101(tmp_path / "caltech101", classes=4)
    theirs = Caltech101(str(tmp_path))
    ours = read(tmp_path, train=3)
    assert ours.classes == theirs.categories
    expected = zip(theirs.y, theirs.index, strict=True)
    assert [(picture.label, int(picture.name[-8:-4])) for picture in ours.pictures] == list(expected)


@settings(max_examples=25)
@given(st.integers(0, 2**31), st.integers(1, 3), st.integers(1, 4))
def test_parts_have_as_many_as_asked_for_whatever_the_seed(released, seed, train, test):
    found = read(released, train, test, seed)
    counts = Counter((picture.part, picture.label) for picture in found.pictures)
    for label, size in enumerate((9, 5, 4)):
        assert counts["train", label] == train
        assert counts["test", label] == min(test, size - train)
    assert len({picture.name for picture in found.pictures}) == len(found.pictures)


def test_seed_decides_the_split(released):
    first, again, other = (
        {picture.name: picture.part for picture in read(released, 3, 4, seed).pictures} for seed in (0, 0, 1)
    )
    assert first == again != other


def test_category_with_too_few_pictures_is_named(released):
    with pytest.raises(DeeperError, match=r"accordion holds 4 pictures where 4 are for training .*reader\.train$"):
        read(released, train=4)


@pytest.mark.parametrize("inside", ["101_ObjectCategories", "caltech-101", "caltech101"])
def test_places_it_unpacks_to_will_do(tmp_path, inside):
    if inside == "101_ObjectCategories":
        folder = write_caltech101(tmp_path)
    else:
        write_caltech101(tmp_path / inside)
        folder = tmp_path
    assert len(read(folder, train=4).pictures) == 18


def test_other_files_are_passed_over(tmp_path):
    root = write_caltech101(tmp_path)
    (root / "Faces" / "Thumbs.db").touch()
    (root / ".cache").mkdir()
    (root / "readme.txt").touch()
    assert len(read(tmp_path, train=4).pictures) == 18
