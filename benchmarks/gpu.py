"""``python -m benchmarks.gpu``: all that is to be known of a machine with one GPU, in a few minutes.

The tests of ``tests/gpu``; images a second of a trial beside a bare loop; and of several trials side by side. What was
measured stands in ``OUT/gpu.json`` after every figure; one that fails is said there, and the others follow. No figure
begins when the time is up: those that matter most come first. ``--rehearse`` does the same on the CPU. ``--write-data``
writes a small set for a machine that cannot fetch one, and nothing else.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch

from benchmarks import runs
from benchmarks.measure import interleave, ratios
from deeper.errors import one_line
from deeper.paths import ROOT
from deeper.run.provenance import environment

FIRST, LARGE, DEEP = "resnet20", "wrn_40_4", "resnet56"
BATCH = 128
COMPILED = ("reduce-overhead", "true")  # of the first network: small ones are bound by launches
SIDE_BY_SIDE = (1, 2, 4)
REPETITIONS = 3
WORK = ROOT / "build" / "gpu"  # trials and logs
LAST_LINES = 30  # of a log that is told of

Figure = tuple[str, Callable[[], Any]]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("--out", type=Path, default=Path(os.environ.get("OUT", "out")), help="where gpu.json goes")
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="the folder of prepared sets")
    parser.add_argument("--minutes", type=float, default=9.0, help="after which no figure begins")
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, with short trainings")
    parser.add_argument("--write-data", type=Path, help="write the set for a machine without a network, and end")
    options = parser.parse_args()
    if options.write_data:
        print(runs.small_set(options.data, options.write_data, train=25_000, test=10_000, side=runs.SIDE))
        return 0
    if not options.rehearse and not torch.cuda.is_available():
        print("error: torch can use no GPU here; --rehearse does the same on the CPU", file=sys.stderr)
        return 2
    return _measure(options, time.monotonic() + 60 * options.minutes)


def _measure(options: argparse.Namespace, ends: float) -> int:
    options.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"environment": environment(), "torch": torch.__version__, "rehearsed": options.rehearse}
    failed = False
    for name, measure in _figures(options):
        if time.monotonic() > ends:
            value: Any = "not measured: the time was up"
        else:
            try:
                value = measure()
            except Exception as error:
                value, failed = f"failed: {one_line(error) or error!r}", True
                print(_last_lines(), file=sys.stderr)
        found[name] = value
        (options.out / "gpu.json").write_text(json.dumps(found, indent=1) + "\n")
        print(f"{name}: {json.dumps(value)}", flush=True)
    return 1 if failed or not found["tests_passed"] else 0


def _figures(options: argparse.Namespace) -> Iterator[Figure]:
    def beside(model: str, how: str, times: int) -> Figure:
        told = partial(_beside_bare, options, model, how, times)
        return f"{model}, compile={how}, trial beside the bare loop", told

    yield "tests_passed", _tests
    yield beside(FIRST, "false", REPETITIONS)
    if not options.rehearse:
        yield beside(LARGE, "false", REPETITIONS)
    yield "images/s of trials side by side", partial(_side_by_side, options)
    if not options.rehearse:
        yield from (beside(FIRST, how, 1) for how in COMPILED)
        yield beside(DEEP, "false", REPETITIONS)


def _tests() -> bool:
    command = [sys.executable, "-m", "pytest", "tests/gpu", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def _beside_bare(options: argparse.Namespace, model: str, how: str, times: int) -> dict[str, float]:
    """Seconds of training steps of the bare loop by those of the trial; and the images a second of both.

    Each trial is a process of its own, so compiling is in its seconds, as it is in a user's.
    """
    jobs = [_job(options, model, seed, f"trainer.compile={how}") for seed in range(times)]
    done = interleave({"trial": lambda n: runs.trial(jobs[n]), "bare": lambda n: runs.bare(jobs[n])}, len(jobs))
    bare, trial = ([one.train_s for one in done[name]] for name in ("bare", "trial"))
    rates = {name: round(runs.images(jobs[0]) / min(seconds)) for name, seconds in (("trial", trial), ("bare", bare))}
    said = {f"{name}, images/s": rate for name, rate in rates.items()}
    return {"ratio": round(ratios(bare, trial).median, 3), **said}


def _side_by_side(options: argparse.Namespace) -> dict[str, int]:
    """Images a second of all trials together, by how many run at once."""
    from deeper.run import processes
    from deeper.run.store import LOG, Home

    found = {}
    for count in SIDE_BY_SIDE:
        jobs = [_job(options, FIRST, 100 * count + seed) for seed in range(count)]
        began = time.perf_counter()
        running = [processes.start(one, 1, Home(one["config"]["store"], one["id"]) / LOG) for one in jobs]
        for one in running:
            runs.finish(one)
        found[str(count)] = round(sum(map(runs.images, jobs)) / (time.perf_counter() - began))
    return found


def _job(options: argparse.Namespace, model: str, seed: int, *overrides: str) -> dict[str, Any]:
    epochs, train = (1, 1280) if options.rehearse else (5, 20_480)
    accelerator = "cpu" if options.rehearse else "gpu"
    recipe = [f"training.batch_size={BATCH}", f"training.epochs={epochs}", f"data.train_size={train}", f"seed={seed}"]
    more = [f"model={model}", f"trainer.accelerator={accelerator}"]
    return runs.make(options.data, WORK / f"{time.time_ns()}", *recipe, *more, *overrides)


def _last_lines() -> str:
    """The end of the newest log."""
    logs = sorted(WORK.glob("*/*/*.txt"), key=lambda path: path.stat().st_mtime)
    return "\n".join(logs[-1].read_text(errors="replace").splitlines()[-LAST_LINES:]) if logs else "no log"


if __name__ == "__main__":
    sys.exit(main())
