"""What the mobile families share: depthwise convolutions, inverted residuals, dropping of single samples' branches.

Depthwise separable convolution is that of Howard et al. (arXiv 1704.04861, §3.1), the inverted residual that of
Sandler et al. (arXiv 1801.04381, §3) with the squeeze-and-excitation of Tan and Le (arXiv 1905.11946, §4).
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.blocks import PooledHead, initialise
from deeper.models.layers import SqueezeExcite, make_activation
from deeper.models.network import Network


class Depthwise(nn.Conv2d):
    """A convolution of each channel by itself that keeps the size at stride 1, for an odd ``kernel``.

    (N, channels, H, W) → (N, channels, ⌈H/stride⌉, ⌈W/stride⌉). Maps smaller than the kernel are padded beforehand: the
    backward pass of PyTorch's padded depthwise convolution is two to three times slower on them on a CPU.
    """

    def __init__(self, channels: int, kernel: int, stride: int = 1, dilation: int = 1):
        self.reach = dilation * (kernel // 2)
        super().__init__(channels, channels, kernel, stride, self.reach, dilation=dilation, groups=channels, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        if min(x.shape[2:]) > 2 * self.reach:
            return super().forward(x)
        padded = F.pad(x, (self.reach,) * 4)
        return F.conv2d(padded, self.weight, None, self.stride, 0, self.dilation, self.groups)


def depthwise_norm(channels: int, kernel: int, stride: int, activation: str) -> nn.Sequential:
    """Depthwise convolution, batch normalisation, activation."""
    return nn.Sequential(Depthwise(channels, kernel, stride), nn.BatchNorm2d(channels), make_activation(activation))


def conv_norm(in_channels: int, out_channels: int, kernel: int, stride: int = 1, activation: str = "") -> nn.Sequential:
    """Convolution without bias, batch normalisation, and the activation unless it is empty.

    (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉) for an odd kernel.
    """
    layers = [
        nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False),
        nn.BatchNorm2d(out_channels),
    ]
    return nn.Sequential(*layers, *([make_activation(activation)] if activation else []))


def divisible(channels: float, by: int = 8) -> int:
    """The multiple of ``by`` nearest to ``channels``, at least ``by`` and not more than a tenth below ``channels``."""
    near = max(by, int(channels + by / 2) // by * by)
    return near + by if near < 0.9 * channels else near


def place_strides(paper: Sequence[int], strides: Sequence[int]) -> list[int]:
    """``paper`` with its halvings (2) replaced in order by ``strides``.

    Raises:
        ValueError: not as many strides as the paper halves, or one that is neither 1 nor 2.
    """
    halvings, strides = list(paper).count(2), list(strides)
    if len(strides) != halvings or not {1, 2}.issuperset(strides):
        raise ValueError(f"strides={strides}: it must be {halvings} numbers, each 1 or 2")
    rest = iter(strides)
    return [next(rest) if stride == 2 else stride for stride in paper]


def check_positive(**values: float) -> None:
    """
    Raises:
        ValueError: one of the named values is not more than 0.
    """
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name}={value}: it must be more than 0")


def check_rate(**rates: float) -> None:
    """
    Raises:
        ValueError: one of the named rates is not in [0, 1).
    """
    for name, rate in rates.items():
        if not 0 <= rate < 1:
            raise ValueError(f"{name}={rate}: it must be at least 0 and less than 1")


def drop_samples(x: Tensor, rate: float | Tensor) -> Tensor:
    """Zero each sample of ``x`` (N, C, H, W) with probability ``rate``; divide the others by 1 - ``rate``."""
    kept = torch.rand((len(x), 1, 1, 1), dtype=x.dtype, device=x.device) >= rate
    return x * (kept.to(x.dtype) / (1 - rate))


class InvertedResidual(nn.Module):
    """Expand by 1×1, filter each channel, project by 1×1; add the input where the shapes allow.

    (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉).

    Args:
        in_channels: of the input.
        out_channels: of the output.
        stride: of the depthwise convolution.
        expansion: hidden channels over input channels; 1 leaves the first convolution out.
        kernel: of the depthwise convolution.
        squeeze: hidden width of a squeeze-and-excitation after the depthwise convolution; 0: none.
        activation: after the first two convolutions, and within the squeeze-and-excitation.
        linear: False puts the activation after the projection too.
        residual: False leaves the shortcut out.
        drop: probability that the branch is left out of a sample in training, where there is a shortcut. It is drawn
            for each sample, and the branch is computed all the same.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        stride: int = 1,
        expansion: int = 6,
        kernel: int = 3,
        squeeze: int = 0,
        activation: str = "relu6",
        linear: bool = True,
        residual: bool = True,
        drop: float = 0.0,
    ):
        super().__init__()
        hidden = in_channels * expansion
        layers: list[nn.Module] = []
        if expansion != 1:
            layers.append(conv_norm(in_channels, hidden, 1, activation=activation))
        layers.append(depthwise_norm(hidden, kernel, stride, activation))
        if squeeze:
            layers.append(SqueezeExcite(hidden, squeeze, activation=activation))
        layers.append(conv_norm(hidden, out_channels, 1, activation="" if linear else activation))
        self.branch = nn.Sequential(*layers)
        self.shortcut = residual and stride == 1 and in_channels == out_channels
        self.drop = drop if self.shortcut else 0.0

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        if self.training and self.drop:
            y = drop_samples(y, self.drop)
        return x + y if self.shortcut else y

    def extra_repr(self) -> str:
        return f"shortcut={self.shortcut}, drop={self.drop:g}"


class SequentialNetwork(Network):
    """Layers one after another and a pooled linear classifier: (N, in_chans, H, W) → (N, num_classes)."""

    def __init__(self, layers: list[nn.Module], num_features: int, num_classes: int, dropout: float):
        super().__init__()
        check_rate(dropout=dropout)
        self.features = nn.Sequential(*layers)
        self.num_features = num_features
        self.head_dropout = dropout
        self.head = PooledHead(num_features, num_classes, dropout)
        initialise(self)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w)."""
        return self.features(x)
