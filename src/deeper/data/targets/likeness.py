"""Which pictures are variants of one drawing: perceptual hashes of tones and of contours, and groups by their distance.

After pHash (Zauner: Implementation and benchmarking of perceptual image hash functions, 2010): the signs of low
frequencies of a discrete cosine transform about their median. A hash of the tones alone misses a drawing that was
coloured differently, so there is a second one of the contours. Both see the picture cut to its content, so margins do
not matter.
"""

from collections.abc import Iterable

import numpy as np
from PIL import Image, ImageChops
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

BITS = 255
_SIDE, _LOW = 128, 16
_PAPER = 12


def fingerprint(picture: Image.Image) -> np.ndarray:
    """Hashes of an RGB picture, bool (2, 2, 255): of its tones and of its contours; as it is and mirrored."""
    small = picture.copy()
    small.thumbnail((2 * _SIDE, 2 * _SIDE))
    square = content(small).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return np.stack([_signs(np.asarray(square.convert("L"), np.float64)), _signs(contours(square))])


def content(picture: Image.Image) -> Image.Image:
    """An RGB picture without its white margins; a white one as it is."""
    box = _ink(picture)
    return picture.crop(box) if box else picture


def is_blank(picture: Image.Image) -> bool:
    """Whether an RGB picture is white all over."""
    return _ink(picture) is None


def contours(picture: Image.Image) -> np.ndarray:
    """Root of the steepest slope of any channel, float64 (height, width)."""
    down, across = np.gradient(np.asarray(picture, np.float64), axis=(0, 1))
    return np.sqrt(np.hypot(down, across).max(2))


def distances(prints: np.ndarray) -> np.ndarray:
    """Bits in which fingerprints (N, 2, 2, 255) differ: int (2, N, N), of tones and of contours.

    That of two pictures is the smaller one of: as they are, one of them mirrored.
    """
    tones_and_contours = np.where(prints, 1, -1).astype(np.float32).transpose(1, 2, 0, 3)
    return np.stack([_smallest(plain, mirrored) for plain, mirrored in tones_and_contours])


def groups(count: int, pairs: Iterable[tuple[int, int]]) -> np.ndarray:
    """Number of the group of each of ``count`` things, where those of a pair are in one group; int (count,)."""
    ends = np.array(list(pairs), np.int64).reshape(-1, 2)
    graph = coo_array((np.ones(len(ends), bool), (ends[:, 0], ends[:, 1])), shape=(count, count))
    return connected_components(graph, directed=False)[1]


def _ink(picture: Image.Image) -> tuple[int, int, int, int] | None:
    red, green, blue = picture.split()
    darkest = ImageChops.darker(ImageChops.darker(red, green), blue)
    return darkest.point([255 if level < 255 - _PAPER else 0 for level in range(256)]).getbbox()


def _signs(values: np.ndarray) -> np.ndarray:
    low = dctn(values, norm="ortho")[:_LOW, :_LOW]
    both = np.stack([low, low * (-1.0) ** np.arange(_LOW)]).reshape(2, -1)[:, 1:]
    return both > np.median(both, axis=1, keepdims=True)


def _smallest(plain: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    agreed = np.maximum(plain @ plain.T, plain @ mirrored.T)
    agreed = np.maximum(agreed, agreed.T)
    return ((BITS - agreed) / 2).astype(np.int64)
