"""A folder of grey pictures of more than eight bits: a class is a brightness in noise, so it can be learned.

And files of sixteen bits that Pillow cannot write.
"""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

WHITE = {"integers": 4095, "fractions": 1}


def write(root: Path, kind: str = "integers", classes: int = 3, each: int = 12) -> Path:
    """Write so many pictures of each class, PNG of twelve bits or TIFF of fractions up to one."""
    generator = np.random.default_rng(0)
    for label in range(classes):
        (root / f"kind {label}").mkdir(parents=True)
        for number in range(each):
            shares = generator.random((40, 36)) * 0.3 + 0.6 * label / classes
            shares[0, 0] = 0.9
            path = root / f"kind {label}" / f"{number:02}"
            if kind == "integers":
                Image.fromarray((shares * 4095).astype(np.uint16)).save(path.with_suffix(".png"))
            else:
                Image.fromarray(shares.astype(np.float32)).save(path.with_suffix(".tif"))
    return root


def png(colour: int, channels: int, value: int = 4095) -> bytes:
    """A PNG of 4×3 pixels and sixteen bits a channel, of a colour type of PNG's (2 RGB, 4 grey, 6 RGB, with alpha)."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    row = b"\0" + struct.pack(f">{4 * channels}H", *[value] * 4 * channels)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 3, 16, colour, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(row * 3)) + chunk(b"IEND", b"")


def tiff(value: int = 4095) -> bytes:
    """A TIFF of 4×3 pixels in RGB and sixteen bits a channel."""
    pixels = struct.pack("<36H", *[value] * 36)
    facts = [(256, 1, 4), (257, 1, 3), (258, 3, 122), (259, 1, 1), (262, 1, 2), (273, 1, 128), (277, 1, 3), (278, 1, 3)]
    tags = b"".join(struct.pack("<HHII", tag, 3, count, told) for tag, count, told in [*facts, (279, 1, len(pixels))])
    return b"II" + struct.pack("<HIH", 42, 8, 9) + tags + bytes(4) + struct.pack("<3H", 16, 16, 16) + pixels
