"""How far a training is, told while it runs."""

import time
from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl


class Progress(pl.Callback):
    """Tells ``report`` the fraction of the training that is done, a few times a second at the most."""

    def __init__(self, report: Callable[[float], None], steps: int):
        self.report, self.steps, self.last = report, steps, 0.0

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        now = time.monotonic()
        if now - self.last > 0.3:
            self.last = now
            self.report(trainer.global_step / self.steps)
