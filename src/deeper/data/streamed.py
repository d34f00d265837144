"""Sets of pictures that are read from disk while a network trains: decoded and transformed by worker processes.

What a picture becomes is a function of (seed, epoch, picture), and what a batch holds one of (seed, epoch, batch): so
any number of workers and of ranks, and a run that was resumed, see the same.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from deeper.data.augment import epoch_order
from deeper.data.batches import Batch, shares
from deeper.data.decoding import decoded
from deeper.data.listing import Listing, open_listing
from deeper.data.pictures import Unreadable
from deeper.data.splits import subset
from deeper.data.transforms import PictureTransforms
from deeper.errors import DeeperError, reason
from deeper.files import shown
from deeper.parents import die_with_parent

AHEAD = 4  # batches that each worker makes before they are asked for

Seen = Callable[[np.ndarray, int], Any]  # a picture and its row in the listing → what a network sees of it


@dataclass(frozen=True)
class StreamedPart:
    """One part of a set on disk: rows of the listing (int64, N) and labels (int64, N)."""

    rows: np.ndarray
    labels: Tensor

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class StreamedData:
    """The parts of a set on disk, in the number that a configuration asks for.

    Attributes:
        listing: of its files.
        train, validation, test: the parts.
        workers: processes that read pictures, for each rank; 0 reads in the training process.
    """

    listing: Listing
    train: StreamedPart
    validation: StreamedPart
    test: StreamedPart
    workers: int = 0

    @property
    def digest(self) -> str:
        """SHA-256 that stands for the listing."""
        return self.listing.digest

    def training_batches(
        self, augment: PictureTransforms, batch_size: int, seed: int, epoch: Callable[[], int], device: torch.device,
        rank: int = 0, world: int = 1,
    ) -> "StreamedTraining":  # fmt: skip
        """As of ``TrialData``; ``augment`` are transforms for pictures of any size."""
        return StreamedTraining(self, _fitting(augment), batch_size, seed, epoch, device, rank, world)

    def evaluation_batches(
        self, augment: PictureTransforms, part: StreamedPart, batch_size: int, device: torch.device, rank: int = 0,
        world: int = 1,
    ) -> "StreamedEvaluation":  # fmt: skip
        """As of ``TrialData``; the test part comes as ``augment.test`` makes it."""
        return StreamedEvaluation(self, _fitting(augment), part, batch_size, device, rank, world)


def load(data: dict[str, Any], workers: int = 0) -> StreamedData:
    """Open a prepared listing.

    Args:
        data: a ``data`` configuration, as of ``deeper.data.batches.load``, and ``folder``, where the pictures lie now;
            None: where they were listed.
        workers: processes that read pictures, for each rank.

    Raises:
        DeeperError: the set is not prepared, is damaged, or has fewer pictures than asked for.
    """
    listing = open_listing(Path(data["root"]) / data["name"], data.get("folder"))

    def part(name: str, size: int | None) -> StreamedPart:
        rows = listing.rows(name)
        labels = listing.labels[rows]
        if size is not None:
            chosen = subset(labels, size, data["subset_seed"])
            rows, labels = rows[chosen], labels[chosen]
        return StreamedPart(rows, torch.from_numpy(labels))

    parts = part("train", data["train_size"]), part("validation", data["validation_size"]), part("test", None)
    return StreamedData(listing, *parts, workers)


class StreamedTraining:
    """Training batches of one epoch, cut over ranks as ``TrainingBatches`` cuts them. Arguments as of these."""

    def __init__(
        self, data: StreamedData, transforms: PictureTransforms, batch_size: int, seed: int, epoch: Callable[[], int],
        device: torch.device, rank: int, world: int,
    ):  # fmt: skip
        self.data, self.transforms, self.batch_size = data, transforms, batch_size
        self.seed, self.epoch, self.device, self.rank, self.world = seed, epoch, device, rank, world

    def __len__(self) -> int:
        return len(self.data.train) // self.batch_size

    def __iter__(self) -> Iterator[Batch]:
        epoch = self.epoch()
        order = epoch_order(len(self.data.train), self.seed, epoch)
        batches = order[: len(self) * self.batch_size].reshape(len(self), -1)[:, self.rank :: self.world]
        transform = partial(_trained, self.transforms, self.seed, epoch)
        yield from _read(self.data, self.data.train, batches, transform, self.transforms, self.device)


class StreamedEvaluation:
    """Every picture of a part exactly once over all ranks, cut as ``EvaluationBatches`` cuts them.

    Where pictures come in several views, there are so many fewer pictures in a batch; whole ones come alone.
    """

    def __init__(
        self, data: StreamedData, transforms: PictureTransforms, part: StreamedPart, batch_size: int,
        device: torch.device, rank: int, world: int,
    ):  # fmt: skip
        self.data, self.transforms, self.part, self.device = data, transforms, part, device
        self.tests = part is data.test
        together = transforms.pictures_of(batch_size) if self.tests else batch_size
        self.shares = shares(len(part), together, rank, world)

    def __len__(self) -> int:
        return len(self.shares)

    def __iter__(self) -> Iterator[Batch]:
        transform = partial(_evaluated, self.transforms.tested if self.tests else self.transforms.evaluated)
        yield from _read(self.data, self.part, self.shares, transform, self.transforms, self.device)


def _trained(transforms: PictureTransforms, seed: int, epoch: int, picture: np.ndarray, row: int) -> np.ndarray:
    return transforms.trained(picture, seed, epoch, row)


def _evaluated(transform: Callable[[np.ndarray], Any], picture: np.ndarray, row: int) -> Any:
    return transform(picture)


def _read(
    data: StreamedData, part: StreamedPart, batches: Sequence[np.ndarray], transform: Seen,
    transforms: PictureTransforms, device: torch.device,
) -> Iterator[Batch]:  # fmt: skip
    """The batches whose places in ``part`` are given, normalised, on the device.

    Raises:
        DeeperError: a picture is not the one that was listed or cannot be decoded, or pictures come out in two sizes.
    """
    workers = min(data.workers, len(batches))
    loader = DataLoader(
        _Pictures(data.listing, part.rows, transform),
        batch_sampler=batches,
        num_workers=workers,
        multiprocessing_context="fork"
        if workers
        else None,  # a fork server, a trial's own way, would import torch anew
        collate_fn=_as_made,
        pin_memory=device.type == "cuda",
        worker_init_fn=_begin_worker,
        prefetch_factor=AHEAD if workers else None,
        generator=torch.Generator(),  # or the loader draws from the generator of all
    )
    for index, images in loader:
        if isinstance(images, str):
            raise DeeperError(images)
        yield normalised(images, transforms, device), part.labels[index].to(device), index.to(device)


def normalised(images: Any, transforms: PictureTransforms, device: torch.device) -> Any:
    """uint8 (…, 3, H, W) → float32 on the device; of whole pictures each size of each of them."""
    if isinstance(images, list):
        return [[_normalised(scale, transforms, device) for scale in picture] for picture in images]
    return _normalised(images, transforms, device)


def _normalised(images: Tensor, transforms: PictureTransforms, device: torch.device) -> Tensor:
    seen = transforms.normalise(images.to(device, non_blocking=True).flatten(0, -4))
    return seen if images.ndim == 4 else seen.unflatten(0, images.shape[:2])


class _Pictures(Dataset):
    """Whole batches: places in a part (int64) → places, and uint8 (N, …, 3, H, W) or what is wrong with a picture.

    Whole pictures, each at several sizes, are a list a picture of uint8 (views, 3, H, W).
    """

    def __init__(self, listing: Listing, rows: np.ndarray, transform: Seen):
        self.listing, self.rows, self.transform = listing, rows, transform

    def __getitems__(self, places: Sequence[int]) -> tuple[Tensor, Tensor | list[list[Tensor]] | str]:
        index = torch.as_tensor(np.asarray(places))
        try:
            with torch.random.fork_rng(devices=[]):
                return index, self._batch(self.rows[np.asarray(places)].tolist())
        except DeeperError as error:
            return index, str(error)  # a worker's exception would come with its traceback as its text

    def _batch(self, rows: Sequence[int]) -> Tensor | list[list[Tensor]]:
        made: np.ndarray | None = None
        whole: list[list[Tensor]] = []
        for place, row in enumerate(rows):
            seen = self._seen(row)
            if isinstance(seen, list):
                whole.append([torch.from_numpy(scale) for scale in seen])
                continue
            if made is None:
                made = np.empty((len(rows), *seen.shape), np.uint8)
            if seen.shape != made.shape[1:] or seen.dtype != np.uint8:
                raise DeeperError(
                    f"{shown(self.listing.path(row))} comes out of augment as {seen.dtype} {seen.shape}, others as "
                    f"{made.dtype} {made.shape[1:]}; let the last transforms give pictures of one size"
                )
            made[place] = seen
        return whole if made is None else torch.from_numpy(made)

    def _seen(self, row: int) -> Any:
        picture = self._decoded(row)
        try:
            return self.transform(picture, row)
        except Exception as error:  # whatever a transform says that is not ours
            where = f"augment fails on {shown(self.listing.path(row))}"
            raise DeeperError(
                f"{where}: {reason(error)}; take that picture out, or mend the list of transforms"
            ) from error

    def _decoded(self, row: int) -> np.ndarray:
        try:
            return decoded(self.listing.read(row), self.listing.white)
        except Unreadable as error:
            raise DeeperError(
                f"{shown(self.listing.path(row))} cannot be decoded ({error}); {self.listing.advice()}"
            ) from error


def _as_made(batch: Any) -> Any:
    return batch


def _begin_worker(number: int) -> None:
    die_with_parent()  # and with its locks, not some seconds later


def _fitting(augment: Any) -> PictureTransforms:
    """Raises ``DeeperError`` where pictures of one size in memory are expected."""
    if not isinstance(augment, PictureTransforms):
        raise DeeperError(
            "this set is read from disk, where pictures differ in size; say augment=resized_crop, or take a +recipe of "
            "ImageNet"
        )
    return augment
