"""Trials and bare loops as processes of the same fork server, timed from outside."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from benchmarks.sizes import SIDE
from deeper.data import prepared as arrays
from deeper.data.prepared import LabelledImages
from deeper.data.resized import open_resized
from deeper.data.splits import subset
from deeper.errors import DeeperError
from deeper.paths import CONF
from deeper.run import processes
from deeper.run.jobs import make_job
from deeper.run.store import LOG, Home

BARE = "benchmarks.bare"
DATA = "fashion_mnist"
COMMON = (
    f"data={DATA}",
    "profile=pocket",
    f"data.image_size={SIDE}",
    "data.validation_size=500",
    "logger=none",
    "trainer.accelerator=cpu",
)

# Flatten and one linear layer: what is left is what a step costs whatever the network.
NEARLY_NOTHING = {
    "_target_": "torch.nn.Sequential",
    "_args_": [
        {"_target_": "torch.nn.Flatten"},
        {"_target_": "torch.nn.Linear", "in_features": SIDE * SIDE, "out_features": 10},
    ],
    "name": "nearly-nothing",
}


@dataclass(frozen=True)
class Run:
    """A process that has ended well.

    Attributes:
        wall_s: from the request for the process to its end.
        train_s: in training steps.
        evaluation_s: in evaluation passes; None where the process does not say.
    """

    wall_s: float
    train_s: float
    evaluation_s: float | None = None

    @property
    def work_s(self) -> float:
        """Training and evaluation of a bare loop."""
        return self.train_s + (self.evaluation_s or 0.0)


def make(root: Path | str, store: Path, *overrides: str, model: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The job of a trial on the CPU, composed as ``python -m deeper.train`` composes it.

    Args:
        root: the folder of prepared sets.
        store: the trials' homes.
        overrides: Hydra's.
        model: takes the place of the configured network.
    """
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        config = compose("train", [*COMMON, f"data.root={root}", f"store={store}", *overrides])
    if model is not None:
        OmegaConf.update(config, "model", dict(model), merge=False)
    return make_job(config)


def images(job: Mapping[str, Any]) -> int:
    """Training images that a trial sees."""
    return steps(job) * job["config"]["training"]["batch_size"]


def steps(job: Mapping[str, Any]) -> int:
    """Training steps of a trial."""
    config = job["config"]
    return config["data"]["train_size"] // config["training"]["batch_size"] * config["training"]["epochs"]


def trial(job: Mapping[str, Any]) -> Run:
    """Run the trial to its end."""
    home = _home(job)
    began = time.perf_counter()
    finish(processes.start(job, 1, home / LOG))
    wall = time.perf_counter() - began
    return Run(wall, home.record()["time"]["train_s"])


def bare(job: Mapping[str, Any], feed: str = "ready") -> Run:
    """Run the trial's bare loop; see ``benchmarks.bare``."""
    return together([job], feed)[0]


def together(jobs: list[Mapping[str, Any]], feed: str = "ready") -> list[Run]:
    """Run several bare loops at the same time."""
    began = time.perf_counter()
    log = _home(jobs[0]) / "bare.txt"
    running = [processes.start({**job, "feed": feed}, 1, log, entry=BARE) for job in jobs]
    for one in running:
        finish(one)
    wall = time.perf_counter() - began
    return [Run(wall, one.epoch["train_s"], one.epoch["evaluation_s"]) for one in running]


def small_set(root: Path | str, into: Path, test: int, train: int = 6000, side: int | None = None) -> Path:
    """Prepare a set with fewer test images, so that training outweighs evaluation in short trials as in long ones.

    ``side`` is that of its images in pixels, if it is to be another.

    Returns:
        the folder of prepared sets that holds it.
    """
    place = Path(root) / DATA
    whole = arrays.open_set(place) if side is None else open_resized(place, side)
    parts = [_part(whole, "train", train), _part(whole, "test", test)]
    data = LabelledImages(*parts[0], *parts[1], whole.meta["classes"])
    arrays.write_set(into / DATA, DATA, data, 1000, {})
    return into


def _part(whole: arrays.ArraySet, split: str, size: int) -> tuple[Any, Any]:
    images, labels = whole.split(split)
    chosen = subset(labels, size, 0)
    return images[chosen], labels[chosen]


def _home(job: Mapping[str, Any]) -> Home:
    return Home(job["config"]["store"], job["id"])


def finish(running: processes.Running) -> None:
    while not running.poll():
        wait(running.handles(), timeout=1)
    if running.code:
        raise DeeperError(
            f"a measured process failed: {running.error or f'exit code {running.code}'} (see {running.log})"
        )
