"""The table of a study: everything a report needs of its trials, in one file small enough for git."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from deeper.errors import DeeperError
from deeper.training.jobs import make_job
from deeper.training.store import CURVES, Home, write_json

SCHEMA = 1
FREE = ("study", "profile", "data", "logger", "store", "results", "runtime", "hydra", "data.root", "data.folder")
KEPT = ("id", "status", "reason", "metrics", "cost", "time", "gradients", "finished_at")


def export(configs: Sequence[DictConfig], arguments: Sequence[str]) -> Path | None:
    """Write ``results/<study>.json`` from finished trials.

    A sweep that belongs to no study, or whose command line changes more of it than its size and surroundings, is
    not the study: nothing is written, and a line says so.

    Args:
        configs: the composed configuration of every trial.
        arguments: the overrides of the command line.

    Raises:
        DeeperError: a trial is in no arm or in several, or an arm has no trial.
    """
    study = OmegaConf.to_container(configs[0].study, resolve=True)
    if study["name"] == "none":
        return None
    changed = [a for a in arguments if not _free(a)]
    path = Path(configs[0].results) / f"{study['name']}.json"
    if changed:
        print(f"{path} is left as it is: {' '.join(changed)} makes this another sweep", file=sys.stderr)
        return None
    write_json(path, table(study, configs))
    print(f"{study['name']}: table written to {path}", file=sys.stderr)
    return path


def table(study: dict[str, Any], configs: Sequence[DictConfig]) -> dict[str, Any]:
    """The value of ``results/<study>.json`` (docs/formats.md)."""
    jobs = [make_job(config) for config in configs]
    environments: list[Any] = []
    trials = []
    for job in jobs:
        home = Home(job["config"]["store"], job["id"])
        record = home.record()
        if record is None:
            raise DeeperError(f"trial {job['id']} of study {study['name']} is not finished; run the study again")
        if record["environment"] not in environments:
            environments.append(record["environment"])
        trials.append(
            {
                "arm": _arm(study, job["config"]),
                "seed": job["config"]["seed"],
                **{key: record[key] for key in KEPT},
                "curves": [json.loads(line) for line in (home / CURVES).read_text().splitlines()],
                "environment": environments.index(record["environment"]),
            }
        )
    empty = set(study["arms"]) - {trial["arm"] for trial in trials}
    if empty:
        raise DeeperError(f"study {study['name']}: no trial is in arm {', '.join(sorted(empty))}; mend its `where`")
    first = jobs[0]["config"]
    return {
        "schema": SCHEMA,
        "study": study,
        "profile": first["profile"],
        "data": _data(first, jobs[0]["data"]),
        "recipe": {
            **first["training"],
            "optimizer": first["optimizer"],
            "schedule": first["schedule"],
            "augment": first["augment"],
            "trainer": first["trainer"],
        },
        "environments": environments,
        "trials": trials,
    }


def _free(argument: str) -> bool:
    key = argument.lstrip("+~").partition("=")[0]
    return key in FREE or key.partition("/")[0] == "hydra" or key.partition(".")[0] in ("hydra", "logger", "runtime")


def _arm(study: dict[str, Any], config: dict[str, Any]) -> str:
    tree = OmegaConf.create(config)
    arms = [
        name
        for name, arm in study["arms"].items()
        if all(OmegaConf.select(tree, key) == value for key, value in arm["where"].items())
    ]
    if len(arms) != 1:
        found = ", ".join(arms) or "none"
        raise DeeperError(
            f"study {study['name']}: {config['model']['name']} seed {config['seed']} must be in one arm, is in: {found}"
        )
    return arms[0]


def _data(config: dict[str, Any], digest: str) -> dict[str, Any]:
    from deeper.data.arrays import read_meta

    data = config["data"]
    start, stop = read_meta(Path(data["root"]) / data["name"])["splits"]["test"]
    return {
        "name": data["name"],
        "digest": digest,
        "train": data["train_size"],
        "validation": data["validation_size"],
        "test": stop - start,
        "image_size": data["image_size"],
        "channels": data["channels"],
        "classes": data["classes"],
    }
