"""Convolutions with what usually stands after them."""

import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.parts.activation import make_activation
from deeper.models.parts.normalisation import make_norm

Size = int | tuple[int, int]


def conv(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias that keeps the size at stride 1, for an odd ``kernel``."""
    return nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)


def conv_norm(
    in_channels: int,
    out_channels: int,
    kernel: Size,
    stride: Size = 1,
    padding: Size | None = None,
    norm: str = "batch",
    activation: str | None = None,
    bias: bool | None = None,
) -> nn.Sequential:
    """Convolution, normalisation, activation: (N, in_channels, H, W) → (N, out_channels, H', W').

    Args:
        in_channels: of the input.
        out_channels: of the output.
        kernel: its size, or (height, width).
        stride: of the convolution.
        padding: None keeps the size at stride 1, for an odd ``kernel``.
        norm: a name of ``make_norm``.
        activation: a name of ``make_activation``; None leaves it off.
        bias: of the convolution; None: only where no normalisation follows, which would take it away again.
    """
    if padding is None:
        padding = kernel // 2 if isinstance(kernel, int) else (kernel[0] // 2, kernel[1] // 2)
    biased = norm == "none" if bias is None else bias
    layer = nn.Conv2d(in_channels, out_channels, kernel, stride, padding, bias=biased)
    return nn.Sequential(layer, make_norm(norm, out_channels), *([make_activation(activation)] if activation else []))


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
