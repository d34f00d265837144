"""Squeeze-and-excitation (Hu, Shen, Sun, *Squeeze-and-excitation networks*, arXiv 1709.01507)."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.parts.activation import make_activation


class SqueezeExcite(nn.Module):
    """Re-scales each channel by a gate computed from all of them (arXiv 1709.01507, §3).

    (N, channels, H, W) → the same. The average is a mean over the axes, whose backward pass is deterministic.

    Args:
        channels: of the input.
        hidden: width of the bottleneck (``channels / 16`` in the paper).
        bias: whether the two linear maps have biases.
        activation: between them.
        hard: a gate of straight lines in the place of the sigmoid, as in MobileNet v3 (arXiv 1905.02244, §5.2).
    """

    def __init__(self, channels: int, hidden: int, bias: bool = True, activation: str = "relu", hard: bool = False):
        super().__init__()
        self.reduce = nn.Conv2d(channels, hidden, 1, bias=bias)
        self.activation = make_activation(activation)
        self.expand = nn.Conv2d(hidden, channels, 1, bias=bias)
        self.hard = hard

    def forward(self, x: Tensor) -> Tensor:
        gate = self.expand(self.activation(self.reduce(x.mean((2, 3), keepdim=True))))
        return x * (F.hardsigmoid(gate) if self.hard else torch.sigmoid(gate))


def reduced(channels: int, reduction: int) -> int:
    """Hidden width of a gate: ``channels / reduction``, at least 1; 0, which is no gate, for ``reduction`` 0.

    Raises:
        ValueError: a negative reduction.
    """
    if reduction < 0:
        raise ValueError(f"squeeze_excite={reduction}: it must be 0 (none) or how many channels share a hidden one")
    return max(1, channels // reduction) if reduction else 0


def make_gate(channels: int, reduction: int, bias: bool = True) -> nn.Module:
    """Squeeze-and-excitation of ``channels`` channels with ``channels / reduction`` hidden ones; 0: none."""
    hidden = reduced(channels, reduction)
    return SqueezeExcite(channels, hidden, bias) if hidden else nn.Identity()
