"""Which images train, which are held out for validation, which make up a smaller set; and their mean and deviation."""

import hashlib
import math

import numpy as np

from deeper.errors import DeeperError

SPLITS = ("train", "validation", "test")
RULE = "class by class, the training images with the smallest SHA-256 of their bytes, ties in the order of the release"


def validation_rows(images: np.ndarray, labels: np.ndarray, classes: int, size: int) -> np.ndarray:
    """Rows (ascending) of the ``size`` images to hold out, ``size / classes`` of each class, chosen by digest.

    A digest depends on an image's bytes alone, so the choice needs no random numbers and any program can repeat it.

    Raises:
        DeeperError: ``size`` is not a multiple of ``classes``, or a class has too few images.
    """
    each, rest = divmod(size, classes)
    if rest:
        raise DeeperError(f"a validation split of {size} cannot hold as many images of each of {classes} classes")
    if len(labels) == 0 or np.bincount(labels, minlength=classes).min() <= each:
        raise DeeperError(f"a class has too few training images to hold out {each} of them; lower data.held_out")
    digests = [hashlib.sha256(image.tobytes()).digest() for image in images]
    chosen = []
    for label in range(classes):
        chosen += sorted(np.flatnonzero(labels == label).tolist(), key=lambda row: (digests[row], row))[:each]
    return np.sort(np.array(chosen, np.int64))


def subset(labels: np.ndarray, size: int | None, seed: int) -> np.ndarray:
    """Rows (int64, ascending) of a stratified subset of ``size`` images; all of them where ``size`` is None.

    Subsets of the same labels and seed are nested: a smaller one lies inside a larger one. Every class is in it, as
    often as its share says; with classes of equal size the counts differ by one at most.

    Raises:
        DeeperError: ``size`` is larger than the set or smaller than its number of classes.
    """
    if size is None:
        return np.arange(len(labels), dtype=np.int64)
    return stratified(labels, size, np.random.Philox(key=seed).random_raw(len(labels)))


def stratified(labels: np.ndarray, size: int, draw: np.ndarray) -> np.ndarray:
    """Rows (int64, ascending) of ``size`` images, each class by its share and in the order of ``draw`` (uint64, N).

    Raises:
        DeeperError: as of ``subset``.
    """
    present, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if not len(present) <= size <= len(labels):
        raise DeeperError(
            f"cannot draw a stratified subset of {size} images from {len(labels)} images of {len(present)} classes; "
            f"choose a size from {len(present)} to {len(labels)}"
        )
    order = np.lexsort((draw, index))
    rank = np.empty(len(labels), np.int64)  # of an image among those of its class, in the order of the draw
    rank[order] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    share = (2 * rank + 1) / (2 * counts[index])  # an image is taken when the subset reaches this share of its class
    return np.sort(np.lexsort((draw, share, rank > 0))[:size].astype(np.int64))


def statistics(images: np.ndarray) -> tuple[list[float], list[float]]:
    """Mean and standard deviation of each channel of uint8 N×H×W×C images, in units of full scale, to six digits.

    Computed from whole numbers, so the result does not depend on the order of summation.
    """
    means, deviations = [], []
    for channel in range(images.shape[-1]):
        counts = np.bincount(images[..., channel].ravel(), minlength=256).tolist()
        n = sum(counts)
        first = sum(count * value for value, count in enumerate(counts))
        second = sum(count * value * value for value, count in enumerate(counts))
        means.append(round(first / (n * 255), 6))
        deviations.append(round(math.sqrt((n * second - first * first) / (n * n)) / 255, 6))
    return means, deviations
