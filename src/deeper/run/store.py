"""The homes of trials: ``<store>/<id>/``.

A trial is finished when its ``record.json`` has the digest it names and so has every file of the home. The record
is written last, and everything is written beside its place and then renamed, so a process killed at any moment leaves
either a finished trial or one that goes on from its last checkpoint.
"""

import os
import shutil
from contextlib import AbstractContextManager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from deeper import files
from deeper.errors import DeeperError, reason
from deeper.files import digest, file_digest, json_value, sealed, write_json
from deeper.results_versions import today, trusted

RECORD, CONFIG, CURVES, PREDICTIONS = "record.json", "config.yaml", "curves.jsonl", "predictions.npz"
WEIGHTS, LOG, CHECKPOINT, LOCK, MIRRORED = "weights.pt", "log.txt", "last.ckpt", ".lock", ".mirrored"
PROBES = "probes"
AGAIN = "the command that trained it trains it again"
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
        record, damaged = self._examined()
        return None if damaged else record

    def finished(self, advice: str) -> dict[str, Any]:
        """The record of a trial that must be finished.

        Raises:
            DeeperError: it is damaged, or not finished; says what to do.
        """
        record, damaged = self._examined()
        if record is not None and not damaged:
            return record
        if (self / RECORD).exists():
            raise DeeperError(f"trial {self.trial} is damaged: {', '.join(damaged)} of {self.path}; {AGAIN}")
        raise DeeperError(f"there is no finished trial {self.trial} in {self.path.parent}; {advice}")

    def config(self, root: Path | str | None = None) -> dict[str, Any]:
        """The frozen configuration, by the names that classes have today, with this store for that of the training.

        Args:
            root: where the prepared sets are; None: where they were.

        Raises:
            DeeperError: it is damaged, or calls something that no trial needs.
            OSError: it is not there.
        """
        try:
            config = files.yaml_value((self / CONFIG).read_bytes())
        except (ValueError, yaml.YAMLError) as error:
            raise DeeperError(f"{self / CONFIG} is damaged ({reason(error)}); {AGAIN}") from error
        if not isinstance(config, dict):
            raise DeeperError(f"{self / CONFIG} is damaged (it is no mapping); {AGAIN}")
        return self._placed(today(trusted(config)), root)

    def _placed(self, config: dict[str, Any], root: Path | str | None) -> dict[str, Any]:
        """A trial that it started from lies in this store too, unless it lay in another one then."""
        before, here = config.get("store"), str(self.path.parent)
        for part in (config, config.get("model")):
            if isinstance(part, dict) and "store" in part and part["store"] == before:
                part["store"] = here
        sets = [config.get("data"), (config.get("transfer") or {}).get("target")]
        for part in sets if root is not None else ():
            if part is not None:
                part["root"] = str(root)
        return config

    def damaged(self) -> list[str]:
        """The files of a trial that was finished which are not what they were; none of one that is not finished."""
        return self._examined()[1] if (self / RECORD).exists() else []

    def _examined(self) -> tuple[dict[str, Any] | None, list[str]]:
        """The record and the names of damaged files."""
        try:
            record = json_value((self / RECORD).read_bytes())
            named = record["files"]
            told = digest({key: value for key, value in record.items() if key != "digest"})
            if record["digest"] != told or record["id"] != self.trial or set(named) != set(NAMED):
                return None, [RECORD]
        except (OSError, ValueError, LookupError, TypeError, AttributeError):
            return None, [RECORD]
        return record, [name for name, expected in named.items() if _digest(self / name) != expected]

    def set_aside(self, why: str = "damaged") -> Path:
        """Move what a finished trial left to a folder of its own in its home, so that nothing of it is overwritten.

        What was measured on its weights goes with them, and its run in W&B is told anew.
        """
        aside = self / f"{why}-{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
        aside.mkdir()
        for name in (RECORD, *NAMED, PROBES, MIRRORED):  # the record first: without it the trial is not finished
            with suppress(FileNotFoundError):
                os.rename(self / name, aside / name)
        files.sync_folder(self.path)
        return aside

    def discard_empty(self) -> bool:
        """Remove a home in which nothing was trained: what was asked for cannot be. Whether it is gone."""
        if not self.path.is_dir():
            return not self.path.exists()
        with self.lock(wait=False) as held:
            if held and not {path.name for path in self.path.iterdir()} - {CONFIG, LOG, LOCK}:
                shutil.rmtree(self.path, ignore_errors=True)
        return not self.path.exists()

    def remove(self) -> bool:
        """Remove the home, unless another process works on it; whether it is gone.

        Of one that is a link to another place the link is removed, and what it points to stays.
        """
        if self.path.is_symlink():
            self.path.unlink()
            return True
        with self.lock(wait=False) as held:
            if held:
                with suppress(FileNotFoundError, IsADirectoryError):  # what a kill leaves here is an unfinished trial
                    (self / RECORD).unlink()
                shutil.rmtree(self.path)
            return held

    def tidy(self) -> None:
        """Remove what killed writers of a finished trial left in its home, unless somebody is at work there.

        A store that cannot be written, or locked, stays as it is.
        """
        with suppress(OSError, DeeperError), self.lock(wait=False) as held:
            if held:
                files.clear_leftovers(self.path)
                files.clear_leftovers(self / PROBES, age=files.DEAD_AFTER_S)
                for name in (CHECKPOINT, str(Path(CHECKPOINT).with_suffix(".tmp"))):
                    (self / name).unlink(missing_ok=True)

    def finish(self, record: dict[str, Any]) -> None:
        """Write the record, which makes the trial finished, and drop what only served to go on."""
        digests = {name: file_digest(self / name) for name in NAMED}
        whole = {"id": self.trial, **record, "files": digests}
        write_json(self / RECORD, sealed(whole))
        (self / CHECKPOINT).unlink(missing_ok=True)

    def lock(self, wait: bool = True) -> AbstractContextManager[bool]:
        """Hold the trial against other processes (``deeper.files.lock``)."""
        return files.lock(self / LOCK, wait)

    def busy(self) -> bool:
        """Whether another process holds the trial now."""
        with self.lock(wait=False) as held:
            return not held


def _digest(path: Path) -> str | None:
    try:
        return file_digest(path)
    except OSError:
        return None
