import hashlib

import deep_pictures
import numpy as np
import photographs
import pytest
from PIL import Image

from deeper.data.class_folders import class_folders
from deeper.data.examined_files import examined
from deeper.errors import DeeperError


@pytest.mark.parametrize("digests", [False, True])
@pytest.mark.parametrize("kind", ["integers", "fractions"])
def test_white_of_deep_pictures_is_found(kind, digests, tmp_path):
    files = class_folders(deep_pictures.write(tmp_path, kind)).files
    assert examined(files, digests)[1] == {kind: deep_pictures.WHITE[kind]}


def test_pictures_of_eight_bits_have_no_white_and_are_not_decoded(tmp_path):
    photographs.write(tmp_path, parts={"": 2})
    Image.effect_noise((64, 64), 50).save(tmp_path / "n00000000" / "grey.png")
    broken = tmp_path / "n00000000" / "broken.png"
    broken.write_bytes((tmp_path / "n00000000" / "grey.png").read_bytes()[:900])
    assert examined(class_folders(tmp_path).files, False) == (None, {})
    with pytest.raises(DeeperError, match=r"1 of 8 pictures cannot be read: n00000000/broken\.png \("):
        examined(class_folders(tmp_path).files, True)


def test_digests_are_of_the_files(tmp_path):
    files = class_folders(photographs.write(tmp_path, parts={"": 2})).files
    found, white = examined(files, True)
    assert white == {}
    assert found.dtype == np.uint8
    assert [row.tobytes() for row in found] == [hashlib.sha256(file.path.read_bytes()).digest() for file in files]


def test_a_deep_picture_under_a_name_of_jpeg_is_found_with_digests(tmp_path):
    deep_pictures.write(tmp_path)
    for path in list(tmp_path.glob("*/*.png")):
        path.rename(path.with_suffix(".jpg"))
    files = class_folders(tmp_path).files
    assert examined(files, False) == (None, {})
    assert examined(files, True)[1] == {"integers": 4095}


@pytest.mark.parametrize("digests", [False, True])
def test_a_deep_picture_that_is_no_scale_of_brightness_is_named(digests, tmp_path):
    deep_pictures.write(tmp_path, "fractions")
    Image.fromarray(np.full((9, 9), -1, np.float32)).save(tmp_path / "kind 1" / "odd.tif")
    with pytest.raises(DeeperError, match=r"1 of 37 pictures cannot be read: kind 1/odd\.tif \(its pixels go from -1"):
        examined(class_folders(tmp_path).files, digests)
