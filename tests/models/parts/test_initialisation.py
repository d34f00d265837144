import pytest
import torch
from torch import nn

from deeper.models.parts.initialisation import initialise


@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_the_start_keeps_the_signal(activation):
    """Ten layers on, a number's mean square is within a factor of three of the first layer's (tanh: it shrinks)."""
    torch.manual_seed(0)
    step = {"relu": nn.ReLU, "tanh": nn.Tanh}[activation]
    layers = [nn.Sequential(nn.Linear(300, 300), step()) for _ in range(10)]
    initialise(nn.Sequential(*layers), "in", activation)
    x = 0.1 * torch.randn(50, 300)
    squares = [(x := layer(x)).square().mean().item() for layer in layers]
    assert 1 / 3 < squares[-1] / squares[0] < 3
