"""Picture files on their way to arrays: what a reader of a target set returns, and how a picture is decoded.

A reader knows one on-disk format. It lists the pictures with label, part and group and decodes none of them;
``deeper.data.targets.target_set`` turns the listing into arrays.
"""

import re
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal, NamedTuple

import numpy as np
from PIL import Image, ImageChops, UnidentifiedImageError

from deeper.errors import reason

FORMATS = ("JPEG", "PNG", "WEBP", "BMP", "GIF", "TIFF", "PPM", "AVIF")  # an EPS would start another program
MOST_PIXELS = 120_000_000  # 1.1 GB of memory at most while such a picture is decoded
FULL_SCALES = (255, 1023, 4095, 16383, 65535)  # of 8, 10, 12, 14 and 16 bits
DEEP = re.compile(";16[BLN]")  # in Pillow's words for samples of sixteen bits; BGR;16 are three colours in so many
ORIENTATION = 0x0112  # of EXIF; JEITA CP-3451, table 4
TURNED = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
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
        open: decodes it as RGB, or leaves more than eight bits as they are (``decode``); raises ``Unreadable``.
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


class Depth(NamedTuple):
    """What a deep picture holds, one that is grey with more than eight bits a pixel; and its largest number."""

    kind: Literal["integers", "fractions"]
    highest: float


def decode(path: Path | BinaryIO, most: int = MOST_PIXELS) -> Image.Image:
    """A picture file as ``upright`` gives it.

    Args:
        most: pixels of a picture that is decoded at all.

    Raises:
        Unreadable: it is missing, damaged, of none of ``FORMATS``, or has more than ``most`` pixels; it has more than
            eight bits in colour or beside transparency.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as picture:
                if picture.width * picture.height > most:
                    raise Unreadable(f"{picture.width}×{picture.height} pixels are more than {most:,}")
                return upright(picture)
    except FileNotFoundError as error:
        raise Unreadable("it is missing") from error
    except UnidentifiedImageError as error:  # whose words name an object in memory
        raise Unreadable(f"cannot identify image file: it is damaged, or none of {', '.join(FORMATS)}") from error
    except Unreadable:
        raise
    except Exception as error:  # decoders meet damaged bytes with any exception there is
        raise Unreadable(reason(error)) from error


def upright(picture: Image.Image) -> Image.Image:
    """An opened picture as RGB, turned as its camera was, transparency composited on white.

    A deep one comes as it is, since what is white in it is a matter of its whole set (``whites``, ``in_eight_bits``).

    Raises:
        Unreadable: its numbers are beyond 16 bits, or Pillow would read the upper eight of its bits alone.
    """
    _check_depth(picture)
    turned = _turned(picture)
    if _kind(turned) is None:
        return on_white(turned)
    _check_range(turned)
    return turned


def _turned(picture: Image.Image) -> Image.Image:
    """A picture turned as its camera was; as it is where its EXIF cannot be read, which says nothing of its pixels."""
    try:
        orientation = picture.getexif().get(ORIENTATION)
    except Exception:
        orientation = None
    turn = TURNED.get(orientation) if isinstance(orientation, int) else None
    picture.load()
    return picture if turn is None else picture.transpose(turn)


def on_white(picture: Image.Image) -> Image.Image:
    """A picture of eight bits as RGB, its transparent parts white."""
    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    return picture.convert("RGB")


def is_deep(path: Path) -> bool:
    """Whether a file's head says that it has more than eight bits; not where it cannot be read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path, formats=FORMATS) as picture:
                return _kind(picture) is not None or _is_cut(picture)
    except Exception:  # whatever it is, it is said when the picture is decoded
        return False


def depth(picture: Image.Image) -> Depth | None:
    """What a deep picture holds; None of one of eight bits."""
    kind = _kind(picture)
    return None if kind is None else Depth(kind, float(np.asarray(picture).max()))


def _kind(picture: Image.Image) -> Literal["integers", "fractions"] | None:
    if picture.mode == "F":
        return "fractions"
    return "integers" if picture.mode.startswith("I") else None


def _is_cut(picture: Image.Image) -> bool:
    """Whether Pillow reads the upper eight of an opened picture's sixteen bits alone, as it does of all but grey."""
    return _kind(picture) is None and any(DEEP.search(str(tile.args)) for tile in getattr(picture, "tile", ()))


def whites(found: Iterable[Depth]) -> dict[str, int]:
    """What is white, by kind, in a set of which these are the deep pictures."""
    highest: dict[str, float] = {}
    for kind, value in found:
        highest[kind] = max(value, highest.get(kind, 0))
    return {kind: full_scale(value, kind == "fractions") for kind, value in highest.items()}


def said_of(white: Mapping[str, int]) -> str:
    """What people are told of ``whites``."""
    return "".join(
        f"; of pictures of more than 8 bits {number} is white in all that hold {kind}" for kind, number in white.items()
    )


def in_eight_bits(picture: Image.Image, white: Mapping[str, int]) -> Image.Image:
    """A picture as RGB, whether it is deep or not; ``white`` is that of its set.

    Raises:
        Unreadable: it is deep, and ``white`` says nothing of its kind.
    """
    kind = _kind(picture)
    if kind is None:
        return picture
    if kind not in white:
        raise Unreadable(f"it is grey with more than 8 bits, and its set as prepared has none that hold {kind}")
    return eight_bits(picture, white[kind])


def full_scale(highest: float, fractions: bool) -> int:
    """What is white in all deep pictures of a set whose largest value is ``highest``.

    It is the largest number of 8, 10, 12, 14 or 16 bits that holds them all, and 1 for fractions that are at most 1.
    """
    return 1 if fractions and highest <= 1 else next(scale for scale in FULL_SCALES if highest <= scale)


def eight_bits(picture: Image.Image, white: int) -> Image.Image:
    """A deep picture as RGB of eight bits; ``white`` and more become 255."""
    scaled = np.asarray(picture).astype(np.float64) * 255 / white
    return Image.fromarray(scaled.clip(0, 255).astype(np.uint8)).convert("RGB")


def _check_depth(picture: Image.Image) -> None:
    if _is_cut(picture):
        raise Unreadable("it has more than 8 bits in colour or beside transparency; convert it to 8 bits")


def _check_range(picture: Image.Image) -> None:
    values = np.asarray(picture)
    if not (np.isfinite(values).all() and values.min() >= 0 and values.max() <= FULL_SCALES[-1]):
        raise Unreadable(f"its pixels go from {values.min():g} to {values.max():g}, which is no scale of brightness")


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
