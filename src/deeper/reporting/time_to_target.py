"""How soon networks get to an error on validation pictures, from their curves by epoch."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from deeper.claims.statistics import Mean
from deeper.reporting.arm_results import ArmResults, mean_of
from deeper.schema.results import TrialRow

SHARE = 75  # per cent of the networks that get to the level


@dataclass(frozen=True)
class TimeToTarget:
    """Of an arm, means over the seeds that get there.

    Attributes:
        epochs: whole ones, until the error was at most the level for the first time; None where no seed gets there.
        seconds: of those epochs; None where times do not compare, or were not kept.
        reached: seeds that get there, of ``seeds``.
    """

    epochs: Mean | None
    seconds: Mean | None
    reached: int
    seeds: int


def level_of(arms: Sequence[ArmResults]) -> float | None:
    """The error, a whole number of per cent, that three networks of four end at or below; None without curves."""
    ends = [mean_of(row.curves[-1].validation_error for row in arm.rows if row.curves) for arm in arms]
    known = [end.mean for end in ends if end]
    return math.ceil(100 * float(np.percentile(known, SHARE)) - 1e-9) / 100 if known else None


def time_to(arm: ArmResults, level: float, timed: bool = True) -> TimeToTarget:
    """How soon an arm gets to a validation error of ``level``; ``timed``: whether seconds compare."""
    there = [(row, count) for row in arm.rows if (count := _epochs_to(row, level)) is not None]
    seconds = [sum(one.seconds or math.nan for one in row.curves if one.epoch <= count) for row, count in there]
    return TimeToTarget(
        mean_of(count for _, count in there), mean_of(seconds) if timed else None, len(there), len(arm.rows)
    )


def _epochs_to(row: TrialRow, level: float) -> int | None:
    there = (e.epoch for e in row.curves if e.validation_error is not None and e.validation_error <= level)
    return next(there, None)
