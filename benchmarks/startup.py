"""What a trial costs besides training and evaluation, from a fork server that was just started and from a warm one."""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks import runs
from benchmarks.measure import Spread, interleave, spread
from benchmarks.sizes import Size
from deeper.errors import DeeperError
from deeper.paths import ROOT
from deeper.run import processes
from deeper.run import wandb_runs as mirror
from deeper.run.store import Home

# A network and a training that take next to no time, on the data of a pocket trial.
TINY = ("model=resnet20", "model.depth=8", "model.width=4", "training.epochs=1", "training.batch_size=1000")
COLD = "import torch, pytorch_lightning"


@dataclass(frozen=True)
class Startup:
    """Seconds.

    Attributes:
        first: a trial, with the start of the fork server, less training and evaluation.
        later: the same of the trials after it.
        cold: a Python process that imports torch and Lightning and ends.
        mirror_first, mirror_later: writing a trial's offline W&B run.
    """

    first: Spread
    later: Spread
    cold: Spread
    mirror_first: Spread
    mirror_later: Spread


def measure(root: Path, size: Size) -> Startup:
    done = interleave({"server": lambda _: _server(root, size.starts), "cold": lambda _: _cold()}, size.repetitions)
    servers = done["server"]
    return Startup(
        first=spread([server["startup"][0] for server in servers]),
        later=spread([seconds for server in servers for seconds in server["startup"][1:]]),
        cold=spread(done["cold"]),
        mirror_first=spread([server["mirror"][0] for server in servers]),
        mirror_later=spread([seconds for server in servers for seconds in server["mirror"][1:]]),
    )


def serve(root: str, trials: int, place: Path) -> dict[str, list[float]]:
    """In a process of its own, which has no fork server yet: start one, run trials, mirror each.

    Returns:
        ``startup`` and ``mirror``: seconds, a value a trial.
    """
    os.environ["WANDB_SILENT"] = "true"
    jobs = [runs.make(root, place, *TINY, "data.train_size=5000", f"seed={seed}") for seed in range(trials)]
    began = time.perf_counter()
    processes.context()
    result: dict[str, list[float]] = {"startup": [], "mirror": []}
    for job in jobs:
        runs.trial(job)
        wall = time.perf_counter() - began
        result["startup"].append(wall - runs.bare(job).work_s)
        result["mirror"].append(_mirror(job, place))
        began = time.perf_counter()
    return result


def _mirror(job: dict[str, Any], place: Path) -> float:
    logger = {**job["config"]["logger"], "mode": "offline", "dir": str(place / "mirror")}
    began = time.perf_counter()
    if not mirror.replay(Home(place, job["id"]), {**job, "config": {**job["config"], "logger": logger}}):
        raise DeeperError("the measured W&B run was not written")
    return time.perf_counter() - began


def _server(root: Path, trials: int) -> dict[str, list[float]]:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.startup", str(root), str(trials)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    return json.loads(done.stdout.splitlines()[-1])


def _cold() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", COLD], check=True)
    return time.perf_counter() - began


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        print(json.dumps(serve(sys.argv[1], int(sys.argv[2]), Path(folder))))
