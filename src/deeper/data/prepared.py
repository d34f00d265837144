"""The common form of a small image set: ``images.npy``, ``labels.npy``, ``meta.json`` (see docs/formats.md).

Written whole or not at all, opened as memory maps, checked against the digests in ``meta.json``.
"""

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deeper.data.splits import RULE, SPLITS, statistics, validation_rows
from deeper.errors import DeeperError, reason
from deeper.files import (
    digest,
    file_digest,
    folder_lock,
    json_value,
    scratch_folder,
    shown,
    sync_folder,
    take_place,
    write_synced,
)

ESCAPED = "backslashreplace"  # of a name that is not UTF-8: JSON reads it as it was
IMAGES, LABELS, META = "images.npy", "labels.npy", "meta.json"
OWN = {  # all that a prepared set, a listing and a target set may hold
    *(IMAGES, LABELS, META),
    *("names.npy", "ends.npy", "sizes.npy", "digests.npy", "times.npy", "place.json"),
    *("names.json", "groups.npy"),
}


@dataclass(frozen=True)
class LabelledImages:
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
    path = Path(folder) / META
    try:
        meta = json_value(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise DeeperError(f"no prepared data in {folder}; prepare it: {_command(folder)}") from error
    except ValueError as error:
        raise DeeperError(f"{path} is damaged (not JSON); prepare it again: {_command(folder)}") from error
    expected = meta.get("digest") if isinstance(meta, dict) else None
    actual = meta_digest(meta) if expected else None
    if expected is None or expected != actual:
        raise _damaged(path, expected, actual)
    return meta


def open_set(folder: str | Path, verify: bool = True) -> ArraySet:
    """Open a prepared set as memory maps; ``verify`` compares every file with its digest first (0.1 s for 55 MB).

    Raises:
        DeeperError: the set is missing or is a listing, or a file's length, digest, shape or type is not what meta.json
            says.
    """
    folder = Path(folder)
    meta = read_meta(folder)
    if IMAGES not in meta["files"]:
        raise DeeperError(f"{folder} lists pictures on disk and has no arrays; choose a set that has: data=NAME")
    for name, facts in meta["files"].items():
        verify_file(folder / name, facts, verify)
    images = load_array(folder / IMAGES, np.uint8, (meta["splits"]["test"][1], *meta["image_shape"]), "r")
    labels = load_array(folder / LABELS, np.int64, images.shape[:1], None)
    return ArraySet(folder, meta, images, labels)


@contextlib.contextmanager
def preparing(folder: Path, setting: str) -> Iterator[None]:
    """Let one process at a time prepare ``folder``, whose parent folder is named by ``setting``.

    Raises:
        DeeperError: something else than a prepared set is there; an ``OSError`` inside the block, such as a full disk.
    """
    try:
        with folder_lock(folder):
            if not (folder / META).is_file():
                check_replaceable(folder)
            yield
    except OSError as error:
        raise DeeperError(
            f"cannot prepare {folder.name} in {folder.parent}: {reason(error)} ({error.filename or folder.parent}); "
            f"free space or choose another folder with {setting}=FOLDER"
        ) from error


def check_replaceable(folder: Path) -> None:
    """See that a set may take the place ``folder``: nothing is there, or a prepared set and nothing beside it.

    Raises:
        DeeperError: something of the user's is there.
        OSError: it cannot be read.
    """
    if not os.path.lexists(folder):
        return
    there = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    foreign = [entry for entry in there if entry.name not in OWN or not entry.is_file()]
    if there and not foreign and not _is_written_here(folder / META):
        foreign = there
    if foreign:
        raise DeeperError(
            f"{shown(foreign[0])} is there and is no file of a prepared set, which would replace it; take it out of "
            "there, or choose another root or another name for the set"
        )


def _is_written_here(meta: Path) -> bool:
    """Whether a meta.json is one of a prepared set, damaged or not."""
    return meta.is_file() and b'"digest"' in meta.read_bytes()


def write_set(
    folder: str | Path, name: str, data: LabelledImages, held_out: int, source: Mapping[str, Mapping]
) -> dict:
    """Write ``data`` as the prepared set ``folder`` and return its meta; the training part gives ``held_out`` images.

    Raises:
        DeeperError: no validation split of that size can be drawn.
    """
    rows = validation_rows(data.train_images, data.train_labels, len(data.classes), held_out)
    rest = np.setdiff1d(np.arange(len(data.train_labels)), rows)
    images = np.concatenate([data.train_images[rest], data.train_images[rows], data.test_images])
    labels = np.concatenate([data.train_labels[rest], data.train_labels[rows], data.test_labels])
    mean, std = statistics(images[: len(rest)])
    meta = {
        "name": name,
        "classes": list(data.classes),
        "image_shape": list(images.shape[1:]),
        "splits": split_ranges(len(rest), len(rows), len(data.test_labels)),
        "mean": mean,
        "std": std,
        "validation": {"rule": RULE, "sha256": hashlib.sha256(rows.astype("<i8").tobytes()).hexdigest()},
        "source": {file: dict(facts) for file, facts in source.items()},
    }
    return write_files(
        Path(folder), meta, {IMAGES: images.astype(np.uint8, copy=False), LABELS: labels.astype(np.int64, copy=False)}
    )


def write_files(folder: Path, meta: Mapping[str, Any], content: Mapping[str, np.ndarray | Sequence]) -> dict[str, Any]:
    """Write the files of a prepared set and its meta.json; return the meta with ``files`` and ``digest``.

    The set is complete beside its place before it takes that place in one step: a kill at any moment leaves what was
    there before, or the new set. The same arguments give the same bytes.

    Args:
        content: an array (uint8 or int64) for a name that ends in .npy, else a list that is written as JSON.

    Raises:
        DeeperError: something else than a prepared set is there.
    """
    with scratch_folder(folder) as scratch:
        new = scratch / folder.name
        new.mkdir()
        files = {name: save_file(new / name, value) for name, value in content.items()}
        whole = {**meta, "files": files}
        whole["digest"] = meta_digest(whole)
        write_synced(new / META, (json.dumps(whole, indent=2, ensure_ascii=False) + "\n").encode(errors=ESCAPED))
        sync_folder(new)
        check_replaceable(folder)
        take_place(new, folder)
    return whole


def meta_digest(meta: Mapping) -> str:
    """SHA-256 over the canonical JSON of everything in ``meta`` but its own ``digest``."""
    return digest({key: value for key, value in meta.items() if key != "digest"})


def save_file(path: Path, content: np.ndarray | Sequence) -> dict[str, str | int]:
    """Write an array as .npy, little-endian, or a list as JSON; return the file's ``bytes`` and ``sha256``."""
    if isinstance(content, np.ndarray):
        with open(path, "wb") as file:
            np.save(file, np.ascontiguousarray(content, content.dtype.newbyteorder("<")))
            file.flush()
            os.fsync(file.fileno())
    else:
        write_synced(path, (json.dumps(content, ensure_ascii=False) + "\n").encode(errors=ESCAPED))
    return {"bytes": path.stat().st_size, "sha256": file_digest(path)}


def verify_file(path: Path, facts: Mapping, content: bool) -> None:
    """Compare a file's length, and with ``content`` its SHA-256, with what ``save_file`` returned.

    Raises:
        DeeperError: the file is missing or is another one.
    """
    if not path.is_file():
        raise DeeperError(f"{path} is missing; prepare it again: {_command(path.parent)}")
    if path.stat().st_size != facts["bytes"]:
        raise _damaged(path, f"{facts['bytes']} bytes", f"{path.stat().st_size} bytes")
    if content and (actual := file_digest(path)) != facts["sha256"]:
        raise _damaged(path, facts["sha256"], actual)


def load_array(path: Path, dtype: type, shape: tuple[int, ...], mode: str | None) -> np.ndarray:
    """Read a .npy file, as a memory map where ``mode`` is "r".

    Raises:
        DeeperError: it cannot be read, or has another type or shape.
    """
    try:
        array = np.load(path, mmap_mode=mode, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        raise DeeperError(f"{path} cannot be read ({error}); prepare it again: {_command(path.parent)}") from error
    if array.dtype != dtype or array.shape != shape:
        raise _damaged(path, f"{np.dtype(dtype)} {shape}", f"{array.dtype} {array.shape}")
    return array


def split_ranges(*lengths: int) -> dict[str, list[int]]:
    """Half-open ranges of rows of the parts of a set, one after another."""
    stops = np.cumsum(lengths).tolist()
    return {name: [stop - length, stop] for name, length, stop in zip(SPLITS, lengths, stops, strict=True)}


def _damaged(path: Path, expected: object, actual: object) -> DeeperError:
    return DeeperError(
        f"{path} is damaged: expected {expected or 'a digest'}, found {actual or 'none'}; "
        f"prepare it again: {_command(path.parent)}"
    )


def _command(folder: str | Path) -> str:
    return f"python -m deeper.prepare data={Path(folder).name}"
