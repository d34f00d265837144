"""The block that MobileNet v2 and EfficientNet share, and how the mobile families are scaled.

The inverted residual is that of Sandler et al. (arXiv 1801.04381, §3), with the squeeze-and-excitation of Tan and Le
(arXiv 1905.11946, §4).
"""

from collections.abc import Sequence

from torch import Tensor, nn

from deeper.models.parts.convolution import conv_norm, depthwise_norm
from deeper.models.parts.drop_path import drop_samples
from deeper.models.parts.squeeze_excite import SqueezeExcite


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
        layers.append(conv_norm(hidden, out_channels, 1, activation=None if linear else activation))
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
