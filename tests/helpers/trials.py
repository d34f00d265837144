"""A small learnable set, and jobs for trials on it that take about a second."""

from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir

from deeper.data.prepared import LabelledImages, write_set
from deeper.paths import CONF
from deeper.run import processes
from deeper.run.jobs import make_job
from deeper.run.store import LOG, Home

SMALL = (
    "data.image_size=14",
    "data.train_size=120",
    "data.validation_size=40",
    "data.subset_seed=0",
    "augment.pad=1",
    "augment.mirror=true",
    "training.epochs=3",
    "training.initial_weights=stream",
    "training.batch_size=20",
    "training.evaluation_batch_size=33",
    "training.gradient_every=2",
    "optimizer.lr=0.05",
    "schedule.warmup_epochs=0.5",
    "model=resnet20",
    "model.depth=8",
    "model.width=4",
    "trainer.accelerator=cpu",
    "logger=none",
)


def prepare(root: Path) -> Path:
    """Write ``root``/fashion_mnist: ten classes, each a bright square at its own place in noise."""
    generator = np.random.default_rng(0)

    def part(count):
        labels = np.arange(count) % 10
        images = generator.integers(0, 120, (count, 28, 28, 1), dtype=np.uint8)
        for image, label in zip(images, labels, strict=True):
            row, column = divmod(int(label), 5)
            image[4 + 12 * row : 10 + 12 * row, 5 * column : 5 * column + 6] += 110
        return images, labels

    train, test = part(260), part(101)
    data = LabelledImages(*train, *test, [f"class {i}" for i in range(10)])
    write_set(root / "fashion_mnist", "fashion_mnist", data, 60, {})
    return root


def composed(root: Path, store: Path, *overrides: str):
    """A composed ``train`` configuration for a small trial."""
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return compose("train", [*SMALL, f"data.root={root}", f"store={store}", *overrides])


def job(root: Path, store: Path, *overrides: str) -> dict:
    """The frozen job of a small trial."""
    return make_job(composed(root, store, *overrides))


def job_of(model: str, root: Path, store: Path) -> dict:
    """The frozen job of a small trial of another network, as its file has it."""
    words = [word for word in SMALL if not word.startswith("model")]
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return make_job(compose("train", [*words, f"model={model}", f"data.root={root}", f"store={store}"]))


def start(a_job: dict, entry: str = processes.ENTRY) -> tuple[processes.Running, Home]:
    """Start a job in the fork server."""
    home = Home(a_job["config"]["store"], a_job["id"])
    return processes.start(a_job, a_job["config"]["trainer"]["devices"], home / LOG, entry=entry), home


def finish(running: processes.Running, timeout: float = 120) -> int:
    """Wait for a trial's end and return its exit code."""
    from multiprocessing.connection import wait

    while not running.poll():
        assert wait(running.handles(), timeout), "the trial does not end"
    return running.code


def train(a_job: dict) -> Home:
    """Train a job to its end in the fork server; its home."""
    running, home = start(a_job)
    assert finish(running) == 0, (running.error, (home / LOG).read_text())
    return home
