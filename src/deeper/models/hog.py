"""Histograms of oriented gradients: the features of pictures by hand that convnets replaced.

Dalal and Triggs, *Histograms of Oriented Gradients for Human Detection*, CVPR 2005: no smoothing, 9 orientations
without sign, cells of 8×8 pixels, overlapping blocks of 2×2 cells, each normalised by its length, cut at 0.2 and
normalised again (L2-Hys). Nothing of it is learned. With ``transfer/mode=frozen`` it is what a frozen network is
compared with.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

ORIENTATIONS, CELL, BLOCK, CUT = 9, 8, 2, 0.2


class HistogramsOfGradients(nn.Module):
    """Blocks of histograms and a linear classifier: (N, in_chans, H, W) → (N, num_classes).

    Args:
        image_size: pixels a side; what does not fill a cell at the right and the bottom is left out.
        in_chans: channels; at every pixel the one with the largest gradient counts.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: the pictures are smaller than a block.
    """

    def __init__(self, image_size: int, in_chans: int = 3, num_classes: int = 1000):
        super().__init__()
        blocks = image_size // CELL - BLOCK + 1
        if blocks < 1:
            raise ValueError(f"image_size={image_size}: a block of cells has {BLOCK * CELL} pixels a side")
        self.num_features = blocks**2 * BLOCK**2 * ORIENTATIONS
        self.reset_classifier(num_classes)

    def reset_classifier(self, num_classes: int) -> None:
        """A fresh classifier of so many outputs; 0 leaves it off."""
        self.num_classes = num_classes
        self.classifier = nn.Linear(self.num_features, num_classes) if num_classes else nn.Identity()

    def forward_features(self, pictures: Tensor) -> Tensor:
        """(N, C, H, W) → (N, 36, blocks, blocks)."""
        cells = _cells(*_gradients(pictures))
        size = cells.shape[-1] - BLOCK + 1, cells.shape[-2] - BLOCK + 1
        blocks = functional.unfold(cells, BLOCK).unflatten(2, (size[1], size[0]))
        blocks = functional.normalize(blocks, dim=1, eps=1e-5)
        return functional.normalize(blocks.clamp(max=CUT), dim=1, eps=1e-5)

    def forward_head(self, maps: Tensor, pre_logits: bool = False) -> Tensor:
        """All blocks in a row, (N, num_features); without ``pre_logits`` what the classifier says of them."""
        features = maps.flatten(1)
        return features if pre_logits else self.classifier(features)

    def forward(self, pictures: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(pictures))


def _gradients(pictures: Tensor) -> tuple[Tensor, Tensor]:
    """Length and angle, in [0, π), of the gradient at every pixel, of its strongest channel: (N, H, W) each."""
    padded = functional.pad(pictures, (1, 1, 1, 1), mode="replicate")
    across = padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2]
    down = padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1]
    lengths, strongest = torch.hypot(across, down).max(1, keepdim=True)
    angle = torch.atan2(down.gather(1, strongest), across.gather(1, strongest)) % math.pi
    return lengths[:, 0], angle[:, 0]


def _cells(length: Tensor, angle: Tensor) -> Tensor:
    """Histogram of each cell, (N, 9, H // 8, W // 8): a gradient is shared by the two orientations nearest to it."""
    place = angle / math.pi * ORIENTATIONS - 0.5
    lower = place.floor()
    share = place - lower
    histogram = length.new_zeros(length.shape[0], ORIENTATIONS, *length.shape[1:])
    index = lower.long()[:, None]
    histogram.scatter_add_(1, index % ORIENTATIONS, (length * (1 - share))[:, None])
    histogram.scatter_add_(1, (index + 1) % ORIENTATIONS, (length * share)[:, None])
    return functional.avg_pool2d(histogram, CELL)
