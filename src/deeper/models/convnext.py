"""ConvNeXt.

Liu, Mao, Wu, Feichtenhofer, Darrell, Xie, *A ConvNet for the 2020s*, arXiv 2201.03545, §2 and table 9: a ResNet-50
changed step by step into what a vision transformer is built like. A 4×4 convolution cuts the image into patches; four
stages of blocks follow, each a 7×7 convolution of every channel by itself, layer normalisation, a linear layer to four
times the channels, GELU, a linear layer back, a scale of each channel that starts near zero, and a shortcut. Between
stages are a normalisation and a 2×2 convolution of stride 2, which leaves out the last row and column of a map of odd
size.

``stem_kernel``, ``stem_stride`` and ``strides`` let small images be taken.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from deeper.models.network import Network
from deeper.models.parts.checks import check_choice, check_rate
from deeper.models.parts.drop_path import drop_samples
from deeper.models.parts.heads import NormedHead
from deeper.models.parts.initialisation import initialise_truncated
from deeper.models.parts.normalisation import ChannelNorm


class ConvNeXtBlock(nn.Module):
    """(N, channels, H, W) → the same.

    Args:
        channels: of input and output.
        kernel: of the convolution, odd.
        expansion: hidden channels over channels.
        layer_scale: what the scale of each channel starts with; 0: no scale.
        drop: probability that the branch is left out of a sample in training.
    """

    def __init__(self, channels: int, kernel: int, expansion: int, layer_scale: float, drop: float):
        super().__init__()
        self.depthwise = nn.Conv2d(channels, channels, kernel, padding=kernel // 2, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.expand = nn.Linear(channels, channels * expansion)
        self.activation = nn.GELU()
        self.reduce = nn.Linear(channels * expansion, channels)
        self.scale = nn.Parameter(torch.full((channels,), layer_scale)) if layer_scale else None
        self.drop = drop

    def forward(self, x: Tensor) -> Tensor:
        y = self.norm(self.depthwise(x).permute(0, 2, 3, 1))  # linear layers see channels last
        y = self.reduce(self.activation(self.expand(y)))
        y = (y if self.scale is None else y * self.scale).permute(0, 3, 1, 2)
        return x + (drop_samples(y, self.drop) if self.training and self.drop else y)


class ConvNeXt(Network):
    """ConvNeXt: (N, in_chans, H, W) → (N, num_classes).

    Args:
        blocks: of each stage.
        widths: channels of each stage.
        kernel: of the convolutions in the blocks, odd.
        expansion: hidden channels of a block over its channels.
        stem_kernel: of the first convolution; one of more than ``stem_stride`` overlaps and is padded.
        stem_stride: of the first convolution.
        strides: of what stands before each later stage, 2 or 1.
        layer_scale: what the scale of each channel of a branch starts with; 0: no scale.
        drop_path: probability that the last block's branch is left out of a sample in training; it falls in a line to 0
            at the first.
        dropout: before the classifier.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: lists that do not fit together, an even kernel, a rate outside [0, 1).
    """

    def __init__(
        self,
        blocks: Sequence[int] = (3, 3, 9, 3),
        widths: Sequence[int] = (96, 192, 384, 768),
        kernel: int = 7,
        expansion: int = 4,
        stem_kernel: int = 4,
        stem_stride: int = 4,
        strides: Sequence[int] = (2, 2, 2),
        layer_scale: float = 1e-6,
        drop_path: float = 0.0,
        dropout: float = 0.0,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        super().__init__()
        check_rate(drop_path=drop_path, dropout=dropout)
        _check(blocks, widths, strides, kernel)
        padding = stem_kernel // 2 if stem_kernel > stem_stride else 0
        channels = widths[0]
        first = nn.Conv2d(in_chans, channels, stem_kernel, stem_stride, padding)
        self.stem = nn.Sequential(first, ChannelNorm(channels))
        done, total = 0, sum(blocks)
        stages = []
        for count, wide, stride in zip(blocks, widths, (None, *strides), strict=True):
            layers: list[nn.Module] = []
            if stride is not None:
                layers += [ChannelNorm(channels), nn.Conv2d(channels, wide, stride, stride)]
            for _ in range(count):
                drop = drop_path * done / max(1, total - 1)
                layers.append(ConvNeXtBlock(wide, kernel, expansion, layer_scale, drop))
                done += 1
            channels = wide
            stages.append(nn.Sequential(*layers))
        self.stages = nn.Sequential(*stages)
        self.num_features, self.head_dropout = channels, dropout
        self.head = NormedHead(channels, num_classes, dropout)
        initialise_truncated(self)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w)."""
        return self.stages(self.stem(x))

    def new_head(self, num_classes: int) -> nn.Module:
        """A fresh head of ``num_classes`` outputs (0: none)."""
        head = NormedHead(self.num_features, num_classes, self.head_dropout)
        initialise_truncated(head)
        return head


def _check(blocks: Sequence[int], widths: Sequence[int], strides: Sequence[int], kernel: int) -> None:
    if not len(blocks) == len(widths) == len(strides) + 1:
        raise ValueError(
            f"blocks={list(blocks)}, widths={list(widths)}, strides={list(strides)}: as many blocks as widths, and a "
            "stride for each stage but the first"
        )
    if kernel % 2 == 0:
        raise ValueError(f"kernel={kernel}: it must be odd")
    for stride in strides:
        check_choice("strides", stride, (1, 2))
