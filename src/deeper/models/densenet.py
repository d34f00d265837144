"""Densely connected networks.

Huang, Liu, van der Maaten, Weinberger, *Densely connected convolutional networks*, arXiv 1608.06993, §3 and tables 1
and 2. In a dense block every layer sees the concatenated outputs of all layers before it and adds ``growth`` maps.
Between blocks a transition (1×1 convolution, 2×2 average pooling) keeps the share ``compression`` of the maps. The
letter B of a name stands for the bottleneck (a 1×1 convolution to 4·growth maps before each 3×3), C for a compression
below 1.

For small images the stem is one 3×3 convolution and three equal blocks follow; for ImageNet it is a 7×7 convolution of
stride 2 and a pooling, and four blocks follow. As in the authors' code and unlike the text of §3, a transition has a
ReLU between normalisation and convolution. The normalisation and ReLU after the last block belong to the features.
Weights are drawn as He et al. do (normal, fan-out), which is also the paper's choice.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.network import Network
from deeper.models.parts.checks import check_choice, check_depth
from deeper.models.parts.convolution import conv, conv_norm
from deeper.models.parts.heads import PooledHead
from deeper.models.parts.initialisation import initialise


class DenseUnit(nn.Sequential):
    """Batch normalisation, ReLU, convolution, dropout: (N, in_channels, H, W) → (N, out_channels, H, W)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, dropout: float = 0.0):
        parts = [nn.BatchNorm2d(in_channels), nn.ReLU(inplace=True), conv(in_channels, out_channels, kernel)]
        super().__init__(*parts, *([nn.Dropout(dropout)] if dropout else []))


class DenseLayer(nn.Module):
    """One layer of a dense block: (N, in_channels, H, W) → (N, in_channels + growth, H, W), the input first."""

    def __init__(self, in_channels: int, growth: int, bottleneck: bool, dropout: float):
        super().__init__()
        width = 4 * growth if bottleneck else in_channels
        self.reduce = DenseUnit(in_channels, width, 1, dropout) if bottleneck else nn.Identity()
        self.grow = DenseUnit(width, growth, 3, dropout)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat((x, self.grow(self.reduce(x))), 1)


class Transition(nn.Sequential):
    """Fewer and smaller maps: (N, in_channels, H, W) → (N, out_channels, ⌊H/2⌋, ⌊W/2⌋)."""

    def __init__(self, in_channels: int, out_channels: int, dropout: float):
        super().__init__(DenseUnit(in_channels, out_channels, 1, dropout), nn.AvgPool2d(2))


class DenseNet(Network):
    """A densely connected network: (N, in_chans, H, W) → (N, num_classes).

    Args:
        depth: weight layers; three equal blocks of n layers make 3n+4, or 6n+4 with bottlenecks (40, 100, 190, 250 in
            the paper). None where ``layers`` says it.
        layers: layers of each dense block, any number of blocks (6, 12, 24, 16 for DenseNet-121), in place of
            ``depth``.
        growth: maps that a layer adds, the paper's k.
        bottleneck: a 1×1 convolution to 4·growth maps before each 3×3.
        compression: share of the maps that a transition keeps, the paper's θ (0.5 in BC networks, else 1); the product
            is floored as the number that a computer has (0.7 of 1320 maps are 923).
        stem: ``small`` (3×3, full size) or ``large`` (7×7 of stride 2, 3×3 max pooling of stride 2).
        stem_width: maps of the stem; None: twice ``growth`` with bottlenecks or a large stem, else 16. The paper says
            so of BC and of the rest; of bottlenecks without compression it says 16.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.
        dropout: rate after every convolution but the stem's (0.2 in the paper where there is no augmentation).

    Raises:
        ValueError: a depth that does not fit, both or neither of ``depth`` and ``layers``, an unknown stem, a
            compression outside (0, 1].
    """

    def __init__(
        self,
        depth: int | None = 40,
        layers: Sequence[int] | None = None,
        growth: int = 12,
        bottleneck: bool = False,
        compression: float = 1.0,
        stem: str = "small",
        stem_width: int | None = None,
        in_chans: int = 3,
        num_classes: int = 10,
        dropout: float = 0.0,
    ):
        super().__init__()
        if not 0 < compression <= 1:
            raise ValueError(f"compression={compression}: it must be more than 0 and at most 1")
        layers = _layers(depth, layers, bottleneck)
        channels = stem_width or (2 * growth if bottleneck or stem == "large" else 16)
        self.stem = _stem(stem, in_chans, channels)
        stages = []
        for index, count in enumerate(layers):
            stage = []
            if index:
                kept = max(1, int(compression * channels))
                stage.append(Transition(channels, kept, dropout))
                channels = kept
            for _ in range(count):
                stage.append(DenseLayer(channels, growth, bottleneck, dropout))
                channels += growth
            stages.append(nn.Sequential(*stage))
        self.stages = nn.Sequential(*stages)
        self.norm = nn.BatchNorm2d(channels)
        self.num_features = channels
        self.head = PooledHead(channels, num_classes)
        initialise(self)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w); H/4 with three blocks and a small stem, H/32 for ImageNet."""
        return F.relu(self.norm(self.stages(self.stem(x))), inplace=True)


def _layers(depth: int | None, layers: Sequence[int] | None, bottleneck: bool) -> list[int]:
    if (depth is None) == (layers is None):
        raise ValueError(f"DenseNet depth={depth}, layers={layers}: one of them must be given and the other null")
    if layers is not None:
        if not layers or min(layers) < 1:
            raise ValueError(f"DenseNet layers={list(layers)}: every block must have at least one layer")
        return list(layers)
    return [check_depth(depth, 6 if bottleneck else 3, "DenseNet", beside=4)] * 3


def _stem(kind: str, in_chans: int, channels: int) -> nn.Module:
    check_choice("stem", kind, ("small", "large"))
    if kind == "small":
        return conv(in_chans, channels, 3)
    return nn.Sequential(*conv_norm(in_chans, channels, 7, 2, activation="relu"), nn.MaxPool2d(3, 2, 1))
