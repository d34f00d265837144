"""Activations that a configuration chooses by name."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from deeper.models.parts.checks import check_choice


class ScaledTanh(nn.Module):
    """1.7159 tanh(2x/3), which is near ±1 at ±1 (LeCun et al., 1998, appendix A)."""

    def forward(self, x: Tensor) -> Tensor:
        return 1.7159 * torch.tanh(2 / 3 * x)


ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    "relu": lambda: nn.ReLU(inplace=True),
    "relu6": lambda: nn.ReLU6(inplace=True),
    "tanh": nn.Tanh,
    "sigmoid": nn.Sigmoid,
    "silu": lambda: nn.SiLU(inplace=True),
    "elu": lambda: nn.ELU(inplace=True),
    "gelu": nn.GELU,
    "hard_swish": lambda: nn.Hardswish(inplace=True),
    "scaled_tanh": ScaledTanh,
}


def make_activation(name: str) -> nn.Module:
    """The activation ``name``: relu, relu6, tanh, sigmoid, silu, elu, gelu, hard_swish or scaled_tanh.

    Raises:
        ValueError: another name.
    """
    check_choice("activation", name, ACTIVATIONS)
    return ACTIVATIONS[name]()
