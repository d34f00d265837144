"""Learning-rate schedules: the factor on the base rate as a function of the training's progress."""

import math
from dataclasses import dataclass, field
from typing import Protocol


class Schedule(Protocol):
    """Called with the step (0…steps-1), the steps of the whole training and the steps of an epoch."""

    def __call__(self, step: int, steps: int, steps_per_epoch: int) -> float: ...


def warm_up(step: int, steps_per_epoch: int, epochs: float, start: float) -> float:
    """Linear rise from ``start`` to 1 over ``epochs``; 1 afterwards."""
    length = epochs * steps_per_epoch
    return 1.0 if step >= length else start + (1 - start) * (step + 1) / (length + 1)


@dataclass(frozen=True)
class Constant:
    """The base rate, after an optional warm-up."""

    warmup_epochs: float = 0.0
    warmup_start: float = 0.0

    def __call__(self, step: int, steps: int, steps_per_epoch: int) -> float:
        return warm_up(step, steps_per_epoch, self.warmup_epochs, self.warmup_start)


@dataclass(frozen=True)
class Steps:
    """Multiply by ``factor`` at each of ``milestones``, given as fractions of the training.

    He et al. (arXiv 1512.03385, §4.2) divide by 10 at 32k and 48k of 64k steps: 0.5 and 0.75.
    """

    milestones: list[float] = field(default_factory=lambda: [0.5, 0.75])
    factor: float = 0.1
    warmup_epochs: float = 0.0
    warmup_start: float = 0.0

    def __call__(self, step: int, steps: int, steps_per_epoch: int) -> float:
        passed = sum(step >= round(m * steps) for m in self.milestones)
        return warm_up(step, steps_per_epoch, self.warmup_epochs, self.warmup_start) * self.factor**passed


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from 1 to 0 over the training (Loshchilov and Hutter, arXiv 1608.03983, without restarts).

    Attributes:
        after_warm_up: the cosine begins where the warm-up ends, at the whole rate; else with the first step, and its
            first part is under the warm-up, as timm has it.
    """

    warmup_epochs: float = 0.0
    warmup_start: float = 0.0
    after_warm_up: bool = False

    def __call__(self, step: int, steps: int, steps_per_epoch: int) -> float:
        before = self.warmup_epochs * steps_per_epoch if self.after_warm_up else 0
        wave = 0.5 * (1 + math.cos(math.pi * max(0, step - before) / max(1, steps - before)))
        return warm_up(step, steps_per_epoch, self.warmup_epochs, self.warmup_start) * wave


@dataclass(frozen=True)
class Exponential:
    """Multiply by ``factor`` after every ``every`` epochs, at once.

    Szegedy et al. (arXiv 1602.07261, §4): by 0.94 every two epochs; arXiv 1409.4842, §6: by 0.96 every eight.

    Raises:
        ValueError: ``every`` is not positive.
    """

    factor: float = 0.94
    every: float = 2.0
    warmup_epochs: float = 0.0
    warmup_start: float = 0.0

    def __post_init__(self) -> None:
        if not self.every > 0:
            raise ValueError(f"every={self.every}: it must be a positive number of epochs")

    def __call__(self, step: int, steps: int, steps_per_epoch: int) -> float:
        passed = math.floor(step / (self.every * steps_per_epoch))
        return warm_up(step, steps_per_epoch, self.warmup_epochs, self.warmup_start) * self.factor**passed


@dataclass(frozen=True)
class Levels:
    """From each of ``milestones``, ascending fractions of the training, the base rate times its own of ``factors``.

    LeCun et al. (1998, §III) give five rates over twenty passes, which no single factor leads through.

    Raises:
        ValueError: not as many factors as milestones, or milestones that do not ascend.
    """

    milestones: list[float] = field(default_factory=list)
    factors: list[float] = field(default_factory=list)
    warmup_epochs: float = 0.0
    warmup_start: float = 0.0

    def __post_init__(self) -> None:
        if len(self.milestones) != len(self.factors):
            raise ValueError(f"{len(self.milestones)} milestones and {len(self.factors)} factors; give each its own")
        if list(self.milestones) != sorted(self.milestones):
            raise ValueError(f"milestones={list(self.milestones)}: they must ascend")

    def __call__(self, step: int, steps: int, steps_per_epoch: int) -> float:
        passed = sum(step >= round(m * steps) for m in self.milestones)
        level = [1.0, *self.factors][passed]
        return warm_up(step, steps_per_epoch, self.warmup_epochs, self.warmup_start) * level
