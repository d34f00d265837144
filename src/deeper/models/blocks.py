"""Pieces that the families share: initialisation, shortcuts, global pooling."""

import math

import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.layers import make_norm


def initialise(module: nn.Module) -> None:
    """Draw the weights of a whole network as He et al. do (arXiv 1502.01852, eq. 10, fan-out form).

    Convolutions are normal with variance 2 / fan-out, where the fan-out of a grouped convolution is that of one group
    (PyTorch's own initialisers count all groups); the classifier is normal with deviation 0.01 and zero bias,
    normalisation starts as the identity. Weights on the meta device have no numbers and are left alone.
    """
    if any(parameter.is_meta for parameter in module.parameters()):
        return
    for part in module.modules():
        if isinstance(part, nn.Conv2d):
            fan_out = part.out_channels // part.groups * math.prod(part.kernel_size)
            nn.init.normal_(part.weight, std=math.sqrt(2.0) / math.sqrt(fan_out))
        elif isinstance(part, nn.Linear):
            nn.init.normal_(part.weight, std=0.01)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)
        if isinstance(part, nn.Conv2d | nn.Linear) and part.bias is not None:
            nn.init.zeros_(part.bias)


def renewed(head: nn.Module, old: nn.Module) -> nn.Module:
    """``head`` on the device, in the precision and in the mode (training or evaluation) of the ``old`` one."""
    like = next(old.parameters(), None)
    return (head if like is None else head.to(like.device, like.dtype)).train(old.training)


def conv(in_channels: int, out_channels: int, kernel: int, stride: int = 1) -> nn.Conv2d:
    """A convolution without bias that keeps the size at stride 1."""
    return nn.Conv2d(in_channels, out_channels, kernel, stride, kernel // 2, bias=False)


class NoShortcut(nn.Module):
    """The shortcut of a plain network: there is none."""

    def forward(self, x: Tensor) -> None:
        return None


class PadShortcut(nn.Module):
    """Option A of He et al. (arXiv 1512.03385, §3.3): every ``stride``-th position, padded with zero channels."""

    def __init__(self, in_channels: int, out_channels: int, stride: int):
        super().__init__()
        self.stride = stride
        extra = out_channels - in_channels
        self.before, self.after = extra // 2, extra - extra // 2

    def forward(self, x: Tensor) -> Tensor:
        x = x[:, :, :: self.stride, :: self.stride]
        return F.pad(x, (0, 0, 0, 0, self.before, self.after))


class ProjectionShortcut(nn.Sequential):
    """Options B and C of He et al. (arXiv 1512.03385, §3.3): a 1×1 convolution and a normalisation."""

    def __init__(self, in_channels: int, out_channels: int, stride: int, norm: str = "batch"):
        super().__init__(conv(in_channels, out_channels, 1, stride), make_norm(norm, out_channels))


def make_shortcut(kind: str, in_channels: int, out_channels: int, stride: int, norm: str = "batch") -> nn.Module:
    """The shortcut ``kind`` around a block.

    ``none``: plain. ``A``: identity, zero-padded where the size changes. ``B``: identity, projected where the size
    changes. ``C``: projected everywhere. A projection is a 1×1 convolution and the normalisation ``norm``.

    Raises:
        ValueError: an unknown kind.
    """
    changes = stride != 1 or in_channels != out_channels
    if kind == "none":
        return NoShortcut()
    if kind == "C" or (kind == "B" and changes):
        return ProjectionShortcut(in_channels, out_channels, stride, norm)
    if kind == "A" and changes:
        return PadShortcut(in_channels, out_channels, stride)
    if kind in ("A", "B"):
        return nn.Identity()
    raise ValueError(f"shortcut={kind!r}: it must be none, A, B or C")


class PooledHead(nn.Module):
    """Global average pooling, dropout, one linear layer: (N, C, H, W) → (N, classes).

    The average is a mean over the axes, whose backward pass is deterministic on every device.
    """

    def __init__(self, num_features: int, num_classes: int, dropout: float = 0.0):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(num_features, num_classes) if num_classes else nn.Identity()

    def forward(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        x = self.dropout(x.mean(dim=(2, 3)))
        return x if pre_logits else self.fc(x)


def check_depth(depth: int, layers_per_step: int, name: str, beside: int = 2) -> int:
    """Blocks a stage for a CIFAR network of ``depth`` weight layers, ``beside`` of which are not in the blocks.

    Raises:
        ValueError: the depth is not ``beside`` more than a positive multiple of ``layers_per_step``.
    """
    blocks, rest = divmod(depth - beside, layers_per_step)
    if rest or blocks < 1:
        near = max(1, round((depth - beside) / layers_per_step)) * layers_per_step + beside
        raise ValueError(f"{name} depth={depth}: it must be {layers_per_step}n+{beside}; the nearest is {near}")
    return blocks
