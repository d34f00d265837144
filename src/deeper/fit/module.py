"""The LightningModule that trains any network of the suite."""

import random
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torchmetrics import MetricCollection, SumMetric
from torchmetrics.classification import MulticlassAccuracy

from deeper.data.batches import Batch
from deeper.fit import step
from deeper.fit.schedule import Schedule
from deeper.seeds import Purpose, seed_of


class ImageClassifier(pl.LightningModule):
    """Training and exact evaluation of a network (N, C, H, W) → (N, classes).

    A network with auxiliary heads returns (logits, auxiliary logits, …) in training mode and says their weight in the
    loss as ``auxiliary_weight``.

    What the network draws in training is seeded by (seed, batch, rank), so a resumed run draws what an uninterrupted
    one does; what its parts leave out (deeper.models.parts.drop_path) by (seed, batch), alike on all ranks. What is
    left out has a gradient of zero: momentum and weight decay go on, as in the code of Huang et al. (arXiv 1603.09382).

    Args:
        network: any ``nn.Module`` with that signature.
        optimizer: makes an optimizer from parameters or groups of them.
        schedule: factor on the learning rates at each step.
        loss: what is trained for.
        num_classes: outputs of the network.
        steps: (steps of the whole training, steps of an epoch).
        seed: the trial's seed.
        channels_last: memory format of the network and its input.
        parameters: makes the optimizer's groups of the network; None: one group of all parameters.
        transform: changes a batch, (images, labels) → (images, labels or shares of each class), drawing from the
            generators of numpy, torch and Python, which are seeded for it; None changes none.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        schedule: Schedule,
        loss: step.Loss,
        num_classes: int,
        steps: tuple[int, int],
        seed: int,
        channels_last: bool = True,
        parameters: Callable[[nn.Module], Iterable[dict[str, Any]]] | None = None,
        transform: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] | None = None,
    ):
        super().__init__()
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.network = network.to(memory_format=self.format)
        self.make_optimizer, self.schedule, self.steps = optimizer, schedule, steps
        self.loss, self.seed, self.num_classes = loss, seed, num_classes
        self.groups, self.transform = parameters, transform
        self.draws = step.Draws(network)
        self.training_metrics = _metrics(num_classes)
        self.seen: list[tuple[Tensor, Tensor, Tensor]] = []
        self.evaluation_metrics = _metrics(num_classes)
        self.logits: Tensor | None = None
        self.kept_samples: int | None = None

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self.network(self._cast(images))

    def _cast(self, images: Tensor) -> Tensor:
        return images.to(dtype=self.dtype, memory_format=self.format)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = self.make_optimizer(
            self.network.parameters() if self.groups is None else list(self.groups(self.network))
        )
        self.rates = [group["lr"] for group in optimizer.param_groups]
        return optimizer

    def on_train_epoch_start(self) -> None:
        _begin(self.training_metrics, self.dtype)
        self.seen.clear()

    def on_train_batch_start(self, batch: Batch, batch_index: int) -> None:
        factor = self.schedule(self.trainer.global_step, *self.steps)
        for group, rate in zip(self.trainer.optimizers[0].param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        images, labels, _ = batch
        done, together = self.trainer.global_step, self.trainer.accumulate_grad_batches
        number = done * together + batch_index % together  # of this batch in the whole training; a resumed one goes on
        targets = labels
        if self.transform is not None:
            images, targets = self._transformed(
                images, labels, seed_of(self.seed, number, self.global_rank, Purpose.BATCH)
            )
        own, shared = (
            seed_of(self.seed, number, self.global_rank, Purpose.STEP),
            seed_of(self.seed, number, Purpose.SHARED),
        )
        self.draws.begin_step(self.device, own, shared, done / self.steps[0])
        output = self(images)
        loss = step.loss_of(self.network, output, targets, self.loss)
        # The error is counted against the pictures' own labels, also where a transform mixes them.
        guesses, truth = self.loss.decisions(step.heads(output)[0].detach(), labels)
        self.seen.append((guesses, truth, loss.detach()))
        return loss

    def _transformed(self, images: Tensor, labels: Tensor, seed: int) -> tuple[Tensor, Tensor]:
        torch.manual_seed(seed)
        random.seed(seed)
        np.random.seed(seed % 2**32)
        images, targets = self.transform(images.to(torch.promote_types(images.dtype, self.dtype)), labels)
        return images, targets.to(self.dtype) if targets.is_floating_point() else targets

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_index: int) -> Batch:
        return batch

    def optimizer_zero_grad(self, epoch: int, batch_index: int, optimizer: torch.optim.Optimizer) -> None:
        dropping = bool(self.draws.dropping)
        optimizer.zero_grad(set_to_none=not dropping)
        if dropping:
            for weight in self.network.parameters():
                weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad

    def on_validation_epoch_start(self) -> None:
        _begin(self.evaluation_metrics, self.dtype)
        self.logits = None
        if self.kept_samples is not None:  # only now: between two runs Lightning has the network on the CPU
            self.logits = torch.zeros(self.kept_samples, self.num_classes, device=self.device)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        images, labels, index = batch
        logits = step.predicted(self.network, images, self._cast)
        _update(self.evaluation_metrics, *self.loss.decisions(logits, labels), self.loss.total(logits, labels))
        if self.logits is not None:
            self.logits[index] = logits.to(self.logits.dtype)

    def keep_logits(self, samples: int | None) -> None:
        """From now on keep the logits of an evaluation of so many samples, by index; None keeps none."""
        self.kept_samples = samples

    def training_result(self) -> dict[str, float]:
        """``error`` (fraction) and ``loss`` of the epoch's augmented batches so far, over all ranks."""
        if self.seen:
            guesses, truth, losses = zip(*self.seen, strict=True)
            sizes = torch.tensor([len(part) for part in truth], device=self.device)
            loss = (step.wide(torch.stack(losses)) * sizes).sum()
            _update(self.training_metrics, torch.cat(guesses), torch.cat(truth), loss)
            self.seen.clear()
        return _result(self.training_metrics)

    def evaluation_result(self) -> dict[str, float]:
        """``error`` (fraction) and ``loss`` of the last evaluation, over all ranks."""
        return _result(self.evaluation_metrics)


def _begin(metrics: MetricCollection, dtype: torch.dtype) -> None:
    """Set counts and sums to nothing; Lightning makes them as wide as the weights, and 16 bits are too few for them."""
    metrics.reset()
    if dtype.itemsize < torch.float32.itemsize:
        for metric in metrics.values():
            metric.set_dtype(torch.float32)


def _metrics(num_classes: int) -> MetricCollection:
    """Counts and sums, which add up to the same over batches and ranks however they are cut."""
    return MetricCollection(
        {
            "accuracy": MulticlassAccuracy(num_classes, average="micro", validate_args=False),
            "loss": SumMetric(nan_strategy="disable"),
            "samples": SumMetric(nan_strategy="disable"),
        }
    )


def _update(metrics: MetricCollection, guesses: Tensor, truth: Tensor, loss: Tensor) -> None:
    metrics["accuracy"].update(guesses, truth)
    metrics["loss"].update(loss)
    metrics["samples"].update(len(truth))


def _result(metrics: MetricCollection) -> dict[str, float]:
    values = {name: float(value) for name, value in metrics.compute().items()}
    samples = round(values["samples"])
    right = round(values["accuracy"] * samples)
    return {"error": (samples - right) / samples, "loss": values["loss"] / samples}
