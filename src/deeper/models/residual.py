"""Plain and residual networks for small images.

He, Zhang, Ren, Sun, *Deep residual learning for image recognition*, arXiv 1512.03385, §4.2 and table 6. A network of
depth 6n+2 has one 3×3 convolution, three stages of n two-layer blocks at sizes s, s/2 and s/4 with widths w, 2w and
4w, and a linear classifier on the global average. The plain network is the same without shortcuts. Dropout between
the two convolutions of a block is that of Zagoruyko and Komodakis (arXiv 1605.07146, §2.4).
"""

import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.blocks import PooledHead, check_depth, conv, initialise, make_shortcut


class BasicBlock(nn.Module):
    """Two 3×3 convolutions, each followed by batch normalisation, and a shortcut around both.

    (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉).
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, shortcut: str, dropout: float = 0.0, norm: bool = True
    ):
        super().__init__()
        self.conv1 = conv(in_channels, out_channels, 3, stride)
        self.norm1 = _norm(out_channels, norm)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.conv2 = conv(out_channels, out_channels, 3)
        self.norm2 = _norm(out_channels, norm)
        self.shortcut = make_shortcut(shortcut, in_channels, out_channels, stride)

    def forward(self, x: Tensor) -> Tensor:
        y = self.dropout(F.relu(self.norm1(self.conv1(x)), inplace=True))
        y = self.norm2(self.conv2(y))
        carried = self.shortcut(x)
        return F.relu(y if carried is None else y + carried, inplace=True)


class ResidualNetwork(nn.Module):
    """A plain or residual network of 6n+2 weight layers: (N, in_chans, H, W) → (N, num_classes).

    Args:
        depth: weight layers on the main path, 6n+2 (20, 32, 44, 56, 110, 1202 in the paper).
        width: channels of the first stage (16 in the paper).
        shortcut: ``none`` (plain), ``A``, ``B`` or ``C``; the paper's CIFAR networks use A.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.
        dropout: rate between the two convolutions of a block.
        norm: False leaves batch normalisation out.

    Raises:
        ValueError: a depth that is not 6n+2, or an unknown shortcut.
    """

    def __init__(
        self,
        depth: int = 20,
        width: int = 16,
        shortcut: str = "A",
        in_chans: int = 3,
        num_classes: int = 10,
        dropout: float = 0.0,
        norm: bool = True,
    ):
        super().__init__()
        blocks = check_depth(depth, 6, "ResidualNetwork")
        self.stem = nn.Sequential(conv(in_chans, width, 3), _norm(width, norm), nn.ReLU(inplace=True))
        stages, channels = [], width
        for index, out_channels in enumerate((width, 2 * width, 4 * width)):
            strides = [1 if index == 0 else 2] + [1] * (blocks - 1)
            stage = []
            for stride in strides:
                stage.append(BasicBlock(channels, out_channels, stride, shortcut, dropout, norm))
                channels = out_channels
            stages.append(nn.Sequential(*stage))
        self.stages = nn.Sequential(*stages)
        self.num_features = channels
        self.head = PooledHead(channels, num_classes)
        initialise(self)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, ⌈H/4⌉, ⌈W/4⌉)."""
        return self.stages(self.stem(x))

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Feature maps → (N, num_classes), or → (N, num_features) with ``pre_logits``."""
        return self.head(x, pre_logits)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the classifier by a fresh one of ``num_classes`` outputs (0: none)."""
        self.head = PooledHead(self.num_features, num_classes)
        initialise(self.head)


def _norm(channels: int, norm: bool) -> nn.Module:
    return nn.BatchNorm2d(channels) if norm else nn.Identity()
