"""How a network answers images it has not learnt from, in evaluation mode."""

from collections.abc import Callable

import torch
from torch import Tensor

from deeper.fit.step import CrossEntropy

BATCH = 500


def logits_of(network: Callable[[Tensor], Tensor], images: Tensor) -> Tensor:
    """(N, C, H, W) → (N, classes), computed in batches; the network is the caller's to put in evaluation mode."""
    with torch.inference_mode():
        return torch.cat([network(batch) for batch in images.split(BATCH)])


def error_of(network: Callable[[Tensor], Tensor], images: Tensor, labels: Tensor) -> float:
    """Share of wrong answers."""
    return error(logits_of(network, images), labels)


def error(logits: Tensor, labels: Tensor) -> float:
    """Share of wrong answers of logits (N, classes)."""
    guesses, truth = CrossEntropy().decisions(logits, labels)
    return int((guesses != truth).sum()) / len(truth)


def loss(logits: Tensor, labels: Tensor) -> float:
    """Mean cross-entropy, nats."""
    return float(CrossEntropy()(logits.double(), labels))
