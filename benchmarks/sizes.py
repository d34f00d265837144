"""How much is run: enough to measure in ten minutes, or a smoke run."""

from dataclasses import dataclass

from omegaconf import OmegaConf

from deeper.paths import CONF

_POCKET = OmegaConf.load(CONF / "profile" / "pocket.yaml")

SIDE = _POCKET.data.image_size  # pixels
PAPER_BATCH = 128
POCKET_BATCH = _POCKET.training.batch_size
POCKET_PAD = _POCKET.recipe.pad


@dataclass(frozen=True)
class Case:
    """A trial that stands beside a bare loop.

    Attributes:
        model: name of a configured network.
        batch_size: images a step.
        train: training images.
        epochs: of the trial.
        all_test: whether it is tested on the whole test part, as every real trial is, or on a fraction.
    """

    model: str
    batch_size: int
    train: int
    epochs: int
    all_test: bool = False


@dataclass(frozen=True)
class Size:
    """Amounts of work.

    Attributes:
        repetitions: rounds of everything.
        cases: trials beside bare loops.
        test: test images where a fraction will do.
        train: training images of the trials of a sweep and of the loops that are fed in different ways.
        epochs: of both.
        sweep_trials: trials of a sweep.
        starts: trials that one fork server starts, in the measurement of the start-up.
        planned: finished trials of a sweep that is planned and run again.
        tiny_steps: steps of the training of a network that is nearly nothing.
        files: pictures on disk that loaders read.
        peer_trials: trials of a sweep that others run too.
    """

    repetitions: int
    cases: tuple[Case, ...]
    test: int
    train: int
    epochs: int
    sweep_trials: int
    starts: int
    planned: int
    tiny_steps: int
    files: int
    peer_trials: int


FULL = Size(
    repetitions=3,
    cases=(
        Case("resnet20", POCKET_BATCH, _POCKET.data.train_size, _POCKET.training.epochs, all_test=True),
        Case("resnet20", PAPER_BATCH, 2048, 2),
        Case("resnet56", POCKET_BATCH, 768, 2),
        Case("resnet56", PAPER_BATCH, 768, 2),
    ),
    test=1000,
    train=768,
    epochs=2,
    sweep_trials=4,
    starts=4,
    planned=1000,
    tiny_steps=150,
    files=200,
    peer_trials=28,
)
QUICK = Size(
    repetitions=1,
    cases=(Case("resnet20", POCKET_BATCH, 128, 1), Case("resnet20", PAPER_BATCH, 128, 1)),
    test=100,
    train=128,
    epochs=1,
    sweep_trials=2,
    starts=2,
    planned=10,
    tiny_steps=8,
    files=40,
    peer_trials=2,
)
