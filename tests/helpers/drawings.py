"""Drawings for tests of picture sets: a few random shapes on white, and what becomes of them."""

import numpy as np
from PIL import Image, ImageDraw


def drawing(seed, size=96):
    """Random polygons and ellipses in random colours on white, RGB."""
    random = np.random.default_rng(seed)
    picture = Image.new("RGB", (size, size), "white")
    pencil = ImageDraw.Draw(picture)
    for number in range(7):
        colour = tuple(random.integers(0, 200, 3).tolist())
        corners = random.integers(4, size - 4, (4, 2))
        if number % 2:
            pencil.polygon([tuple(corner) for corner in corners.tolist()], fill=colour)
        else:
            (left, top), (right, bottom) = corners[:2].min(0).tolist(), corners[:2].max(0).tolist()
            pencil.ellipse((left, top, right + 6, bottom + 6), fill=colour)
    return picture


def recoloured(picture):
    """The same shapes: red is blue, and the ink half as dark."""
    values = np.asarray(picture)[..., ::-1].astype(int)
    return Image.fromarray((255 - (255 - values) // 2).astype(np.uint8))


def transparent(picture):
    """RGBA; what was white is transparent black."""
    values = np.asarray(picture)
    white = (values == 255).all(2, keepdims=True)
    return Image.fromarray(np.concatenate([np.where(white, 0, values), np.where(white, 0, 255)], 2).astype(np.uint8))
