"""From the bytes of a picture file to its pixels, as quickly as a well-kept library can.

JPEG goes through simplejpeg (libjpeg-turbo), the quickest of those that were measured (docs/pictures.md); all else
through Pillow.
"""

import io

import numpy as np
import simplejpeg
from PIL import Image

from deeper.data.pictures import MOST_PIXELS, ORIENTATION, decode

JPEG = b"\xff\xd8\xff"
APP1, SCAN = 0xE1, 0xDA  # markers of a JPEG: EXIF and XMP stand in the one, pixels begin with the other


def decoded(content: bytes) -> np.ndarray:
    """A picture as uint8 (H, W, 3), turned as its camera was, transparency composited on white.

    Raises:
        Unreadable: it is damaged, of a format that is not read, or has more than ``MOST_PIXELS`` pixels.
    """
    if content.startswith(JPEG) and not _is_turned(content):
        try:
            height, width, _, _ = simplejpeg.decode_jpeg_header(content)
            if height * width <= MOST_PIXELS:
                return simplejpeg.decode_jpeg(content, "RGB")
        except ValueError:
            pass  # four colours, or damage: Pillow reads the one and has words for the other
    return np.array(decode(io.BytesIO(content), MOST_PIXELS))


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
