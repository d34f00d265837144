"""W&B as a mirror of the trial store: run id = trial id, group = study.

Local files are the truth. Offline runs are written whole from a finished trial's files and appear in one step; online,
a long trial streams its rows while it trains and the rest is added when it ends. The history has its numbers under
``epoch/``, such as ``epoch/train_error``; the summary has the record's, which are others.
"""

import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, urlsplit

from deeper.errors import DeeperError
from deeper.files import folder_lock, json_value, scratch_folder, sync_folder, write_json
from deeper.run import lightning_loggers
from deeper.run.store import CURVES, MIRRORED, RECORD, Home

TAGS = 12  # more are no help to find a run by
OFF = ("none", "disabled")
MODES = (*OFF, "offline", "online")


def check(logger: dict[str, Any]) -> None:
    """See that the mirror's mode is one, that an online one has an account to write to, and Lightning's its package.

    Raises:
        DeeperError: it is none, there is no account or package, or it cannot be reached.
    """
    lightning_loggers.check(logger.get("lightning"))
    if logger["mode"] not in MODES:
        raise DeeperError(f"logger.mode={logger['mode']}: it must be one of {', '.join(MODES)}")
    if logger["mode"] != "online":
        return
    host = _server()
    try:
        port = host.port or (80 if host.scheme == "http" else 443)
        socket.create_connection((host.hostname, port), timeout=5).close()
    except OSError as error:
        raise DeeperError(
            f"W&B cannot be reached at {host.hostname} ({error.strerror or error}); logger=wandb_offline does without"
        ) from error
    import wandb

    try:
        known = wandb.login(prompt=False)
    except Exception as error:
        raise DeeperError(f"W&B refuses or cannot be reached ({error}); logger=wandb_offline needs neither") from error
    if not known:
        raise DeeperError("logger=wandb_online needs a W&B account: run `wandb login`, or use logger=wandb_offline")


def replay(home: Home, job: dict[str, Any]) -> bool:
    """Write a finished trial to W&B if that has not been done; says on standard error if it cannot.

    It is done once for each mode, account, project, study, and folder or server: a trial that was trained alone joins
    the group of a study that uses it later.

    Returns:
        whether a run was written.
    """
    logger = job["config"]["logger"]
    if logger["mode"] in OFF:
        return False
    place = [logger["mode"], logger["entity"], logger["project"], _group(job), _where_to(logger)]
    written = _mirrored(home)
    if place in written or place[:-1] in written:  # an older file does not name where to
        return False
    try:
        _write(home, job)
        write_json(home / MIRRORED, [*written, place])
    except Exception as error:  # the mirror must never cost a trial
        print(f"warning: trial {home.trial} is not mirrored to W&B: {' '.join(str(error).split())}", file=sys.stderr)
        return False
    return True


class Live:
    """A run that streams a trial's rows while it trains; where that is not asked for, or W&B fails, it does nothing."""

    def __init__(self, job: dict[str, Any]):
        self.run: Any = None
        if _is_live(job):
            self._try(lambda: self._begin(job))

    def add(self, row: dict[str, Any]) -> None:
        """Send a row of the history."""
        if self.run is not None:
            self._try(lambda: _log(self.run, row))

    def finish(self) -> None:
        if self.run is not None:
            self._try(self.run.finish)

    def _begin(self, job: dict[str, Any]) -> None:
        import wandb

        self.run = wandb.init(**_options(job, job["config"]["logger"]["dir"]))

    def _try(self, call: Callable[[], Any]) -> None:
        try:
            call()
        except Exception as error:  # the mirror must never cost a trial
            print(f"W&B streams no more: {error}", flush=True)
            self.run = None


def _is_live(job: dict[str, Any]) -> bool:
    """Whether rows are streamed; a run that is written offline is written whole, when the trial has ended."""
    logger = job["config"]["logger"]
    return logger["live"] and logger["mode"] == "online"


def _where_to(logger: dict[str, Any]) -> str:
    """The folder of an offline run, the server of an online one."""
    return os.path.abspath(logger["dir"]) if logger["mode"] == "offline" else _server().netloc


def _server() -> SplitResult:
    """The server of online runs. Raises ``DeeperError`` where what the variable says is no address."""
    said = os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai")
    example = "it must be an address such as https://wandb.example.org:8080"
    try:
        url = urlsplit(said)
        named = url.scheme in ("http", "https") and url.hostname and url.port != 0
    except ValueError as error:
        raise DeeperError(f"WANDB_BASE_URL={said}: {example} ({error})") from error
    if not named:
        raise DeeperError(f"WANDB_BASE_URL={said}: {example}")
    return url


def _group(job: dict[str, Any]) -> str | None:
    return None if job["study"] == "none" else job["study"]


def _mirrored(home: Home) -> list[list[str | None]]:
    """Where a trial has been written: mode, account, project, study, folder or server.

    An older file, which is empty, does not tell.
    """
    try:
        return json_value((home / MIRRORED).read_bytes())
    except (OSError, ValueError):
        return []


def _options(job: dict[str, Any], folder: str) -> dict[str, Any]:
    """The arguments of ``wandb.init`` for a trial: quiet, and away from the network unless sent there."""
    import wandb

    config, logger = job["config"], job["config"]["logger"]
    claims = _study(config)["claims"]
    return {
        "project": logger["project"],
        "entity": logger["entity"],
        "mode": logger["mode"],
        "dir": folder,
        "id": job["id"],
        "name": f"{config['model'].get('name', 'network')}-{config['seed']}-{job['id'][:6]}",
        "group": _group(job),
        "job_type": "transfer" if "transfer" in config else "train",
        "tags": list(dict.fromkeys(filter(None, (_group(job), config.get("profile"), *claims))))[:TAGS],
        "config": {**config, **_study(config), **_where(job)},
        "resume": "allow" if logger["mode"] == "online" else None,
        "settings": wandb.Settings(
            silent=True, console="off", x_disable_stats=True, x_disable_meta=True, disable_git=True
        ),
    }


def _study(config: dict[str, Any]) -> dict[str, Any]:
    """The arm of a trial, None where its study names no settings for it, and the claims that the study answers."""
    study = config["study"]
    return {"arm": study.get("arm"), "claims": list(study.get("claims") or ())}


def _where(job: dict[str, Any]) -> dict[str, Any]:
    """What the trial runs with, to filter and group by."""
    environment = job["environment"]
    machine = environment["machine"]
    return {
        "commit": environment["commit"],
        "dirty": environment.get("dirty"),
        "machine": ", ".join(machine.get("gpus") or [machine.get("cpu") or "unknown"]),
    }


def _write(home: Home, job: dict[str, Any]) -> None:
    """Write a finished trial's run; an offline one beside its place, which it takes when it is whole."""
    logger = job["config"]["logger"]
    Path(logger["dir"]).mkdir(parents=True, exist_ok=True)
    if logger["mode"] == "online":
        _fill(home, job, logger["dir"])
        return
    runs = Path(logger["dir"]) / "wandb"
    place = runs / "unfinished"
    with folder_lock(place), scratch_folder(place) as scratch:
        _fill(home, job, str(scratch))
        for run in (scratch / "wandb").glob("offline-run-*"):
            again = len(list(runs.glob(f"{run.name}*")))  # W&B names runs by the second
            os.rename(run, runs / (f"{run.name}-{again}" if again else run.name))
        sync_folder(runs)


def _fill(home: Home, job: dict[str, Any], folder: str) -> None:
    import wandb

    record = json_value((home / RECORD).read_bytes())
    run = wandb.init(**_options(job, folder))
    try:
        for row in map(json_value, (home / CURVES).read_text().splitlines()):
            if row["epoch"] >= run.step:  # a run that was streamed has the others, as far as that went
                _log(run, row)
        ended = {key: record.get(key) for key in ("status", "finished_at")}  # W&B's own times are those of writing
        run.summary.update({**record["metrics"], **record["cost"], **record["time"], **ended})
    finally:
        run.finish()


def _log(run: Any, row: dict[str, Any]) -> None:
    run.log({f"epoch/{key}": value for key, value in row.items() if key != "epoch"}, step=row["epoch"])
