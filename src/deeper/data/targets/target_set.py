"""Target sets of transfer learning as a seed sees them: what trains, what chooses hyper-parameters, what tests.

A prepared target set (see ``deeper.data.targets.target_arrays``) has a pool of training pictures and a fixed test part.
Every seed draws its own validation part from the pool, whole groups of variants at a time: hyper-parameters are chosen
without the test part, and seeds differ in what they train on.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from deeper.data.batches import ImageData, Split
from deeper.data.prepared import ArraySet
from deeper.data.resized import open_resized
from deeper.data.targets.multilabel import MOST_CLASSES, unpack
from deeper.data.targets.target_arrays import GROUPS, content_digest
from deeper.errors import DeeperError


@dataclass(frozen=True)
class Parts:
    """Rows (int64, ascending) of a target set's arrays."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def draw(classes: np.ndarray, groups: np.ndarray, pool: int, seed: int, share: float, each: int | None = None) -> Parts:
    """The parts that a seed sees: of the first ``pool`` rows a validation part and a training part, the rest is test.

    Class by class, groups go to the validation part in an order that depends on seed and group alone until it has
    ``share`` of the class; then at most ``each`` training pictures a class stay, and fewer are among more.

    Args:
        classes: of all rows, int64; rows of a class below 0 have none and train.
        groups: of all rows, int64.
        pool: rows that are not of the test part.
        seed: another seed holds out other groups and keeps other pictures.
        share: of a class that is held out, at least one picture and never the last group.
        each: training pictures a class; None is all.

    Raises:
        DeeperError: a class has no two groups to tell apart.
    """
    side: dict[int, bool] = {}
    labels = np.unique(classes[:pool][classes[:pool] >= 0]).tolist()
    rows = {label: groups[:pool][classes[:pool] == label].tolist() for label in labels}
    of_class = {label: set(own) for label, own in rows.items()}
    for label, own in rows.items():
        _divide(side, of_class, label, own, seed, max(1, round(share * len(own))))
    held_out = np.array([side.get(group, False) for group in groups[:pool].tolist()], bool)
    train = np.flatnonzero(~held_out)
    if each is not None:
        ranked = sorted(train.tolist(), key=lambda row: _random_key(seed, -1, row))
        of_class = [[row for row in ranked if classes[row] == label][:each] for label in np.unique(classes[train])]
        train = np.sort(np.concatenate(of_class).astype(np.int64))
    return Parts(train, np.flatnonzero(held_out), np.arange(pool, len(classes)))


def _divide(
    side: dict[int, bool], of_class: Mapping[int, set[int]], label: int, rows: list[int], seed: int, wanted: int
) -> None:
    """Say in ``side`` of each group of a class whether it is held out, unless an earlier class has said so.

    Of every class, whose groups are in ``of_class``, one stays to train. ``rows`` are the groups of this class's rows.
    """
    shuffled = sorted(of_class[label], key=lambda group: _random_key(seed, group))
    if len(shuffled) < 2:
        raise DeeperError(
            f"class {label} of the target set has training pictures of one group alone, so none can be held out for "
            "validation; add pictures that differ"
        )
    held = 0
    for group in shuffled:
        is_last = any(
            all(side.get(other, False) for other in own - {group}) for own in of_class.values() if group in own
        )
        side.setdefault(group, held < wanted and not is_last)
        held += rows.count(group) if side[group] else 0


@dataclass(frozen=True)
class TargetSet:
    """A prepared target set as a seed sees it.

    Attributes:
        prepared: the arrays, at the size asked for.
        parts: which rows train, choose hyper-parameters, and test.
        channels: 3, or 1 for grey.
        mean, std: per channel, that pictures are normalised by, in units of full scale.
    """

    prepared: ArraySet
    parts: Parts
    channels: int
    mean: list[float]
    std: list[float]

    @property
    def digest(self) -> str:
        """SHA-256 that stands for what is in the set (``content_digest``)."""
        return content_digest(self.prepared.meta)

    @property
    def several(self) -> bool:
        """Whether labels are masks."""
        return self.prepared.meta["several"]

    def split(self, rows: np.ndarray | None = None) -> Split:
        """Pictures and labels of some rows, or of all, in memory."""
        rows = np.arange(len(self.prepared.labels)) if rows is None else rows
        images = np.array(self.prepared.images[rows])
        images = images if self.channels == images.shape[3] else grey(images)
        return Split(torch.from_numpy(images), torch.from_numpy(self.prepared.labels[rows]))

    normalise = ImageData.normalise

    def data(self) -> ImageData:
        """All parts in memory."""
        parts = [self.split(rows) for rows in (self.parts.train, self.parts.validation, self.parts.test)]
        return ImageData(*parts, self.mean, self.std, self.digest)


def load(
    folder: Path, image_size: int, channels: int, mean: Sequence[float], std: Sequence[float], seed: int, share: float,
    each: int | None,
) -> TargetSet:  # fmt: skip
    """A prepared target set as a seed sees it (``draw``).

    Raises:
        DeeperError: it is not prepared or is damaged; ``each`` with several labels a picture.
    """
    prepared = open_resized(folder, image_size)
    if prepared.meta["several"] and each is not None:
        raise DeeperError(f"{prepared.meta['name']} has several labels a picture: transfer.per_class must be null")
    classes = _first(prepared.labels) if prepared.meta["several"] else prepared.labels
    parts = draw(classes, np.load(folder / GROUPS), prepared.meta["splits"]["train"][1], seed, share, each)
    return TargetSet(prepared, parts, channels, list(mean), list(std))


def _random_key(*numbers: int) -> bytes:
    """Bytes to sort by: a random order that depends on the numbers alone."""
    return hashlib.sha256(" ".join(map(str, numbers)).encode()).digest()


def grey(images: np.ndarray) -> np.ndarray:
    """Luma of uint8 (N, H, W, 3) with the weights of ITU-R BT.601: (N, H, W, 1)."""
    weights = np.array([0.299, 0.587, 0.114])
    return (images @ weights + 0.5).astype(np.uint8)[..., None]


def _first(masks: np.ndarray) -> np.ndarray:
    """The first class that a mask has, −1 where it has none."""
    present = unpack(masks, MOST_CLASSES) == 1
    return np.where(present.any(1), present.argmax(1), -1)
