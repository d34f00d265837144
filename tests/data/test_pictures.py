import struct
from contextlib import suppress

import deep_pictures
import numpy as np
import pytest
from PIL import Image, ImageOps

from deeper.data.pictures import (
    Depth,
    Unreadable,
    decode,
    depth,
    eight_bits,
    full_scale,
    in_eight_bits,
    is_blank,
    is_deep,
    said_of,
    whites,
    without_margins,
)


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


@pytest.mark.parametrize("kind", ["uint16", "int32"])
def test_a_deep_picture_comes_as_it_is_and_becomes_eight_bits_by_the_white_of_its_set(tmp_path, kind):
    ramp = (np.arange(256).reshape(16, 16) * 257).astype(kind)
    Image.fromarray(ramp).save(tmp_path / "a.tif")
    found = decode(tmp_path / "a.tif")
    assert (np.asarray(found) == ramp).all()
    assert is_deep(tmp_path / "a.tif")
    assert depth(found) == Depth("integers", 65535)
    seen = np.asarray(in_eight_bits(found, {"integers": 65535}))
    assert (seen == np.arange(256).reshape(16, 16, 1)).all()
    with pytest.raises(Unreadable, match="grey with more than 8 bits, and its set as prepared has none that hold int"):
        in_eight_bits(found, {"fractions": 1})


CUT = {"rgb.png": deep_pictures.png(2, 3), "la.png": deep_pictures.png(4, 2), "rgba.png": deep_pictures.png(6, 4)}


@pytest.mark.parametrize(("name", "content"), [*CUT.items(), ("rgb.tif", deep_pictures.tiff())])
def test_sixteen_bits_in_colour_or_beside_transparency_are_refused_and_not_cut(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(Unreadable, match="more than 8 bits in colour or beside transparency; convert it to 8 bits"):
        decode(tmp_path / name)
    assert is_deep(tmp_path / name)


def test_sixteen_bits_that_pillow_scales_or_that_hold_three_colours_are_read(tmp_path):
    (tmp_path / "a.ppm").write_bytes(b"P6 2 1 4095\n" + np.full(6, 4095, ">u2").tobytes())
    head = struct.pack("<2sIIIIiiHHIIiiIIIII", b"BM", 74, 0, 70, 40, 2, 1, 1, 16, 3, 4, 0, 0, 0, 0, 0xF800, 0x7E0, 0x1F)
    (tmp_path / "a.bmp").write_bytes(head.ljust(70, b"\0") + b"\xff" * 4)
    for name in ("a.ppm", "a.bmp"):
        assert np.asarray(decode(tmp_path / name)).tolist() == [[[255] * 3] * 2]
        assert not is_deep(tmp_path / name)


def test_a_picture_of_eight_bits_is_not_deep(tmp_path):
    Image.new("L", (4, 4), 7).save(tmp_path / "a.png")
    found = decode(tmp_path / "a.png")
    assert depth(found) is None
    assert not is_deep(tmp_path / "a.png")
    assert not is_deep(tmp_path / "none.png")
    assert in_eight_bits(found, {}) is found


def test_each_kind_of_deep_pictures_has_its_white():
    white = whites([Depth("integers", 900), Depth("fractions", 0.5), Depth("integers", 4000), Depth("integers", 1)])
    assert white == {"integers": 4095, "fractions": 1}
    assert said_of(white) == (
        "; of pictures of more than 8 bits 4095 is white in all that hold integers; of pictures of more than 8 bits 1 "
        "is white in all that hold fractions"
    )
    assert said_of(whites([])) == ""


@pytest.mark.parametrize(
    ("highest", "fractions", "white"),
    [
        (200, False, 255),
        (256, False, 1023),
        (4000, False, 4095),
        (65535, False, 65535),
        (0.9, True, 1),
        (254, True, 255),
    ],
)
def test_white_is_the_smallest_full_scale_that_holds_the_set(highest, fractions, white):
    assert full_scale(highest, fractions) == white
    picture = Image.fromarray(np.array([[0, white / 2, white]], np.float32))
    assert np.asarray(eight_bits(picture, white))[0, :, 0].tolist() == [0, 127, 255]


@pytest.mark.parametrize("value", [-1.0, 70_000.0, float("nan"), float("inf")])
def test_what_is_no_scale_of_brightness_is_unreadable(tmp_path, value):
    Image.fromarray(np.array([[0.5, value]], np.float32)).save(tmp_path / "a.tif")
    with pytest.raises(Unreadable, match="no scale of brightness"):
        decode(tmp_path / "a.tif")


def test_a_photograph_is_turned_as_its_camera_was(tmp_path):
    picture = Image.new("RGB", (20, 10))
    exif = picture.getexif()
    exif[274] = 6
    picture.save(tmp_path / "a.jpg", exif=exif)
    assert decode(tmp_path / "a.jpg").size == (10, 20)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photograph_is_turned_as_pillow_turns_it(tmp_path, orientation):
    picture = Image.effect_noise((20, 12), 50).convert("RGB")
    exif = picture.getexif()
    exif[274] = orientation
    picture.save(tmp_path / "a.png", exif=exif)
    assert np.array_equal(decode(tmp_path / "a.png"), ImageOps.exif_transpose(Image.open(tmp_path / "a.png")))


def test_exif_that_cannot_be_written_again_costs_no_picture(tmp_path):
    tags = {274: (3, 1, struct.pack("<HH", 6, 0)), 0x013E: (12, 1, struct.pack("<I", 8)), 0x9286: (2, 9, bytes(4))}
    entries = b"".join(struct.pack("<HHI4s", tag, *tags[tag]) for tag in sorted(tags))
    exif = b"Exif\0\0II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)
    for damaged in (exif, exif[:30], exif.replace(b"\x06\0", b"\xff\xff", 1)):
        Image.new("RGB", (20, 10)).save(tmp_path / "a.jpg", exif=damaged)
        assert decode(tmp_path / "a.jpg").size in {(10, 20), (20, 10)}


def test_only_named_formats_are_opened(tmp_path):
    Image.new("RGB", (20, 10)).save(tmp_path / "a.eps")
    (tmp_path / "a.eps").rename(tmp_path / "a.png")
    with pytest.raises(Unreadable, match="cannot identify"):
        decode(tmp_path / "a.png")


@pytest.mark.parametrize("form", ["png", "jpg", "gif", "webp", "tif", "bmp", "ppm", "avif"])
def test_damaged_bytes_raise_nothing_but_unreadable(tmp_path, form):
    rng = np.random.default_rng(0)
    path = tmp_path / f"a.{form}"
    Image.effect_noise((24, 18), 80).convert("RGB").save(path)
    whole = path.read_bytes()
    for _ in range(60):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 3):
            data[place] = rng.integers(256)
        path.write_bytes(data)
        with suppress(Unreadable):
            assert decode(path, most=100_000).mode == "RGB"


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
