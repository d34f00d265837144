"""A small folder of class folders, and jobs of transfer learning on it that take a second or two."""

from pathlib import Path

import numpy as np
from hydra import compose, initialize_config_dir
from PIL import Image

from deeper.paths import CONF
from deeper.run.jobs import make_job

QUICK = (
    "transfer.image_size=32",
    "transfer.target.size=32",
    "training.epochs=2",
    "training.batch_size=8",
    "training.evaluation_batch_size=16",
    "training.gradient_every=2",
    "recipe.pad=2",
    "trainer.accelerator=cpu",
    "logger=none",
)
TIMM = ("transfer/backbone=timm", "transfer.backbone.name=test_resnet", "transfer.mode.pretrained=false")


def draw(folder: Path, classes: int = 4, each: int = 12) -> Path:
    """Write ``each`` noisy pictures a class, a bar of the class's colour at the class's place."""
    generator = np.random.default_rng(0)
    for label in range(classes):
        (folder / f"kind {label}").mkdir(parents=True)
        for number in range(each):
            picture = generator.integers(0, 90, (40, 40, 3), dtype=np.uint8)
            picture[8 * label : 8 * label + 8, :, label % 3] += 140
            Image.fromarray(picture).save(folder / f"kind {label}/{number:02}.png")
    return folder


def composed(root: Path, *overrides: str):
    """A composed ``transfer`` configuration; prepared sets and trials are below ``root``."""
    places = (f"transfer.target.root={root / 'sets'}", f"store={root / 'trials'}", f"results={root / 'results'}")
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return compose("transfer", [*QUICK, *places, *overrides])


def job(root: Path, folder: Path, *overrides: str) -> dict:
    """The frozen job of a small transfer from a folder; the target set is prepared."""
    return make_job(composed(root, "transfer/target=folder", f"transfer.target.path={folder}", *overrides))
