"""The common form of a small image set: ``images.npy``, ``labels.npy``, ``meta.json`` (see docs/formats.md).

Written atomically, opened as memory maps, verified against the digests in ``meta.json``.
"""

import contextlib
import hashlib
import json
import math
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from deeper.errors import DeeperError
from deeper.files import digest, file_digest, scratch_folder, sync_folder, take_place, write_synced

SPLITS = ("train", "validation", "test")
RULE = "class by class, the training images with the smallest SHA-256 of their bytes, ties in the order of the release"
RESIZE_CHUNK = 4096
HALF_UP = 0.5 + 1e-9  # exact ties round up whatever the last bit of a weight is on this processor


@dataclass(frozen=True)
class Labelled:
    """A released set: images uint8 N×H×W×C, labels int64 N, both parts in the order of the release; class names."""

    train_images: np.ndarray
    train_labels: np.ndarray
    test_images: np.ndarray
    test_labels: np.ndarray
    classes: list[str]


@dataclass(frozen=True)
class ArraySet:
    """A prepared set: ``images`` uint8 N×H×W×C (read-only memory map), ``labels`` int64 N, ``meta`` as in meta.json."""

    folder: Path
    meta: dict
    images: np.ndarray
    labels: np.ndarray

    @property
    def digest(self) -> str:
        """SHA-256 that stands for the whole set."""
        return self.meta["digest"]

    def split(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """Images and labels of ``train``, ``validation`` or ``test``, as views."""
        if name not in self.meta["splits"]:
            raise DeeperError(f"{self.folder} has no split {name!r}; there are: {', '.join(self.meta['splits'])}")
        start, stop = self.meta["splits"][name]
        return self.images[start:stop], self.labels[start:stop]


def read_meta(folder: str | Path) -> dict:
    """Return the checked ``meta.json`` of a prepared set without touching its arrays.

    Raises:
        DeeperError: there is no prepared set, or its meta.json does not agree with its own digest.
    """
    path = Path(folder) / "meta.json"
    try:
        meta = json.loads(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DeeperError(f"no prepared data in {folder}; prepare it: {_command(folder)}") from error
    except ValueError as error:
        raise DeeperError(f"{path} is damaged (not JSON); prepare it again: {_command(folder)}") from error
    expected = meta.get("digest") if isinstance(meta, dict) else None
    found = meta_digest(meta) if expected else None
    if expected is None or expected != found:
        raise _damaged(path, expected, found)
    return meta


def open_set(folder: str | Path, verify: bool = True) -> ArraySet:
    """Open a prepared set as memory maps; ``verify`` compares every file with its digest first (0.1 s for 55 MB).

    Raises:
        DeeperError: the set is missing, a file's length, digest, shape or type is not what meta.json says.
    """
    folder = Path(folder)
    meta = read_meta(folder)
    for name, facts in meta["files"].items():
        _verify(folder / name, facts, verify)
    images = _load(folder / "images.npy", np.uint8, (meta["splits"]["test"][1], *meta["image_shape"]), "r")
    labels = _load(folder / "labels.npy", np.int64, images.shape[:1], None)
    return ArraySet(folder, meta, images, labels)


def open_resized(folder: str | Path, size: int) -> ArraySet:
    """Open a prepared set with images of ``size`` × ``size`` pixels.

    Where that is another size than the set's own, the images are resized once (see ``resize``) and kept in
    ``.resized`` beside the set, under the digest of the set and of the code that resizes. A kept file that is not what
    was written is made again.

    Raises:
        DeeperError: as ``open_set``, or ``size`` is less than 1.
    """
    folder = Path(folder)
    meta = read_meta(folder)
    if list(meta["image_shape"][:2]) == [size, size]:
        return open_set(folder)
    code = hashlib.sha256(Path(__file__).read_bytes() + meta["digest"].encode()).hexdigest()[:16]
    kept = folder.parent / ".resized" / f"{folder.name}-{size}-{code}.npy"
    shape = (meta["splits"]["test"][1], size, size, meta["image_shape"][2])
    try:
        _verify(kept, json.loads(kept.with_suffix(".json").read_bytes()), content=True)
        images = _load(kept, np.uint8, shape, "r")
    except (OSError, ValueError, LookupError, TypeError, DeeperError):
        images = resize(open_set(folder).images, size)
        with contextlib.suppress(OSError):
            _keep(kept, images)
    _verify(folder / "labels.npy", meta["files"]["labels.npy"], content=True)
    return ArraySet(folder, meta, images, _load(folder / "labels.npy", np.int64, shape[:1], None))


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


def write_set(folder: str | Path, name: str, data: Labelled, held_out: int, source: Mapping[str, Mapping]) -> dict:
    """Write ``data`` as the prepared set ``folder`` and return its meta; the training part gives ``held_out`` images.

    The set is complete beside its place before it takes it in one step: a kill at any moment leaves what was there
    before, or the new set. The same arguments give the same bytes.

    Raises:
        DeeperError: no validation split of that size can be drawn.
    """
    folder = Path(folder)
    rows = validation_rows(data.train_images, data.train_labels, len(data.classes), held_out)
    rest = np.setdiff1d(np.arange(len(data.train_labels)), rows)
    images = np.concatenate([data.train_images[rest], data.train_images[rows], data.test_images])
    labels = np.concatenate([data.train_labels[rest], data.train_labels[rows], data.test_labels])
    mean, std = statistics(images[: len(rest)])
    meta = {
        "name": name,
        "classes": list(data.classes),
        "image_shape": list(images.shape[1:]),
        "splits": _ranges(len(rest), len(rows), len(data.test_labels)),
        "mean": mean,
        "std": std,
        "validation": {"rule": RULE, "sha256": hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()},
        "source": {file: dict(facts) for file, facts in source.items()},
    }
    with scratch_folder(folder) as scratch:
        new = scratch / folder.name
        new.mkdir()
        meta["files"] = {
            "images.npy": _save(new / "images.npy", np.ascontiguousarray(images, "|u1")),
            "labels.npy": _save(new / "labels.npy", np.ascontiguousarray(labels, "<i8")),
        }
        meta["digest"] = meta_digest(meta)
        write_synced(new / "meta.json", (json.dumps(meta, indent=2, ensure_ascii=False) + "\n").encode())
        sync_folder(new)
        take_place(new, folder)
    return meta


def meta_digest(meta: Mapping) -> str:
    """SHA-256 over the canonical JSON of everything in ``meta`` but its own ``digest``."""
    rest = {key: value for key, value in meta.items() if key != "digest"}
    return digest(rest)


def subset(labels: np.ndarray, size: int | None, seed: int) -> np.ndarray:
    """Rows (int64, ascending) of a stratified subset of ``size`` images; all of them where ``size`` is None.

    Subsets of the same labels and seed are nested: a smaller one lies inside a larger one. Every class is in it, as
    often as its share says; with classes of equal size the counts differ by one at most.

    Raises:
        DeeperError: ``size`` is larger than the set or smaller than its number of classes.
    """
    if size is None:
        return np.arange(len(labels), dtype=np.int64)
    present, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    if not len(present) <= size <= len(labels):
        raise DeeperError(
            f"cannot draw a stratified subset of {size} images from {len(labels)} images of {len(present)} classes; "
            f"choose a size from {len(present)} to {len(labels)}"
        )
    draw = np.random.Philox(key=seed).random_raw(len(labels))
    order = np.lexsort((draw, index))
    rank = np.empty(len(labels), np.int64)
    rank[order] = np.arange(len(labels)) - np.repeat(np.cumsum(counts) - counts, counts)
    share = (2 * rank + 1) / (2 * counts[index])
    return np.sort(np.lexsort((draw, share, rank > 0))[:size].astype(np.int64))


def resize(images: np.ndarray, size: int) -> np.ndarray:
    """Resize uint8 N×H×W×C images to ``size`` × ``size``, bilinear with antialiasing; the very array where it fits.

    Raises:
        DeeperError: ``size`` is less than 1.
    """
    if size < 1:
        raise DeeperError(f"images cannot be resized to {size} pixels; choose 1 or more")
    if images.shape[1:3] == (size, size):
        return images
    import torch

    result = np.empty((len(images), size, size, images.shape[3]), np.uint8)
    for start in range(0, len(images), RESIZE_CHUNK):
        chunk = torch.from_numpy(np.array(images[start : start + RESIZE_CHUNK])).permute(0, 3, 1, 2).double()
        scaled = torch.nn.functional.interpolate(chunk, (size, size), mode="bilinear", antialias=True)
        scaled = scaled.add_(HALF_UP).floor_().clamp_(0, 255).to(torch.uint8)
        result[start : start + RESIZE_CHUNK] = scaled.permute(0, 2, 3, 1).numpy()
    return result


def _keep(path: Path, images: np.ndarray) -> None:
    with scratch_folder(path) as scratch:
        facts = _save(scratch / path.name, images)
        write_synced(scratch / "facts.json", json.dumps(facts).encode())
        os.replace(scratch / path.name, path)
        os.replace(scratch / "facts.json", path.with_suffix(".json"))


def _ranges(*lengths: int) -> dict[str, list[int]]:
    stops = np.cumsum(lengths).tolist()
    return {name: [stop - length, stop] for name, length, stop in zip(SPLITS, lengths, stops, strict=True)}


def _save(path: Path, array: np.ndarray) -> dict[str, str | int]:
    with open(path, "wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())
    return {"bytes": path.stat().st_size, "sha256": file_digest(path)}


def _verify(path: Path, facts: Mapping, content: bool) -> None:
    if not path.is_file():
        raise DeeperError(f"{path} is missing; prepare it again: {_command(path.parent)}")
    if path.stat().st_size != facts["bytes"]:
        raise _damaged(path, f"{facts['bytes']} bytes", f"{path.stat().st_size} bytes")
    if content and (found := file_digest(path)) != facts["sha256"]:
        raise _damaged(path, facts["sha256"], found)


def _load(path: Path, dtype: type, shape: tuple[int, ...], mode: str | None) -> np.ndarray:
    try:
        array = np.load(path, mmap_mode=mode, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DeeperError(f"{path} cannot be read ({error}); prepare it again: {_command(path.parent)}") from error
    if array.dtype != dtype or array.shape != shape:
        expected, found = f"{np.dtype(dtype)} {shape}", f"{array.dtype} {array.shape}"
        raise _damaged(path, expected, found)
    return array


def _damaged(path: Path, expected: object, found: object) -> DeeperError:
    return DeeperError(
        f"{path} is damaged: expected {expected or 'a digest'}, found {found or 'none'}; "
        f"prepare it again: {_command(path.parent)}"
    )


def _command(folder: str | Path) -> str:
    return f"python -m deeper.prepare data={Path(folder).name}"
