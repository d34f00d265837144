"""``python -m benchmarks.kills``: networks of each kind, killed at random moments and resumed, end in the same bits."""

import argparse
import json
import random
import sys
import tempfile
import time
from multiprocessing.connection import wait
from pathlib import Path

import numpy as np
import torch
from hydra import compose, initialize_config_dir

from deeper.paths import CONF, ROOT
from deeper.run import processes
from deeper.run.jobs import make_job
from deeper.run.store import CURVES, LOG, PREDICTIONS, WEIGHTS, Home

SMALL = (
    *("data.image_size=14", "data.train_size=200", "data.validation_size=40", "augment.pad=1", "logger=none"),
    *("training.batch_size=20", "training.evaluation_batch_size=60", "optimizer.lr=0.02", "trainer.accelerator=cpu"),
)
RESNET = ("model=resnet20", "model.depth=8", "model.width=4")
KINDS = {
    "dropout": (*RESNET, "model.dropout=0.2", "training.epochs=30"),
    "dropped blocks": ("model=stochastic_depth20", "model.width=4", "training.epochs=25"),
    "extra heads": ("model=googlenet_small", "training.epochs=8"),
    "averaged weights": (*RESNET, "average=ema", "batch=mixup", "training.epochs=30"),
    "two ranks": (*RESNET, "model.dropout=0.2", "trainer.devices=2", "training.epochs=20"),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills", description=__doc__)
    parser.add_argument("--kills", type=int, default=10, help="of each network")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="the folder of prepared sets")
    parser.add_argument("--only", choices=KINDS, action="append", help="networks of this kind; all if not given")
    options = parser.parse_args()
    equal = True
    with tempfile.TemporaryDirectory(prefix="kills-") as folder:
        for kind in options.only or KINDS:
            equal &= _killed(kind, options.data, Path(folder) / kind.replace(" ", "_"), options.kills)
    return 0 if equal else 1


def _killed(kind: str, data: Path, store: Path, kills: int) -> bool:
    """Whether a trial that is killed so often ends as one that is not; says so."""
    jobs = []
    for name in ("whole", "killed"):
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            places = (f"data.root={data}", f"store={store / name}")
            jobs.append(make_job(compose("train", [*SMALL, *KINDS[kind], *places])))
    _finish(_start(jobs[0]))
    whole, killed = (Home(job["config"]["store"], job["id"]) for job in jobs)
    seconds = whole.record()["time"]["total_s"]
    chance, deaths = random.Random(kind), 0
    for _ in range(kills):
        running = _start(jobs[1])
        deaths += not _ended(running, chance.uniform(0.05, 0.3) * seconds)
        running.kill()
    rows = len((killed / CURVES).read_text().splitlines()) if (killed / CURVES).exists() else 0
    _finish(_start(jobs[1]))
    same = _same(whole, killed)
    print(
        f"{kind}: {deaths} of {kills} kills before its end ({rows} epochs by then): {'equal' if same else 'DIFFERENT'}"
    )
    return same


def _start(job: dict) -> processes.Running:
    home = Home(job["config"]["store"], job["id"])
    return processes.start(job, job["config"]["trainer"]["devices"], home / LOG)


def _ended(running: processes.Running, seconds: float) -> bool:
    """Whether it ends within so many seconds."""
    end = time.monotonic() + seconds
    while not running.poll():
        if time.monotonic() >= end:
            return False
        wait(running.handles(), timeout=max(0.0, end - time.monotonic()))
    return True


def _finish(running: processes.Running) -> None:
    while not running.poll():
        wait(running.handles(), timeout=1)
    if running.code:
        sys.exit(f"a trial failed: {running.error}")


def _same(one: Home, other: Home) -> bool:
    weights = [torch.load(home / WEIGHTS) for home in (one, other)]
    logits = [np.load(home / PREDICTIONS)["logits"] for home in (one, other)]
    rows = [[json.loads(line) for line in (home / CURVES).read_text().splitlines()] for home in (one, other)]
    bare = [[{key: value for key, value in row.items() if key != "seconds"} for row in table] for table in rows]
    records = [home.record() for home in (one, other)]
    return (
        all(torch.equal(weights[0][name], weights[1][name]) for name in weights[0])
        and np.array_equal(*logits)
        and bare[0] == bare[1]
        and all(records[0][key] == records[1][key] for key in ("metrics", "gradients"))
    )


if __name__ == "__main__":
    sys.exit(main())
