"""Plain and residual networks.

He, Zhang, Ren, Sun, *Deep residual learning for image recognition*, arXiv 1512.03385.

- Small images (§4.2): a 3×3 convolution, then three stages of n blocks at sizes s, s/2 and s/4 with widths w, 2w and
  4w, then a linear classifier on the global average: 6n+2 layers.
- ImageNet (§3 and table 1): a 7×7 convolution, a 3×3 max pooling, and four stages of two-layer blocks (18 and 34
  layers) or bottlenecks (50, 101, 152).

A plain network is the same without shortcuts. Ours differs in bottlenecks: they halve the size in the 3×3 convolution,
as later practice does; ``stride_on="1x1"`` is the paper's. What later papers changed is a switch of ``Style``, told in
``deeper.models.residual_blocks``: pre-activation, wide networks, ResNeXt, squeeze-and-excitation, stochastic depth,
outer shortcuts, ResNet-D. Padded shortcuts (A) have half of their zeros before the channels; the paper does not say
where. Classifiers start with a deviation of 0.01.
"""

from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn

from deeper.models.network import Network
from deeper.models.parts.checks import check_choice, check_depth
from deeper.models.parts.convolution import conv_norm
from deeper.models.parts.drop_path import linear_decay
from deeper.models.parts.heads import PooledHead
from deeper.models.parts.initialisation import initialise
from deeper.models.residual_blocks import BLOCKS, EXPANSION, LAYERS, Block, Place, Style, norm_activation
from deeper.models.residual_levels import leave_activation, outer_shortcuts
from deeper.models.resnext import start_branches

IMAGENET = {
    "basic": {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)},
    "bottleneck": {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)},
}
"""Blocks of each stage by depth: table 1, and 200 layers of arXiv 1603.05027."""


class ResidualNetwork(Network):
    """A plain or residual network: (N, in_chans, H, W) → (N, num_classes).

    Args:
        depth: weight layers: with the small stem 6n+2 (``basic``) or 9n+2 (``bottleneck``), with the ImageNet stem
            those of table 1. None where ``blocks`` says it.
        width: channels of the stem; stage i = 0, 1, … has blocks of width · widen · 2^i, four times that at a
            bottleneck's ends.
        shortcut: ``none`` (plain), ``A`` (zero-padded), ``B`` (projected where the size changes) or ``C`` (projected).
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.
        block: ``basic`` (two 3×3 convolutions) or ``bottleneck``.
        stem: ``small`` (3×3) or ``imagenet`` (7×7 and pooling, a quarter of the size).
        blocks: blocks of each stage; None leaves it to ``depth``.
        beside: layers that ``depth`` counts beside the blocks. Wide networks have 4, as they count three projections
            but not the classifier (arXiv 1605.07146).
        norm: after convolutions: ``batch`` (True), ``none`` (False) or ``lrn``.
        switches: the other fields of ``Style``.

    Raises:
        ValueError: an impossible depth, an unknown name, or switches that exclude each other.
    """

    def __init__(
        self,
        depth: int | None = 20,
        width: int = 16,
        shortcut: str = "A",
        in_chans: int = 3,
        num_classes: int = 10,
        block: str = "basic",
        stem: str = "small",
        blocks: Sequence[int] | None = None,
        beside: int = 2,
        norm: bool | str = True,
        **switches: Any,
    ):
        super().__init__()
        style = Style(block, shortcut, norm={True: "batch", False: "none"}.get(norm, norm), **switches)
        stages = _places(_blocks(depth, blocks, block, stem, beside), width, style)
        self.stem = _stem(stem, in_chans, width, style)
        self.stages = nn.Sequential(*(nn.Sequential(*(BLOCKS[block](p, style) for p in stage)) for stage in stages))
        self.outers, self.root = outer_shortcuts(stages, style)
        self.num_features = stages[-1][-1].out_channels
        # Pre-activated blocks end with a bare sum: the last one is normalised and activated (1603.05027, appendix).
        self.last = norm_activation(style, self.num_features) if style.pre else nn.Identity()
        self.head = PooledHead(self.num_features, num_classes)
        initialise(self)
        start_branches(self)
        if style.zero_last:
            for block in self.stages.modules():
                if isinstance(block, Block):
                    nn.init.zeros_(block.last_norm.weight)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, ⌈H/4⌉, ⌈W/4⌉); with the ImageNet stem ⌈H/32⌉, ⌈W/32⌉."""
        start = x = self.stem(x)
        for stage, outer in zip(self.stages, self.outers, strict=True):
            x = outer(stage(x), x)
        return self.last(self.root(x, start))


def _blocks(depth: int | None, blocks: Sequence[int] | None, block: str, stem: str, beside: int) -> list[int]:
    """Blocks of each stage."""
    check_choice("stem", stem, ("small", "imagenet"))
    if (depth is None) == (blocks is None):
        raise ValueError("ResidualNetwork: either depth or blocks, and null for the other")
    if blocks is not None:
        if not blocks or min(blocks) < 1:
            raise ValueError(f"blocks={list(blocks)}: at least one block in each stage")
        return list(blocks)
    if stem == "small":
        return [check_depth(depth, 3 * LAYERS[block], "ResidualNetwork", beside)] * 3
    if depth not in IMAGENET[block]:
        depths = ", ".join(map(str, IMAGENET[block]))
        raise ValueError(f"depth={depth}: with {block} blocks for ImageNet it is one of {depths}, or null with blocks")
    return list(IMAGENET[block][depth])


def _places(blocks: list[int], width: int, style: Style) -> list[list[Place]]:
    """Where every block of every stage stands: the first of a later stage halves the size and doubles the width."""
    survivals = iter(linear_decay(style.survival, sum(blocks)))
    stages, channels = [], width
    for index, count in enumerate(blocks):
        stage, wide = [], width * style.widen * 2**index
        branch, out = (style.branch_width or width * style.widen) * 2**index, wide * EXPANSION[style.block]
        for number in range(count):
            stride = 2 if number == 0 < index else 1
            after_stem = index == number == 0 and not style.enter_first
            stage.append(Place(channels, branch, out, stride, next(survivals), activated=after_stem))
            channels = out
        stages.append(stage)
    return leave_activation(stages, style.levels)


def _stem(kind: str, in_chans: int, width: int, style: Style) -> nn.Sequential:
    kernel, stride, pool = (3, 1, []) if kind == "small" else (7, 2, [nn.MaxPool2d(3, 2, 1)])
    usual = {"norm": style.norm, "activation": style.activation, "bias": False}
    if not style.deep_stem:
        return nn.Sequential(*conv_norm(in_chans, width, kernel, stride, **usual), *pool)
    half = max(1, width // 2)
    first, second = conv_norm(in_chans, half, 3, stride, **usual), conv_norm(half, half, 3, **usual)
    return nn.Sequential(*first, *second, *conv_norm(half, width, 3, **usual), *pool)
