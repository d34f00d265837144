"""Shortcuts around blocks (He, Zhang, Ren, Sun, *Deep residual learning*, arXiv 1512.03385, §3.3)."""

import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.parts.checks import check_choice
from deeper.models.parts.convolution import conv
from deeper.models.parts.normalisation import make_norm


class NoShortcut(nn.Module):
    """The shortcut of a plain network: there is none."""

    def forward(self, x: Tensor) -> None:
        return None


class PadShortcut(nn.Module):
    """Option A: every ``stride``-th position, padded with channels of zeros, half of them before the others.

    (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        super().__init__()
        self.stride = stride
        extra = out_channels - in_channels
        self.before, self.after = extra // 2, extra - extra // 2

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, self.before, self.after))


class ProjectionShortcut(nn.Sequential):
    """Options B and C: a 1×1 convolution and a normalisation."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, norm: str = "batch"):
        super().__init__(conv(in_channels, out_channels, 1, stride), make_norm(norm, out_channels))


class PooledProjectionShortcut(nn.Sequential):
    """A projection that averages 2×2 positions first, where the size halves, so that none is left out.

    ResNet-D of He et al. (arXiv 1812.01187, §4.2).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, norm: str = "batch"):
        pool = nn.AvgPool2d(stride, stride, ceil_mode=True, count_include_pad=False) if stride > 1 else nn.Identity()
        super().__init__(pool, conv(in_channels, out_channels, 1), make_norm(norm, out_channels))


def make_shortcut(
    kind: str, in_channels: int, out_channels: int, stride: int, norm: str = "batch", pooled: bool = False
) -> nn.Module:
    """The shortcut ``kind`` around a block.

    ``none``: plain. ``A``: identity, zero-padded where the size changes. ``B``: identity, projected where the size
    changes. ``C``: projected everywhere. A projection is a 1×1 convolution and the normalisation ``norm``; ``pooled``
    halves the size by an average in front of it.

    Raises:
        ValueError: an unknown kind.
    """
    check_choice("shortcut", kind, ("none", "A", "B", "C"))
    changes = stride != 1 or in_channels != out_channels
    if kind == "none":
        return NoShortcut()
    if kind == "C" or (kind == "B" and changes):
        projection = PooledProjectionShortcut if pooled else ProjectionShortcut
        return projection(in_channels, out_channels, stride, norm)
    return PadShortcut(in_channels, out_channels, stride) if changes else nn.Identity()
