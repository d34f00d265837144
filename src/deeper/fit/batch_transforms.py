"""Batch transforms of ``conf/batch`` besides timm's mixup: (images, labels) → (images, labels or shares of classes).

Each is made with the number of classes, and draws from the generators of numpy, torch and Python, which the trainer
seeds for every batch (``deeper.fit.module``).
"""

from collections.abc import Callable, Sequence
from typing import Literal

from torch import Tensor

Transform = Callable[[Tensor, Tensor], tuple[Tensor, Tensor]]


class Erasing:
    """Puts noise in the place of a rectangle of some pictures (Zhong et al., arXiv 1708.04896), by timm.

    Args:
        num_classes: of the labels, which stay as they are.
        probability: of erasing in a picture.
        least, most: share of the picture that is erased.
        fill: ``pixel`` (normal noise), ``rand`` (one normal number a channel) or ``const`` (the set's mean).
        rectangles: at most so many in a picture; together they have the share of one.
    """

    def __init__(
        self,
        num_classes: int,
        probability: float = 0.25,
        least: float = 0.02,
        most: float = 1 / 3,
        fill: Literal["pixel", "rand", "const"] = "pixel",
        rectangles: int = 1,
    ):
        from timm.data.random_erasing import RandomErasing  # importing timm takes a second

        self.erase = RandomErasing(probability, least, most, mode=fill, max_count=rectangles, device="cpu")

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        self.erase.device = images.device
        return self.erase(images), labels


class InTurn:
    """Several transforms one after the other.

    Args:
        num_classes: of the labels.
        transforms: each makes one, called with the number of classes; one that mixes labels is the last.
    """

    def __init__(self, num_classes: int, transforms: Sequence[Callable[..., Transform]]):
        self.transforms = [make(num_classes=num_classes) for make in transforms]

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        for transform in self.transforms:
            images, labels = transform(images, labels)
        return images, labels
