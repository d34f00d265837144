"""The blocks of residual networks, and the switches of the papers that changed them.

Each switch is off by default; what is left is the block of He et al., *Deep residual learning for image recognition*,
arXiv 1512.03385, §3. The papers:

- ``order="pre"``: He, Zhang, Ren, Sun, *Identity mappings in deep residual networks*, arXiv 1603.05027, §4.
  Normalisation and activation stand before each convolution, and nothing stands after the sum. Where the size changes
  both paths start from the activated input. The paper's text leaves that shortcut open; ours is a projection without
  normalisation, as in the counts published. In a bottleneck ours halves the size in the 3×3 convolution, the authors'
  code in the first 1×1 one (``stride_on``).
- ``widen``, ``dropout``: Zagoruyko and Komodakis, *Wide residual networks*, arXiv 1605.07146, §2.4. Dropout stands
  before the last convolution of a block. With ``widen=1`` the first stage needs no projection, so the network has one
  weight layer less than its depth of 6n+4 says.
- ``cardinality``, ``branch_width``, ``branches``: ResNeXt, in ``deeper.models.resnext``.
- ``squeeze``: Hu et al., *Squeeze-and-excitation networks*, arXiv 1709.01507. The gate is on the
  branch, before the sum.
- ``survival``: Huang et al., *Deep networks with stochastic depth*, arXiv 1603.09382, §3. The paper pools the shortcut
  of a block that halves the size; ours is the shortcut of the network without dropping.
- ``deep_stem``, ``pooled_shortcut``: ResNet-D of He, Zhang, Zhang, Zhang, Xie, Li, *Bag of tricks for image
  classification with convolutional neural networks*, arXiv 1812.01187, §4.2: three 3×3 convolutions for the stem's one,
  and projections that average 2×2 positions where others leave three of four out. Its stride is on the 3×3 convolution.
- ``zero_last``: the last normalisation of each branch starts with a scale of zero, so that a block starts as its
  shortcut (Goyal et al., arXiv 1706.02677, §5.1; arXiv 1812.01187, §3.1).
- ``levels``: shortcuts around many blocks, in ``deeper.models.residual_levels``.

Without normalisation (``norm="none"``) nothing holds back the sums, which grow from block to block: ResNet-20 starts at
a loss of about 40, and wants a small rate.
"""

from dataclasses import dataclass

from torch import Tensor, nn

from deeper.models.parts.activation import make_activation
from deeper.models.parts.checks import check_choice
from deeper.models.parts.convolution import conv
from deeper.models.parts.drop_path import StochasticDepth
from deeper.models.parts.normalisation import make_norm
from deeper.models.parts.shortcuts import make_shortcut
from deeper.models.parts.squeeze_excite import make_gate
from deeper.models.resnext import make_transform


@dataclass(frozen=True)
class Style:
    """What all blocks of a network have in common.

    Attributes:
        block: ``basic`` (two 3×3 convolutions) or ``bottleneck``.
        shortcut: ``none`` (plain), ``A`` (zero-padded), ``B`` (projected where the size changes) or ``C`` (projected).
        norm: after convolutions: ``batch``, ``none`` or ``lrn``. No convolution has a bias, also where it is ``none``.
        activation: a name of ``deeper.models.parts.activation``.
        stride_on: the convolution of a bottleneck that halves the size, ``1x1`` (the paper) or ``3x3``.
        order: ``post`` (activation after the sum) or ``pre`` (before the convolutions).
        enter_first: with ``pre``, normalise and activate before the first block too, although the stem did.
        widen: factor k on the widths of the stages.
        dropout: rate before the last convolution of a block.
        cardinality: branches of a bottleneck.
        branch_width: channels of one branch in the first stage; None is the width of that stage.
        branches: their form: ``grouped``, ``concatenated`` or ``aggregated``.
        squeeze: reduction r of squeeze-and-excitation; 0 is without.
        squeeze_bias: whether its two linear maps have biases.
        survival: probability that the last block is computed in a training step; it falls linearly from 1.
        levels: levels of shortcuts: 1, 2 (one around all) or 3 (and one around each stage).
        deep_stem: three 3×3 convolutions, the first two of half the channels, in the place of the stem's one.
        pooled_shortcut: average 2×2 positions in front of a projection that halves the size.
        zero_last: start the scale of each branch's last normalisation at zero.

    Raises:
        ValueError: an unknown name, or switches that exclude each other.
    """

    block: str = "basic"
    shortcut: str = "A"
    norm: str = "batch"
    activation: str = "relu"
    stride_on: str = "3x3"
    order: str = "post"
    enter_first: bool = False
    widen: int = 1
    dropout: float = 0.0
    cardinality: int = 1
    branch_width: int | None = None
    branches: str = "grouped"
    squeeze: int = 0
    squeeze_bias: bool = True
    survival: float = 1.0
    levels: int = 1
    deep_stem: bool = False
    pooled_shortcut: bool = False
    zero_last: bool = False

    def __post_init__(self):
        check_choice("block", self.block, BLOCKS)
        check_choice("order", self.order, ("post", "pre"))
        check_choice("stride_on", self.stride_on, ("1x1", "3x3"))
        check_choice("levels", self.levels, (1, 2, 3))
        if not 0 < self.survival <= 1:
            raise ValueError(f"survival={self.survival}: it must be more than 0 and at most 1")
        if self.zero_last and (self.norm != "batch" or self.order == "pre" or self.shortcut == "none"):
            raise ValueError("zero_last=true: it is for batch normalisation at the end of a branch beside a shortcut")
        if self.pooled_shortcut and self.shortcut not in ("B", "C"):
            raise ValueError(f"pooled_shortcut=true: shortcut={self.shortcut} has no projections; take B or C")
        if self.levels > 1 and self.shortcut == "none":
            raise ValueError(f"levels={self.levels}: a plain network has no shortcuts, so it has no levels of them")
        if self.survival < 1 and self.shortcut == "none":
            raise ValueError(f"survival={self.survival}: a plain network has no shortcut that could survive alone")
        if self.block == "basic" and (self.cardinality > 1 or self.branch_width):
            raise ValueError("cardinality and branch_width: only bottlenecks have branches")
        if self.cardinality > 1 and not self.branch_width:
            raise ValueError(f"cardinality={self.cardinality}: it needs branch_width, the channels of one branch")

    @property
    def pre(self) -> bool:
        return self.order == "pre"


@dataclass(frozen=True)
class Place:
    """Where a block stands.

    Attributes:
        in_channels: of its input.
        branch: channels of one branch inside a bottleneck.
        out_channels: of its output.
        stride: 2 where the size is halved.
        survival: probability that the branch is computed in a training step.
        activated: whether the input is activated already, as directly after the stem.
        activates: whether its sum is activated (activation after the sum only).
    """

    in_channels: int
    branch: int
    out_channels: int
    stride: int = 1
    survival: float = 1.0
    activated: bool = False
    activates: bool = True


class Block(nn.Module):
    """A shortcut around a branch: (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)."""

    def __init__(self):
        super().__init__()
        self.before = self.enter = self.excite = self.last = nn.Identity()
        self.survive: StochasticDepth | None = None

    def forward(self, x: Tensor) -> Tensor:
        x = self.before(x)
        y = self.branch(x) if self.survive is None else self.survive(self.branch, x)
        carried = self.shortcut(x)
        if y is None:  # the branch is dropped in this step
            return self.last(carried.clone())
        return self.last(y if carried is None else y + carried)

    @property
    def last_norm(self) -> nn.Module:
        """The normalisation at the branch's end."""
        raise NotImplementedError

    def branch(self, x: Tensor) -> Tensor:
        return self.excite(self.convolve(self.enter(x)))

    def convolve(self, x: Tensor) -> Tensor:
        """The convolutions of the branch with what stands between them."""
        raise NotImplementedError

    def complete(self, place: Place, style: Style) -> None:
        """Add to the convolutions what surrounds them."""
        projected = "none" if style.pre else style.norm
        channels = place.in_channels, place.out_channels
        self.shortcut = make_shortcut(style.shortcut, *channels, place.stride, projected, style.pooled_shortcut)
        if style.pre and not place.activated:
            changes = place.stride != 1 or place.in_channels != place.out_channels
            entrance = norm_activation(style, place.in_channels)
            self.before, self.enter = (entrance, nn.Identity()) if changes else (nn.Identity(), entrance)
        if not style.pre and place.activates:
            self.last = make_activation(style.activation)
        self.excite = make_gate(place.out_channels, style.squeeze, style.squeeze_bias)
        if place.survival < 1:
            self.survive = StochasticDepth(place.survival)


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
        self.norm2 = make_norm("none" if style.pre else style.norm, out)
        self.complete(place, style)

    @property
    def last_norm(self) -> nn.Module:
        return self.norm2

    def convolve(self, x: Tensor) -> Tensor:
        y = self.dropout(self.activation(self.norm1(self.conv1(x))))
        return self.norm2(self.conv2(y))


class BottleneckBlock(Block):
    """A 1×1, a 3×3 and a 1×1 convolution, the 3×3 one in ``cardinality`` branches."""

    def __init__(self, place: Place, style: Style):
        super().__init__()
        self.transform = make_transform(
            style.branches,
            place.in_channels,
            place.branch,
            place.out_channels,
            style.cardinality,
            strides=(place.stride, 1) if style.stride_on == "1x1" else (1, place.stride),
            norm=style.norm,
            activation=style.activation,
            dropout=style.dropout,
        )
        self.norm3 = make_norm("none" if style.pre else style.norm, place.out_channels)
        self.complete(place, style)

    @property
    def last_norm(self) -> nn.Module:
        return self.norm3

    def convolve(self, x: Tensor) -> Tensor:
        return self.norm3(self.transform(x))


BLOCKS: dict[str, type[Block]] = {"basic": BasicBlock, "bottleneck": BottleneckBlock}
LAYERS = {"basic": 2, "bottleneck": 3}
EXPANSION = {"basic": 1, "bottleneck": 4}


def norm_activation(style: Style, channels: int) -> nn.Sequential:
    """Normalisation and activation that leave their input as it is, because a shortcut may still need it."""
    activation = make_activation(style.activation)
    if style.norm == "none" and hasattr(activation, "inplace"):
        activation.inplace = False
    return nn.Sequential(make_norm(style.norm, channels), activation)
