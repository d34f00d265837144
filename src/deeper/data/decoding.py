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
EXIF = b"Exif\0\0"
HEADER = 4096  # bytes: EXIF stands in front


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
    if content.find(EXIF, 0, HEADER) < 0:
        return False
    try:
        with Image.open(io.BytesIO(content), formats=["JPEG"]) as picture:
            return picture.getexif().get(ORIENTATION, 1) != 1
    except Exception:  # a reader of damaged bytes meets any exception there is
        return True
