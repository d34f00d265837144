"""Shortcuts around many blocks.

Zhang, Sun, Han, Yuan, Guo, *Residual networks of residual networks*, arXiv 1608.02908, §III. Two levels put one
shortcut around all blocks, three also one around each stage. Ours are projections (type B), and the last block under
a shortcut leaves its activation to that shortcut's sum.
"""

import math
from dataclasses import replace

from torch import Tensor, nn

from deeper.models.parts.activation import make_activation
from deeper.models.parts.shortcuts import make_shortcut
from deeper.models.residual_blocks import Place, Style


class OuterShortcut(nn.Module):
    """A projected shortcut around many blocks: y, x → y + shortcut(x)."""

    def __init__(self, blocks: list[Place], style: Style, activates: bool):
        super().__init__()
        stride = math.prod(place.stride for place in blocks)
        norm = "none" if style.pre else style.norm
        self.shortcut = make_shortcut("B", blocks[0].in_channels, blocks[-1].out_channels, stride, norm)
        self.last = make_activation(style.activation) if activates and not style.pre else nn.Identity()

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        return self.last(y + self.shortcut(x))


class NoOuterShortcut(nn.Module):
    """Nothing around these blocks: y, x → y."""

    def forward(self, y: Tensor, x: Tensor) -> Tensor:
        return y


def leave_activation(stages: list[list[Place]], levels: int) -> list[list[Place]]:
    """The stages with every last block under an outer shortcut left without its activation."""
    first_under = {1: len(stages), 2: len(stages) - 1, 3: 0}[levels]
    under = [[*stage[:-1], replace(stage[-1], activates=False)] for stage in stages[first_under:]]
    return stages[:first_under] + under


def outer_shortcuts(stages: list[list[Place]], style: Style) -> tuple[nn.ModuleList, nn.Module]:
    """What goes around each stage, and what goes around all."""
    outers = [
        OuterShortcut(stage, style, activates=stage is not stages[-1]) if style.levels == 3 else NoOuterShortcut()
        for stage in stages
    ]
    blocks = [place for stage in stages for place in stage]
    root = OuterShortcut(blocks, style, activates=True) if style.levels > 1 else NoOuterShortcut()
    return nn.ModuleList(outers), root
