"""Target sets of transfer learning: from a reader's listing to arrays, and from arrays to what a trial trains on.

The common form (see ``deeper.data.prepared``) with a pool of training pictures and a fixed test part; ``groups.npy``
says which pictures are variants of each other, ``names.json`` what each is called. Every seed draws its own validation
part from the pool, whole groups at a time: hyper-parameters are chosen without the test part, and seeds differ in what
they train on.
"""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image, ImageOps

from deeper.data import prepared as arrays
from deeper.data.batches import ImageData, Split
from deeper.data.pictures import Collection, Picture, Unreadable
from deeper.data.targets.multilabel import MOST_CLASSES, unpack
from deeper.errors import DeeperError
from deeper.files import scratch_folder, take_place

FITS = ("crop", "pad")
NAMES, GROUPS = "names.json", "groups.npy"
MOST_LEFT_OUT = 0.2
NAMED_LEFT_OUT = 20


@dataclass(frozen=True)
class Parts:
    """Rows (int64, ascending) of a target set's arrays."""

    train: np.ndarray
    validation: np.ndarray
    test: np.ndarray


def write(folder: Path, target: Mapping[str, Any], found: Collection, source: Mapping[str, Any]) -> dict[str, Any]:
    """Decode a listing, write it as the prepared set ``folder`` and return its meta.

    A picture that cannot be decoded is left out, counted and named in the meta (``left_out``).

    Args:
        target: ``name``, ``size``, ``fit``, ``classes``, ``counts`` of the configuration, ``listing`` of the folder.
        source: facts about where it came from, kept in the meta.

    Raises:
        DeeperError: classes or counts are not those of the configuration, or more than a fifth cannot be decoded.
    """
    _expect(target, found)
    kept, images, left_out = _decoded(found.pictures, target["size"], target["fit"])
    if len(left_out) > MOST_LEFT_OUT * len(found.pictures):
        name, reason = next(iter(left_out.items()))
        raise DeeperError(
            f"{target['name']}: {len(left_out)} of {len(found.pictures)} pictures cannot be read, the first {name} "
            f"({reason}); see that the folder holds the whole release"
        )
    if not found.several:
        _expect_classes(target["name"], found.classes, kept, left_out)
    order = sorted(range(len(kept)), key=lambda row: kept[row].part != "train")
    kept, images = [kept[row] for row in order], images[order]
    pool = sum(picture.part == "train" for picture in kept)
    groups = np.unique([picture.group for picture in kept], return_inverse=True)[1].astype(np.int64)
    mean, std = arrays.statistics(images[:pool])
    meta = {
        "name": target["name"],
        "classes": list(found.classes),
        "several": found.several,
        "image_shape": list(images.shape[1:]),
        "splits": {"train": [0, pool], "validation": [pool, pool], "test": [pool, len(kept)]},
        "mean": mean,
        "std": std,
        "made": _made(target),
        "left_out": left_out,
        "dropped": dict(found.dropped),
        "source": dict(source),
    }
    files = {
        "images.npy": images,
        "labels.npy": np.array([picture.label for picture in kept], np.int64),
        GROUPS: groups,
        NAMES: [picture.name for picture in kept],
    }
    with scratch_folder(folder) as scratch:
        new = scratch / folder.name
        new.mkdir()
        meta["files"] = {name: _saved(new / name, content) for name, content in files.items()}
        meta["digest"] = arrays.meta_digest(meta)
        (new / "meta.json").write_text(json.dumps(meta, indent=2, ensure_ascii=False) + "\n")
        take_place(new, folder)
    return meta


def content_digest(meta: Mapping[str, Any]) -> str:
    """SHA-256 of a prepared target set's pictures, labels, groups and classes, wherever they came from."""
    files = {name: meta["files"][name]["sha256"] for name in ("images.npy", "labels.npy", GROUPS)}
    return arrays.meta_digest({"files": files, "classes": meta["classes"], "several": meta["several"]})


def is_current(folder: Path, target: Mapping[str, Any]) -> bool:
    """Whether a whole prepared set is there that was made with these settings."""
    try:
        return arrays.open_set(folder).meta.get("made") == _made(target)
    except DeeperError:
        return False


def draw(classes: np.ndarray, groups: np.ndarray, pool: int, seed: int, share: float, each: int | None = None) -> Parts:
    """The parts that a seed sees: of the first ``pool`` rows a validation part and a training part, the rest is test.

    Class by class, groups go to the validation part in an order that depends on seed and group alone until it has
    ``share`` of the class; then at most ``each`` training pictures a class stay, and fewer are among more.

    Args:
        classes: of all rows, int64; rows of a class below 0 have none and train.
        groups: of all rows, int64.
        pool: rows that are not of the test part.
        seed: what is drawn depends on.
        share: of a class that is held out, at least one picture and never the last group.
        each: training pictures a class; None is all.

    Raises:
        DeeperError: a class has no two groups to tell apart.
    """
    side: dict[int, bool] = {}
    for label in np.unique(classes[:pool][classes[:pool] >= 0]):
        rows = np.flatnonzero(classes[:pool] == label)
        _divide(side, groups[rows].tolist(), seed, max(1, round(share * len(rows))), label)
    held_out = np.array([side.get(group, False) for group in groups[:pool].tolist()], bool)
    train = np.flatnonzero(~held_out)
    if each is not None:
        ranked = sorted(train.tolist(), key=lambda row: _lot(seed, -1, row))
        of_class = [[row for row in ranked if classes[row] == label][:each] for label in np.unique(classes[train])]
        train = np.sort(np.concatenate(of_class).astype(np.int64))
    return Parts(train, np.flatnonzero(held_out), np.arange(pool, len(classes)))


def _divide(side: dict[int, bool], groups: list[int], seed: int, wanted: int, label: int) -> None:
    """Say of each group of a class whether it is held out, unless another class has said so."""
    own = sorted(set(groups), key=lambda group: _lot(seed, group))
    if len(own) < 2:
        raise DeeperError(
            f"class {label} of the target set has training pictures of one group alone, so none can be held out for "
            "validation; add pictures that differ"
        )
    held = 0
    for group in own:
        rest_held = all(side.get(other, False) for other in own if other != group)
        side.setdefault(group, held < wanted and not rest_held)
        held += groups.count(group) if side[group] else 0


@dataclass(frozen=True)
class TargetSet:
    """A prepared target set as a seed sees it.

    Attributes:
        prepared: the arrays, at the size asked for.
        parts: which rows train, choose hyper-parameters, and test.
        channels: 3, or 1 for grey.
        mean, std: per channel, that pictures are normalised by, in units of full scale.
    """

    prepared: arrays.ArraySet
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
        images = images if self.channels == images.shape[3] else _grey(images)
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
    prepared = arrays.open_resized(folder, image_size)
    if prepared.meta["several"] and each is not None:
        raise DeeperError(f"{prepared.meta['name']} has several labels a picture: transfer.per_class must be null")
    classes = _first(prepared.labels) if prepared.meta["several"] else prepared.labels
    parts = draw(classes, np.load(folder / GROUPS), prepared.meta["splits"]["train"][1], seed, share, each)
    return TargetSet(prepared, parts, channels, list(mean), list(std))


def _expect(target: Mapping[str, Any], found: Collection) -> None:
    if target["fit"] not in FITS:
        raise DeeperError(f"transfer.target.fit={target['fit']}: it must be one of {', '.join(FITS)}")
    if target["classes"] is not None and len(found.classes) != target["classes"]:
        raise DeeperError(
            f"{target['name']}: {len(found.classes)} classes found, {target['classes']} expected; see that the folder "
            f"holds the whole release, or say transfer.target.classes={len(found.classes)}"
        )
    for part, expected in (target["counts"] or {}).items():
        number = sum(picture.part == part for picture in found.pictures)
        if expected is not None and number != expected:
            raise DeeperError(
                f"{target['name']}: {number} pictures in the {part} part, {expected} expected; see that the folder "
                f"holds the whole release, or say transfer.target.counts.{part}={number}"
            )
    for part in ("train", "test"):
        if not any(picture.part == part for picture in found.pictures):
            raise DeeperError(f"{target['name']}: no picture in the {part} part; see what transfer.target.path holds")


def _expect_classes(name: str, classes: Sequence[str], kept: Sequence[Picture], left_out: Mapping[str, str]) -> None:
    """See that every class has a picture for test, and two groups for training and validation."""
    for label, title in enumerate(classes):
        own = [picture for picture in kept if picture.label == label]
        tested = sum(picture.part == "test" for picture in own)
        groups = len({picture.group for picture in own if picture.part == "train"})
        if not tested or groups < 2:
            lacking = (
                "no picture for test" if not tested else f"{groups} training pictures that differ, two are the least"
            )
            more = f" ({len(left_out)} of the set cannot be read)" if left_out else ""
            raise DeeperError(f"{name}: class {title} has {lacking}{more}; add some to the folder, or take it out")


def _decoded(pictures: Sequence[Picture], size: int, fit: str) -> tuple[list[Picture], np.ndarray, dict[str, str]]:
    shaped: Callable[[Image.Image, int], Image.Image] = {"crop": _crop, "pad": _pad}[fit]
    kept: list[Picture] = []
    left_out: dict[str, str] = {}
    images = np.empty((len(pictures), size, size, 3), np.uint8)
    for picture in pictures:
        try:
            images[len(kept)] = np.asarray(shaped(picture.open(), size))
            kept.append(picture)
        except Unreadable as reason:
            left_out[picture.name] = str(reason)
    return kept, images[: len(kept)], left_out


def _crop(picture: Image.Image, size: int) -> Image.Image:
    return ImageOps.fit(picture, (size, size), Image.Resampling.BICUBIC)


def _pad(picture: Image.Image, size: int) -> Image.Image:
    return ImageOps.pad(picture, (size, size), Image.Resampling.BICUBIC, color="white")


def _made(target: Mapping[str, Any]) -> dict[str, Any]:
    settings = {key: target[key] for key in ("size", "fit", "classes", "counts", "reader", "packages", "path")}
    settings["listing"] = target.get("listing")
    return json.loads(json.dumps(settings))


def _saved(path: Path, content: Any) -> dict[str, Any]:
    if isinstance(content, np.ndarray):
        np.save(path, content)
    else:
        path.write_text(json.dumps(content, ensure_ascii=False) + "\n")
    with open(path, "rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _lot(*what: int) -> bytes:
    return hashlib.sha256(" ".join(map(str, what)).encode()).digest()


def _grey(images: np.ndarray) -> np.ndarray:
    weights = np.array([0.299, 0.587, 0.114])
    return (images @ weights + 0.5).astype(np.uint8)[..., None]


def _first(masks: np.ndarray) -> np.ndarray:
    """The first class that a mask has, −1 where it has none."""
    there = unpack(masks, MOST_CLASSES) == 1
    return np.where(there.any(1), there.argmax(1), -1)
