"""Images a second of a trial, held against a bare loop over the same batches."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import runs
from benchmarks.measure import Spread, interleave, ratios, spread
from benchmarks.sizes import PAPER_BATCH, POCKET_BATCH, Case, Size

_TINY_TRAIN = 5000


@dataclass(frozen=True)
class Throughput:
    """A trial beside a bare loop.

    Attributes:
        case: what is trained.
        training: images/s of training steps, the trial's divided by the bare loop's.
        whole: images/s of everything from the request for a process to its end, divided by the bare loop's training
            and evaluation.
        rate: the trial's images/s in training.
        bare_ms: a bare step.
        overhead_ms: what a trial's step takes longer.
    """

    case: Case
    training: Spread
    whole: Spread
    rate: Spread
    bare_ms: Spread
    overhead_ms: Spread


@dataclass(frozen=True)
class StepCost:
    """What a step costs besides the network, in milliseconds.

    Attributes:
        batch_size: images of the step.
        overhead: a trial's step less a bare one, on a network that is nearly nothing.
        feed: of that, making the augmented batch.
    """

    batch_size: int
    overhead: Spread
    feed: Spread


def measure(whole: Path, small: Path, store: Path, size: Size) -> Iterator[Throughput]:
    """Every case.

    Args:
        whole, small: folders of prepared sets, with all test images and with a fraction.
    """
    for case in size.cases:
        root = whole if case.all_test else small
        jobs = [_job(root, store, case, seed) for seed in range(size.repetitions)]
        yield _compare(case, jobs)


def step_cost(root: Path, store: Path, size: Size) -> Iterator[StepCost]:
    """The overhead of a step where there is next to no network, and the part of it that is the batch's making."""
    for batch_size in (PAPER_BATCH, POCKET_BATCH):
        epochs = -(-size.tiny_steps * PAPER_BATCH // _TINY_TRAIN)
        recipe = [f"training.batch_size={batch_size}", f"training.epochs={epochs}", f"data.train_size={_TINY_TRAIN}"]
        seeds = range(size.repetitions)
        jobs = [runs.make(root, store, *recipe, f"seed={seed}", model=runs.NEARLY_NOTHING) for seed in seeds]
        yield _step_cost(jobs, batch_size)


def _job(root: Path, store: Path, case: Case, seed: int) -> dict:
    recipe = [f"training.batch_size={case.batch_size}", f"training.epochs={case.epochs}"]
    return runs.make(root, store, f"model={case.model}", f"data.train_size={case.train}", *recipe, f"seed={seed}")


def _compare(case: Case, jobs: list[dict]) -> Throughput:
    arms = {"trial": lambda n: runs.trial(jobs[n]), "bare": lambda n: runs.bare(jobs[n])}
    done = interleave(arms, len(jobs))
    trials, bares = done["trial"], done["bare"]
    steps = runs.steps(jobs[0])
    return Throughput(
        case,
        training=ratios([b.train_s for b in bares], [t.train_s for t in trials]),
        whole=ratios([b.work_s for b in bares], [t.wall_s for t in trials]),
        rate=spread([runs.images(jobs[0]) / t.train_s for t in trials]),
        bare_ms=spread([1000 * b.train_s / steps for b in bares]),
        overhead_ms=spread([1000 * (t.train_s - b.train_s) / steps for t, b in zip(trials, bares, strict=True)]),
    )


def _step_cost(jobs: list[dict], batch_size: int) -> StepCost:
    arms = {
        "trial": lambda n: runs.trial(jobs[n]),
        "bare": lambda n: runs.bare(jobs[n]),
        "fed": lambda n: runs.bare(jobs[n], "suite"),
    }
    done = {name: [run.train_s for run in found] for name, found in interleave(arms, len(jobs)).items()}
    per_step = 1000 / runs.steps(jobs[0])
    return StepCost(
        batch_size,
        spread([per_step * (a - b) for a, b in zip(done["trial"], done["bare"], strict=True)]),
        spread([per_step * (a - b) for a, b in zip(done["fed"], done["bare"], strict=True)]),
    )
