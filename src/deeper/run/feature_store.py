"""Features of a whole target set, computed once and kept beside the trials.

``<store>/.features/<key>/``: the key is the digest of all that the features depend on (network, weights, code, data,
size, layer, batch), so a second classifier on the same features, of whatever labels, seed or number of pictures,
computes none. What other libraries, instructions or another processor computed is computed anew, for a trial's record
names its own.
"""

import contextlib
import io
import re
import shutil
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from deeper.errors import DeeperError
from deeper.files import digest, file_digest, json_value, lock, write_bytes, write_json
from deeper.results_versions import version
from deeper.run import identity
from deeper.run.store import WEIGHTS, Home

FOLDER = ".features"
KEPT, FACTS, LOCK = "features.npy", "features.json", ".lock"
KEY = re.compile(r"[0-9a-f]{16}")

Kept = tuple[np.ndarray, float, bool]


def keeper(
    config: dict[str, Any], data_digest: str, made_with: dict[str, str]
) -> Callable[[Callable[[], np.ndarray]], Kept]:
    """What gives the features of a frozen trial's set: those that are kept, or the computed ones, kept from now on.

    Args:
        config: of the trial.
        data_digest: of its data.
        made_with: what computes here (``provenance.computes``).
    """
    folder = Path(config["store"]) / FOLDER / key(config, data_digest)
    return lambda compute: of_set(folder, compute, made_with)


def key(config: dict[str, Any], data_digest: str) -> str:
    """The digest, 16 digits, of all that the features of a set depend on.

    Raises:
        DeeperError: the network is that of a trial which is not finished, or damaged.
    """
    transfer, trainer = config["transfer"], config["trainer"]
    drawn = {} if config["model"].get("pretrained", True) else {"seed": config["seed"]}
    return digest(
        {
            **drawn,
            **_weights(config),
            "model": identity.by_meaning(identity.semantic(config)["model"]),
            "version": version("features"),
            "data": data_digest,
            "size": [config["data"]["image_size"], config["data"]["channels"]],
            "normalised": [transfer["backbone"]["mean"], transfer["backbone"]["std"]],
            "layer": transfer["layer"],
            "trainer": [trainer["accelerator"], trainer["threads"]],
            "batch": config["training"]["evaluation_batch_size"],
        }
    )[:16]


def _weights(config: dict[str, Any]) -> dict[str, str]:
    """The digest of the weights of the trial that the network is; its id alone would stand for those of any machine."""
    trial = config["model"].get("trial")
    if trial is None or not config["model"].get("pretrained", True):
        return {}
    return {"weights": Home(config["store"], trial).finished("train it first")["files"][WEIGHTS]}


def unused(store: Path, trials: Iterable[Home]) -> list[Path]:
    """The folders of features that none of the finished ``trials`` would take up again, sorted."""
    there = sorted((store / FOLDER).glob("*"))
    folders = {folder.name: folder for folder in there if KEY.fullmatch(folder.name) and folder.is_dir()}
    for home in trials if folders else ():
        record = home.record()
        if record is not None:
            with contextlib.suppress(DeeperError, OSError, LookupError, TypeError):  # no transfer, or damaged
                folders.pop(key(home.config(), record["data"]), None)
    return list(folders.values())


def remove(folder: Path) -> bool:
    """Remove a folder of features, unless another process computes them now; whether it is gone.

    Of one that is a link to another place the link is removed, and what it points to stays.
    """
    if folder.is_symlink():
        folder.unlink()
        return True
    with lock(folder / LOCK, wait=False) as held:
        if held:
            shutil.rmtree(folder)
        return held


def kept(folder: Path, made_with: dict[str, str]) -> tuple[np.ndarray, float] | None:
    """Features that were kept in ``folder`` and the seconds they took.

    None where they are not whole, or something else than ``made_with`` computed them; an older file does not tell.
    """
    try:
        facts = json_value((folder / FACTS).read_bytes())
        if facts.get("made_with", made_with) != made_with or file_digest(folder / KEPT) != facts["sha256"]:
            return None
        return np.load(folder / KEPT, mmap_mode="r", allow_pickle=False), facts["seconds"]
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return None


def of_set(
    folder: Path, compute: Callable[[], np.ndarray], made_with: dict[str, str]
) -> tuple[np.ndarray, float, bool]:
    """Features (N, D) from ``folder``, or computed and kept there, the seconds it took, and whether it was there."""
    with lock(folder / LOCK):
        found = kept(folder, made_with)
        if found is not None:
            return *found, True
        began = time.perf_counter()
        features = compute()
        seconds = round(time.perf_counter() - began, 3)
        content = io.BytesIO()
        np.save(content, features)
        write_bytes(folder / KEPT, content.getvalue())
        facts = {"sha256": file_digest(folder / KEPT), "seconds": seconds, "made_with": made_with}
        write_json(folder / FACTS, facts)
        return features, seconds, False
