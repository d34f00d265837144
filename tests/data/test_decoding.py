import io

import numpy as np
import pytest
from PIL import Image

from deeper.data.decoding import _has_facts, decoded, decoded_depth
from deeper.data.pictures import ORIENTATION, Unreadable

PIXELS = np.kron(np.random.default_rng(0).integers(0, 256, (5, 7, 3)), np.ones((8, 8, 1))).astype(np.uint8)


def encoded(picture=None, **options):
    content = io.BytesIO()
    (Image.fromarray(PIXELS) if picture is None else picture).save(
        content, **{"format": "JPEG", "quality": 95, **options}
    )
    return content.getvalue()


def seen_by_pillow(content):
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)


def test_a_jpeg_is_what_pillow_makes_of_it():
    content = encoded()
    assert decoded(content).shape == (40, 56, 3)
    assert np.abs(decoded(content) - seen_by_pillow(content)).max() <= 1


@pytest.mark.parametrize("format", ["PNG", "BMP", "PPM", "TIFF"])
def test_other_formats_are_read_to_the_pixel(format):
    assert (decoded(encoded(format=format)) == PIXELS).all()


@pytest.mark.parametrize("mode", ["L", "CMYK", "YCbCr"])
def test_other_colours_of_a_jpeg_become_three(mode):
    content = encoded(Image.fromarray(PIXELS).convert(mode))
    assert np.abs(decoded(content) - seen_by_pillow(content)).max() <= 1


def test_a_picture_is_turned_as_its_camera_was():
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    assert decoded(encoded(exif=exif)).shape == (56, 40, 3)
    exif[ORIENTATION] = 1
    assert (decoded(encoded(exif=exif)) == decoded(encoded())).all()


@pytest.mark.parametrize(
    "before",
    [
        b"\xff\xe2" + (5002).to_bytes(2) + bytes(5000),  # a profile of colours
        (b"\xff\xe2" + (65535).to_bytes(2) + b"\xff\xda" * 32766 + b"\0") * 3,  # that looks like the pixels' beginning
        b"\xff\xff\xff\xe2\x00\x02",  # bytes that fill
    ],
    ids=["profile", "much", "fill"],
)
def test_a_turn_is_found_behind_whatever_stands_before_it(before):
    exif = Image.Exif()
    exif[ORIENTATION] = 6
    content = encoded(exif=exif)
    late = content[:2] + before + content[2:]
    assert (decoded(late) == decoded(content)).all()
    assert decoded(late).shape == (56, 40, 3)


def test_a_turn_in_xmp_is_a_turn():
    said = b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>'
    assert decoded(encoded(xmp=said)).shape == (56, 40, 3)


def test_no_facts_are_looked_for_among_the_pixels():
    content = encoded()
    assert not _has_facts(content)
    assert not _has_facts(content + b"\xff\xe1\x00\x08Exif\0\0")
    assert not _has_facts(content[:20])


@pytest.mark.parametrize(
    ("pixels", "format", "white", "right"),
    [
        (np.array([[0, 2048, 4095]], np.uint16), "PNG", {"integers": 4095}, [0, 127, 255]),
        (np.array([[0, 0.5, 1]], np.float32), "TIFF", {"fractions": 1}, [0, 127, 255]),
    ],
)
def test_more_than_eight_bits_are_scaled_by_the_white_of_the_set(pixels, format, white, right):
    content = encoded(Image.fromarray(pixels), format=format)
    assert decoded(content, white).tolist() == [[[value] * 3 for value in right]]
    assert decoded_depth(content) == (next(iter(white)), pixels.max())
    with pytest.raises(Unreadable, match="grey with more than 8 bits"):
        decoded(content)


@pytest.mark.parametrize("format", ["JPEG", "PNG"])
def test_a_picture_of_eight_bits_has_no_depth(format):
    assert decoded_depth(encoded(format=format)) is None


def test_transparency_is_white():
    assert (decoded(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0)), format="PNG")) == 255).all()


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (encoded()[:900], "truncated"),
        (b"", "cannot identify"),
        (b"\xff\xd8\xff\xe0 no picture", "image|Truncated"),  # by the plugins of Pillow that are loaded
        (b"text", "cannot"),
    ],
)
def test_what_is_no_picture_says_why(content, why):
    with pytest.raises(Unreadable, match=why):
        decoded(content)


def test_a_photograph_of_48_million_pixels_is_read():
    assert decoded(encoded(Image.new("RGB", (8000, 6000), (90, 90, 90)), quality=50)).shape == (6000, 8000, 3)


def test_a_picture_that_would_fill_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr("deeper.data.decoding.MOST_PIXELS", 1000)
    with pytest.raises(Unreadable, match=r"56×40 pixels are more than 1,000"):
        decoded(encoded())
