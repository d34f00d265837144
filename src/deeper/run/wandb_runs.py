"""W&B as a mirror of the trial store: run id = trial id, group = study.

Local files are the truth. Offline runs are written whole from a finished trial's files; online, a long trial streams
its rows while it trains and the rest is added when it ends.
"""

import json
import os
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from deeper.errors import DeeperError
from deeper.run import lightning_loggers
from deeper.run.store import CURVES, MIRRORED, RECORD, Home

TAGS = 12  # more are no help to find a run by
MODES = ("none", "offline", "online")


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
    host = urlsplit(os.environ.get("WANDB_BASE_URL", "https://api.wandb.ai"))
    try:
        socket.create_connection((host.hostname, host.port or 443), timeout=5).close()
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

    Returns:
        whether a run was written.
    """
    if job["config"]["logger"]["mode"] == "none" or (home / MIRRORED).exists():
        return False
    try:
        _write(home, job)
        (home / MIRRORED).touch()
    except Exception as error:  # the mirror must never cost a trial
        print(f"warning: trial {home.trial} is not mirrored to W&B: {error}", file=sys.stderr)
        return False
    return True


def options(job: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``wandb.init`` for a trial: quiet, and away from the network unless sent there."""
    import wandb

    config, logger = job["config"], job["config"]["logger"]
    Path(logger["dir"]).mkdir(parents=True, exist_ok=True)
    return {
        "project": logger["project"],
        "entity": logger["entity"],
        "mode": logger["mode"],
        "dir": logger["dir"],
        "id": job["id"],
        "name": f"{config['model'].get('name', 'network')}-{config['seed']}-{job['id'][:6]}",
        "group": job["study"],
        "job_type": "transfer" if "transfer" in config else "train",
        "tags": list(dict.fromkeys(filter(None, (job["study"], config.get("profile"), *_study(config)["claims"]))))[
            :TAGS
        ],
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
    import wandb

    record = json.loads((home / RECORD).read_bytes())
    run = wandb.init(**options(job))
    try:
        if not job["config"]["logger"]["live"]:
            for line in (home / CURVES).read_text().splitlines():
                row = json.loads(line)
                run.log({k: v for k, v in row.items() if k != "epoch"}, step=row["epoch"])
        run.summary.update({**record["metrics"], **record["cost"], **record["time"], "status": record["status"]})
    finally:
        run.finish()
