"""The operations that a NASNet cell is made of (Zoph et al., arXiv 1707.07012, §3): the search space has 13.

Each takes (N, in_channels, H, W) to (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉) and, unless it is the identity of equal
channels, starts with a ReLU or a pooling. Ours differs from the authors' code in padding: it is symmetric, theirs puts
the odd pixel of an even map below and right where an operation strides. ``dilated_3x3`` is the separable convolution,
applied twice, with dilation 2; the paper says "3x3 dilated convolution" and no more, and the cells of figure 4 have
none.
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.parts.convolution import Depthwise, conv_norm


class Activated(nn.Sequential):
    """ReLU, then convolution and normalisation: (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1):
        super().__init__(nn.ReLU(), *conv_norm(in_channels, out_channels, kernel, stride))


class Separable(nn.Sequential):
    """Twice ReLU, depthwise convolution, 1×1 convolution and normalisation; the first depthwise one strides.

    (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉).
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, dilation: int = 1):
        layers: list[nn.Module] = []
        for channels, step in ((in_channels, stride), (out_channels, 1)):
            layers += [nn.ReLU(), Depthwise(channels, kernel, step, dilation), *conv_norm(channels, out_channels, 1)]
        super().__init__(*layers)


class Crossed(nn.Sequential):
    """ReLU, a 1×k and a k×1 convolution, each normalised: (N, in_channels, H, W) → (N, out_channels, …)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int):
        layers: list[nn.Module] = []
        for channels, row in ((in_channels, True), (out_channels, False)):
            size, step = ((1, kernel), (1, stride)) if row else ((kernel, 1), (stride, 1))
            layers += [nn.ReLU(), *conv_norm(channels, out_channels, size, step)]
        super().__init__(*layers)


class Pooled(nn.Sequential):
    """Pooling that leaves the border out of its averages, and a normalised 1×1 convolution if the channels change."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, average: bool):
        pool: nn.Module = nn.MaxPool2d(kernel, stride, kernel // 2)
        if average:
            pool = nn.AvgPool2d(kernel, stride, kernel // 2, count_include_pad=False)
        super().__init__(pool, *([] if in_channels == out_channels else conv_norm(in_channels, out_channels, 1)))


class Halved(nn.Module):
    """Halves a map without losing every other pixel: two shifted grids, each through a 1×1 convolution.

    (N, in_channels, H, W) → (N, out_channels, ⌈H/2⌉, ⌈W/2⌉).

    Raises:
        ValueError: an odd number of ``out_channels``.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        if out_channels % 2:
            raise ValueError(f"filters={out_channels}: it must be even where a map is halved")
        self.even = nn.Conv2d(in_channels, out_channels // 2, 1, bias=False)
        self.odd = nn.Conv2d(in_channels, out_channels // 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        shifted = F.pad(x, (-1, 1, -1, 1))
        return self.norm(torch.cat([self.even(x[:, :, ::2, ::2]), self.odd(shifted[:, :, ::2, ::2])], 1))


def _identity(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    same = stride == 1 and in_channels == out_channels
    return nn.Identity() if same else Activated(in_channels, out_channels, 1, stride)


OPERATIONS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "identity": _identity,
    "conv_1x3_3x1": lambda i, o, s: Crossed(i, o, 3, s),
    "conv_1x7_7x1": lambda i, o, s: Crossed(i, o, 7, s),
    "dilated_3x3": lambda i, o, s: Separable(i, o, 3, s, dilation=2),
    "average_3x3": lambda i, o, s: Pooled(i, o, 3, s, average=True),
    "max_3x3": lambda i, o, s: Pooled(i, o, 3, s, average=False),
    "max_5x5": lambda i, o, s: Pooled(i, o, 5, s, average=False),
    "max_7x7": lambda i, o, s: Pooled(i, o, 7, s, average=False),
    "conv_1x1": lambda i, o, s: Activated(i, o, 1, s),
    "conv_3x3": lambda i, o, s: Activated(i, o, 3, s),
    "separable_3x3": lambda i, o, s: Separable(i, o, 3, s),
    "separable_5x5": lambda i, o, s: Separable(i, o, 5, s),
    "separable_7x7": lambda i, o, s: Separable(i, o, 7, s),
}
