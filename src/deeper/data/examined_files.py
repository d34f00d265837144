"""What the files of a folder hold, looked at once when it is listed: what is white in deep pictures, and digests."""

import hashlib
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from deeper.data.class_folders import JPEG, ClassFile
from deeper.data.pictures import Depth, Unreadable, decode, depth, is_deep, whites
from deeper.errors import DeeperError, reason

NAMED = 5
EMPTY = "it is empty"
TOGETHER = 10_000  # files that wait for a thread at once

Found = tuple[bytes, Depth | None]  # a file's digest, or none, and what it holds if it is deep


def examined(files: Sequence[ClassFile], digests: bool) -> tuple[np.ndarray | None, dict[str, int]]:
    """SHA-256 of every file, uint8 (N, 32), and what is white in the deep pictures (``deeper.data.pictures.whites``).

    With ``digests`` every file is read and decoded. Without, there are none, and only files that are not named as JPEG,
    which has eight bits, are opened, and deep pictures alone decoded. Empty files are told by their size.

    Raises:
        DeeperError: some that are decoded cannot be read, or are empty; names the first of them.
    """
    looked = files if digests else [file for file in files if not file.size or file.path.suffix.lower() not in JPEG]
    found = _all(_read if digests else _deep_alone, looked, len(files))
    white = whites(deep for _, deep in found if deep is not None)
    return np.frombuffer(b"".join(sha for sha, _ in found), np.uint8).reshape(-1, 32) if digests else None, white


def _all(look: Callable[[ClassFile], Found | str], files: Sequence[ClassFile], total: int) -> list[Found]:
    found: list[Found | str] = []
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for start in range(0, len(files), TOGETHER):
            found += pool.map(look, files[start : start + TOGETHER])
    broken = [(file.name, said) for file, said in zip(files, found, strict=True) if isinstance(said, str)]
    if broken:
        first = ", ".join(f"{name} ({said})" for name, said in broken[:NAMED])
        more = f" and {len(broken) - NAMED} more" if len(broken) > NAMED else ""
        raise DeeperError(
            f"{len(broken)} of {total} pictures cannot be read: {first}{more}; mend them or take them out"
        )
    return [one for one in found if not isinstance(one, str)]


def _read(file: ClassFile) -> Found | str:
    """A file's digest and what it holds, or why it is no picture."""
    from deeper.data.decoding import decoded_depth

    if not file.size:
        return EMPTY
    try:
        content = file.path.read_bytes()
        return hashlib.sha256(content).digest(), decoded_depth(content)
    except (OSError, Unreadable) as error:
        return reason(error)


def _deep_alone(file: ClassFile) -> Found | str:
    """What a deep picture holds, or why it cannot be read; nothing of others."""
    if not file.size:
        return EMPTY
    try:
        return b"", depth(decode(file.path)) if is_deep(file.path) else None
    except Unreadable as error:
        return reason(error)
