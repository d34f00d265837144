"""A vision transformer, which is no convolutional network: a reference beside them.

Dosovitskiy et al., *An image is worth 16x16 words*, arXiv 2010.11929, §3.1: patches of the image are words; each layer
lets every patch look at all others (self-attention) and sends it through two linear layers, both beside a shortcut and
after layer normalisation. ``positions="fixed"`` and ``class_token=False`` are those of Beyer, Zhai, Kolesnikov, *Better
plain ViT baselines for ImageNet-1k*, arXiv 2205.01580: sines and cosines of the place, and the average over patches.
They take images of any size.

Attention is written out, as its fused backward pass is not deterministic on every device. Ours starts with truncated
normals of deviation 0.02; the authors' code draws linear layers as Glorot and Bengio do and starts its classifier at
zero.
"""

import math
from typing import Any

import torch
from torch import Tensor, nn

from deeper.models.network import Network
from deeper.models.parts.checks import check_choice, check_rate
from deeper.models.parts.heads import NormedHead
from deeper.models.parts.initialisation import initialise_truncated


class Attention(nn.Module):
    """Self-attention with several heads: (N, T, C) → the same (arXiv 1706.03762, §3.2)."""

    def __init__(self, channels: int, heads: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(channels, 3 * channels)
        self.out = nn.Linear(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        count, tokens, channels = x.shape
        query, key, value = self.qkv(x).view(count, tokens, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        weights = (query @ key.transpose(2, 3) / math.sqrt(channels // self.heads)).softmax(-1)
        return self.out((weights @ value).transpose(1, 2).reshape(count, tokens, channels))


class TransformerBlock(nn.Module):
    """Attention and two linear layers with GELU between, each after a normalisation and beside a shortcut."""

    def __init__(self, channels: int, heads: int, expansion: int, dropout: float):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels, eps=1e-6)
        self.attention = Attention(channels, heads)
        self.norm2 = nn.LayerNorm(channels, eps=1e-6)
        self.expand = nn.Linear(channels, channels * expansion)
        self.activation = nn.GELU()
        self.reduce = nn.Linear(channels * expansion, channels)
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.dropout(self.attention(self.norm1(x)))
        return x + self.dropout(self.reduce(self.activation(self.expand(self.norm2(x)))))


class VisionTransformer(Network):
    """ViT: (N, in_chans, H, W) → (N, num_classes). H and W are multiples of ``patch``.

    Args:
        patch: pixels a side of a patch.
        width: channels of each patch.
        depth: layers.
        heads: of the attention; they divide ``width``.
        expansion: hidden channels of the linear layers over ``width``.
        positions: ``learned`` (for images of ``grid`` patches a side) or ``fixed``.
        grid: patches a side; only ``learned`` needs it.
        class_token: whether a token of its own is classified, as in the paper, or the average of the patches.
        dropout: after attention and linear layers.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: heads that do not divide ``width``, unknown positions, an image that does not fit.
    """

    def __init__(
        self,
        patch: int = 16,
        width: int = 384,
        depth: int = 12,
        heads: int = 6,
        expansion: int = 4,
        positions: str = "learned",
        grid: int = 14,
        class_token: bool = True,
        dropout: float = 0.0,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        super().__init__()
        check_choice("positions", positions, ("learned", "fixed"))
        check_rate(dropout=dropout)
        if width % heads or width % 4:
            raise ValueError(f"heads={heads}: they must divide width={width}, and 4 as well")
        self.patches = nn.Conv2d(in_chans, width, patch, patch)
        self.patch, self.grid = patch, grid
        self.token = nn.Parameter(torch.zeros(1, 1, width)) if class_token else None
        tokens = grid**2 + int(class_token)
        self.places = nn.Parameter(torch.zeros(1, tokens, width)) if positions == "learned" else None
        self.blocks = nn.Sequential(*(TransformerBlock(width, heads, expansion, dropout) for _ in range(depth)))
        self.norm = nn.LayerNorm(width, eps=1e-6)
        self.num_features = width
        self.head = self.new_head(num_classes)
        initialise_truncated(self)
        if self.places is not None and not self.places.is_meta:
            nn.init.trunc_normal_(self.places, std=0.02)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, width, h, w); with a class token (N, width, 1 + h·w, 1), the token first."""
        if x.shape[2] % self.patch or x.shape[3] % self.patch:
            raise ValueError(f"images of {x.shape[2]}×{x.shape[3]} cannot be cut into patches of {self.patch}")
        x = self.patches(x)
        height, width = x.shape[2:]
        x = x.flatten(2).transpose(1, 2)
        if self.places is None:
            x = x + fixed_places(height, width, self.num_features).to(x)
        if self.token is not None:
            x = torch.cat([self.token.expand(len(x), -1, -1), x], 1)
        if self.places is not None:
            if (height, width) != (self.grid, self.grid):
                raise ValueError(f"learned positions are for {self.grid}×{self.grid} patches, not {height}×{width}")
            x = x + self.places
        x = self.norm(self.blocks(x)).transpose(1, 2)
        return x.unsqueeze(3) if self.token is not None else x.unflatten(2, (height, width))

    @property
    def feature_info(self) -> list[dict[str, Any]]:
        """The layers, as timm has them: all of one width and size."""
        names = (f"blocks.{number}" for number in range(len(self.blocks)))
        return [{"num_chs": self.num_features, "reduction": self.patch, "module": name} for name in names]

    def intermediate(self, output: Tensor, x: Tensor, norm: bool) -> Tensor:
        """Tokens as a map, without the class token; ``norm``: after the last normalisation."""
        tokens = self.norm(output) if norm else output
        patches = tokens[:, int(self.token is not None) :].transpose(1, 2)
        return patches.unflatten(2, tuple(side // self.patch for side in x.shape[2:]))

    def new_head(self, num_classes: int) -> nn.Module:
        """A fresh head of ``num_classes`` outputs (0: none)."""
        head = NormedHead(self.num_features, num_classes, first=self.token is not None, norm=False)
        initialise_truncated(head)
        return head


def fixed_places(height: int, width: int, channels: int) -> Tensor:
    """Sines and cosines of row and column: (1, height · width, channels), for channels that 4 divides."""
    quarter = channels // 4
    rates = 1 / 10000 ** (torch.arange(quarter, dtype=torch.float64, device="cpu") / max(1, quarter - 1))
    rows, columns = torch.meshgrid(
        *(torch.arange(side, dtype=torch.float64, device="cpu") for side in (height, width)), indexing="ij"
    )
    waves = [axis.flatten()[:, None] * rates for axis in (columns, rows)]
    return torch.cat([wave for axis in waves for wave in (axis.sin(), axis.cos())], 1)[None]
