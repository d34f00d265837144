"""Fine-tuning: the suite's classifier with rates by layer, and with a loss for several labels a picture."""

from collections.abc import Mapping
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from deeper.data.batches import Batch
from deeper.data.targets.multilabel import DIFFICULT
from deeper.fit import parameter_groups as layerwise
from deeper.fit.module import ImageClassifier


class FineTuner(ImageClassifier):
    """``ImageClassifier`` that trains layers at different rates.

    Args:
        layers: ``body`` and ``decay`` of ``layerwise.groups``.
    """

    def __init__(self, *args: Any, layers: Mapping[str, float], **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.layers = dict(layers)

    def configure_optimizers(self) -> torch.optim.Optimizer:
        rate = self.make_optimizer.keywords["lr"]
        optimizer = self.make_optimizer(list(layerwise.groups(self.network, rate, **self.layers)))
        self.rates = [group["lr"] for group in optimizer.param_groups]
        return optimizer


class SeveralLabels(FineTuner):
    """For labels that are masks: a binary cross-entropy a class; ``error`` is the share of wrong decisions, yes or no.

    Where nothing can be said of a class, a picture counts for nothing.
    """

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        images, labels, _ = batch
        output = self(images)
        logits = output[0] if isinstance(output, tuple) else output
        known, truth = self._truth(labels)
        losses = F.binary_cross_entropy_with_logits(logits[known], truth)
        self.seen.append(((logits.detach()[known] > 0).long(), truth.long(), losses.detach() * len(truth)))
        return losses

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        images, labels, index = batch
        logits = self(images)
        known, truth = self._truth(labels)
        losses = F.binary_cross_entropy_with_logits(logits[known], truth, reduction="sum")
        self.evaluation_metrics["accuracy"].update((logits[known] > 0).long(), truth.long())
        self.evaluation_metrics["loss"].update(losses)
        self.evaluation_metrics["samples"].update(len(truth))
        if self.logits is not None:
            self.logits[index] = logits.to(self.logits.dtype)

    test_step = validation_step

    def _truth(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Masks (N,) → what is known, bool (N, classes), and whether it is there, float, of the known ones."""
        bits = torch.arange(self.num_classes, device=labels.device)
        there = (labels[:, None] >> bits) & 1
        unsure = (labels[:, None] >> (bits + DIFFICULT)) & 1
        known = (there == 1) | (unsure == 0)
        return known, there[known].float()
