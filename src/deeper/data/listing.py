"""A set whose pictures stay on disk: the listing of its files, made once, opened in a moment however many there are.

Beside ``labels.npy`` and ``meta.json`` (docs/formats.md) it has the files' names and sizes and, where they were asked
for, their digests. Arrays are memory maps, so that processes share them and memory does not grow with the set.
"""

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from deeper.data.prepared import LABELS, load_array, read_meta, verify_file
from deeper.errors import DeeperError, reason
from deeper.files import changed_at, json_value, shown

NAMES, ENDS, SIZES, DIGESTS = "names.npy", "ends.npy", "sizes.npy", "digests.npy"
TIMES, PLACE = "times.npy", "place.json"


def is_listing(meta: Mapping[str, Any]) -> bool:
    """Whether a prepared set is a listing of files, and not arrays."""
    return NAMES in meta["files"]


@dataclass(frozen=True)
class Listing:
    """The files of a set, in the order of its parts.

    Attributes:
        folder: the prepared set.
        meta: as in meta.json.
        place: the folder that the names start from.
        names: uint8, all names one after another.
        ends: int64 (N,), where each name ends.
        sizes: int64 (N,), bytes of each file.
        labels: int64 (N,).
        digests: uint8 (N, 32), SHA-256 of each file; None where none were made.
        times: int64 (N,), when each file was last written, in nanoseconds; None where digests say more, or where the
            pictures lie elsewhere now.
    """

    folder: Path
    meta: dict[str, Any]
    place: Path
    names: np.ndarray
    ends: np.ndarray
    sizes: np.ndarray
    labels: np.ndarray
    digests: np.ndarray | None
    times: np.ndarray | None

    @property
    def digest(self) -> str:
        """SHA-256 that stands for the whole listing."""
        return self.meta["digest"]

    @property
    def white(self) -> dict[str, int]:
        """What is white in its deep pictures, by kind (``deeper.data.pictures.whites``)."""
        return self.meta.get("white", {})

    def rows(self, part: str) -> np.ndarray:
        """Rows (int64, ascending) of ``train``, ``validation`` or ``test``."""
        return np.arange(*self.meta["splits"][part], dtype=np.int64)

    def path(self, row: int) -> Path:
        """Where a picture lies."""
        start = self.ends[row - 1] if row else 0
        return self.place / os.fsdecode(self.names[start : self.ends[row]].tobytes())

    def read(self, row: int) -> bytes:
        """A file's bytes, if it is the one that was listed.

        Raises:
            DeeperError: it cannot be read, or is another one than when the folder was listed.
        """
        path = self.path(row)
        try:
            with open(path, "rb") as file:
                content, changed = file.read(), changed_at(os.fstat(file.fileno()))
        except OSError as error:
            raise DeeperError(f"{shown(path)} cannot be read ({reason(error)}); {self.advice()}") from error
        if len(content) != self.sizes[row]:
            raise DeeperError(
                f"{shown(path)} has {len(content)} bytes and had {self.sizes[row]} when its folder was listed; "
                f"{self.advice()}"
            )
        if self.digests is not None and hashlib.sha256(content).digest() != self.digests[row].tobytes():
            raise DeeperError(f"{shown(path)} has other bytes than when its folder was listed; {self.advice()}")
        if self.times is not None and changed != self.times[row]:
            raise DeeperError(
                f"{shown(path)} was written after its folder was listed; if it is the same picture, list the folder "
                "again, which leaves the set as it is; else put it back, or list it with data.digests=true, "
                "which makes it another set"
            )
        return content

    def advice(self) -> str:
        """What to do about a file that is not what it was."""
        return (
            "put back what was there, or list the folder again (python -m deeper.prepare with data.folder="
            f"{shown(self.place)}), which makes it another set"
        )


def open_listing(folder: Path, place: str | None = None, verify: bool = True) -> Listing:
    """Open a prepared listing.

    Args:
        folder: of the prepared set.
        place: where its pictures lie now; None: where they were listed.
        verify: compare every file of the listing with its digest first.

    Raises:
        DeeperError: the listing is missing or damaged, or there is no folder at ``place``.
    """
    meta = read_meta(folder)
    for name, facts in meta["files"].items():
        verify_file(folder / name, facts, verify)
    count = meta["splits"]["test"][1]
    pictures = Path(place or listed_place(folder)).expanduser()
    if not pictures.is_dir():
        raise DeeperError(
            f"{shown(pictures)} is not a folder; the pictures of {folder.name} were there: name where they are now "
            "with data.folder=FOLDER"
        )
    ends = load_array(folder / ENDS, np.int64, (count,), "r")
    digests = load_array(folder / DIGESTS, np.uint8, (count, 32), "r") if DIGESTS in meta["files"] else None
    timed = digests is None and (folder / TIMES).exists() and pictures.resolve() == Path(listed_place(folder)).resolve()
    return Listing(
        folder,
        meta,
        pictures,
        load_array(folder / NAMES, np.uint8, (int(ends[-1]),), "r"),
        ends,
        load_array(folder / SIZES, np.int64, (count,), "r"),
        load_array(folder / LABELS, np.int64, (count,), "r"),
        digests,
        load_array(folder / TIMES, np.int64, (count,), "r") if timed else None,
    )


def listed_place(folder: Path) -> str:
    """The folder that a listing was made of.

    Raises:
        DeeperError: its file is missing or damaged.
    """
    try:
        return str(json_value((folder / PLACE).read_bytes())["folder"])
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise DeeperError(
            f"{folder / PLACE} cannot be read; list the folder again: python -m deeper.prepare data=folder "
            f"data.name={folder.name} data.folder=FOLDER"
        ) from error
