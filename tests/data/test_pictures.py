import numpy as np
import pytest
from PIL import Image

from deeper.data.pictures import Unreadable, decode


def test_transparency_becomes_white(tmp_path):
    layer = np.zeros((4, 4, 4), np.uint8)
    layer[:2] = (255, 0, 0, 255)
    Image.fromarray(layer).save(tmp_path / "a.png")
    picture = np.asarray(decode(tmp_path / "a.png"))
    assert picture.shape == (4, 4, 3)
    assert picture[0, 0].tolist() == [255, 0, 0]
    assert picture[3, 3].tolist() == [255, 255, 255]


def test_a_palette_with_a_transparent_colour_becomes_white(tmp_path):
    picture = Image.new("P", (4, 4), 0)
    picture.putpalette([10, 20, 30, 200, 100, 50])
    picture.putpixel((1, 1), 1)
    picture.save(tmp_path / "a.png", transparency=0)
    found = decode(tmp_path / "a.png")
    assert found.getpixel((0, 0)) == (255, 255, 255)
    assert found.getpixel((1, 1)) == (200, 100, 50)


def test_a_picture_of_too_many_pixels_is_not_decoded(tmp_path):
    Image.new("1", (200, 100)).save(tmp_path / "a.png")
    with pytest.raises(Unreadable, match="200×100 pixels are more than 19,999"):
        decode(tmp_path / "a.png", most=19_999)
    assert decode(tmp_path / "a.png", most=20_000).size == (200, 100)


@pytest.mark.parametrize("suffix", ["png", "jpg"])
def test_a_damaged_picture_is_unreadable(tmp_path, suffix):
    path = tmp_path / f"a.{suffix}"
    Image.effect_noise((64, 64), 50).save(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(Unreadable):
        decode(path)


def test_what_is_missing_or_no_picture_is_unreadable(tmp_path):
    with pytest.raises(Unreadable, match="missing"):
        decode(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(Unreadable):
        decode(tmp_path / "text.png")
