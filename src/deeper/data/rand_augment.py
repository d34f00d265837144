"""RandAugment: some operations on a picture, drawn from a list, all of one strength.

Cubuk, Zoph, Shlens, Le, *RandAugment: practical automated data augmentation with a reduced search space*, arXiv
1909.13719. The operations, all of which grow stronger with the magnitude, and the noise on their strengths are timm's.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from deeper.data.augment import Augment
from deeper.seeds import Purpose, seed_of

MOST = 9.999  # at 10 timm keeps no bit of a picture, and Pillow refuses that


@dataclass(frozen=True)
class RandAugment(Augment):
    """``Augment``, then RandAugment. What a picture gets is a function of (seed, epoch, sample).

    Attributes:
        operations: drawn for a picture; each is applied with a probability of one half, as timm has it.
        magnitude: their strength, 0 to 10 (M of the paper).
        deviation: of the normal noise on it.
        fill: grey level of what comes in from beyond the border.

    Raises:
        ValueError: a strength outside 0 to 10, no operation, or a grey level outside 0 to 255.
    """

    operations: int = 2
    magnitude: int = 6
    deviation: float = 0.5
    fill: int = 128

    def __post_init__(self) -> None:
        if not 0 <= self.magnitude <= 10:
            raise ValueError(f"augment.magnitude={self.magnitude}: it must be 0 to 10")
        if self.operations < 1 or self.deviation < 0:
            raise ValueError("augment.operations must be at least 1, augment.deviation at least 0")
        if not 0 <= self.fill <= 255:
            raise ValueError(f"augment.fill={self.fill}: it must be 0 to 255")

    def change(self, pictures: Tensor, index: Tensor, seed: int, epoch: int) -> Tensor:
        """uint8 (B, H, W, C) → the same, for C = 1 (grey) or 3."""
        if (channels := pictures.shape[3]) not in (1, 3):
            raise ValueError(f"RandAugment takes pictures of 1 or 3 channels, not {channels}")
        transform = self._transform(channels)
        changed = [
            self._changed(picture, transform, seed_of(seed, epoch, sample, Purpose.OPERATIONS))
            for picture, sample in zip(pictures.cpu().numpy(), index.tolist(), strict=True)
        ]
        return torch.from_numpy(np.stack(changed)).to(pictures.device)

    def _transform(self, channels: int) -> Callable[[Image.Image], Image.Image]:
        fill = (self.fill,) * 3 if channels == 3 else self.fill
        return operations_of_timm(self.operations, self.magnitude, self.deviation, fill)

    @staticmethod
    def _changed(picture: np.ndarray, transform: Callable[[Image.Image], Image.Image], seed: int) -> np.ndarray:
        random.seed(seed)
        np.random.seed(seed % 2**32)
        found = np.asarray(transform(Image.fromarray(picture.squeeze(2) if picture.shape[2] == 1 else picture)))
        return found.reshape(picture.shape)


def operations_of_timm(
    operations: int, magnitude: int, deviation: float, fill: int | tuple[int, ...]
) -> Callable[[Image.Image], Image.Image]:
    """Some operations, all of one strength with normal noise; ``fill`` is the colour beyond the border."""
    from timm.data.auto_augment import rand_augment_transform  # importing timm takes a second

    words = ["rand", f"m{magnitude}", f"n{operations}", "inc1"]
    words += [f"mstd{deviation}"] if deviation else []
    return rand_augment_transform("-".join(words), {"img_mean": fill, "magnitude_max": MOST})
