"""Which pictures look alike: the number of bits in which perceptual hashes of their tones and contours differ.

After pHash (Zauner: Implementation and benchmarking of perceptual image hash functions, 2010): the signs of low
frequencies of a discrete cosine transform about their median. A hash of the tones alone misses a drawing that was
coloured differently, so there is a second one of the contours. Both see the picture without its white margins.
"""

import numpy as np
from PIL import Image
from scipy.fft import dctn

from deeper.data.pictures import without_margins

BITS = 255
_SIDE, _LOW = 128, 16


def fingerprint(picture: Image.Image) -> np.ndarray:
    """Hashes of an RGB picture, bool (2, 2, 255): of its tones and of its contours; as it is and mirrored."""
    small = picture.copy()
    small.thumbnail((2 * _SIDE, 2 * _SIDE))
    square = without_margins(small).resize((_SIDE, _SIDE), Image.Resampling.LANCZOS)
    return np.stack([_signs(np.asarray(square.convert("L"), np.float64)), _signs(contours(square))])


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


def _signs(values: np.ndarray) -> np.ndarray:
    low = dctn(values, norm="ortho")[:_LOW, :_LOW]
    both = np.stack([low, low * (-1.0) ** np.arange(_LOW)])  # mirroring turns the sign of every odd column
    coefficients = both.reshape(2, -1)[:, 1:]  # all but the mean
    return coefficients > np.median(coefficients, axis=1, keepdims=True)


def _smallest(plain: np.ndarray, mirrored: np.ndarray) -> np.ndarray:
    agreed = np.maximum(plain @ plain.T, plain @ mirrored.T)
    agreed = np.maximum(agreed, agreed.T)
    return ((BITS - agreed) / 2).astype(np.int64)
