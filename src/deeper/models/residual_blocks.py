"""The blocks of residual networks, two-layer and bottleneck, after or before activation.

He et al., *Deep residual learning*, arXiv 1512.03385, §3 (activation after the sum); He et al., *Identity mappings in
deep residual networks*, arXiv 1603.05027, §4 (normalisation and activation before each convolution, a clean sum; where
the size changes both paths start from the activated input and the projection is not normalised). In a block:

- dropout before the last convolution: Zagoruyko and Komodakis, *Wide residual networks*, arXiv 1605.07146, §2.4;
- branches of a bottleneck: Xie et al., arXiv 1611.05431, in ``deeper.models.resnext``;
- squeeze-and-excitation of the branch before the sum: Hu et al., *Squeeze-and-excitation networks*, arXiv 1709.01507;
- stochastic depth: Huang et al., *Deep networks with stochastic depth*, arXiv 1603.09382, §3. The paper pools the
  shortcut of a block that halves the size; ours is the shortcut of the network without dropping.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from deeper.models.blocks import conv, make_shortcut
from deeper.models.dropping import StochasticDepth
from deeper.models.layers import SqueezeExcite, make_activation, make_norm
from deeper.models.resnext import make_transform


@dataclass(frozen=True)
class Style:
    """What all blocks of a network have in common; the arguments of ``ResidualNetwork`` of the same names."""

    shortcut: str = "A"
    order: str = "post"
    norm: str = "batch"
    activation: str = "relu"
    dropout: float = 0.0
    cardinality: int = 1
    branches: str = "grouped"
    stride_on: str = "3x3"
    squeeze: int = 0
    squeeze_bias: bool = True


@dataclass(frozen=True)
class Place:
    """Where a block stands.

    Attributes:
        in_channels: of its input.
        branch: channels of one branch inside a bottleneck.
        out_channels: of its output.
        stride: 2 where the size is halved.
        survival: probability that the branch is computed in a training step.
        first: directly after the stem, whose output is activated already and not once more.
        activates: whether its sum is activated (activation after the sum only).
    """

    in_channels: int
    branch: int
    out_channels: int
    stride: int = 1
    survival: float = 1.0
    first: bool = False
    activates: bool = True


class Block(nn.Module):
    """A shortcut around a branch: (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)."""

    def __init__(self):
        super().__init__()
        self.before = self.enter = self.excite = self.last = nn.Identity()
        self.survive: StochasticDepth | None = None

    def complete(self, place: Place, style: Style) -> None:
        """Add to the convolutions what surrounds them."""
        pre = style.order == "pre"
        changes = place.stride != 1 or place.in_channels != place.out_channels
        projected = "none" if pre else style.norm
        self.shortcut = make_shortcut(style.shortcut, place.in_channels, place.out_channels, place.stride, projected)
        if pre and not place.first:
            entrance = activated(style, place.in_channels)
            self.before, self.enter = (entrance, nn.Identity()) if changes else (nn.Identity(), entrance)
        if not pre and place.activates:
            self.last = make_activation(style.activation)
        if style.squeeze:
            hidden = max(1, place.out_channels // style.squeeze)
            self.excite = SqueezeExcite(place.out_channels, hidden, style.squeeze_bias)
        if place.survival < 1:
            self.survive = StochasticDepth(place.survival)

    def convolve(self, x: Tensor) -> Tensor:
        """The convolutions of the branch with what stands between them."""
        raise NotImplementedError

    def branch(self, x: Tensor) -> Tensor:
        return self.excite(self.convolve(self.enter(x)))

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        y = self.branch(x) if self.survive is None else self.survive(self.branch, x)
        carried = self.shortcut(x)
        if y is None:
            return self.last(carried.clone())
        return self.last(y if carried is None else y + carried)


class BasicBlock(Block):
    """Two 3×3 convolutions."""

    def __init__(self, place: Place, style: Style):
        super().__init__()
        out = place.out_channels
        self.conv1 = conv(place.in_channels, out, 3, place.stride)
        self.norm1 = make_norm(style.norm, out)
        self.activation = make_activation(style.activation)
        self.dropout = nn.Dropout(style.dropout) if style.dropout else nn.Identity()
        self.conv2 = conv(out, out, 3)
        self.norm2 = make_norm("none" if style.order == "pre" else style.norm, out)
        self.complete(place, style)

    def convolve(self, x: Tensor) -> Tensor:
        y = self.dropout(self.activation(self.norm1(self.conv1(x))))
        return self.norm2(self.conv2(y))


class BottleneckBlock(Block):
    """A 1×1, a 3×3 and a 1×1 convolution, the 3×3 one in ``cardinality`` branches."""

    def __init__(self, place: Place, style: Style):
        super().__init__()
        strides = (place.stride, 1) if style.stride_on == "1x1" else (1, place.stride)
        options = {"norm": style.norm, "activation": style.activation, "dropout": style.dropout}
        self.transform = make_transform(
            style.branches,
            place.in_channels,
            place.branch,
            place.out_channels,
            style.cardinality,
            strides=strides,
            **options,
        )
        self.norm3 = make_norm("none" if style.order == "pre" else style.norm, place.out_channels)
        self.complete(place, style)

    def convolve(self, x: Tensor) -> Tensor:
        return self.norm3(self.transform(x))


BLOCKS: dict[str, type[Block]] = {"basic": BasicBlock, "bottleneck": BottleneckBlock}
LAYERS = {"basic": 2, "bottleneck": 3}
EXPANSION = {"basic": 1, "bottleneck": 4}


class OuterShortcut(nn.Module):
    """A projected shortcut around many blocks (Zhang et al., arXiv 1608.02908, §III): y, x → y + shortcut(x)."""

    def __init__(self, place: Place, style: Style):
        super().__init__()
        norm = "none" if style.order == "pre" else style.norm
        self.shortcut = make_shortcut("B", place.in_channels, place.out_channels, place.stride, norm)
        activates = place.activates and style.order == "post"
        self.last = make_activation(style.activation) if activates else nn.Identity()

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        return self.last(y + self.shortcut(x))


class NoOuterShortcut(nn.Module):
    """Nothing around these blocks: y, x → y."""

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        return y


def activated(style: Style, channels: int) -> nn.Sequential:
    """Normalisation and activation that leave their input as it is (a shortcut may still need it)."""
    activation = make_activation(style.activation)
    if style.norm == "none" and hasattr(activation, "inplace"):
        activation.inplace = False
    return nn.Sequential(make_norm(style.norm, channels), activation)
