"""The homes of trials: ``<store>/<id>/``.

A trial is finished when its ``record.json`` has the digest it names and so has every file of the home. The record
is written last, and everything is written beside its place and then renamed, so a process killed at any moment leaves
either a finished trial or one that goes on from its last checkpoint.
"""

import json
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from deeper import files
from deeper.files import digest, file_digest, write_json

RECORD, CONFIG, CURVES, PREDICTIONS = "record.json", "config.yaml", "curves.jsonl", "predictions.npz"
WEIGHTS, LOG, CHECKPOINT, LOCK, MIRRORED = "weights.pt", "log.txt", "last.ckpt", ".lock", ".mirrored"
NAMED = (CONFIG, CURVES, PREDICTIONS, WEIGHTS)


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
            named, told = record["files"], record["digest"]
            intact = (
                told == digest({key: value for key, value in record.items() if key != "digest"})
                and record["id"] == self.trial
            )
            intact = intact and all(file_digest(self / n) == d for n, d in named.items())
            return record if intact and set(named) == set(NAMED) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def finish(self, record: dict[str, Any]) -> None:
        """Write the record, which makes the trial finished, and drop what only served to go on."""
        digests = {name: file_digest(self / name) for name in NAMED}
        whole = {"id": self.trial, **record, "files": digests}
        write_json(self / RECORD, {**whole, "digest": digest(whole)})
        (self / CHECKPOINT).unlink(missing_ok=True)

    def lock(self, wait: bool = True) -> AbstractContextManager[bool]:
        """Hold the trial against other processes (``deeper.files.lock``)."""
        return files.lock(self / LOCK, wait)

    def busy(self) -> bool:
        """Whether another process holds the trial now."""
        with self.lock(wait=False) as held:
            return not held
