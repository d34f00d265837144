"""What a trial is given besides its configuration and data, and what comes out of it."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch


@dataclass
class Surroundings:
    """What a trial needs of its surroundings and what cannot change its result.

    Attributes:
        checkpoint: where to keep the checkpoint and to go on from if it is there; None keeps none.
        every: epochs between checkpoints.
        made_with: what computes here (``deeper.run.provenance.computes``), kept in the checkpoint.
        publish: called with the history after every epoch.
        callbacks: called with the number of steps of the whole training, more Lightning callbacks.
        keep: given what computes the features of a target set, gives them (float32, N×D), the seconds that took, and
            whether they were there already.
    """

    checkpoint: Path | None = None
    every: int = 1
    made_with: dict[str, Any] | None = None
    publish: Callable[[list[dict[str, Any]]], None] = lambda rows: None
    callbacks: Callable[[int], list[pl.Callback]] = lambda steps: []
    keep: Callable[[Callable[[], np.ndarray]], tuple[np.ndarray, float, bool]] = lambda compute: (compute(), 0.0, False)


@dataclass
class TrialOutcome:
    """A trained network and what was measured of it.

    Attributes:
        metrics: errors (fractions) and losses on the training, the validation and the test part; in a transfer an error
            is 1 minus the target set's own metric.
        history: one row an epoch.
        gradients: see ``GradientNorms``.
        logits, labels: of the test part, in order; float32 (N, classes) and int64 (N,).
        weights: the final ``state_dict``, on the CPU; averaged ones where weights are averaged.
        train_s: seconds in training steps, over all resumptions.
        images: training images seen.
        reason: why the trial counts as diverged, else None.
        times: of a frozen network ``features_s`` (of all pictures of the set, when they were computed),
            ``classifier_s`` (all strengths tried) and ``cached`` (whether the features were there); else nothing.
    """

    metrics: dict[str, float | None]
    history: list[dict[str, Any]]
    gradients: dict[str, Any]
    logits: np.ndarray
    labels: np.ndarray
    weights: dict[str, torch.Tensor]
    train_s: float
    images: int
    reason: str | None
    times: dict[str, Any] = field(default_factory=dict)
