"""The homes of trials: ``<store>/<id>/``.

A trial is finished when its ``record.json`` has the digest it names and so has every file of the home. The record
is written last, and everything is written beside its place and then renamed, so a process killed at any moment leaves
either a finished trial or one that goes on from its last checkpoint.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from deeper.errors import DeeperError

RECORD, CONFIG, CURVES, PREDICTIONS = "record.json", "config.yaml", "curves.jsonl", "predictions.npz"
WEIGHTS, LOG, CHECKPOINT, LOCK, MIRRORED = "weights.pt", "log.txt", "last.ckpt", ".lock", ".mirrored"
NAMED = (CONFIG, CURVES, PREDICTIONS, WEIGHTS)


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, also when the machine stops in between; its folder is made.

    Raises:
        OSError: it cannot be written; names the file, also where the disk is full.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with open(beside, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(beside, path)
    except BaseException as error:
        with suppress(OSError):
            beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename is None:
            error.filename = str(path)
        raise


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all."""
    write_bytes(path, (json.dumps(value, indent=1, allow_nan=False) + "\n").encode())


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()


def file_digest(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def ready(folder: Path, what: str = "trial store", setting: str = "store") -> None:
    """Make sure that trials can be written to ``folder``, or ``what`` else the ``setting`` that names it is for.

    Raises:
        DeeperError: the folder cannot be made or written, or its disk is full.
    """
    probe = folder / f".probe.{os.getpid()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.write_bytes(b"\0" * 4096)
    except OSError as error:
        raise DeeperError(
            f"{what} {folder} cannot be written ({error.strerror}): free it, or choose another with {setting}=FOLDER"
        ) from error
    finally:
        with suppress(OSError):
            probe.unlink()


class Home:
    """One trial's folder.

    Args:
        store: the folder of all trials.
        trial: its id.
    """

    def __init__(self, store: Path | str, trial: str):
        self.trial = trial
        self.path = Path(store) / trial

    def __truediv__(self, name: str) -> Path:
        return self.path / name

    def record(self) -> dict[str, Any] | None:
        """The record of a finished trial; None if it is not finished or any of its files is not what it was."""
        try:
            record = json.loads((self / RECORD).read_bytes())
            named, told = record["files"], record.pop("digest")
            intact = told == _digest(record) and record["id"] == self.trial
            intact = intact and all(file_digest(self / n) == d for n, d in named.items())
            return record if intact and set(named) == set(NAMED) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def finish(self, record: dict[str, Any]) -> None:
        """Write the record, which makes the trial finished, and drop what only served to go on."""
        files = {name: file_digest(self / name) for name in NAMED}
        whole = {"id": self.trial, **record, "files": files}
        write_json(self / RECORD, {**whole, "digest": _digest(whole)})
        (self / CHECKPOINT).unlink(missing_ok=True)

    @contextmanager
    def lock(self, wait: bool = True) -> Iterator[bool]:
        """Hold the trial against other processes; the kernel releases it when the process dies.

        Yields:
            whether it is held (always, with ``wait``).
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with open(self / LOCK, "wb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            except BlockingIOError:
                yield False
                return
            yield True

    def busy(self) -> bool:
        """Whether another process holds the trial now."""
        with self.lock(wait=False) as held:
            return not held
