"""W&B as a mirror of the trial store: run id = trial id, group = study.

Local files are the truth. Offline runs are written whole from a finished trial's files; online, a long trial streams
its rows while it trains and the rest is added when it ends.
"""

import json
import sys
from pathlib import Path
from typing import Any

from deeper.errors import DeeperError
from deeper.training.store import CURVES, MIRRORED, RECORD, Home


def check(logger: dict[str, Any]) -> None:
    """See that an online mirror has an account to write to.

    Raises:
        DeeperError: there is none, or it cannot be reached.
    """
    if logger["mode"] != "online":
        return
    import wandb

    try:
        known = wandb.login(prompt=False)
    except Exception as error:
        raise DeeperError(f"W&B refuses or cannot be reached ({error}); logger=wandb_offline needs neither") from error
    if not known:
        raise DeeperError("logger=wandb_online needs a W&B account: run `wandb login`, or use logger=wandb_offline")


def replay(home: Home, logger: dict[str, Any], study: str, config: dict[str, Any]) -> bool:
    """Write a finished trial to W&B if that has not been done; says on standard error if it cannot.

    Returns:
        whether a run was written.
    """
    if logger["mode"] == "none" or (home / MIRRORED).exists():
        return False
    try:
        _write(home, logger, study, config)
        (home / MIRRORED).touch()
    except Exception as error:  # the mirror must never cost a trial
        print(f"warning: trial {home.trial} is not mirrored to W&B: {error}", file=sys.stderr)
        return False
    return True


def settings(folder: str) -> Any:
    """W&B settings that keep it quiet and away from the network it was not sent to."""
    import wandb

    Path(folder).mkdir(parents=True, exist_ok=True)
    return wandb.Settings(silent=True, console="off", x_disable_stats=True, disable_git=True, x_disable_meta=True)


def options(logger: dict[str, Any], study: str, trial: str, config: dict[str, Any]) -> dict[str, Any]:
    """The arguments of ``wandb.init`` for a trial."""
    return {
        "project": logger["project"],
        "entity": logger["entity"],
        "mode": logger["mode"],
        "dir": logger["dir"],
        "id": trial,
        "name": f"{config['model'].get('name', 'network')}-{config['seed']}-{trial[:6]}",
        "group": study,
        "config": config,
        "resume": "allow" if logger["mode"] == "online" else None,
        "settings": settings(logger["dir"]),
    }


def _write(home: Home, logger: dict[str, Any], study: str, config: dict[str, Any]) -> None:
    import wandb

    record = json.loads((home / RECORD).read_bytes())
    run = wandb.init(**options(logger, study, home.trial, config))
    try:
        if not logger["live"]:
            for line in (home / CURVES).read_text().splitlines():
                row = json.loads(line)
                run.log({k: v for k, v in row.items() if k != "epoch"}, step=row["epoch"])
        run.summary.update({**record["metrics"], **record["cost"], **record["time"], "status": record["status"]})
    finally:
        run.finish()
