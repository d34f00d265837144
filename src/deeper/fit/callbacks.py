"""What happens around the steps of a training: gradient norms, averaged weights, history, checkpoints, progress."""

import math
import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn

from deeper.files import sync_folder
from deeper.fit.averages import renew_statistics


class GradientNorms(pl.Callback):
    """Euclidean norm of the loss's gradient for each convolution's and linear layer's weight.

    ``start`` is taken at the first step, ``epochs`` are root mean squares over every ``every``-th step.
    """

    def __init__(self, every: int):
        self.every = every
        self.layers: list[str] = []
        self.start: list[float | None] | None = None
        self.epochs: list[list[float | None]] = []
        self.squares: Tensor | None = None
        self.samples = 0

    def setup(self, trainer: pl.Trainer, module: pl.LightningModule, stage: str) -> None:
        weighted = [(n, m) for n, m in module.network.named_modules() if isinstance(m, nn.Conv2d | nn.Linear)]
        self.layers = [f"{name}.weight" for name, _ in weighted]
        self.weights = [part.weight for _, part in weighted]

    def on_before_optimizer_step(self, trainer: pl.Trainer, module: pl.LightningModule, optimizer: Any) -> None:
        if trainer.global_step % self.every:
            return
        blank = self.weights[0].new_zeros(())
        norms = torch.stack(torch._foreach_norm([blank if w.grad is None else w.grad for w in self.weights])).double()
        norms /= scale_of_gradients(trainer, optimizer)
        if self.start is None:
            self.start = _finite(norms)
        self.squares = norms**2 if self.squares is None else self.squares + norms**2
        self.samples += 1

    def end_epoch(self) -> None:
        if self.squares is not None:
            self.epochs.append(_finite((self.squares / self.samples).sqrt()))
        self.squares, self.samples = None, 0

    def as_dict(self) -> dict[str, Any]:
        return {"layers": self.layers, "start": self.start, "epochs": self.epochs}

    def state_dict(self) -> dict[str, Any]:
        return {"start": self.start, "epochs": self.epochs}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.start, self.epochs = state["start"], state["epochs"]


class AveragedWeights(pl.Callback):
    """Keeps averaged weights beside the trained ones; they are what is evaluated and what the training ends with.

    Args:
        make: makes the average of a network: its ``module`` is a copy of the network that holds it, and its
            ``update(network, step)`` takes in the weights after so many steps (``timm.utils.ModelEmaV3``). One that
            has a method ``begin`` is told ``steps``, and one that has ``snapshots(step)`` leaves the statistics of
            normalisation to be taken anew where that is not 0 (``deeper.fit.averages``).
        steps: (steps of the whole training, steps of an epoch).
        pictures: batches of all training pictures.
    """

    def __init__(
        self,
        make: Callable[[nn.Module], Any],
        steps: tuple[int, int],
        pictures: Callable[[], Iterable[tuple[Tensor, ...]]],
    ):
        self.make, self.steps, self.pictures, self.kept = make, steps, pictures, None

    def on_fit_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.average = self.make(module.network)  # now, for the network has its device and precision only now
        if hasattr(self.average, "begin"):
            self.average.begin(*self.steps)
        if self.kept is not None:
            self.average.module.load_state_dict(self.kept)

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, batch_index: int
    ) -> None:
        if (batch_index + 1) % trainer.accumulate_grad_batches == 0:
            self.average.update(module.network, step=trainer.global_step)

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.state.fn == "fit":
            self._put_in(trainer, module)

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.state.fn == "fit":
            self._exchange(module.network)

    def on_fit_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        # not on_train_end, which does not come where the last epoch's checkpoint is resumed
        self._put_in(trainer, module)

    def state_dict(self) -> dict[str, Any]:
        return {"average": self.average.module.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.kept = state["average"]

    def _put_in(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self._exchange(module.network)
        if hasattr(self.average, "snapshots") and self.average.snapshots(trainer.global_step):
            module.to(trainer.strategy.root_device)  # at the end of the training Lightning has it on the CPU
            renew_statistics(module, self.pictures())

    def _exchange(self, network: nn.Module) -> None:
        """Swap the numbers, not the tensors: the optimizer, and the ranks' common buffers, stay with the network."""
        for one, other in zip(network.state_dict().values(), self.average.module.state_dict().values(), strict=True):
            kept = one.clone()
            one.copy_(other)
            other.copy_(kept)


class AdaptiveClipping(pl.Callback):
    """Clips each unit's gradient to ``factor`` times the norm of its weights (Brock et al., arXiv 2102.06171, §4.1).

    The classifier, the last weight and bias, is left alone, as in the paper.
    """

    def __init__(self, factor: float = 0.01):
        self.factor = factor

    def on_before_optimizer_step(self, trainer: pl.Trainer, module: pl.LightningModule, optimizer: Any) -> None:
        from timm.utils.agc import adaptive_clip_grad  # importing timm takes a second

        adaptive_clip_grad(list(module.network.parameters())[:-2], clip_factor=self.factor)


class History(pl.Callback):
    """One row an epoch, kept in the checkpoint and handed to ``publish`` with all rows so far.

    An epoch whose training loss is not a finite number gets no row, stops the training and sets ``reason``.
    """

    def __init__(self, gradients: GradientNorms, publish: Callable[[list[dict[str, Any]]], None]):
        self.gradients, self.publish = gradients, publish
        self.rows: list[dict[str, Any]] = []
        self.validation: dict[str, float | None] = {}
        self.began, self.seconds = 0.0, 0.0
        self.reason: str | None = None

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.began, self.seconds = _clock(module), 0.0
        self.validation = {"validation_error": None, "validation_loss": None}  # of an epoch without evaluation
        self.rate = trainer.optimizers[0].param_groups[0]["lr"]

    def on_validation_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        self.seconds = _clock(module) - self.began

    def on_validation_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.state.fn == "fit":
            found = module.evaluation_result()
            self.validation = {f"validation_{k}": v if math.isfinite(v) else None for k, v in found.items()}

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        seconds = self.seconds or _clock(module) - self.began
        train = {f"train_{key}": value for key, value in module.training_result().items()}
        epoch = len(self.rows) + 1
        if not math.isfinite(train["train_loss"]):
            self.reason = f"the training loss is {train['train_loss']} in epoch {epoch}"
            trainer.should_stop = True
            return
        self.gradients.end_epoch()
        row = {"epoch": epoch, **train, **self.validation, "lr": self.rate, "seconds": round(seconds, 3)}
        self.rows.append(row)
        self.publish(self.rows)

    def state_dict(self) -> dict[str, Any]:
        return {"rows": self.rows}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self.rows = state["rows"]


class Checkpoint(pl.Callback):
    """After every ``every``-th epoch, one checkpoint to go on from, replaced whole or not at all.

    An epoch that stops the training leaves the checkpoint before it.
    """

    def __init__(self, path: Path | None, every: int = 1, made_with: dict[str, Any] | None = None):
        self.path, self.every, self.made_with = path, every, made_with

    def state_dict(self) -> dict[str, Any]:
        return {"made_with": self.made_with}

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        due = (trainer.current_epoch + 1) % self.every == 0
        if self.path is None or trainer.should_stop or not due:
            return
        beside = self.path.with_suffix(".tmp")
        trainer.save_checkpoint(beside)
        if trainer.is_global_zero:
            with open(beside, "rb") as file:
                os.fsync(file.fileno())
            os.replace(beside, self.path)
            sync_folder(self.path.parent)


class Progress(pl.Callback):
    """Tells ``report`` the fraction of the training that is done, a few times a second at the most."""

    def __init__(self, report: Callable[[float], None], steps: int):
        self.report, self.steps, self.last = report, steps, 0.0

    def on_train_batch_end(self, trainer: pl.Trainer, *_: Any) -> None:
        now = time.monotonic()
        if now - self.last > 0.3:
            self.last = now
            self.report(trainer.global_step / self.steps)


def _clock(module: pl.LightningModule) -> float:
    """Seconds, once the GPU has done what it was given."""
    if module.device.type == "cuda":
        torch.cuda.synchronize(module.device)
    return time.perf_counter()


def scale_of_gradients(trainer: pl.Trainer, optimizer: Any) -> float:
    """What gradients are multiplied by before a step: in 16-mixed a fused optimizer divides by it itself."""
    scaler = getattr(trainer.precision_plugin, "scaler", None)
    fused = getattr(optimizer, "_step_supports_amp_scaling", False)
    return scaler.get_scale() if scaler is not None and fused else 1.0


def _finite(values: Tensor) -> list[float | None]:
    return [float(f"{v:.6g}") if math.isfinite(v) else None for v in values.tolist()]
