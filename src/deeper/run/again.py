"""A trial of the store trained again from its frozen settings, and compared with what it was."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig, OmegaConf

from deeper.errors import DeeperError
from deeper.run import shared
from deeper.run.jobs import make_job
from deeper.run.slots import Task
from deeper.run.store import CONFIG, PREDICTIONS, Home

BESIDE = "own/trials"
AROUND = ("store", "results", "reuse", "logger", "runtime")  # what the command line may say beside trial=
FREE = ("trial", "hydra")
PLACES = ("data.root", "data.folder")  # where the same pictures are now


@dataclass(frozen=True)
class Sameness:
    """Whether a trial that was trained again came out as before: in words, and as JSON."""

    words: str
    facts: dict[str, Any] | None


def job(cfg: DictConfig) -> dict[str, Any]:
    """The job of ``cfg.trial`` with its own settings and the surroundings of the command line.

    The settings may be somebody else's, so nothing is prepared by them.

    Raises:
        DeeperError: the store has no such trial, today it would be another one, the command line says more, or it is
            trained again already.
    """
    said = set()
    for word in HydraConfig.get().overrides.task:
        name = word.lstrip("+~").replace("/", ".").partition("=")[0]
        said.add(name)
        if name not in PLACES and name.partition(".")[0] not in (*AROUND, *FREE):
            raise DeeperError(f"{word}: trial={cfg.trial} has its own settings; leave one of the two out")
    home = Home(cfg.store, str(cfg.trial))
    if not (home / CONFIG).exists() and not shared.fetch(home.trial, cfg.store):
        raise DeeperError(f"trial={cfg.trial}: {cfg.store} has no such trial; python -m deeper.trials lists them")
    finished, beside = home.record() is not None, Home(BESIDE, home.trial)
    if finished and beside.path.resolve() == home.path.resolve():
        raise DeeperError(
            f"trial={cfg.trial}: it lies where it would be trained again, in {BESIDE}; move it to another folder, and "
            "name that: store=FOLDER"
        )
    config = home.config(cfg.data.root if "data.root" in said else None)
    if "data.folder" in said:
        config["data"]["folder"] = cfg.data.folder
    if "transfer" in config:
        config["data"] |= {"train_size": None, "validation_size": None}  # frozen as those of the set, and said by it
    around = {key: cfg[key] for key in AROUND} | ({"store": BESIDE} if finished else {})
    found = make_job(OmegaConf.create({**config, **around}), prepare=False)
    if found["id"] != home.trial:
        raise DeeperError(
            f"trial={cfg.trial}: with the data and the results versions of today it is another trial, {found['id']}"
        )
    if finished and (beside.busy() or (beside.record() is not None and not beside.remove())):
        raise DeeperError(f"trial={cfg.trial}: another process trains it again in {BESIDE}; wait for its end")
    return found


def compared(store: str, task: Task) -> Sameness:
    """How the predictions of a trial that was trained again differ from those that the store has."""
    before = Home(store, task.job["id"])
    if before.path.resolve() == task.home.path.resolve():
        return Sameness("it was not finished before, so there is nothing to compare it with", None)
    with np.load(before / PREDICTIONS) as old, np.load(task.home / PREDICTIONS) as new:
        logits = old["logits"], new["logits"]
    if np.array_equal(*logits, equal_nan=True):
        return Sameness("its predictions are the same to the bit", {"predictions": "equal", "largest_difference": 0.0})
    most = float(np.abs(logits[0] - logits[1]).max())
    there, here = before.record()["environment"], task.record["environment"]
    with_ = "; ".join(_differences(there, here)) or "what computed it is the same"
    return Sameness(
        f"its predictions differ by up to {most:.3g} ({with_})",
        {"predictions": "differ", "largest_difference": most if np.isfinite(most) else None},
    )


def _differences(there: dict[str, Any], here: dict[str, Any]) -> list[str]:
    from deeper.run.provenance import differences

    return differences(there, here)
