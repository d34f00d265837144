import numpy as np
import pytest
from official_sets import VARIANTS, draw, seen, write_aircraft
from PIL import Image
from torchvision.datasets import FGVCAircraft

from deeper.data.pictures import Unreadable
from deeper.data.targets.aircraft import read
from deeper.errors import DeeperError


def test_variants_with_slashes_and_spaces_are_the_classes_in_their_order(tmp_path):
    write_aircraft(tmp_path, classes=4, train=3, test=2)
    found = read(tmp_path)
    assert list(found.classes) == VARIANTS[:4] == ["707-320", "Boeing 717", "F/A-18", "DHC-8-100"]
    assert [seen(picture.open(), 4) for picture in found.pictures] == [picture.label for picture in found.pictures]
    assert [picture.part for picture in found.pictures] == ["train"] * 12 + ["test"] * 8
    assert len({picture.group for picture in found.pictures}) == 20


@pytest.mark.parametrize(("part", "split"), [("train", "trainval"), ("test", "test")])
def test_labels_are_those_of_torchvision(tmp_path, part, split):
    root = write_aircraft(tmp_path)
    theirs = FGVCAircraft(str(tmp_path), split=split)
    ours = [picture for picture in read(root).pictures if picture.part == part]
    assert [str(root / "data" / "images" / picture.name) for picture in ours] == theirs._image_files
    assert [picture.label for picture in ours] == theirs._labels


def test_banner_is_cut_off_and_the_rest_is_the_picture(tmp_path):
    root = write_aircraft(tmp_path, size=48)
    picture = read(tmp_path).pictures[0]
    with Image.open(root / "data" / "images" / picture.name) as whole:
        assert whole.size == (48, 68)
        assert np.array_equal(np.asarray(picture.open()), np.asarray(whole)[:48])
    assert read(tmp_path, banner=0).pictures[0].open().size == (48, 68)


def test_picture_that_is_banner_alone_cannot_be_read(tmp_path):
    root = write_aircraft(tmp_path)
    picture = read(tmp_path).pictures[0]
    draw(root / "data" / "images" / picture.name, [0], 4, 0, size=20)
    with pytest.raises(Unreadable, match="20 rows of pixels are no more than the banner's 20"):
        picture.open()


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("images_variant_test.txt", "0034309 Boeing 747\n", "line 1: 'Boeing 747' is not a variant of variants.txt"),
        ("images_variant_test.txt", "\n0034310\n", "line 2: '' is not a variant of variants.txt"),
        ("images_variant_test.txt", "0034309 F/A-18\n", "line 1: image 0034309 was listed before, in images_variant_t"),
        ("variants.txt", "707-320\nF/A-18\n707-320\n", "line 3: variant '707-320' was listed before"),
    ],
)
def test_damaged_list_is_named_with_its_line(tmp_path, name, content, says):
    (write_aircraft(tmp_path) / "data" / name).write_text(content)
    with pytest.raises(DeeperError, match=f"{name}, {says}"):
        read(tmp_path)


def test_missing_list_is_named(tmp_path):
    (write_aircraft(tmp_path) / "data" / "images_variant_test.txt").unlink()
    with pytest.raises(DeeperError, match=r"2013b lacks data/images_variant_test\.txt: .*fgvc-aircraft-2013b\.tar\.gz"):
        read(tmp_path)
