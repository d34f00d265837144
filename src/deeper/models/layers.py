"""Layers that a configuration can choose by name: activations, normalisations, poolings, squeeze-and-excitation."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from deeper.models.local_response import LocalResponse

ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "relu6": lambda: nn.ReLU6(inplace=True),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "silu": lambda: nn.SiLU(inplace=True),
    "elu": lambda: nn.ELU(inplace=True),
    "gelu": nn.GELU,
}
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda channels: nn.Identity(),
    "batch": nn.BatchNorm2d,
    "lrn": lambda channels: LocalResponse(),
}
POOLS: dict[str, Callable[..., nn.Module]] = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


def make_activation(name: str) -> nn.Module:
    """The activation ``name``: relu, relu6, tanh, sigmoid, silu, elu or gelu.

    Raises:
        ValueError: another name.
    """
    return _chosen("activation", name, ACTIVATIONS)()


def make_norm(name: str, channels: int) -> nn.Module:
    """What stands after a convolution of ``channels`` channels: ``none``, ``batch`` or ``lrn``.

    ``lrn`` is the local response normalisation of Krizhevsky et al. (2012, §3.3) with their constants.

    Raises:
        ValueError: another name.
    """
    return _chosen("norm", name, NORMS)(channels)


def make_pool(
    name: str, kernel: int, stride: int | None = None, padding: int = 0, ceil_mode: bool = False
) -> nn.Module:
    """A pooling layer, ``max`` or ``average``: (N, C, H, W) → (N, C, H', W').

    Raises:
        ValueError: another name.
    """
    return _chosen("pool", name, POOLS)(kernel, stride, padding, ceil_mode=ceil_mode)


class SqueezeExcite(nn.Module):
    """Re-scales each channel by a gate computed from all of them (Hu et al., arXiv 1709.01507, §3).

    (N, channels, H, W) → the same. The average is a mean over the axes, whose backward pass is deterministic.

    Args:
        channels: of the input.
        hidden: width of the bottleneck (``channels / 16`` in the paper).
        bias: whether the two linear maps have biases.
        activation: between them.
    """

    def __init__(self, channels: int, hidden: int, bias: bool = True, activation: str = "relu"):
        super().__init__()
        self.reduce = nn.Conv2d(channels, hidden, 1, bias=bias)
        self.activation = make_activation(activation)
        self.expand = nn.Conv2d(hidden, channels, 1, bias=bias)

    def forward(self, x: Tensor) -> Tensor:
        gate = self.expand(self.activation(self.reduce(x.mean((2, 3), keepdim=True))))
        return x * torch.sigmoid(gate)


def _chosen(what: str, name: str, known: dict):
    if name not in known:
        raise ValueError(f"{what}={name!r}: it must be one of {', '.join(known)}")
    return known[name]
