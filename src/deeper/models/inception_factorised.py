"""The later Inception networks in one class: v3, v4 and Inception-ResNet-v2, with factorised convolutions.

Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, *Rethinking the Inception architecture for computer vision*, arXiv
1512.00567, §3 (5×5 as two 3×3, n×n as 1×n and n×1), figures 5 to 7 and table 1. Szegedy, Ioffe, Vanhoucke, Alemi,
*Inception-v4, Inception-ResNet and the impact of residual connections on learning*, arXiv 1602.07261, figures 3 to 9
(v4), 15 to 19 (Inception-ResNet-v2), table 1 (widths of the first reduction) and §3.3 (scaled residuals).

A block is a handful of branches, concatenated. In ``DESIGNS`` a branch is a line of layers: ``96@3`` is a convolution
to 96 channels with a 3×3 kernel, ``224@1x7`` with one of height 1 and width 7, ``64`` a 1×1 one, ``/2`` a stride of 2,
``v`` leaves the padding off, ``a|b`` applies both and concatenates, ``max`` and ``average`` are 3×3 poolings.

At full size and ``stem: paper`` v4 is the paper's network to the parameter. v3 is the one that its authors released,
to the parameter and with averages that leave the zeros of the padding out, as in their TensorFlow code (timm's, in
``timm_network``, counts them). Table 1 prints another: three 3×3 convolutions to 80, 192 and 288 channels where the
stem has a 1×1 one to 80, a 3×3 one to 192 and a max pooling, no 5×5 convolution, and 3, 5 and 2 modules for the
released 3, 4 and 2. Ours differs so: (1) any design
can have its shortcuts on or off (``residual``) at the same cost, so a block's last activation stands after the
addition, which without a shortcut is the same as before the concatenation; (2) in the residual design the linear 1×1
convolution leads back to the block's own input width (the paper prints 1154 and 2048 where its reductions put out 1152
and 2144), and a 1×1 convolution to 1536 channels ends the network, as in the one that its authors released: without,
the sums, which nothing normalises, reach the classifier several times as strong as in v4 and a usual rate of learning
is too much; (3) v3 has no auxiliary head here; (4) weights are drawn as in the other families.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.blocks import PooledHead, initialise
from deeper.models.inception import scaled
from deeper.models.layers import SqueezeExcite
from deeper.models.network import Network

Branches = tuple[str, ...]


@dataclass(frozen=True)
class Design:
    """Branches of every block of a network; a stage lists its first blocks, the last one listed repeats."""

    stem: tuple[Branches, ...]
    a: tuple[Branches, ...]
    reduction_a: Branches
    b: tuple[Branches, ...]
    reduction_b: Branches
    c: tuple[Branches, ...]
    last: Branches = ()
    expand: bool = False


_STEM_V4 = (
    ("32@3/2v 32@3v 64@3",),
    ("max/2v", "96@3/2v"),
    ("64 96@3v", "64 64@1x7 64@7x1 96@3v"),
    ("192@3/2v", "max/2v"),
)


def _a_v3(pooled: int) -> Branches:
    return "64", "48 64@5", "64 96@3 96@3", f"average {pooled}"


def _b_v3(c: int) -> Branches:
    return "192", f"{c} {c}@1x7 192@7x1", f"{c} {c}@7x1 {c}@1x7 {c}@7x1 192@1x7", "average 192"


DESIGNS = {
    "v3": Design(
        stem=(("32@3/2v 32@3v 64@3 max/2v 80 192@3v max/2v",),),
        a=(_a_v3(32), _a_v3(64)),
        reduction_a=("384@3/2v", "64 96@3 96@3/2v", "max/2v"),
        b=(_b_v3(128), _b_v3(160), _b_v3(160), _b_v3(192)),
        reduction_b=("192 320@3/2v", "192 192@1x7 192@7x1 192@3/2v", "max/2v"),
        c=(("320", "384 384@1x3|384@3x1", "448 384@3 384@1x3|384@3x1", "average 192"),),
    ),
    "v4": Design(
        stem=_STEM_V4,
        a=(("96", "64 96@3", "64 96@3 96@3", "average 96"),),
        reduction_a=("384@3/2v", "192 224@3 256@3/2v", "max/2v"),
        b=(("384", "192 224@1x7 256@7x1", "192 192@7x1 224@1x7 224@7x1 256@1x7", "average 128"),),
        reduction_b=("192 192@3/2v", "256 256@1x7 320@7x1 320@3/2v", "max/2v"),
        c=(("256", "384 256@1x3|256@3x1", "384 448@3x1 512@1x3 256@1x3|256@3x1", "average 256"),),
    ),
    "resnet": Design(
        stem=_STEM_V4,
        a=(("32", "32 32@3", "32 48@3 64@3"),),
        reduction_a=("384@3/2v", "256 256@3 384@3/2v", "max/2v"),
        b=(("192", "128 160@1x7 192@7x1"),),
        reduction_b=("256 384@3/2v", "256 288@3/2v", "256 288@3 320@3/2v", "max/2v"),
        c=(("192", "192 224@1x3 256@3x1"),),
        last=("1536",),
        expand=True,
    ),
}


@dataclass(frozen=True)
class Layer:
    """A convolution, or a pooling where ``channels`` is 0."""

    channels: int
    height: int
    width: int
    stride: int
    padded: bool
    pool: str = ""

    @property
    def padding(self) -> tuple[int, int]:
        return (self.height // 2, self.width // 2) if self.padded else (0, 0)


_LAYER = re.compile(r"(?:(max|average)|(\d+)(?:@(\d+)(?:x(\d+))?)?)(?:/(\d))?(v?)")


def read_branch(text: str) -> list[list[Layer]]:
    """The layers of a branch: a list of steps, each a list of layers side by side."""
    return [[_read_layer(word) for word in step.split("|")] for step in text.split()]


def _read_layer(word: str) -> Layer:
    pool, channels, height, width, stride, valid = _LAYER.fullmatch(word).groups()
    height = int(height or (3 if pool else 1))
    return Layer(int(channels or 0), height, int(width or height), int(stride or 1), not valid, pool or "")


def unfactorised(steps: list[list[Layer]]) -> list[list[Layer]]:
    """The branch with n×n convolutions where it has 1×n and n×1 ones, one after the other or side by side."""
    whole: list[list[Layer]] = []
    for step in steps:
        first, last = step[0], step[-1]
        if len(step) > 1 and _crossed(first, last):
            step = [_square(first, first.channels + last.channels)]
        if whole and len(step) == 1 and _crossed(whole[-1][0], step[0]):
            step = [_square(step[0], step[0].channels)]
            whole.pop()
        whole.append(step)
    return whole


def _crossed(one: Layer, other: Layer) -> bool:
    return one.height != one.width and (one.height, one.width) == (other.width, other.height)


def _square(layer: Layer, channels: int) -> Layer:
    side = max(layer.height, layer.width)
    return replace(layer, channels=channels, height=side, width=side)


class InceptionBlock(nn.Module):
    """Branches, concatenated; a linear 1×1 convolution if ``expand``; the input added if ``residual``; ReLU.

    A gate weighs what the block puts out, after the ReLU, or with a shortcut what is added to it (arXiv 1709.01507,
    §3.3).

    (N, in_channels, H, W) → (N, out_channels, H', W').

    Args:
        in_channels: of the input.
        branches: what stands side by side, as ``read_branch`` gives it.
        expand: a 1×1 convolution with bias and without normalisation leads back to ``in_channels``.
        residual: the input is added to ``scale`` times the branches.
        scale: of what is added.
        squeeze_excite: channels of the output to one of the gate's bottleneck; 0: no gate.

    Raises:
        ValueError: ``residual`` in a block that changes the number of channels.
    """

    def __init__(
        self,
        in_channels: int,
        branches: Sequence[list[list[Layer]]],
        expand: bool = False,
        residual: bool = False,
        scale: float = 1.0,
        squeeze_excite: int = 0,
    ):
        super().__init__()
        built = [_branch(in_channels, steps, expand) for steps in branches]
        self.branches = nn.ModuleList(branch for branch, _ in built)
        inside = sum(channels for _, channels in built)
        self.out_channels = in_channels if expand else inside
        self.expand = nn.Conv2d(inside, in_channels, 1) if expand else nn.Identity()
        hidden = max(1, self.out_channels // squeeze_excite) if squeeze_excite else 0
        self.gate = SqueezeExcite(self.out_channels, hidden) if hidden else nn.Identity()
        self.residual, self.scale = residual, scale
        if residual and self.out_channels != in_channels:
            raise ValueError(
                f"residual=true: a block leads from {in_channels} to {self.out_channels} channels; "
                "use design v4 or resnet and a width that is a multiple of 4"
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(torch.cat([branch(x) for branch in self.branches], 1))
        return F.relu(x + self.scale * self.gate(y)) if self.residual else self.gate(F.relu(y))


class FactorisedInception(Network):
    """Stem, blocks A, reduction, blocks B, reduction, blocks C, classifier: (N, in_chans, H, W) → (N, num_classes).

    Args:
        design: ``v3``, ``v4`` or ``resnet`` (Inception-ResNet-v2).
        residual: shortcuts around the blocks A, B and C; without them the network costs the same.
        factorised: False joins each pair of 1×n and n×1 convolutions into one of n×n.
        blocks: how many A, B and C there are: 3, 4, 2 in v3 as released; 4, 7, 3 in v4; 5, 10, 5 in
            Inception-ResNet-v2.
        width: channels of the first convolution (32 in the papers); all others are scaled alike.
        stem: ``paper`` (an eighth of the size, unpadded) or ``small`` (the same layers, padded and at full size; the
            reductions are padded too).
        scale: of what a block adds to its shortcut.
        squeeze_excite: channels of a block to one of its gate's bottleneck; 0: no gates.
        dropout: before the classifier (0.2 in v4's paper).
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: an unknown design or stem, not three numbers of blocks, shortcuts where blocks change the width.
    """

    def __init__(
        self,
        design: str = "v4",
        residual: bool = False,
        factorised: bool = True,
        blocks: Sequence[int] = (4, 7, 3),
        width: int = 32,
        stem: str = "paper",
        scale: float = 1.0,
        squeeze_excite: int = 0,
        dropout: float = 0.2,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        super().__init__()
        _check(design, stem, blocks)
        self.rules = width, factorised, stem == "small"
        self.options = {"residual": residual, "scale": scale, "squeeze_excite": squeeze_excite}
        plan = DESIGNS[design]
        self.stem, channels = self._stem(plan.stem, in_chans, still=stem == "small")
        self.a, channels = self._stage(plan.a, channels, blocks[0], plan.expand)
        self.reduction_a, channels = self._plain(plan.reduction_a, channels)
        self.b, channels = self._stage(plan.b, channels, blocks[1], plan.expand)
        self.reduction_b, channels = self._plain(plan.reduction_b, channels)
        self.c, channels = self._stage(plan.c, channels, blocks[2], plan.expand)
        self.last, channels = self._plain(plan.last, channels) if plan.last else (nn.Identity(), channels)
        self.num_features, self.head_dropout = channels, dropout
        self.head = PooledHead(channels, num_classes, dropout)
        initialise(self)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w): a 32nd of the size, with the small stem a quarter."""
        x = self.reduction_a(self.a(self.stem(x)))
        return self.last(self.c(self.reduction_b(self.b(x))))

    def _stem(self, table: tuple[Branches, ...], channels: int, still: bool) -> tuple[nn.Sequential, int]:
        parts = []
        for branches in table:
            part, channels = self._plain(branches, channels, still)
            parts.append(part)
        return nn.Sequential(*parts), channels

    def _stage(self, table: tuple[Branches, ...], channels: int, count: int, expand: bool) -> tuple[nn.Sequential, int]:
        parts = []
        for index in range(count):
            branches = table[min(index, len(table) - 1)]
            parts.append(InceptionBlock(channels, [self._adapt(b) for b in branches], expand, **self.options))
            channels = parts[-1].out_channels
        return nn.Sequential(*parts), channels

    def _plain(self, branches: Branches, channels: int, still: bool = False) -> tuple[InceptionBlock, int]:
        block = InceptionBlock(channels, [self._adapt(branch, still) for branch in branches])
        return block, block.out_channels

    def _adapt(self, branch: str, still: bool = False) -> list[list[Layer]]:
        width, factorised, small = self.rules
        steps = read_branch(branch)
        return [[_fitted(layer, width, small, still) for layer in step] for step in _chosen(steps, factorised)]


def _chosen(steps: list[list[Layer]], factorised: bool) -> list[list[Layer]]:
    return steps if factorised else unfactorised(steps)


def _fitted(layer: Layer, width: int, small: bool, still: bool) -> Layer:
    channels = scaled((layer.channels,), width, 32)[0] if layer.channels else 0
    stride, padded = 1 if still else layer.stride, small or layer.padded
    return replace(layer, channels=channels, stride=stride, padded=padded)


def _branch(in_channels: int, steps: list[list[Layer]], active: bool) -> tuple[nn.Sequential, int]:
    parts, channels = [], in_channels
    for index, step in enumerate(steps):
        active_here = active or index < len(steps) - 1
        layers = [_layer(layer, channels, active_here) for layer in step]
        channels = sum(layer.channels for layer in step) or channels
        parts.append(layers[0] if len(layers) == 1 else SideBySide(*layers))
    return nn.Sequential(*parts), channels


class SideBySide(nn.ModuleList):
    """Several layers on the same input, concatenated."""

    def __init__(self, *layers: nn.Module):
        super().__init__(layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([layer(x) for layer in self], 1)


def _layer(layer: Layer, in_channels: int, active: bool) -> nn.Module:
    if layer.pool == "max":
        return nn.MaxPool2d(layer.height, layer.stride, layer.padding)
    if layer.pool == "average":
        return nn.AvgPool2d(layer.height, layer.stride, layer.padding, count_include_pad=False)
    kernel = (layer.height, layer.width)
    convolution = nn.Conv2d(in_channels, layer.channels, kernel, layer.stride, layer.padding, bias=False)
    parts = [convolution, nn.BatchNorm2d(layer.channels, eps=1e-3)]
    return nn.Sequential(*parts, *([nn.ReLU(inplace=True)] if active else []))


def _check(design: str, stem: str, blocks: Sequence[int]) -> None:
    if design not in DESIGNS:
        raise ValueError(f"design={design!r}: it must be one of {', '.join(DESIGNS)}")
    if stem not in ("paper", "small"):
        raise ValueError(f"stem={stem!r}: it must be paper or small")
    if len(blocks) != 3 or min(blocks) < 1:
        raise ValueError(f"blocks={list(blocks)}: it must be three numbers from 1, of blocks A, B and C")
