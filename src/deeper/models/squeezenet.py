"""SqueezeNet.

Iandola, Han, Moskewicz, Ashraf, Dally, Keutzer, *SqueezeNet: AlexNet-level accuracy with 50x fewer parameters and
<0.5MB model size*, arXiv 1602.07360, table 1 and figure 2; version 1.1 is that of the authors' code. A fire module
squeezes with 1×1 convolutions and expands with 1×1 and 3×3 side by side. There is no linear layer: a last 1×1
convolution gives one map a class, and the logits are their averages.

Bypass connections are §6's: ``simple`` adds the input to fire modules 3, 5, 7 and 9, whose input and output have the
same width; ``complex`` also carries it through a 1×1 convolution around 2, 4, 6 and 8.

The first convolution is not padded and poolings round up, as in the authors' code and torchvision. The paper's 111×111
maps come from a 227×227 image. The text (§3.2) names a ReLU only after squeezing and expanding. The authors' code has
one after the last convolution too, where a class whose map is negative everywhere gets no gradient: ``rectified``
chooses. Ours differs in the initial weights: those of He et al. (normal, fan-in) in place of Xavier's. The last
convolution starts with deviation 0.01 in both.
"""

from collections import OrderedDict

import torch
from torch import Tensor, nn

from deeper.models.network import Network
from deeper.models.parts.checks import check_choice
from deeper.models.parts.convolution import conv_norm
from deeper.models.parts.heads import ClassMaps
from deeper.models.parts.initialisation import initialise

SQUEEZES = (16, 16, 32, 32, 48, 48, 64, 64)
VERSIONS = {"1.0": (96, 7, (4, 8)), "1.1": (64, 3, (3, 5))}


class Fire(nn.Module):
    """Squeeze, expand, concatenate, and perhaps add the input: (N, in_channels, H, W) → (N, 8·squeeze, H, W).

    Args:
        in_channels: of the input.
        squeeze: channels of the squeezing convolution; each of the two expanding ones has four times as many.
        bypass: ``none``, ``simple`` (identity, where the width stays) or ``complex`` (and a 1×1 convolution elsewhere).
        norm: after each convolution, ``none`` or ``batch``.
    """

    def __init__(self, in_channels: int, squeeze: int, bypass: str = "none", norm: str = "none"):
        super().__init__()
        out_channels = 8 * squeeze
        self.squeeze = conv_norm(in_channels, squeeze, 1, norm=norm, activation="relu")
        self.expand1 = conv_norm(squeeze, out_channels // 2, 1, norm=norm, activation="relu")
        self.expand3 = conv_norm(squeeze, out_channels // 2, 3, norm=norm, activation="relu")
        self.carries = bypass != "none" and in_channels == out_channels
        self.bypass = None
        if bypass == "complex" and not self.carries:
            self.bypass = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        squeezed = self.squeeze(x)
        y = torch.cat((self.expand1(squeezed), self.expand3(squeezed)), 1)
        if self.carries:
            return y + x
        return y if self.bypass is None else y + self.bypass(x)


class SqueezeNet(Network):
    """SqueezeNet: (N, in_chans, H, W) → (N, num_classes).

    Args:
        version: ``1.0`` (the paper's) or ``1.1`` (smaller first convolution, earlier pooling, the same accuracy for
            fewer multiply-adds).
        bypass: ``none``, ``simple`` or ``complex``.
        stem: ``large`` (the paper's first convolution, of stride 2, and a pooling) or ``small`` (3×3 of stride 1,
            padded, and no pooling, for small images).
        width: factor of all channels; 1 is the paper's.
        norm: after each convolution but the last, ``none`` (the paper's) or ``batch``.
        rectified: whether a ReLU follows the last convolution.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the last convolution off.
        dropout: rate before the last convolution (0.5 in the paper).

    Raises:
        ValueError: an unknown version, bypass, stem or normalisation, or a width that leaves no channel.
    """

    def __init__(
        self,
        version: str = "1.0",
        bypass: str = "none",
        stem: str = "large",
        width: float = 1.0,
        norm: str = "none",
        rectified: bool = True,
        in_chans: int = 3,
        num_classes: int = 1000,
        dropout: float = 0.5,
    ):
        super().__init__()
        check_choice("version", str(version), VERSIONS)
        check_choice("bypass", bypass, ("none", "simple", "complex"))
        check_choice("stem", stem, ("large", "small"))
        first, kernel, pooled = VERSIONS[str(version)]
        channels = int(first * width)
        if int(SQUEEZES[0] * width) < 1:
            raise ValueError(f"width={width}: it must be at least 1/{SQUEEZES[0]}")
        if stem == "large":
            parts = [conv_norm(in_chans, channels, kernel, 2, 0, norm, "relu"), _pool()]
        else:
            parts = [conv_norm(in_chans, channels, 3, norm=norm, activation="relu")]
        for index, squeeze in enumerate(SQUEEZES, start=2):
            parts.append(Fire(channels, int(squeeze * width), bypass, norm))
            channels = 8 * int(squeeze * width)
            if index in pooled:
                parts.append(_pool())
        self.features = nn.Sequential(*parts)
        self.num_features = channels
        self.head_dropout, self.rectified = dropout, rectified
        initialise(self, fan="in")
        self.head = self.new_head(num_classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w), a sixteenth of the size, or a quarter with a small stem."""
        return self.features(x)

    def new_head(self, num_classes: int) -> ClassMaps:
        """Dropout and a fresh last convolution of ``num_classes`` maps (0: none)."""
        layers: OrderedDict[str, nn.Module] = OrderedDict(dropout=nn.Dropout(self.head_dropout))
        if num_classes:
            layers["conv"] = ClassMaps.convolution(self.num_features, num_classes)
            if self.rectified:
                layers["activation"] = nn.ReLU(inplace=True)
        return ClassMaps(layers)


def _pool() -> nn.Module:
    return nn.MaxPool2d(3, 2, ceil_mode=True)
