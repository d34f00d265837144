import io

import numpy as np
import pytest
from PIL import Image

from deeper.data.decoding import decoded
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


def test_a_picture_that_would_fill_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr("deeper.data.decoding.MOST_PIXELS", 1000)
    with pytest.raises(Unreadable, match=r"56×40 pixels are more than 1,000"):
        decoded(encoded())
