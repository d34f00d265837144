import numpy as np
import pytest
from PIL import Image

from deeper.data.pictures import Unreadable, decode, is_blank, without_margins


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


@pytest.mark.parametrize(("kind", "factor"), [("uint16", 257), ("int32", 257), ("int32", 1)])
def test_more_bits_than_eight_become_eight(tmp_path, kind, factor):
    ramp = (np.arange(256).reshape(16, 16) * factor).astype(kind)
    Image.fromarray(ramp).save(tmp_path / "a.tif")
    assert (np.asarray(decode(tmp_path / "a.tif"))[:, :, 1] == np.arange(256).reshape(16, 16)).all()


def test_fractions_have_no_scale(tmp_path):
    Image.fromarray(np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)).save(tmp_path / "a.tif")
    with pytest.raises(Unreadable, match="fractions"):
        decode(tmp_path / "a.tif")


def test_a_photograph_is_turned_as_its_camera_was(tmp_path):
    picture = Image.new("RGB", (20, 10))
    exif = picture.getexif()
    exif[274] = 6
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert decode(tmp_path / "a.jpg").size == (10, 20)


def test_what_is_missing_or_no_picture_is_unreadable(tmp_path):
    with pytest.raises(Unreadable, match="missing"):
        decode(tmp_path / "none.png")
    (tmp_path / "text.png").write_text("no picture")
    with pytest.raises(Unreadable):
        decode(tmp_path / "text.png")


def test_margins_are_what_is_white():
    picture = Image.new("RGB", (30, 20), "white")
    picture.paste("red", (5, 7, 9, 18))
    assert without_margins(picture).size == (4, 11)
    assert not is_blank(picture)


def test_a_white_picture_is_blank_and_all_margin():
    white = Image.new("RGB", (30, 20), "white")
    assert without_margins(white).size == (30, 20)
    assert is_blank(white)
