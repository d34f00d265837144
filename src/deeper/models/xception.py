"""Xception.

Chollet, *Xception: deep learning with depthwise separable convolutions*, arXiv 1610.02357, figure 5: Inception carried
so far that every channel is filtered by itself. Two convolutions, blocks of two or three separable convolutions beside
a shortcut (three that halve the size, ``middle`` that keep it, one that halves it), and two separable convolutions.
Nothing stands between the depthwise and the 1×1 convolution (§4.7).

Ours differs from the author's code in padding (symmetric, theirs puts the odd pixel of an even map below and right
where a layer strides), in batch normalisation (PyTorch's ε = 1e-5 and momentum 0.1 for 1e-3 and 0.01) and in how it
starts (as He et al.'s, fan-out).
"""

from collections.abc import Sequence

from torch import Tensor, nn

from deeper.models.inverted_residual import place_strides
from deeper.models.network import SequentialNetwork
from deeper.models.parts.checks import check_positive
from deeper.models.parts.convolution import Depthwise, conv, conv_norm
from deeper.models.parts.shortcuts import make_shortcut

_STEM = (32, 64)
_ENTRY = (128, 256, 728)
_EXIT = 1024
_LAST = (1536, 2048)


def separable(in_channels: int, out_channels: int) -> list[nn.Module]:
    """A depthwise 3×3 and a 1×1 convolution, then normalisation."""
    return [Depthwise(in_channels, 3), conv(in_channels, out_channels, 1), nn.BatchNorm2d(out_channels)]


class XceptionBlock(nn.Module):
    """Separable convolutions, each after an activation, beside a shortcut.

    (N, in_channels, H, W) → (N, channels[-1], ⌈H/stride⌉, ⌈W/stride⌉). A block that changes shape ends with a 3×3 max
    pooling of its stride, and its shortcut is projected.

    Args:
        in_channels: of the input.
        channels: of each separable convolution.
        stride: of pooling and shortcut.
        activated: whether the first convolution is activated before.
    """

    def __init__(self, in_channels: int, channels: Sequence[int], stride: int = 1, activated: bool = True):
        super().__init__()
        layers: list[nn.Module] = []
        before = in_channels
        for number, wide in enumerate(channels):
            # The input is also the shortcut's, so it is not changed in place.
            layers += [nn.ReLU(inplace=number > 0)] if number or activated else []
            layers += separable(before, wide)
            before = wide
        changes = stride != 1 or before != in_channels
        self.branch = nn.Sequential(*layers, *([nn.MaxPool2d(3, stride, 1)] if changes else []))
        self.shortcut = make_shortcut("B", in_channels, before, stride)

    def forward(self, x: Tensor) -> Tensor:
        return self.branch(x) + self.shortcut(x)


class Xception(SequentialNetwork):
    """Xception: (N, in_chans, H, W) → (N, num_classes).

    Args:
        width: multiplies all channels, rounded.
        middle: blocks that keep the size (8 in the paper).
        padded: whether the first two convolutions are padded; in the paper they are not.
        strides: of the five layers that halve in the paper: the first convolution, three blocks in front, one behind.
        dropout: before the classifier (0.5 in the paper's runs on ImageNet).
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: a width that is not positive, impossible ``strides``.
    """

    def __init__(
        self,
        width: float = 1.0,
        middle: int = 8,
        padded: bool = False,
        strides: Sequence[int] = (2, 2, 2, 2, 2),
        dropout: float = 0.0,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        check_positive(width=width)
        first, *entry, last = place_strides([2] * 5, strides)

        def wide(channels: int) -> int:
            return max(1, round(channels * width))

        one, channels = (wide(count) for count in _STEM)
        padding = 1 if padded else 0
        layers: list[nn.Module] = [
            conv_norm(in_chans, one, 3, first, padding, activation="relu"),
            conv_norm(one, channels, 3, 1, padding, activation="relu"),
        ]
        for number, (full, stride) in enumerate(zip(_ENTRY, entry, strict=True)):
            layers.append(XceptionBlock(channels, [wide(full)] * 2, stride, activated=number > 0))
            channels = wide(full)
        layers += [XceptionBlock(channels, [channels] * 3) for _ in range(middle)]
        layers.append(XceptionBlock(channels, [channels, wide(_EXIT)], last))
        channels = wide(_EXIT)
        for full in _LAST:
            layers.append(nn.Sequential(*separable(channels, wide(full)), nn.ReLU(inplace=True)))
            channels = wide(full)
        super().__init__(layers, channels, num_classes, dropout)
