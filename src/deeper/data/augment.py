"""Augmentation of whole batches, drawn for a whole epoch at once.

Every number is a function of (seed, epoch, sample), whatever the batch size, the rank or the order of the batches:
so a resumed run sees the same pictures as one that was not interrupted.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from deeper.seeds import Purpose, seed_of


def epoch_order(samples: int, seed: int, epoch: int) -> np.ndarray:
    """The order in which an epoch visits its samples: a permutation of 0…samples-1, int64."""
    return _generator(seed, epoch, Purpose.ORDER).permutation(samples)


@dataclass(frozen=True)
class Augment:
    """Pad and crop, and mirror: the augmentation of He et al. (arXiv 1512.03385, §4.2).

    Attributes:
        pad: pixels of black added on every side before a crop of the original size (4 for 32×32 in the paper).
        mirror: whether to mirror left and right with probability one half.
    """

    pad: int = 0
    mirror: bool = False

    def padded(self, images: Tensor) -> Tensor:
        """(N, H, W, C) → (N, H+2·pad, W+2·pad, C)."""
        return torch.nn.functional.pad(images, (0, 0, self.pad, self.pad, self.pad, self.pad))

    def draw(self, samples: int, seed: int, epoch: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Row offset, column offset (int64, 0…2·pad) and mirror (bool) of every sample in an epoch."""
        generator = _generator(seed, epoch, Purpose.PICTURES)
        offsets = generator.integers(0, 2 * self.pad + 1, size=(2, samples))
        mirrored = generator.random(samples) < 0.5
        return offsets[0], offsets[1], mirrored if self.mirror else np.zeros(samples, bool)

    def change(self, pictures: Tensor, index: Tensor, seed: int, epoch: int) -> Tensor:
        """What else is done to cropped pictures, uint8 (B, H, W, C), of the samples ``index``; here nothing."""
        return pictures


@dataclass(frozen=True)
class EdgeAugment(Augment):
    """``Augment`` for pictures whose background is not black: the added pixels repeat the picture's border."""

    def padded(self, images: Tensor) -> Tensor:
        """(N, H, W, C) → (N, H+2·pad, W+2·pad, C)."""
        rows, columns = self._border_repeated(images.shape[1]), self._border_repeated(images.shape[2])
        return images[:, rows][:, :, columns]

    def _border_repeated(self, side: int) -> Tensor:
        """Rows (or columns) of the picture that make up the padded one, int64."""
        return torch.arange(-self.pad, side + self.pad).clamp(0, side - 1)


def crop(padded: Tensor, index: Tensor, top: Tensor, left: Tensor, mirrored: Tensor, size: int) -> Tensor:
    """Cut one window a sample: (N, H, W, C), (B,) ×4 → (B, size, size, C)."""
    steps = torch.arange(size, device=padded.device)
    rows = top[:, None] + steps
    columns = left[:, None] + torch.where(mirrored[:, None], size - 1 - steps, steps)
    return padded[index[:, None, None], rows[:, :, None], columns[:, None, :]]


def _generator(seed: int, epoch: int, purpose: Purpose) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed_of(seed, epoch, purpose)))
