"""RegNet.

Radosavovic, Kosaraju, Girshick, He, Dollár, *Designing network design spaces*, arXiv 2003.13678, §3 and §5: bottlenecks
whose widths grow in a line with depth, rounded so that few stages come of it. Block j of d should have w0 + wa·j
channels; these are rounded to w0·wm^s, s whole, and that to multiples of 8; blocks of equal width are a stage. An X
block is a 1×1, a 3×3 convolution in groups of ``group_width`` channels, and a 1×1 convolution, with a projected
shortcut where the shape changes; a Y block has squeeze-and-excitation after the 3×3, its hidden width a quarter of the
block's input.

Ours differs from the authors' code in how it starts: there the last scale of each block's branch is zero, and a grouped
convolution's deviation counts the outputs of all its groups.
"""

import math
from collections.abc import Sequence
from itertools import groupby

import numpy as np
from torch import Tensor, nn

from deeper.models.network import SequentialNetwork
from deeper.models.parts.checks import check_choice, check_positive
from deeper.models.parts.convolution import conv_norm
from deeper.models.parts.shortcuts import make_shortcut
from deeper.models.parts.squeeze_excite import SqueezeExcite, reduced

_MULTIPLE = 8


def stages_of(depth: int, initial: int, slope: float, multiplier: float) -> list[tuple[int, int]]:
    """(channels, blocks) of each stage (arXiv 2003.13678, §3.3, equations 2 to 4).

    Raises:
        ValueError: a negative slope, or a multiplier that is not more than 1.
    """
    if slope < 0 or multiplier <= 1:
        raise ValueError(f"slope={slope}, multiplier={multiplier}: at least 0, and more than 1")
    wanted = initial + slope * np.arange(depth)
    powers = np.round(np.log(wanted / initial) / math.log(multiplier))
    widths = np.round(initial * multiplier**powers / _MULTIPLE).astype(int) * _MULTIPLE
    return [(int(width), len(list(blocks))) for width, blocks in groupby(widths)]


class RegNetBlock(nn.Module):
    """An X or a Y block: (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, group_width: int, squeeze: int):
        super().__init__()
        groups = out_channels // group_width
        grouped = nn.Conv2d(out_channels, out_channels, 3, stride, 1, groups=groups, bias=False)
        self.conv1 = conv_norm(in_channels, out_channels, 1, activation="relu")
        self.conv2 = nn.Sequential(grouped, nn.BatchNorm2d(out_channels), nn.ReLU(inplace=True))
        self.gate = SqueezeExcite(out_channels, squeeze) if squeeze else nn.Identity()
        self.conv3 = conv_norm(out_channels, out_channels, 1)
        self.shortcut = make_shortcut("B", in_channels, out_channels, stride)
        self.last = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.last(self.conv3(self.gate(self.conv2(self.conv1(x)))) + self.shortcut(x))


class RegNet(SequentialNetwork):
    """RegNetX or RegNetY: (N, in_chans, H, W) → (N, num_classes).

    Args:
        depth: blocks.
        initial: channels of the first block, w0.
        slope: further channels a block, wa.
        multiplier: between widths of stages, wm.
        group_width: channels of a group; a stage's width is rounded to a multiple of it.
        width: multiplies the channels of all stages; not in the paper.
        squeeze_excite: a block's input channels over the hidden width of its squeeze-and-excitation: 4 in Y, 0 (none)
            in X.
        stem_width: channels of the first convolution.
        strides: of the first convolution and of each stage, 2 or 1.
        dropout: before the classifier.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: a slope or multiplier that make no widths, strides that are not one for each stage and the stem.
    """

    def __init__(
        self,
        depth: int = 16,
        initial: int = 48,
        slope: float = 27.89,
        multiplier: float = 2.09,
        group_width: int = 8,
        width: float = 1.0,
        squeeze_excite: int = 4,
        stem_width: int = 32,
        strides: Sequence[int] = (2, 2, 2, 2, 2),
        dropout: float = 0.0,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        check_positive(depth=depth, initial=initial, width=width)
        stages = stages_of(depth, initial, slope, multiplier)
        if len(strides) != len(stages) + 1:
            raise ValueError(
                f"strides={list(strides)}: {len(stages)} stages, of {', '.join(str(wide) for wide, _ in stages)} "
                "channels, and the first convolution have one each"
            )
        for stride in strides:
            check_choice("strides", stride, (1, 2))
        first, *later = strides
        layers: list[nn.Module] = [conv_norm(in_chans, stem_width, 3, first, activation="relu")]
        channels = stem_width
        for (full, count), stride in zip(stages, later, strict=True):
            wide, group = _fitting(full * width, group_width)
            for number in range(count):
                hidden = _rounded(channels, squeeze_excite)
                layers.append(RegNetBlock(channels, wide, 1 if number else stride, group, hidden))
                channels = wide
        super().__init__(layers, channels, num_classes, dropout)


def _fitting(width: float, group: int) -> tuple[int, int]:
    """Channels of a stage and of its groups, which divide them."""
    group = min(group, max(1, round(width)))
    return max(group, round(width / group) * group), group


def _rounded(channels: int, reduction: int) -> int:
    return round(channels / reduction) if reduced(channels, reduction) else 0
