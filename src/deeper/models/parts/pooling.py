"""Pooling: by name, and to a grid of fixed size."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from deeper.models.parts.checks import check_choice

POOLS: dict[str, Callable[..., nn.Module]] = {"max": nn.MaxPool2d, "average": nn.AvgPool2d}


def make_pool(
    name: str, kernel: int, stride: int | None = None, padding: int = 0, ceil_mode: bool = False
) -> nn.Module:
    """A pooling layer, ``max`` or ``average``: (N, C, H, W) → (N, C, H', W').

    Raises:
        ValueError: another name.
    """
    check_choice("pool", name, POOLS)
    return POOLS[name](kernel, stride, padding, ceil_mode=ceil_mode)


class GridAverage(nn.Module):
    """Averages maps to ``grid`` × ``grid``: (N, C, H, W) → (N, C, grid, grid).

    The cells are those of adaptive average pooling: they overlap where the grid does not divide the size, and repeat
    where it is larger. Each is a plain mean, whose backward pass is deterministic on every device. Maps of the grid's
    own size pass untouched.

    Raises:
        ValueError: a grid less than 1.
    """

    def __init__(self, grid: int):
        super().__init__()
        if grid < 1:
            raise ValueError(f"grid={grid}: it must be at least 1")
        self.grid = grid

    def forward(self, x: Tensor) -> Tensor:
        return self._averaged(self._averaged(x, 2), 3)

    def _averaged(self, x: Tensor, axis: int) -> Tensor:
        size, grid = x.shape[axis], self.grid
        if size == grid:
            return x
        edges = [(cell * size // grid, -(-(cell + 1) * size // grid)) for cell in range(grid)]
        return torch.stack([x.narrow(axis, start, end - start).mean(axis) for start, end in edges], axis)

    def extra_repr(self) -> str:
        return f"grid={self.grid}"
