"""What commands take that train nothing: seconds of the whole command, beside those of a bare Python with Hydra."""

import json
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
from deeper.files import write_json
from deeper.paths import ROOT
from deeper.run.identity import trial_id
from deeper.run.store import CONFIG, CURVES, PREDICTIONS, WEIGHTS, Home
from deeper.schema.results import sealed

TINY = ("model=resnet20", "model.depth=8", "model.width=4", "training.epochs=1", "training.batch_size=100")
COLD = "import hydra"
PLAN = "plan {:,} finished trials (`dry_run=true`)"
AGAIN = "the same sweep again, to its page: {:,} trials reused"
CHANGED = "residual_vs_plain"

Run = Callable[[int], float]  # seconds of a repetition, by its number


@dataclass(frozen=True)
class Planning:
    """Seconds of commands by what they do.

    Attributes:
        cold: Python importing Hydra.
        each: seconds that one more finished trial takes, of a plan and of the sweep again.
    """

    seconds: dict[str, Spread]
    cold: Spread
    each: dict[str, Spread]


def measure(root: Path, place: Path, size: Size) -> Planning:
    small = [*TINY, *runs.COMMON, f"data.root={root}", "data.train_size=100"]
    store = _store(root, place, small, size.planned)

    def sweep(trials: int, *more: str) -> Run:
        seeds = [f"store={store}", f"seed=range({trials})", f"sweeps={place}/sweeps"]
        return _command(["-m", "deeper.train", "--multirun", *small, *seeds, *more])

    few, many = max(1, size.planned // 10), size.planned
    arms = {
        "print every setting (`--cfg job`)": _command(["-m", "deeper.train", "--cfg", "job"]),
        "what a network costs": _command(["-m", "deeper.cost", "model=resnet20"]),
        **{PLAN.format(trials): sweep(trials, "dry_run=true") for trials in (few, many)},
        **{AGAIN.format(trials): sweep(trials) for trials in (few, many)},
        **_reports(place),
    }
    found = interleave(arms | {COLD: _command(["-c", COLD])}, size.repetitions)

    def each(words: str) -> Spread:
        pairs = zip(found[words.format(many)], found[words.format(few)], strict=True)
        return spread([(more - less) / (many - few) for more, less in pairs])

    seconds = {name: spread(found[name]) for name in arms}
    return Planning(seconds, spread(found[COLD]), {"plan": each(PLAN), "again": each(AGAIN)})


def _reports(place: Path) -> dict[str, Run]:
    """The report of all studies on a copy of their tables: with every figure to draw, after a change, after none."""
    results, figures = place / "results", place / "figures"
    shutil.copytree(ROOT / "results", results)
    places = [f"results={results}", f"reports={place}/reports", f"published={ROOT}/published", f"figures={figures}"]
    whole = ["-m", "deeper.report", "exact=false", *places]

    def all_drawn(number: int) -> float:
        shutil.rmtree(figures, ignore_errors=True)
        return _command(whole)(number)

    def after_a_change(number: int) -> float:
        table = results / f"{CHANGED}.json"
        content = json.loads(table.read_bytes())
        content["trials"].pop()
        write_json(table, sealed(content))
        return _command(whole)(number)

    return {
        "the report of all studies, every figure drawn": all_drawn,
        "the same, after one changed table": after_a_change,
        "the same, after no change": _command(whole),
        "one page of the report": _command([*whole, f"only={CHANGED}"]),
    }


def _command(words: Sequence[str]) -> Run:
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
        config = {**job["config"], "seed": seed, "data": {**job["config"]["data"], "subset_seed": seed}}
        home = Home(place / "many", trial_id(config, data))
        home.path.mkdir(parents=True)
        for name in (CURVES, PREDICTIONS, WEIGHTS):
            shutil.copyfile(first / name, home / name)
        (home / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False))
        home.finish(kept)
    return place / "many"
