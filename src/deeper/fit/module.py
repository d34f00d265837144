"""The LightningModule that trains any network of the suite."""

from collections.abc import Callable

import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchmetrics import MetricCollection, SumMetric
from torchmetrics.classification import MulticlassAccuracy

from deeper.data.batches import Batch
from deeper.fit.schedule import Schedule
from deeper.seeds import seed_of

_STEP, _SHARED = 3, 4


class ImageClassifier(pl.LightningModule):
    """Cross-entropy training and exact evaluation of a network (N, C, H, W) → (N, classes).

    A network with auxiliary heads returns (logits, auxiliary logits, …) in training mode; the cross-entropies of the
    auxiliary ones are added with the weight that its ``auxiliary_weight`` says.

    What the network draws in training is seeded by (seed, step, rank), so a resumed run draws what an uninterrupted
    one does; what its parts with a ``draw`` method leave out (deeper.models.parts.drop_path) by (seed, step), alike
    on all ranks. What is left out has a gradient of zero: momentum and weight decay go on, as in Huang et al.'s code.
    Parts with a ``pace`` method are told before each step what share of the training is done.

    Args:
        network: any ``nn.Module`` with that signature.
        optimizer: makes an optimizer from parameters.
        schedule: factor on the learning rate at each step.
        num_classes: outputs of the network.
        steps: (steps of the whole training, steps of an epoch).
        seed: the trial's seed.
        label_smoothing: of the training loss.
        channels_last: memory format of the network and its input.
    """

    def __init__(
        self,
        network: nn.Module,
        optimizer: Callable[..., torch.optim.Optimizer],
        schedule: Schedule,
        num_classes: int,
        steps: tuple[int, int],
        seed: int,
        label_smoothing: float = 0.0,
        channels_last: bool = True,
    ):
        super().__init__()
        self.format = torch.channels_last if channels_last else torch.contiguous_format
        self.network = network.to(memory_format=self.format)
        self.make_optimizer, self.schedule, self.steps = optimizer, schedule, steps
        self.seed, self.label_smoothing, self.num_classes = seed, label_smoothing, num_classes
        self.drawing = [part for part in network.modules() if hasattr(part, "draw")]
        self.shared = torch.Generator()
        self.paced = [part for part in network.modules() if hasattr(part, "pace")]
        self.training_metrics = _metrics(num_classes)
        self.seen: list[tuple[Tensor, Tensor, Tensor]] = []
        self.evaluation_metrics = _metrics(num_classes)
        self.logits: Tensor | None = None

    def forward(self, images: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self.network(images.to(dtype=self.dtype, memory_format=self.format))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        optimizer = self.make_optimizer(self.network.parameters())
        self.rates = [group["lr"] for group in optimizer.param_groups]
        return optimizer

    def on_train_epoch_start(self) -> None:
        self.training_metrics.reset()
        self.seen.clear()

    def on_train_batch_start(self, batch: Batch, batch_index: int) -> None:
        seed = seed_of(self.seed, self.trainer.global_step, self.global_rank, _STEP)
        torch.default_generator.manual_seed(seed)
        if self.device.type == "cuda":
            torch.cuda.manual_seed(seed)
        if self.drawing:
            self.shared.manual_seed(seed_of(self.seed, self.trainer.global_step, _SHARED))
            for part in self.drawing:
                part.draw(self.shared)
        for part in self.paced:
            part.pace(self.trainer.global_step / self.steps[0])
        factor = self.schedule(self.trainer.global_step, *self.steps)
        for group, rate in zip(self.trainer.optimizers[0].param_groups, self.rates, strict=True):
            group["lr"] = rate * factor

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        images, labels, _ = batch
        output = self(images)
        logits, *auxiliary = output if isinstance(output, tuple) else (output,)
        loss = F.cross_entropy(logits, labels, label_smoothing=self.label_smoothing)
        for extra in auxiliary:
            loss = loss + self.network.auxiliary_weight * F.cross_entropy(
                extra, labels, label_smoothing=self.label_smoothing
            )
        self.seen.append((logits.detach().argmax(1), labels, loss.detach() * len(labels)))
        return loss

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_index: int) -> Batch:
        return batch

    def optimizer_zero_grad(self, epoch: int, batch_index: int, optimizer: torch.optim.Optimizer) -> None:
        optimizer.zero_grad(set_to_none=not self.drawing)
        if self.drawing:
            for weight in self.network.parameters():
                weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad

    def on_validation_epoch_start(self) -> None:
        self.evaluation_metrics.reset()

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        images, labels, index = batch
        logits = self(images)
        _update(self.evaluation_metrics, logits, labels, F.cross_entropy(logits, labels, reduction="sum"))
        if self.logits is not None:
            self.logits[index] = logits.to(self.logits.dtype)

    on_test_epoch_start = on_validation_epoch_start
    test_step = validation_step

    def keep_logits(self, samples: int) -> None:
        """From now on keep the logits of an evaluation of so many samples, by index."""
        self.logits = torch.zeros(samples, self.num_classes, device=self.device)

    def training_result(self) -> dict[str, float]:
        """``error`` (fraction) and ``loss`` of the epoch's augmented batches so far, over all ranks."""
        if self.seen:
            guesses, labels, losses = zip(*self.seen, strict=True)
            _update(self.training_metrics, torch.cat(guesses), torch.cat(labels), torch.stack(losses).sum())
            self.seen.clear()
        return _result(self.training_metrics)

    def evaluation_result(self) -> dict[str, float]:
        """``error`` (fraction) and ``loss`` of the last evaluation, over all ranks."""
        return _result(self.evaluation_metrics)


def _metrics(num_classes: int) -> MetricCollection:
    """Counts and sums, which add up to the same over batches and ranks however they are cut."""
    return MetricCollection(
        {
            "accuracy": MulticlassAccuracy(num_classes, average="micro", validate_args=False),
            "loss": SumMetric(nan_strategy="disable"),
            "samples": SumMetric(nan_strategy="disable"),
        }
    )


def _update(metrics: MetricCollection, guesses: Tensor, labels: Tensor, loss: Tensor) -> None:
    metrics["accuracy"].update(guesses, labels)
    metrics["loss"].update(loss)
    metrics["samples"].update(len(labels))


def _result(metrics: MetricCollection) -> dict[str, float]:
    values = {name: float(value) for name, value in metrics.compute().items()}
    samples = round(values["samples"])
    right = round(values["accuracy"] * samples)
    return {"error": (samples - right) / samples, "loss": values["loss"] / samples}
