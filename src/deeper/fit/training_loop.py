"""Lightning's loop over training batches, without the calls that nobody answers.

Around one step Lightning asks each callback, the module and the strategy for some twenty hooks, and writes down before
each what it is about to ask: a millisecond, where a step of a small network takes ten. Nothing of it is left out for
good: a training that has more than the suite's own parts runs in Lightning's loop, and gives the same bits.
"""

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from pytorch_lightning.loops.training_epoch_loop import _TrainingEpochLoop
from torch import Tensor

_HOOKS = (
    "on_train_batch_start",
    "on_before_zero_grad",
    "on_before_backward",
    "on_after_backward",
    "on_before_optimizer_step",
    "on_train_batch_end",
)


def shorten(trainer: pl.Trainer) -> None:
    """Let a trainer that has not begun take its steps in the short loop, where that does all that Lightning's does.

    With several ranks, scaled losses (16-mixed) or callbacks from elsewhere, which may use all that Lightning offers,
    the trainer is left as it is.
    """
    own = all(type(callback).__module__.startswith("deeper.") for callback in trainer.callbacks)
    if own and trainer.world_size == 1 and getattr(trainer.precision_plugin, "scaler", None) is None:
        trainer.fit_loop.epoch_loop = TrainingLoop(trainer)


class TrainingLoop(_TrainingEpochLoop):
    """One step as Lightning's automatic optimization makes it, with the hooks that a callback has.

    The counts of batches and steps are Lightning's, so a checkpoint of either loop goes on in the other.
    """

    def on_run_start(self, data_fetcher: Any) -> None:
        super().on_run_start(data_fetcher)
        self.hooks = {name: self._answering(name) for name in _HOOKS}

    def _answering(self, name: str) -> list[Callable[..., None]]:
        return [
            getattr(callback, name)
            for callback in self.trainer.callbacks
            if getattr(type(callback), name) is not getattr(pl.Callback, name)
        ]

    def _tell(self, name: str, *arguments: Any) -> None:
        for hook in self.hooks[name]:
            hook(self.trainer, self.trainer.lightning_module, *arguments)

    def advance(self, data_fetcher: Any) -> None:
        if self.restarting:  # it may have to end an epoch first
            super().advance(data_fetcher)
            return
        self.val_loop.restarting = False
        batch, _, _ = next(data_fetcher)
        number, progress = self.batch_idx + 1, self.batch_progress
        progress.is_last_batch = data_fetcher.done
        progress.increment_ready()
        self.trainer._logger_connector.on_batch_start(batch)
        self._tell("on_train_batch_start", batch, number)
        self.trainer.lightning_module.on_train_batch_start(batch, number)
        progress.increment_started()
        loss = self._train(self.trainer.precision_plugin.convert_input(batch), number)
        progress.increment_processed()
        self._tell("on_train_batch_end", {"loss": loss}, batch, number)
        progress.increment_completed()

    def _train(self, batch: Any, number: int) -> Tensor:
        """Forward and backward pass, and a step of the optimizer where enough gradients are added up."""
        optimizer, losses = self.trainer.optimizers[0], []

        def passes() -> Tensor:
            with torch.enable_grad():
                losses.append(self._passes(batch, number, optimizer))
            if not gathers:
                self._before_step(optimizer)
            return losses[-1]

        gathers = self._should_accumulate()
        if gathers:
            return passes()
        steps = self.automatic_optimization.optim_progress.optimizer.step
        steps.increment_ready()
        optimizer.step(closure=passes)
        steps.increment_completed()
        return losses[-1]

    def _passes(self, batch: Any, number: int, optimizer: torch.optim.Optimizer) -> Tensor:
        trainer, module = self.trainer, self.trainer.lightning_module
        together = trainer.accumulate_grad_batches
        with trainer.precision_plugin.train_step_context():
            loss = module.training_step(batch, number)
        if together > 1:
            loss = loss / together
        if number % together == 0:
            zeroed = self.automatic_optimization.optim_progress.optimizer.zero_grad
            zeroed.increment_ready()
            self._tell("on_before_zero_grad", optimizer)
            zeroed.increment_started()
            module.optimizer_zero_grad(trainer.current_epoch, number, optimizer)
            zeroed.increment_completed()
        self._tell("on_before_backward", loss)
        loss.backward()
        self._tell("on_after_backward")
        return loss.detach()

    def _before_step(self, optimizer: torch.optim.Optimizer) -> None:
        trainer = self.trainer
        self._tell("on_before_optimizer_step", optimizer)
        if trainer.gradient_clip_val is not None:
            trainer.lightning_module.clip_gradients(
                optimizer, trainer.gradient_clip_val, trainer.gradient_clip_algorithm
            )
