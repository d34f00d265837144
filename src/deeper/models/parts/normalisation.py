"""Normalisations that a configuration chooses by name, and the local one of AlexNet."""

from collections.abc import Callable

import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.parts.checks import check_choice


class LocalResponse(nn.Module):
    """Local response normalisation across channels (Krizhevsky, Sutskever, Hinton, NeurIPS 2012, §3.3).

    Divides each number by (k + α · the sum of the squares of its ``size`` neighbours in channel) to the power β:
    (N, C, H, W) → the same. α multiplies the sum, as in the paper. ``torch.nn.LocalResponseNorm`` multiplies the mean,
    and its backward pass is not deterministic on CUDA; this one's is.

    Args:
        size: channels in the sum, with the channel itself in the middle; odd.
        alpha: weight of the sum.
        beta: the power.
        k: added to the sum.

    Raises:
        ValueError: an even or negative size.
    """

    def __init__(self, size: int = 5, alpha: float = 1e-4, beta: float = 0.75, k: float = 2.0):
        super().__init__()
        if size < 1 or size % 2 == 0:
            raise ValueError(f"size={size}: it must be odd and positive")
        self.size, self.alpha, self.beta, self.k = size, alpha, beta, k

    def forward(self, x: Tensor) -> Tensor:
        channels, margin = x.shape[1], self.size // 2
        squares = F.pad(x.square(), (0, 0, 0, 0, margin, margin))
        total = sum(squares[:, shift : shift + channels] for shift in range(self.size))
        return x * (self.k + self.alpha * total).pow(-self.beta)

    def extra_repr(self) -> str:
        return f"size={self.size}, alpha={self.alpha:g}, beta={self.beta:g}, k={self.k:g}"


class ChannelNorm(nn.LayerNorm):
    """Layer normalisation over the channels of each position: (N, C, H, W) → the same (arXiv 2201.03545, §2.6)."""

    def __init__(self, channels: int):
        super().__init__(channels, eps=1e-6)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


NORMS: dict[str, Callable[[int], nn.Module]] = {
    "none": lambda channels: nn.Identity(),
    "batch": nn.BatchNorm2d,
    "lrn": lambda channels: LocalResponse(),
}


def make_norm(name: str, channels: int) -> nn.Module:
    """The normalisation ``name`` of ``channels`` channels: ``none``, ``batch`` or ``lrn`` (with AlexNet's constants).

    Raises:
        ValueError: another name.
    """
    check_choice("norm", name, NORMS)
    return NORMS[name](channels)
