"""Leaving parts of a network out at random in training: for the whole batch, or for single samples.

A part that decides for the whole batch has a method ``draw(generator)``. The trainer calls it before every step with a
generator seeded by (seed, step), the same on every rank and after a resume, so all ranks leave out the same. A network
used without the trainer draws from torch's own stream. ``drop_samples`` decides for each sample and always draws from
torch's own stream.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn


class SharedDraw(nn.Module):
    """Base of parts that decide for the whole batch: ``drawn`` uniform numbers in [0, 1) a step."""

    def __init__(self, drawn: int = 1):
        super().__init__()
        self.drawn = drawn
        self._numbers: list[float] | None = None

    def draw(self, generator: torch.Generator) -> None:
        """Draw the numbers of the next forward pass in training mode."""
        self._numbers = torch.rand(self.drawn, generator=generator).tolist()

    def numbers(self) -> list[float]:
        """The numbers of this forward pass; they serve once."""
        numbers, self._numbers = self._numbers, None
        return torch.rand(self.drawn, device="cpu").tolist() if numbers is None else numbers


class StochasticDepth(SharedDraw):
    """Runs a residual branch with probability ``survival`` in training (Huang et al., arXiv 1603.09382, §3).

    A dropped branch is not computed at all, for the whole batch. At test the branch is scaled by ``survival``.
    """

    def __init__(self, survival: float):
        super().__init__()
        if not 0 < survival <= 1:
            raise ValueError(f"survival={survival}: it must be more than 0 and at most 1")
        self.survival = survival

    def forward(self, branch: Callable[[Tensor], Tensor], x: Tensor) -> Tensor | None:
        """``branch(x)``, or None where it is dropped."""
        if self.survival == 1:
            return branch(x)
        if not self.training:
            return branch(x) * self.survival
        return branch(x) if self.numbers()[0] < self.survival else None

    def extra_repr(self) -> str:
        return f"survival={self.survival:g}"


def linear_decay(last: float, blocks: int) -> list[float]:
    """Survival probabilities 1 - l/L·(1 - last) of blocks l = 1…L (arXiv 1603.09382, eq. 4)."""
    return [1 - (block / blocks) * (1 - last) for block in range(1, blocks + 1)]


def drop_samples(x: Tensor, rate: float | Tensor) -> Tensor:
    """Zero each sample of ``x`` (N, C, H, W) with probability ``rate``; divide the others by 1 - ``rate``."""
    kept = torch.rand((len(x), 1, 1, 1), dtype=x.dtype, device=x.device) >= rate
    return x * (kept.to(x.dtype) / (1 - rate))
