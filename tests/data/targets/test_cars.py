import numpy as np
import pytest
from official_sets import seen, write_car_annotations, write_cars
from scipy.io import savemat
from torchvision.datasets import StanfordCars

from deeper.data.targets.cars import read
from deeper.errors import DeeperError

TEST_LABELS = "cars_test_annos_withlabels.mat"


def test_classes_from_one_become_labels_from_zero_of_the_right_pictures(tmp_path):
    write_cars(tmp_path, classes=4, train=3, test=2)
    found = read(tmp_path)
    assert found.classes[1] == "Ram C/V Cargo Van Minivan 2012"
    assert {picture.label for picture in found.pictures} == {0, 1, 2, 3}
    assert [seen(picture.open(), 4) for picture in found.pictures] == [picture.label for picture in found.pictures]
    assert [picture.part for picture in found.pictures] == ["train"] * 12 + ["test"] * 8
    names = [picture.name for picture in found.pictures]
    assert (names[0], names[12]) == ("cars_train/00001.jpg", "cars_test/00001.jpg")
    assert len({picture.group for picture in found.pictures}) == 20


@pytest.mark.parametrize("part", ["train", "test"])
def test_labels_are_those_of_torchvision(tmp_path, part):
    root = write_cars(tmp_path / "stanford_cars")
    theirs = StanfordCars(str(tmp_path), split=part)
    ours = [picture for picture in read(tmp_path).pictures if picture.part == part]
    assert [(str(root / picture.name), picture.label) for picture in ours] == theirs._samples
    assert read(tmp_path).classes == theirs.classes


def test_test_labels_may_lie_in_the_development_kit(tmp_path):
    write_cars(tmp_path)
    before = read(tmp_path)
    (tmp_path / TEST_LABELS).rename(tmp_path / "devkit" / TEST_LABELS)
    assert [picture.label for picture in read(tmp_path).pictures] == [picture.label for picture in before.pictures]


def test_a_single_class_and_image_a_part_are_read(tmp_path):
    write_cars(tmp_path, classes=1, train=1, test=1)
    found = read(tmp_path)
    assert (list(found.classes), len(found.pictures)) == (["AM General Hummer SUV 2000"], 2)


def test_missing_test_labels_are_asked_for(tmp_path):
    write_cars(tmp_path)
    (tmp_path / TEST_LABELS).unlink()
    with pytest.raises(DeeperError, match=f"lacks {TEST_LABELS}, which has the labels of the test images"):
        read(tmp_path)


def test_annotations_without_labels_are_not_taken_for_those_with(tmp_path):
    write_cars(tmp_path)
    (tmp_path / "devkit" / "cars_test_annos.mat").rename(tmp_path / TEST_LABELS)
    with pytest.raises(DeeperError, match=rf"{TEST_LABELS}: its annotations have no field 'class'; put the file as"):
        read(tmp_path)


@pytest.mark.parametrize("wrong", [0, 4])
def test_class_outside_the_names_is_named(tmp_path, wrong):
    write_cars(tmp_path, classes=3)
    rows = [(1, 1, 9, 9, 1, "00001.jpg"), (1, 1, 9, 9, wrong, "00002.jpg")]
    write_car_annotations(tmp_path / TEST_LABELS, rows)
    with pytest.raises(
        DeeperError,
        match=rf"{TEST_LABELS}: annotation 2 \(cars_test/00002.jpg\): class {wrong} is not from 1 to 3; put",
    ):
        read(tmp_path)


def test_image_that_is_annotated_twice_is_named(tmp_path):
    write_cars(tmp_path)
    write_car_annotations(tmp_path / TEST_LABELS, [(1, 1, 9, 9, label, "00001.jpg") for label in (1, 2)])
    with pytest.raises(DeeperError, match=r"annotation 2 \(cars_test/00001.jpg\) is not the first of that image"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["devkit/cars_meta.mat", "devkit/cars_train_annos.mat", TEST_LABELS])
@pytest.mark.parametrize("content", [b"", b"MATLAB 5.0 MAT-file" + bytes(200), None])
def test_damaged_file_is_named(tmp_path, name, content):
    write_cars(tmp_path)
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:150] if content is None else content)
    with pytest.raises(DeeperError, match=rf"{name}: it (cannot be read as a MATLAB file|has no)") as error:
        read(tmp_path)
    assert "\n" not in str(error.value)


def test_file_of_something_else_is_named(tmp_path):
    write_cars(tmp_path)
    savemat(tmp_path / "devkit" / "cars_train_annos.mat", {"annotations": np.arange(3)})
    with pytest.raises(DeeperError, match=r"cars_train_annos.mat: its annotations have no field 'class'"):
        read(tmp_path)


def test_missing_folder_of_images_is_named(tmp_path):
    write_cars(tmp_path)
    (tmp_path / "cars_test").rename(tmp_path / "elsewhere")
    with pytest.raises(DeeperError, match=r"lacks cars_test: it is not the whole of Stanford Cars; .* by hand"):
        read(tmp_path)
