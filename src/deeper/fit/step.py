"""One training step: the loss of what a network says of a batch, and what the network draws for it.

Training, timing and the probes of gradients all come here, so a step is the same wherever it is made.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deeper.data.targets.multilabel import DIFFICULT


class Loss(Protocol):
    """What is trained for, and how guesses are counted.

    Attributes:
        extra_heads: whether auxiliary heads are trained too.
    """

    extra_heads: bool

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The mean over all decisions, as it is trained."""
        ...

    def total(self, logits: Tensor, labels: Tensor) -> Tensor:
        """The sum over all decisions, as it is evaluated."""
        ...

    def decisions(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """What the network decides and what is true, int64 (decisions,) each."""
        ...


@dataclass(frozen=True)
class CrossEntropy:
    """For one label a picture, int64 (N,), or a share of each class, float (N, classes).

    Attributes:
        smoothing: share of the label that goes to all classes alike, in training.
    """

    smoothing: float = 0.0
    extra_heads: ClassVar[bool] = True

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels, label_smoothing=self.smoothing)

    def total(self, logits: Tensor, labels: Tensor) -> Tensor:
        return F.cross_entropy(logits, labels, reduction="sum")

    def decisions(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        return logits.argmax(1), labels


@dataclass(frozen=True)
class BinaryCrossEntropy(CrossEntropy):
    """One yes or no for each class, for the labels that ``CrossEntropy`` takes (arXiv 2110.00476, §2).

    Evaluation is ``CrossEntropy``'s, so that losses of networks trained for one or the other can be compared.

    Attributes:
        threshold: a class whose share of the label is above it is there, all others are not; None leaves shares.
    """

    threshold: float | None = None

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        classes = logits.shape[1]
        shares = labels if labels.is_floating_point() else F.one_hot(labels, classes)
        there = shares if self.threshold is None else shares > self.threshold
        smoothed = there.to(logits.dtype) * (1 - self.smoothing) + self.smoothing / classes
        return F.binary_cross_entropy_with_logits(logits, smoothed)


@dataclass(frozen=True)
class SeveralLabels:
    """For labels that are masks, int64 (N,): a binary cross-entropy and a decision, yes or no, for each class.

    Where nothing can be said of a class, a picture counts for nothing.
    """

    classes: int
    extra_heads: ClassVar[bool] = False

    def __call__(self, logits: Tensor, labels: Tensor) -> Tensor:
        certain, truth = self._truth(labels)
        return F.binary_cross_entropy_with_logits(logits[certain], truth)

    def total(self, logits: Tensor, labels: Tensor) -> Tensor:
        certain, truth = self._truth(labels)
        return F.binary_cross_entropy_with_logits(logits[certain], truth, reduction="sum")

    def decisions(self, logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        certain, truth = self._truth(labels)
        return (logits[certain] > 0).long(), truth.long()

    def _truth(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """What is certain, bool (N, classes), and whether it is there, float, of what is certain."""
        bits = torch.arange(self.classes, device=labels.device)
        there = (labels[:, None] >> bits) & 1
        unsure = (labels[:, None] >> (bits + DIFFICULT)) & 1
        certain = (there == 1) | (unsure == 0)
        return certain, there[certain].float()


def heads(output: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """The logits of the main head and of each auxiliary one; in evaluation mode there is the main one alone."""
    return output if isinstance(output, tuple) else (output,)


def wide(value: Tensor) -> Tensor:
    """In 32 bits at least: 16 of them end at 65,504 or at three digits, so counts and sums are not made in them."""
    return value.to(torch.promote_types(value.dtype, torch.float32))


def predicted(network: nn.Module, images: Tensor | list[list[Tensor]], cast: Callable[[Tensor], Tensor]) -> Tensor:
    """Logits (N, classes) of a network in evaluation, in 32 bits at least.

    Args:
        images: pictures (N, C, H, W); or in views (N, views, C, H, W), which give the logarithm of the mean over the
            views of the softmax probabilities; or whole, a list a picture of (views, C, H, W) at several sizes, which
            the network is applied to densely (``Network.forward_dense``).
        cast: to the network's precision and memory format.
    """
    if isinstance(images, list):
        densely = [torch.cat([wide(network.forward_dense(cast(one))) for one in sizes]) for sizes in images]
        return torch.stack([_together(logits) for logits in densely])
    if images.ndim == 4:
        return wide(heads(network(cast(images)))[0])
    logits = wide(heads(network(cast(images.flatten(0, 1))))[0])
    return _together(logits.unflatten(0, images.shape[:2]))


def _together(logits: Tensor) -> Tensor:
    """Of views, (…, views, classes), the logarithm of the mean over them of the softmax probabilities."""
    return logits.log_softmax(-1).logsumexp(-2) - math.log(logits.shape[-2])


def loss_of(network: nn.Module, output: Tensor | tuple[Tensor, ...], labels: Tensor, loss: Loss) -> Tensor:
    """The loss of a network's output: the main head's, and each auxiliary one's times ``auxiliary_weight``."""
    main, *auxiliary = heads(output)
    total = loss(main, labels)
    if loss.extra_heads:
        for logits in auxiliary:
            total = total + network.auxiliary_weight * loss(logits, labels)
    return total


class Draws:
    """All that a network draws in training, from seeds.

    A part with a method ``draw`` leaves something out (see ``parts.drop_path``) and must leave out the same on every
    rank. A part with a method ``pace`` is told what share of the training is done. All other parts draw from torch's
    own generator.
    """

    def __init__(self, network: nn.Module):
        self.dropping = [part for part in network.modules() if hasattr(part, "draw")]
        self.paced = [part for part in network.modules() if hasattr(part, "pace")]
        self.generator = torch.Generator()

    def begin_step(self, device: torch.device, seed: int, shared_seed: int, progress: float) -> None:
        """Draw what the next forward pass leaves out, and set torch's generator.

        Args:
            device: the network's.
            seed: of what each rank draws for itself.
            shared_seed: of what all ranks draw alike.
            progress: share of the training that is done.
        """
        torch.default_generator.manual_seed(seed)
        if device.type == "cuda":
            torch.cuda.manual_seed(seed)
        if self.dropping:
            self.generator.manual_seed(shared_seed)
            for part in self.dropping:
                part.draw(self.generator)
        for part in self.paced:
            part.pace(progress)


def exact_numbers() -> None:
    """Let a GPU multiply and convolve in the precision that is asked for; torch's convolutions take TF32 unasked."""
    torch.set_float32_matmul_precision("highest")
    torch.backends.cudnn.allow_tf32 = False


def compile_as(network: nn.Module, how: bool | str) -> None:
    """Compile the network in place, where ``trainer.compile`` says so; ``reduce-overhead`` records CUDA graphs."""
    if how:
        network.compile(mode=None if how is True else how)
