"""From the bytes of a picture file to its pixels, as quickly as a well-kept library can.

JPEG goes through simplejpeg (libjpeg-turbo), the quickest of those that were measured (docs/pictures.md); all else
through Pillow.
"""

import io
from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
import simplejpeg
from PIL import Image

from deeper.data.pictures import MOST_PIXELS, ORIENTATION, Depth, decode, depth, in_eight_bits

JPEG = b"\xff\xd8\xff"
APP1, SCAN = 0xE1, 0xDA  # markers of a JPEG: EXIF and XMP stand in the one, pixels begin with the other


def decoded(content: bytes, white: Mapping[str, int] = MappingProxyType({})) -> np.ndarray:
    """A picture as uint8 (H, W, 3), turned as its camera was, transparency composited on white.

    Args:
        content: of its file.
        white: what is white in the deep pictures of its set (``deeper.data.pictures.whites``).

    Raises:
        Unreadable: it is damaged, of a format that is not read, or has more than ``MOST_PIXELS`` pixels; or it is deep
            and ``white`` says nothing of its kind.
    """
    quick = _quickly(content)
    return np.array(in_eight_bits(_by_pillow(content), white)) if quick is None else quick


def decoded_depth(content: bytes) -> Depth | None:
    """What a deep picture holds; None of one of eight bits. Raises ``Unreadable`` as ``decoded``."""
    return depth(_by_pillow(content)) if _quickly(content) is None else None


def _quickly(content: bytes) -> np.ndarray | None:
    """An upright JPEG's pixels; None of what Pillow is to read."""
    if content.startswith(JPEG) and not _is_turned(content):
        try:
            height, width, _, _ = simplejpeg.decode_jpeg_header(content)
            if height * width <= MOST_PIXELS:
                return simplejpeg.decode_jpeg(content, "RGB")
        except ValueError:
            pass  # four colours, or damage: Pillow reads the one and has words for the other
    return None


def _by_pillow(content: bytes) -> Image.Image:
    return decode(io.BytesIO(content), MOST_PIXELS)


def _is_turned(content: bytes) -> bool:
    """Whether a JPEG says that its camera was held otherwise than upright."""
    if not _has_facts(content):
        return False
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
            return picture.getexif().get(ORIENTATION, 1) != 1
    except Exception:  # a reader of damaged bytes meets any exception there is
        return True


def _has_facts(content: bytes) -> bool:
    """Whether a JPEG has EXIF or XMP, however much stands before them."""
    place = content.find(b"\xff", 2)
    while 0 <= place < len(content) - 3:
        marker = content[place + 1]
        if marker in (APP1, SCAN):
            return marker == APP1
        filler = marker == 0xFF
        length = int.from_bytes(content[place + 2 : place + 4])
        place = place + 1 if filler else content.find(b"\xff", place + 2 + length)
    return False
