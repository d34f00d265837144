"""What commands take that train nothing: seconds of the whole command, beside those of a bare Python with Hydra."""

import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import yaml

from benchmarks import runs
from benchmarks.measure import Spread, interleave, spread
from benchmarks.sizes import Size
from deeper.data.prepared import read_meta
from deeper.errors import DeeperError
from deeper.paths import ROOT
from deeper.run.identity import trial_id
from deeper.run.store import CONFIG, CURVES, PREDICTIONS, WEIGHTS, Home

TINY = ("model=resnet20", "model.depth=8", "model.width=4", "training.epochs=1", "training.batch_size=100")
COLD = "import hydra"


@dataclass(frozen=True)
class Planning:
    """Seconds of commands by what they do; ``cold`` is Python importing Hydra."""

    seconds: dict[str, Spread]
    cold: Spread


def measure(root: Path, place: Path, size: Size) -> Planning:
    small = [*TINY, *runs.COMMON, f"data.root={root}", "data.train_size=100"]
    store = _store(root, place, small, size.planned)
    sweep = ["--multirun", *small, f"store={store}", f"seed=range({size.planned})", f"sweeps={place}/sweeps"]
    places = [f"results={ROOT}/results", f"reports={place}/reports", f"published={ROOT}/published", "exact=false"]
    arms = {
        "print every setting (`--cfg job`)": ["train", "--cfg", "job"],
        "what a network costs": ["cost", "model=resnet20"],
        f"plan {size.planned:,} finished trials (`dry_run=true`)": ["train", *sweep, "dry_run=true"],
        f"the same sweep again, to its page: {size.planned:,} trials reused": ["train", *sweep],
        "one page of the report": ["report", "only=residual_vs_plain", *places],
    }
    commands = {name: _command(["-m", f"deeper.{verb}", *words]) for name, (verb, *words) in arms.items()}
    found = interleave(commands | {COLD: _command(["-c", COLD])}, size.repetitions)
    return Planning({name: spread(found[name]) for name in arms}, spread(found[COLD]))


def _command(words: Sequence[str]) -> Callable[[int], float]:
    def run(_: int) -> float:
        began = time.perf_counter()
        done = subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            raise DeeperError(f"a measured command failed: {' '.join(words)}: {done.stderr.strip()[-500:]}")
        return time.perf_counter() - began

    return run


def _store(root: Path, place: Path, small: Sequence[str], count: int) -> Path:
    """A store of ``count`` finished trials that differ in the seed: one is trained, the others are its copies."""
    job = runs.make(root, place / "many", *small)
    runs.trial(job)
    first = Home(place / "many", job["id"])
    record, data = first.record(), read_meta(root / runs.DATA)["digest"]
    kept = {key: value for key, value in record.items() if key not in ("id", "files", "digest")}
    for seed in range(1, count):
        config = {**job["config"], "seed": seed}
        home = Home(place / "many", trial_id(config, data))
        home.path.mkdir(parents=True)
        for name in (CURVES, PREDICTIONS, WEIGHTS):
            shutil.copyfile(first / name, home / name)
        (home / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False))
        home.finish(kept)
    return place / "many"
