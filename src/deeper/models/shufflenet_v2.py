"""ShuffleNet v2.

Ma, Zhang, Zheng, Sun, *ShuffleNet V2: practical guidelines for efficient CNN architecture design*, arXiv 1807.11164, §3
and table 5. A unit leaves one half of the channels as it is and sends the other through a 1×1, a depthwise 3×3 and a
1×1 convolution; then the channels of both are shuffled. The first unit of a stage sends all channels through both
halves, which doubles them and halves the size.

Ours shuffles at the end of a unit, as the paper's figure 3 does; the authors' code does at the start of the next one.
Ours differs from that code in how it starts (as He et al.'s, fan-out; theirs has a deviation of 1 / fan-in behind the
first convolution, and 0.01 there) and in the classifier, which has biases.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from deeper.models.inverted_residual import place_strides
from deeper.models.network import SequentialNetwork
from deeper.models.parts.convolution import Depthwise, conv_norm


def shuffled(x: Tensor) -> Tensor:
    """The channels of two halves by turns: (N, C, H, W) → the same, for an even C (arXiv 1707.01083, §3.1)."""
    count, channels, height, width = x.shape
    return x.view(count, 2, channels // 2, height, width).transpose(1, 2).reshape(count, channels, height, width)


class ShuffleUnit(nn.Module):
    """(N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉).

    Args:
        in_channels: of the input.
        out_channels: of the output, even.
        stride: of the depthwise convolutions.
        first: whether both halves see all channels.
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, first: bool):
        super().__init__()
        half = out_channels // 2
        seen = in_channels if first else half
        self.left = nn.Identity()
        if first:
            self.left = nn.Sequential(*_filtered(seen, stride), *conv_norm(seen, half, 1, activation="relu"))
        self.right = nn.Sequential(
            *conv_norm(seen, half, 1, activation="relu"),
            *_filtered(half, stride),
            *conv_norm(half, half, 1, activation="relu"),
        )
        self.first = first

    def forward(self, x: Tensor) -> Tensor:
        left, right = (x, x) if self.first else x.chunk(2, dim=1)
        return shuffled(torch.cat([self.left(left), self.right(right)], 1))


def _filtered(channels: int, stride: int) -> list[nn.Module]:
    return [Depthwise(channels, 3, stride), nn.BatchNorm2d(channels)]


class ShuffleNetV2(SequentialNetwork):
    """ShuffleNet of 2018: (N, in_chans, H, W) → (N, num_classes).

    Args:
        widths: channels of the first convolution, of each stage, of the last convolution; stages have even numbers.
        blocks: units of each stage.
        strides: of the five layers that halve in the paper: the first convolution, the max pooling (1 leaves it out),
            the first unit of each stage.
        dropout: before the classifier.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: widths that are odd or do not fit the stages, impossible ``strides``.
    """

    def __init__(
        self,
        widths: Sequence[int] = (24, 116, 232, 464, 1024),
        blocks: Sequence[int] = (4, 8, 4),
        strides: Sequence[int] = (2, 2, 2, 2, 2),
        dropout: float = 0.0,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        if len(widths) != len(blocks) + 2 or any(width % 2 for width in widths[1:-1]):
            raise ValueError(
                f"widths={list(widths)}: it must be {len(blocks) + 2} numbers for blocks={list(blocks)}, "
                "those of stages even"
            )
        stem, pool, *later = place_strides([2] * (len(blocks) + 2), strides)
        channels = widths[0]
        layers: list[nn.Module] = [conv_norm(in_chans, channels, 3, stem, activation="relu")]
        layers += [nn.MaxPool2d(3, 2, 1)] if pool == 2 else []
        for wide, count, stride in zip(widths[1:-1], blocks, later, strict=True):
            for number in range(count):
                layers.append(ShuffleUnit(channels, wide, 1 if number else stride, first=number == 0))
                channels = wide
        layers.append(conv_norm(channels, widths[-1], 1, activation="relu"))
        super().__init__(layers, widths[-1], num_classes, dropout)
