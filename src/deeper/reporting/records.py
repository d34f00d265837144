"""Loading ``results/<study>.json`` (docs/formats.md), refusing what is damaged before anything is computed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeper.claims.verdicts import read_claims
from deeper.errors import DeeperError
from deeper.study import study_shape

SCHEMA = 2
STATUSES = ("finished", "diverged")

NUMBER = (int, float)
NUMBER_OR_NONE = (int, float, type(None))
TEXT_OR_NONE = (str, type(None))
ERRORS_AND_LOSSES = {
    f"{split}_{kind}": NUMBER_OR_NONE for split in ("train", "validation", "test") for kind in ("error", "loss")
}
TRIAL = {
    "id": str,
    "arm": str,
    "seed": int,
    "status": str,
    "reason": TEXT_OR_NONE,
    "metrics": ERRORS_AND_LOSSES,
    "cost": {"params": int, "macs": int, "depth": int},
    "time": {"train_s": NUMBER_OR_NONE, "images_per_s": NUMBER_OR_NONE},
    "curves": [{"epoch": int, "train_error": NUMBER_OR_NONE, "validation_error": NUMBER_OR_NONE}],
    "gradients": {"layers": [str], "start": [NUMBER_OR_NONE], "epochs": [[NUMBER_OR_NONE]]},
    "environment": int,
    "finished_at": TEXT_OR_NONE,
}
SHAPE = {
    "study": {"name": str, "title": str, "question": str, "arms": dict, "claims": dict},
    "profile": str,
    "data": {
        "name": str,
        "digest": str,
        "train": int,
        "validation": int,
        "test": int,
        "image_size": int,
        "channels": int,
        "classes": int,
    },
    "recipe": dict,
    "environments": [{"commit": TEXT_OR_NONE, "versions": dict, "machine": dict}],
    "trials": [TRIAL],
}


@dataclass(frozen=True)
class Results:
    """One study's results; ``content`` is the file's, checked."""

    path: Path
    content: Mapping[str, Any]

    @property
    def study(self) -> Mapping[str, Any]:
        return self.content["study"]

    @property
    def name(self) -> str:
        return self.study["name"]

    @property
    def page(self) -> str:
        """The kind of its page: ``study``, ``zoo`` (accuracy against cost), ``transfer`` or ``calibration``."""
        return self.study.get("page", "study")

    @property
    def arms(self) -> Mapping[str, Mapping[str, Any]]:
        """Arms that have trials, in the study's order."""
        present = {trial["arm"] for trial in self.content["trials"]}
        return {name: arm for name, arm in self.study["arms"].items() if name in present}

    def label(self, arm: str) -> str:
        return (self.study["arms"][arm] or {}).get("label", arm)

    def averaged(self, arm: str) -> bool:
        """Whether an arm's rows are groups of another arm's networks, averaged."""
        return "average" in (self.study["arms"][arm] or {})

    def trials(self, arm: str) -> list[Mapping[str, Any]]:
        """An arm's trials by seed."""
        return sorted((t for t in self.content["trials"] if t["arm"] == arm), key=lambda t: t["seed"])

    def processors(self, *arms: str) -> list[str]:
        """What the trials of these arms (of all, where none is named) ran on: their times compare where it is one."""
        places = self.content["environments"]
        trials = (trial for trial in self.content["trials"] if not arms or trial["arm"] in arms)
        machines = [places[trial["environment"]]["machine"] for trial in trials]
        return list(dict.fromkeys(", ".join(one.get("gpus") or [one.get("cpu") or "unknown"]) for one in machines))


def load(folder: Path) -> list[Results]:
    """Every ``*.json`` of ``folder`` by name; a folder that is not there holds none.

    Raises:
        DeeperError: a file is not JSON, of another schema, lacks something, or contradicts itself.
    """
    return [read(path) for path in sorted(folder.glob("*.json"))]


def read(path: Path) -> Results:
    """One results file, checked. Raises ``DeeperError`` that names the file."""
    try:
        content = json.loads(path.read_text(encoding="utf-8"), parse_constant=_no_constant)
    except (ValueError, UnicodeDecodeError) as error:
        raise DeeperError(f"{path} is damaged ({error}); run its study again") from None
    schema = content.get("schema") if isinstance(content, dict) else None
    if schema != SCHEMA:
        raise DeeperError(f"{path} has schema {schema!r}, this version reads {SCHEMA}; run its study again")
    _check(content, SHAPE, f"{path}:")
    study_shape.check(content["study"], str(path))
    _check_trials(content, path)
    _check_groups(content, path)
    read_claims(content["study"], str(path))
    return Results(path, content)


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _check(value: Any, shape: Any, where: str) -> None:
    if isinstance(shape, dict):
        if not isinstance(value, dict):
            raise DeeperError(f"{where} should be a mapping; run the study again")
        for key, inner in shape.items():
            if key not in value:
                raise DeeperError(f"{where} {key} is missing; run the study again")
            _check(value[key], inner, f"{where} {key}")
    elif isinstance(shape, list):
        if not isinstance(value, list):
            raise DeeperError(f"{where} should be a list; run the study again")
        for index, item in enumerate(value):
            _check(item, shape[0], f"{where} {index}")
    elif not isinstance(value, shape) or isinstance(value, bool):
        raise DeeperError(f"{where} has an unexpected value {value!r}; run the study again")


def _check_trials(content: Mapping[str, Any], path: Path) -> None:
    name, arms, seen = content["study"]["name"], content["study"]["arms"], set()
    if name != path.stem:
        raise DeeperError(f"{path} holds the study {name!r}; name the file after its study")
    for trial in content["trials"]:
        home = (trial["arm"], trial["seed"])
        if trial["arm"] not in arms:
            raise DeeperError(f"{path}: trial {trial['id']} is of arm {trial['arm']!r}, which the study does not have")
        if home in seen:
            raise DeeperError(f"{path}: arm {home[0]!r} has two trials with seed {home[1]}; run the study again")
        for key in ("settings", "probes"):
            if not isinstance(trial.get(key, {}), dict):
                raise DeeperError(f"{path}: trial {trial['id']} has {key} that are no mapping; run the study again")
        if trial["status"] not in STATUSES:
            raise DeeperError(
                f"{path}: trial {trial['id']} has status {trial['status']!r}, not {' or '.join(STATUSES)}"
            )
        if not 0 <= trial["environment"] < len(content["environments"]):
            raise DeeperError(f"{path}: trial {trial['id']} names environment {trial['environment']}, which is missing")
        layers = len(trial["gradients"]["layers"])
        if any(len(row) != layers for row in [trial["gradients"]["start"], *trial["gradients"]["epochs"]]):
            raise DeeperError(f"{path}: trial {trial['id']} has gradient norms that do not match its {layers} layers")
        seen.add(home)


def _check_groups(content: Mapping[str, Any], path: Path) -> None:
    arms, ids = content["study"]["arms"], {(trial["arm"], trial["id"]) for trial in content["trials"]}
    for trial in content["trials"]:
        average = (arms[trial["arm"]] or {}).get("average")
        members = trial.get("members") or []
        known = [member for member in members if average and (average.get("of"), member) in ids]
        if members != known or len(members) != (average.get("size") if average else 0):
            raise DeeperError(
                f"{path}: trial {trial['id']} of arm {trial['arm']!r} has members that do not make a group of what the "
                "arm averages; run the study again"
            )
