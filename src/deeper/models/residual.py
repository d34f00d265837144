"""Plain and residual networks: one class, with the switches that the papers added one after another.

- He, Zhang, Ren, Sun, *Deep residual learning for image recognition*, arXiv 1512.03385. §4.2: for small images a 3×3
  convolution, three stages of n blocks at sizes s, s/2 and s/4 with widths w, 2w and 4w, a linear classifier on the
  global average, 6n+2 layers. §3 and table 1: for ImageNet a 7×7 convolution, a maximum over 3×3 and four stages of
  two-layer blocks (18, 34 layers) or bottlenecks (50, 101, 152). A plain network is the same without shortcuts. The
  paper's bottleneck halves the size in its first 1×1 convolution, later practice in the 3×3 one (``stride_on``).
- He, Zhang, Ren, Sun, *Identity mappings in deep residual networks*, arXiv 1603.05027: ``order="pre"``. The first
  block starts from the stem's activated output, the last sum is normalised and activated (its appendix). Where the
  size changes the paper's text leaves the shortcut open; ours are B, not normalised, as in the counts published.
- Zagoruyko, Komodakis, *Wide residual networks*, arXiv 1605.07146: ``widen``, ``dropout``; depth 6n+4, as it counts
  the three projections but not the classifier (``beside=4``). WRN-50-2 has ``branch_width=128``.
- Xie et al., *Aggregated residual transformations*, arXiv 1611.05431: ``cardinality``, ``branch_width``, ``branches``.
- Hu et al., *Squeeze-and-excitation networks*, arXiv 1709.01507: ``squeeze``.
- Huang et al., *Deep networks with stochastic depth*, arXiv 1603.09382: ``survival``.
- Zhang et al., *Residual networks of residual networks*, arXiv 1608.02908: ``levels``. The outer shortcuts are
  projections (type B); the last block under a shortcut adds it before its own activation.
"""

import math
from collections.abc import Sequence
from dataclasses import replace

from torch import Tensor, nn

from deeper.models.blocks import PooledHead, check_depth, conv, initialise
from deeper.models.dropping import linear_decay
from deeper.models.layers import make_activation, make_norm
from deeper.models.network import Network
from deeper.models.residual_blocks import (
    BLOCKS,
    EXPANSION,
    LAYERS,
    NoOuterShortcut,
    OuterShortcut,
    Place,
    Style,
    activated,
)
from deeper.models.resnext import Aggregated, Concatenated

IMAGENET = {
    "basic": {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)},
    "bottleneck": {50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3), 200: (3, 24, 36, 3)},
}
CHOICES = {
    "block": tuple(BLOCKS),
    "order": ("post", "pre"),
    "stem": ("small", "imagenet"),
    "stride_on": ("1x1", "3x3"),
    "levels": (1, 2, 3),
}


class ResidualNetwork(Network):
    """A plain or residual network: (N, in_chans, H, W) → (N, num_classes).

    Args:
        depth: weight layers: with the small stem 6n+2 (``basic``) or 9n+2 (``bottleneck``), see ``beside``; with the
            ImageNet stem 18, 34 (``basic``), 50, 101, 152 or 200 (``bottleneck``). None where ``blocks`` says it.
        width: channels of the stem; stage i = 0, 1, … has blocks of width · widen · 2^i, four times that at a
            bottleneck's ends.
        shortcut: ``none`` (plain), ``A`` (zero-padded), ``B`` (projected where the size changes) or ``C`` (projected).
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.
        dropout: rate before the last convolution of a block.
        norm: after convolutions: ``batch`` (True), ``none`` (False) or ``lrn``.
        activation: a name of ``deeper.models.layers``.
        block: ``basic`` (two 3×3 convolutions) or ``bottleneck``.
        order: ``post`` (activation after the sum) or ``pre`` (before the convolutions).
        stem: ``small`` (3×3) or ``imagenet`` (7×7 and pooling, a quarter of the size).
        blocks: blocks of each stage; None leaves it to ``depth``.
        beside: layers that ``depth`` counts beside the blocks: 2, for wide networks 4.
        widen: factor k on the widths of the stages.
        cardinality: branches of a bottleneck.
        branch_width: channels of one branch in the first stage; None is width · widen.
        branches: their form: ``grouped``, ``concatenated`` or ``aggregated``.
        stride_on: the convolution of a bottleneck that halves the size, ``1x1`` or ``3x3``.
        squeeze: reduction r of squeeze-and-excitation; 0 is without.
        squeeze_bias: whether its two linear maps have biases.
        survival: probability of the last block to be computed in a training step; it falls linearly from 1.
        levels: levels of shortcuts: 1, 2 (one around all) or 3 (and one around each stage).
        enter_first: with ``order="pre"``, normalise and activate before the first block too, although the stem did.

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
        dropout: float = 0.0,
        norm: bool | str = True,
        activation: str = "relu",
        block: str = "basic",
        order: str = "post",
        stem: str = "small",
        blocks: Sequence[int] | None = None,
        beside: int = 2,
        widen: int = 1,
        cardinality: int = 1,
        branch_width: int | None = None,
        branches: str = "grouped",
        stride_on: str = "3x3",
        squeeze: int = 0,
        squeeze_bias: bool = True,
        survival: float = 1.0,
        levels: int = 1,
        enter_first: bool = False,
    ):
        super().__init__()
        _check(block=block, order=order, stem=stem, stride_on=stride_on, levels=levels)
        if not 0 < survival <= 1:
            raise ValueError(f"survival={survival}: it must be more than 0 and at most 1")
        if survival < 1 and shortcut == "none":
            raise ValueError(f"survival={survival}: a plain network has no shortcut that could survive alone")
        if block == "basic" and (cardinality > 1 or branch_width):
            raise ValueError("cardinality and branch_width: only bottlenecks have branches")
        if cardinality > 1 and not branch_width:
            raise ValueError(f"cardinality={cardinality}: it needs branch_width, the channels of one branch")
        plan = _plan(depth, blocks, block, stem, beside)
        style = Style(
            shortcut,
            order,
            {True: "batch", False: "none"}.get(norm, norm),
            activation,
            dropout,
            cardinality,
            branches,
            stride_on,
            squeeze,
            squeeze_bias,
        )
        stages = _places(plan, width, width * widen, branch_width or width * widen, EXPANSION[block], survival, levels)
        stages[0][0] = replace(stages[0][0], first=not enter_first)
        channels = stages[-1][-1].out_channels
        self.stem = _stem(stem, in_chans, width, style)
        self.stages = nn.Sequential(*(nn.Sequential(*(BLOCKS[block](p, style) for p in stage)) for stage in stages))
        self.outers = nn.ModuleList(_around(stage, style, stage is not stages[-1], levels == 3) for stage in stages)
        self.root = _around([place for stage in stages for place in stage], style, True, levels > 1)
        self.last = activated(style, channels) if order == "pre" else nn.Identity()
        self.num_features = channels
        self.head = PooledHead(channels, num_classes)
        initialise(self)
        for part in self.modules():
            if isinstance(part, Aggregated | Concatenated):
                part.start()

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, ⌈H/4⌉, ⌈W/4⌉); with the ImageNet stem ⌈H/32⌉, ⌈W/32⌉."""
        start = x = self.stem(x)
        for stage, outer in zip(self.stages, self.outers, strict=True):
            x = outer(stage(x), x)
        return self.last(self.root(x, start))


def _check(**chosen) -> None:
    for name, value in chosen.items():
        if value not in CHOICES[name]:
            raise ValueError(f"{name}={value!r}: it must be one of {', '.join(map(str, CHOICES[name]))}")


def _plan(depth: int | None, blocks: Sequence[int] | None, block: str, stem: str, beside: int) -> list[int]:
    """Blocks of each stage."""
    if (depth is None) == (blocks is None):
        raise ValueError("ResidualNetwork: either depth or blocks, and null for the other")
    if blocks is not None:
        if not blocks or min(blocks) < 1:
            raise ValueError(f"blocks={list(blocks)}: at least one block in each stage")
        return list(blocks)
    if stem == "small":
        return [check_depth(depth, 3 * LAYERS[block], "ResidualNetwork", beside)] * 3
    known = IMAGENET[block]
    if depth not in known:
        depths = ", ".join(map(str, known))
        raise ValueError(f"depth={depth}: with {block} blocks for ImageNet it is one of {depths}, or null with blocks")
    return list(known[depth])


def _places(
    plan: list[int], stem: int, width: int, branch: int, expansion: int, survival: float, levels: int
) -> list[list[Place]]:
    """Where every block of every stage stands."""
    survivals = iter(linear_decay(survival, sum(plan)))
    stages, channels = [], stem
    for index, count in enumerate(plan):
        out = width * expansion * 2**index
        summed_outside = levels == 3 or (levels == 2 and index == len(plan) - 1)
        stages.append(
            [
                Place(
                    channels if number == 0 else out,
                    branch * 2**index,
                    out,
                    stride=2 if number == 0 < index else 1,
                    survival=next(survivals),
                    activates=not (summed_outside and number == count - 1),
                )
                for number in range(count)
            ]
        )
        channels = out
    return stages


def _around(places: list[Place], style: Style, activates: bool, wanted: bool) -> nn.Module:
    if not wanted:
        return NoOuterShortcut()
    stride = math.prod(place.stride for place in places)
    first, last = places[0], places[-1]
    return OuterShortcut(Place(first.in_channels, 0, last.out_channels, stride, activates=activates), style)


def _stem(kind: str, in_chans: int, width: int, style: Style) -> nn.Sequential:
    size = 3 if kind == "small" else 7
    layers = [conv(in_chans, width, size, 1 if kind == "small" else 2), make_norm(style.norm, width)]
    layers.append(make_activation(style.activation))
    if kind == "imagenet":
        layers.append(nn.MaxPool2d(3, 2, 1))
    return nn.Sequential(*layers)
