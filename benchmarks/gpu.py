"""``python -m benchmarks.gpu``: all that is to be known of a machine with one GPU, in a few minutes.

The tests of ``tests/gpu``; images a second of a trial beside a bare loop; several trials side by side; and then as many
blocks of the ledger as time leaves. What was measured stands in ``OUT/gpu.json``, the trials in ``OUT/trials`` and the
tables in ``OUT/results``, which the store and the report take as they are. ``--rehearse`` does the same on the CPU.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks import runs
from benchmarks.measure import interleave, ratios
from deeper.paths import ROOT
from deeper.run.provenance import environment

MODELS = {"resnet20": 128, "resnet56": 128, "wrn_40_4": 128}  # and the images of a step
COMPILED = ("false", "true", "reduce-overhead")  # of the first of them: small networks are bound by launches
SIDE_BY_SIDE = (1, 2, 4)
REPETITIONS = 3


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument(
        "--out", type=Path, default=Path(os.environ.get("OUT", "out")), help="where the figures, trials and tables go"
    )
    parser.add_argument("--data", type=Path, default=ROOT / "data", help="the folder of prepared sets")
    parser.add_argument("--minutes", type=float, default=9.0, help="for all of it")
    parser.add_argument("--rehearse", action="store_true", help="on the CPU, with short trainings")
    options = parser.parse_args()
    ends = time.monotonic() + 60 * options.minutes
    if not options.rehearse and not torch.cuda.is_available():
        print("error: torch can use no GPU here; --rehearse does the same on the CPU", file=sys.stderr)
        return 2
    options.out.mkdir(parents=True, exist_ok=True)
    found: dict[str, Any] = {"environment": environment(), "torch": torch.__version__, "rehearsed": options.rehearse}

    def keep(name: str, value: Any) -> None:
        found[name] = value
        (options.out / "gpu.json").write_text(json.dumps(found, indent=1) + "\n")
        print(f"{name}: {json.dumps(value)}", flush=True)

    passed = _tests()
    keep("tests_passed", passed)
    for model, batch in list(MODELS.items())[:1] if options.rehearse else MODELS.items():
        for how in COMPILED if model == next(iter(MODELS)) and not options.rehearse else COMPILED[:1]:
            keep(f"{model}, compile={how}, trial beside the bare loop", _beside_bare(options, model, batch, how))
    keep("images/s of trials side by side", _side_by_side(options))
    left = ends - time.monotonic()
    keep("seconds left for the ledger", round(left))
    if left > 60 and not options.rehearse:
        keep("ledger_status", _ledger(options.out, left - 20))
    return 0 if passed else 1


def _tests() -> bool:
    command = [sys.executable, "-m", "pytest", "tests/gpu", "-p", "no:cacheprovider"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0


def _beside_bare(options: argparse.Namespace, model: str, batch: int, how: str) -> dict[str, float]:
    """Seconds of training steps of the bare loop by those of the trial; and the images a second of both.

    Each trial is a process of its own, so compiling is in its seconds, as it is in a user's.
    """
    jobs = [_job(options, model, batch, seed, f"trainer.compile={how}") for seed in range(REPETITIONS)]
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
        jobs = [_job(options, "resnet20", 128, 100 * count + seed) for seed in range(count)]
        began = time.perf_counter()
        running = [processes.start(one, 1, Home(one["config"]["store"], one["id"]) / LOG) for one in jobs]
        for one in running:
            runs.finish(one)
        found[str(count)] = round(sum(map(runs.images, jobs)) / (time.perf_counter() - began))
    return found


def _job(options: argparse.Namespace, model: str, batch: int, seed: int, *overrides: str) -> dict[str, Any]:
    epochs, train = (1, 1280) if options.rehearse else (5, 20_480)
    accelerator = "cpu" if options.rehearse else "gpu"
    recipe = [f"training.batch_size={batch}", f"training.epochs={epochs}", f"data.train_size={train}", f"seed={seed}"]
    more = [f"model={model}", f"trainer.accelerator={accelerator}"]
    return runs.make(options.data, options.out / "bench", *recipe, *more, *overrides)


def _ledger(out: Path, seconds: float) -> int:
    """The blocks that the committed tables lack; ``OUT/results`` begins as a copy of those."""
    shutil.copytree(ROOT / "results", out / "results", dirs_exist_ok=True)
    command = [sys.executable, "-m", "deeper.ledger", f"hours={seconds / 3600:.4f}", "slots=4"]
    command += [f"store={out / 'trials'}", f"results={out / 'results'}"]
    return subprocess.run(command, cwd=ROOT, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
