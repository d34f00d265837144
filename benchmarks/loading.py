"""The suite's batch augmentation, held against a ``DataLoader`` with per-image torchvision transforms."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from benchmarks import runs
from benchmarks.measure import Spread, interleave, ratios, spread
from benchmarks.sizes import PAPER_BATCH, Size

SUITE = "suite"
LOADERS = {"loader0": 0, "loader2": 2}


@dataclass(frozen=True)
class Loading:
    """One training, the same bare loop, fed in different ways.

    Attributes:
        model: what is trained, in words.
        rates: images/s, by the name of the feed.
        ratios: those of the ``DataLoader``, divided by the suite's.
    """

    model: str
    rates: dict[str, Spread]
    ratios: dict[str, Spread]


def measure(root: Path, store: Path, size: Size) -> Iterator[Loading]:
    """A real network, and one that is nearly nothing, where the feed is all there is."""
    for model, network in (("ResNet-20", None), ("one linear layer", runs.NEARLY_NOTHING)):
        jobs = [_job(root, store, size, seed, network) for seed in range(size.repetitions)]
        yield _compare(model, jobs)


def _job(root: Path, store: Path, size: Size, seed: int, network: dict | None) -> dict:
    recipe = [f"training.batch_size={PAPER_BATCH}", f"training.epochs={size.epochs}"]
    own = [f"data.train_size={size.train}", *recipe, f"seed={seed}"]
    return runs.make(root, store, "model=resnet20", *own, model=network)


def _compare(model: str, jobs: list[dict]) -> Loading:
    arms = {feed: lambda n, feed=feed: runs.bare(jobs[n], feed).train_s for feed in (SUITE, *LOADERS)}
    seconds = interleave(arms, len(jobs))
    images = runs.images(jobs[0])
    return Loading(
        model,
        {feed: spread([images / s for s in found]) for feed, found in seconds.items()},
        {feed: ratios(seconds[SUITE], seconds[feed]) for feed in LOADERS},
    )
