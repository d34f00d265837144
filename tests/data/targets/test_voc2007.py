import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from official_sets import VOC_CLASSES, scenes, seen_across, write_voc2007
from torchvision.datasets import VOCDetection

from deeper.data.targets.multilabel import unpack
from deeper.data.targets.voc2007 import read
from deeper.errors import DeeperError

DOG, PERSON, CAR = (VOC_CLASSES.index(name) for name in ("dog", "person", "car"))


def said(collection):
    return unpack(np.array([picture.label for picture in collection.pictures]), 20)


def test_objects_are_present_and_difficult_ones_count_neither_for_nor_against_in_both_parts(tmp_path):
    pictures = [
        [("dog", False)],
        [("dog", False), ("person", True)],
        [("person", True), ("person", False), ("car", True)],
        [("car", True)],
    ]
    write_voc2007(tmp_path, trainval=pictures, test=pictures[::-1])
    found = read(tmp_path)
    assert list(found.classes) == VOC_CLASSES
    assert found.several
    assert [picture.part for picture in found.pictures] == ["train"] * 4 + ["test"] * 4
    expected = np.zeros((4, 20), np.int8)
    expected[0, DOG] = expected[1, DOG] = expected[2, PERSON] = 1
    expected[1, PERSON] = expected[2, CAR] = expected[3, CAR] = -1
    assert np.array_equal(said(found), np.concatenate([expected, expected[::-1]]))


def test_every_picture_shows_what_its_label_says(tmp_path):
    listed = scenes(classes=5, each=3)
    write_voc2007(tmp_path, trainval=listed)
    found = [picture for picture in read(tmp_path).pictures if picture.part == "train"]
    for picture, objects, row in zip(found, listed, said(read(tmp_path)), strict=False):
        shown = seen_across(picture.open(), 20, len(objects))
        assert [VOC_CLASSES[label] for label in shown] == [name for name, _ in objects]
        assert set(shown) == set(np.flatnonzero(row).tolist())


@pytest.mark.parametrize(("part", "listing"), [("train", "trainval"), ("test", "test")])
def test_objects_are_those_of_torchvision(tmp_path, part, listing):
    write_voc2007(tmp_path)
    theirs = VOCDetection(str(tmp_path), year="2007", image_set=listing)
    pictures = [picture for picture in read(tmp_path).pictures if picture.part == part]
    assert len(pictures) == len(theirs)
    for picture, (_, annotation) in zip(pictures, theirs, strict=True):
        objects = annotation["annotation"]["object"]
        sure = {thing["name"] for thing in objects if thing["difficult"] == "0"}
        assert annotation["annotation"]["filename"] == picture.name
        assert {VOC_CLASSES[c] for c in range(20) if picture.label >> c & 1} == sure


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(st.sampled_from(VOC_CLASSES), st.booleans()), min_size=1, max_size=5))
def test_a_class_is_unsure_where_all_its_objects_are_difficult(tmp_path, objects):
    write_voc2007(tmp_path, trainval=[objects], test=[objects])
    row = said(read(tmp_path))[0]
    for label, name in enumerate(VOC_CLASSES):
        marks = [difficult for other, difficult in objects if other == name]
        assert row[label] == (0 if not marks else -1 if all(marks) else 1)


def test_picture_without_an_object_is_left_out_and_named(tmp_path):
    root = write_voc2007(tmp_path)
    (root / "Annotations" / "000002.xml").write_text("<annotation><filename>000002.jpg</filename></annotation>")
    found = read(tmp_path)
    assert found.dropped == {"000002.jpg": "its annotation has no object"}
    assert "000002.jpg" not in [picture.name for picture in found.pictures]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, r"it cannot be read \(No such file or directory\)"),
        ("", "it is not XML"),
        ("<annotation><object><name>dog</name>", "it is not XML"),
        ("<annotation><object><name>unicorn</name></object></annotation>", "object 'unicorn' is none of the 20"),
    ],
)
def test_missing_or_damaged_annotation_is_named(tmp_path, content, says):
    file = write_voc2007(tmp_path) / "Annotations" / "000003.xml"
    file.unlink()
    if content is not None:
        file.write_text(content)
    with pytest.raises(DeeperError, match=rf"Annotations/000003\.xml: {says}.*; put the file as released in its place"):
        read(tmp_path)


def test_picture_in_both_lists_is_named_with_its_line(tmp_path):
    root = write_voc2007(tmp_path)
    with (root / "ImageSets" / "Main" / "test.txt").open("a") as listing:
        listing.write("000001\n")
    with pytest.raises(DeeperError, match=r"test\.txt, line 7: image 000001 was listed before"):
        read(tmp_path)


@pytest.mark.parametrize("place", [".", "VOCdevkit", "VOCdevkit/VOC2007"])
def test_the_folder_above_and_the_folder_itself_will_do(tmp_path, place):
    write_voc2007(tmp_path)
    assert len(read(tmp_path / place).pictures) == 18


def test_half_of_the_release_is_not_taken_for_the_whole(tmp_path):
    (write_voc2007(tmp_path) / "ImageSets" / "Main" / "test.txt").unlink()
    with pytest.raises(DeeperError, match=r"VOC2007 lacks ImageSets/Main/test\.txt: .*VOCtest_06-Nov-2007\.tar"):
        read(tmp_path)
