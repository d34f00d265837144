"""Augmentation for pictures whose background is not black: the border goes on where the picture ends."""

from dataclasses import dataclass

import torch
from torch import Tensor

from deeper.data.augment import Augment


@dataclass(frozen=True)
class EdgeAugment(Augment):
    """``Augment`` whose ``pad`` pixels repeat the picture's border."""

    def padded(self, images: Tensor) -> Tensor:
        """(N, H, W, C) → (N, H+2·pad, W+2·pad, C)."""
        rows = self._around(images.shape[1])
        columns = self._around(images.shape[2])
        return images[:, rows][:, :, columns]

    def _around(self, side: int) -> Tensor:
        return torch.arange(-self.pad, side + self.pad).clamp(0, side - 1)
