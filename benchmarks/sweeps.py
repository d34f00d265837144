"""A sweep in two slots, held against one slot and against one trial with two threads; real commands."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks import runs
from benchmarks.measure import Spread, interleave, ratios, spread
from benchmarks.sizes import POCKET_BATCH, Size
from deeper.errors import DeeperError
from deeper.paths import ROOT
from deeper.run.store import CONFIG, RECORD

ARMS = {"two slots": (2, 1), "one slot": (1, 1), "two threads": (1, 2)}


@dataclass(frozen=True)
class Sweeps:
    """Images/s of sweeps.

    Attributes:
        rates: of each arm, in training images a second from the first trial's beginning to the last one's end.
        slots, threads: two slots over one slot, and over one slot with two threads.
        slots_command, threads_command: the same with the whole command timed.
        bare: two bare loops side by side over one: what the machine allows.
        start_s: a command's time outside its trials.
    """

    rates: dict[str, Spread]
    slots: Spread
    threads: Spread
    slots_command: Spread
    threads_command: Spread
    bare: Spread
    start_s: Spread


@dataclass(frozen=True)
class Command:
    """Seconds of a command and of its trials, first beginning to last end."""

    wall_s: float
    trials_s: float


def measure(root: Path, place: Path, size: Size) -> Sweeps:
    arms = {name: _command(root, place, size, *how) for name, how in ARMS.items()}
    arms |= {"bare": _bare(root, place, size, 1), "bare pair": _bare(root, place, size, 2)}
    done = interleave(arms, size.repetitions)
    images = size.sweep_trials * size.epochs * (size.train // POCKET_BATCH * POCKET_BATCH)

    def over(other: str, seconds: str) -> Spread:
        return ratios([getattr(c, seconds) for c in done[other]], [getattr(c, seconds) for c in done["two slots"]])

    return Sweeps(
        rates={name: spread([images / c.trials_s for c in done[name]]) for name in ARMS},
        slots=over("one slot", "trials_s"),
        threads=over("two threads", "trials_s"),
        slots_command=over("one slot", "wall_s"),
        threads_command=over("two threads", "wall_s"),
        bare=ratios([2 * seconds for seconds in done["bare"]], done["bare pair"]),
        start_s=spread([c.wall_s - c.trials_s for name in ARMS for c in done[name]]),
    )


def _recipe(size: Size) -> list[str]:
    return [
        "model=resnet20",
        f"data.train_size={size.train}",
        f"training.epochs={size.epochs}",
        f"training.batch_size={POCKET_BATCH}",
    ]


def _command(root: Path, place: Path, size: Size, slots: int, threads: int) -> Callable[[int], Command]:
    def run(repetition: int) -> Command:
        own = place / f"{slots}x{threads}-{repetition}"
        seeds = ",".join(map(str, range(size.sweep_trials)))
        where = [f"data.root={root}", f"store={own}", f"results={own}/results", f"sweeps={own}/sweeps"]
        how = [
            *runs.COMMON,
            f"hydra.sweep.dir={own}/outputs",
            f"trainer.threads={threads}",
            f"hydra.launcher.slots={slots}",
        ]
        began = time.perf_counter()
        _call(["-m", "deeper.train", "--multirun", *_recipe(size), *how, *where, f"seed={seeds}"])
        wall = time.perf_counter() - began
        return Command(wall, _span(own, size.sweep_trials))

    return run


def _bare(root: Path, place: Path, size: Size, loops: int) -> Callable[[int], float]:
    def run(repetition: int) -> float:
        job = runs.make(root, place / "bare", *_recipe(size), f"seed={repetition}")
        return max(one.train_s for one in runs.together([job] * loops))

    return run


def _span(store: Path, trials: int) -> float:
    begun = [path.stat().st_mtime for path in store.glob(f"*/{CONFIG}")]
    ended = [path.stat().st_mtime for path in store.glob(f"*/{RECORD}")]
    if len(ended) != trials:
        raise DeeperError(f"the measured sweep finished {len(ended)} of {trials} trials; see {store}")
    return max(ended) - min(begun)


def _call(arguments: list[str]) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise DeeperError(f"a measured command failed: {' '.join(arguments)}: {done.stderr.strip()[-500:]}")
