"""Picture files on their way to arrays: what a reader of a target set returns, and how a picture is decoded.

A reader knows one on-disk format. It lists the pictures with label, part and group and decodes none of them;
``deeper.data.targets.target_set`` turns the listing into arrays.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image, ImageChops, ImageOps, UnidentifiedImageError

from deeper.errors import reason

MOST_PIXELS = 40_000_000
WHITE = 243  # a pixel is white where each of its channels is no darker


class Unreadable(Exception):
    """A picture that cannot be decoded; its set goes on without it, and counts and names it."""


@dataclass(frozen=True)
class Picture:
    """One picture of a set.

    Attributes:
        name: its path inside the release, for messages and reports.
        label: its class; in a set with several labels a picture, a mask (``deeper.data.targets.multilabel``).
        part: where the release, or the reader, puts it.
        group: pictures of one group are variants of each other and never fall on two sides of a split.
        open: decodes it as RGB; raises ``Unreadable``.
    """

    name: str
    label: int
    part: Literal["train", "test"]
    group: str
    open: Callable[[], Image.Image]


@dataclass(frozen=True)
class Collection:
    """What a reader lists.

    Attributes:
        classes: names in the order of the labels.
        pictures: in the order of the release.
        dropped: by name, why a file of the release is none of the pictures (an empty annotation, too few of a kind).
        several: whether labels are masks.
    """

    classes: Sequence[str]
    pictures: Sequence[Picture]
    dropped: dict[str, str]
    several: bool = False


def decode(path: Path, most: int = MOST_PIXELS) -> Image.Image:
    """A picture file as RGB, transparency composited on white.

    Raises:
        Unreadable: it is missing, damaged, no picture, or has more than ``most`` pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as picture:
                if picture.width * picture.height > most:
                    raise Unreadable(f"{picture.width}×{picture.height} pixels are more than {most:,}")
                return on_white(ImageOps.exif_transpose(picture))
    except FileNotFoundError as error:
        raise Unreadable("it is missing") from error
    except (OSError, SyntaxError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise Unreadable(reason(error)) from error


def on_white(picture: Image.Image) -> Image.Image:
    """Any picture as RGB, its transparent parts white; sixteen bits become eight.

    Raises:
        Unreadable: its pixels are fractions, of a scale that nobody tells.
    """
    if picture.mode == "F":
        raise Unreadable("its pixels are fractions")
    if picture.mode.startswith("I"):
        values = np.asarray(picture).astype(np.float64)
        scaled = values / (257 if values.max() > 255 else 1)
        return Image.fromarray(scaled.clip(0, 255).astype(np.uint8)).convert("RGB")
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture.convert("RGB")


def without_margins(picture: Image.Image) -> Image.Image:
    """An RGB picture cut to the box of all that is not white; a white one as it is."""
    box = _not_white(picture)
    return picture.crop(box) if box else picture


def is_blank(picture: Image.Image) -> bool:
    """Whether an RGB picture is white all over."""
    return _not_white(picture) is None


def _not_white(picture: Image.Image) -> tuple[int, int, int, int] | None:
    red, green, blue = picture.split()
    darkest = ImageChops.darker(ImageChops.darker(red, green), blue)
    return darkest.point([255 if level < WHITE else 0 for level in range(256)]).getbbox()
