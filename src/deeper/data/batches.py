"""Small image sets in memory, served in whole batches on the training device."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from deeper.data.augment import Augment, crop, epoch_order
from deeper.data.listing import is_listing
from deeper.data.prepared import read_meta
from deeper.data.resized import open_resized
from deeper.data.splits import subset
from deeper.errors import DeeperError

Batch = tuple[Any, Tensor, Tensor]
_PICTURES_AT_ONCE = 1024  # of small batches several are cropped together: one at a time costs mostly the calls


class SetPart(Protocol):
    """One part of a set, wherever its pictures are.

    Attributes:
        labels: int64 (N,).
    """

    labels: Tensor

    def __len__(self) -> int: ...


class TrialData(Protocol):
    """What a training needs of a set: ``ImageData``, in memory, or ``deeper.data.streamed.StreamedData``, on disk.

    Attributes:
        train, validation, test: the parts.
        digest: identifies the prepared set.
    """

    train: SetPart
    validation: SetPart
    test: SetPart
    digest: str

    def training_batches(
        self, augment: Any, batch_size: int, seed: int, epoch: Callable[[], int], device: torch.device,
        rank: int = 0, world: int = 1,
    ) -> Iterable[Batch]:  # fmt: skip
        """Batches of (images, labels, indices) of one epoch at a time; arguments as of ``TrainingBatches``.

        Raises:
            DeeperError: ``augment`` is for the other kind of set.
        """
        ...

    def evaluation_batches(
        self, augment: Any, part: SetPart, batch_size: int, device: torch.device, rank: int = 0, world: int = 1
    ) -> Iterable[Batch]:
        """Batches of (images, labels, indices) of a part, every picture once over all ranks, as ``EvaluationBatches``.

        Pictures of the test part may come in several views, (N, views, C, H, W), or whole: a list a picture of several
        sizes, (views, C, H, W) each.
        """
        ...


@dataclass
class Split:
    """Images (uint8, N×H×W×C) and labels (int64, N) of one part of a set, in memory."""

    images: Tensor
    labels: Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device) -> "Split":
        return Split(self.images.to(device), self.labels.to(device))


@dataclass
class ImageData:
    """The parts of a prepared set at the size and in the number that a configuration asks for.

    Attributes:
        train, validation, test: the parts.
        mean, std: per channel, in units of full scale.
        digest: identifies the prepared set.
    """

    train: Split
    validation: Split
    test: Split
    mean: list[float]
    std: list[float]
    digest: str

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 (N, H, W, C) → float32 (N, C, H, W) of zero mean and unit variance, channels last in memory."""
        return normalise(images, self.mean, self.std)

    def training_batches(
        self, augment: Augment, batch_size: int, seed: int, epoch: Callable[[], int], device: torch.device,
        rank: int = 0, world: int = 1,
    ) -> "TrainingBatches":  # fmt: skip
        """As of ``TrialData``; ``augment`` pads, crops and mirrors whole batches."""
        return TrainingBatches(self, _fitting(augment), batch_size, seed, epoch, device, rank, world)

    def evaluation_batches(
        self, augment: Augment, part: Split, batch_size: int, device: torch.device, rank: int = 0, world: int = 1
    ) -> "EvaluationBatches":
        """As of ``TrialData``; ``augment`` changes none of the pictures."""
        return EvaluationBatches(self, part, batch_size, device, rank, world)


def normalise(images: Tensor, mean: Sequence[float], std: Sequence[float]) -> Tensor:
    """uint8 (N, H, W, C) → float32 (N, C, H, W), less ``mean`` and over ``std``, which are in units of full scale."""
    centre = torch.tensor(mean, device=images.device) * 255
    scale = 1 / (torch.tensor(std, device=images.device) * 255)
    return ((images.to(torch.float32) - centre) * scale).permute(0, 3, 1, 2)


def load(data: dict[str, Any]) -> ImageData:
    """Read a prepared set.

    Args:
        data: a ``data`` configuration: ``root``, ``name``, ``image_size``, ``train_size``, ``validation_size``,
            ``subset_seed``.

    Raises:
        DeeperError: the set is not prepared, is damaged, is a listing of files, or has fewer images than asked for.
    """
    if is_listing(read_meta(Path(data["root"]) / data["name"])):
        raise DeeperError(f"{data['name']} is read from disk; this needs a set in memory")
    prepared = open_resized(Path(data["root"]) / data["name"], data["image_size"])

    def part(name: str, size: int | None) -> Split:
        images, labels = prepared.split(name)
        if size is not None:
            chosen = subset(labels, size, data["subset_seed"])
            images, labels = images[chosen], labels[chosen]
        return Split(torch.from_numpy(np.array(images)), torch.from_numpy(np.array(labels)))

    return ImageData(
        train=part("train", data["train_size"]),
        validation=part("validation", data["validation_size"]),
        test=part("test", None),
        mean=prepared.meta["mean"],
        std=prepared.meta["std"],
        digest=prepared.digest,
    )


def _fitting(augment: Any) -> Augment:
    """Raises ``DeeperError`` where pictures of any size are expected."""
    if not isinstance(augment, Augment):
        raise DeeperError(
            "augment: these transforms are for pictures that are read from disk; a set in memory takes "
            "augment=crop_mirror"
        )
    return augment


class TrainingBatches:
    """Augmented batches of one epoch: an iterable over (images, labels, indices) that Lightning takes as a loader.

    A global batch is cut over the ranks by stride, so the same samples make a step whatever the number of ranks.
    The incomplete batch at the end of an epoch is left out.

    Args:
        data: the set.
        augment: what to do to the pictures.
        batch_size: samples a step, over all ranks; a multiple of ``world``.
        seed: of order and augmentation.
        epoch: tells the epoch that starts now.
    """

    def __init__(
        self,
        data: ImageData,
        augment: Augment,
        batch_size: int,
        seed: int,
        epoch: Callable[[], int],
        device: torch.device,
        rank: int = 0,
        world: int = 1,
    ):
        self.data, self.augment, self.batch_size, self.seed, self.epoch = data, augment, batch_size, seed, epoch
        self.rank, self.world = rank, world
        self.size = data.train.images.shape[1]
        self.images = augment.padded(data.train.images).to(device)
        self.labels = data.train.labels.to(device)

    def __len__(self) -> int:
        return len(self.labels) // self.batch_size

    def __iter__(self) -> Iterator[Batch]:
        epoch, samples, device = self.epoch(), len(self.labels), self.images.device
        order = torch.from_numpy(epoch_order(samples, self.seed, epoch)).to(device)
        drawn = [torch.from_numpy(d).to(device) for d in self.augment.draw(samples, self.seed, epoch)]
        batches = order[: len(self) * self.batch_size].view(len(self), -1)[:, self.rank :: self.world]
        for chunk in batches.split(max(1, _PICTURES_AT_ONCE // self.batch_size)):
            index = chunk.reshape(-1)
            cropped = crop(self.images, index, *(d[index] for d in drawn), self.size)
            pictures = self.data.normalise(self.augment.change(cropped, index, self.seed, epoch))
            size = chunk.shape[1]  # of a batch on this rank
            yield from zip(pictures.split(size), self.labels[index].split(size), index.split(size), strict=True)


def shares(samples: int, batch_size: int, rank: int, world: int) -> list[np.ndarray]:
    """Of 0…samples-1 those that a rank evaluates, int64, cut into as many batches as the other ranks have."""
    share = -(-samples // world)
    batches = max(1, min(-(-share // batch_size), samples // world))
    return np.array_split(np.arange(rank, samples, world), batches)


class Normalising(Protocol):
    """What says how pictures are normalised."""

    def normalise(self, images: Tensor) -> Tensor: ...


class EvaluationBatches:
    """Every sample of a split exactly once over all ranks, unchanged, in batches of (images, labels, indices).

    Each rank has the same number of batches, none of them empty, so that collectives match. They are as large as
    ``batch_size``, give or take what it takes to divide evenly.
    """

    def __init__(
        self, data: Normalising, split: Split, batch_size: int, device: torch.device, rank: int = 0, world: int = 1
    ):
        self.data, self.split = data, split.to(device)
        self.parts = shares(len(split), batch_size, rank, world)

    def __len__(self) -> int:
        return len(self.parts)

    def __iter__(self) -> Iterator[Batch]:
        for part in self.parts:
            index = torch.from_numpy(part).to(self.split.labels.device)
            yield self.data.normalise(self.split.images[index]), self.split.labels[index], index
