"""LeNet-5, as it was in 1998 and as it is taught today.

LeCun, Bottou, Bengio, Haffner, *Gradient-based learning applied to document recognition*, Proceedings of the IEEE 86
(1998), §II.B: convolution C1, subsampling S2, convolution C3, subsampling S4, convolution C5, linear layer F6, output,
on 32×32 pixels. The form of 1998 subsamples with a trainable coefficient and bias a map, connects C3's maps to some of
S2's only (table I), squashes with 1.7159 tanh(2x/3) and ends in radial basis functions whose centres do not learn:
60,000 trainable parameters. Today's form pools, connects everything and ends in a linear layer: 61,706.

Ours differs: a unit of the output gives minus the paper's squared distance, divided by the square root of F6's width,
as a logit for the cross-entropy (the paper's eq. 9 without its rubbish class; undivided, training with steps of today's
size diverges). The centres are random codes of ±1, which the paper names beside its own drawings of the characters,
because our classes need not be characters. Weights start with variance 1 / fan-in (2 / fan-in for rectifiers) and
subsampling as an average. Images smaller than 32×32 are centred in a field of that size, filled from their edge.
"""

import random
from math import sqrt

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.parts.activation import make_activation
from deeper.models.parts.checks import check_choice
from deeper.models.parts.heads import renewed
from deeper.models.parts.initialisation import initialise, start_classifier
from deeper.models.parts.pooling import make_pool
from deeper.models.timm_contract import TimmContract

SIDE = 32
MAPS, CODE = 120, 84
TABLE = tuple(
    [tuple(sorted((first + step) % 6 for step in range(3))) for first in range(6)]
    + [tuple(sorted((first + step) % 6 for step in range(4))) for first in range(6)]
    + [(0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5), (0, 1, 2, 3, 4, 5)]
)


class LeNet5(TimmContract):
    """Three convolutions, two subsamplings, one hidden linear layer: (N, in_chans, H, W) → (N, num_classes).

    Args:
        pool: ``max``, ``average``, or ``trainable`` (1998).
        connections: of C3 to S2, ``full`` or ``partial`` (1998).
        activation: ``scaled_tanh`` (1998) or another of ``deeper.models.parts.activation``, as tanh, relu and sigmoid.
        output: ``linear`` or ``rbf`` (1998).
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the output layer off.

    Raises:
        ValueError: another pool, connection, activation or output.
    """

    def __init__(
        self,
        pool: str = "max",
        connections: str = "full",
        activation: str = "relu",
        output: str = "linear",
        in_chans: int = 1,
        num_classes: int = 10,
    ):
        super().__init__()
        check_choice("pool", pool, ("max", "average", "trainable"))
        check_choice("connections", connections, ("full", "partial"))
        check_choice("output", output, ("linear", "rbf"))
        self.c1 = nn.Sequential(nn.Conv2d(in_chans, 6, 5), make_activation(activation))
        self.s2 = _subsampling(pool, 6, activation)
        c3 = PartialConv2d(TABLE, 5) if connections == "partial" else nn.Conv2d(6, len(TABLE), 5)
        self.c3 = nn.Sequential(c3, make_activation(activation))
        self.s4 = _subsampling(pool, len(TABLE), activation)
        self.c5 = nn.Sequential(nn.Conv2d(len(TABLE), MAPS, 5), make_activation(activation))
        self.num_features, self.head_hidden_size = MAPS, CODE
        self.f6 = nn.Sequential(nn.Linear(MAPS, CODE), make_activation(activation))
        self.kind = output
        initialise(self, fan="in", activation=activation)
        self.reset_classifier(num_classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, 120, h, w); 1×1 for images of 32×32 and smaller."""
        return self.c5(self.s4(self.c3(self.s2(self.c1(_padded(x))))))

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Feature maps → (N, num_classes), or → (N, 84), F6, with ``pre_logits``."""
        x = self.f6(x.mean(dim=(2, 3)))
        return x if pre_logits else self.output(x)

    def forward(self, x: Tensor) -> Tensor:
        return self.forward_head(self.forward_features(x))

    def get_classifier(self) -> nn.Module:
        """The output layer."""
        return self.output

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the output layer by a fresh one of ``num_classes`` outputs (0: none)."""
        if not num_classes:
            output = nn.Identity()
        elif self.kind == "rbf":
            output = RadialOutput(CODE, num_classes)
        else:
            output = nn.Linear(CODE, num_classes)
            start_classifier(output)
        self.output = renewed(output, self)


class Subsampling(nn.Module):
    """The sum of 2×2 numbers times a trainable coefficient plus a trainable bias, both a map's own.

    (N, channels, H, W) → (N, channels, ⌊H/2⌋, ⌊W/2⌋).
    """

    def __init__(self, channels: int):
        super().__init__()
        self.coefficient = nn.Parameter(torch.full((channels, 1, 1), 0.25))
        self.bias = nn.Parameter(torch.zeros(channels, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        return F.avg_pool2d(x, 2) * (4 * self.coefficient) + self.bias


class PartialConv2d(nn.Module):
    """A convolution whose every output map sees the input maps that ``table`` lists for it, and no others.

    (N, C, H, W) → (N, len(table), H-kernel+1, W-kernel+1). Neighbouring outputs with as many inputs are computed
    together, as one grouped convolution.
    """

    def __init__(self, table: tuple[tuple[int, ...], ...], kernel: int):
        super().__init__()
        self.table = table
        runs: list[list[tuple[int, ...]]] = []
        for inputs in table:
            if runs and len(runs[-1][0]) == len(inputs):
                runs[-1].append(inputs)
            else:
                runs.append([inputs])
        self.inputs = [[number for inputs in run for number in inputs] for run in runs]
        self.convs = nn.ModuleList(
            nn.Conv2d(len(inputs), len(run), kernel, groups=len(run))
            for inputs, run in zip(self.inputs, runs, strict=True)
        )

    def forward(self, x: Tensor) -> Tensor:
        maps = x.unbind(1)
        picked = [torch.stack([maps[number] for number in inputs], 1) for inputs in self.inputs]
        return torch.cat([conv(part) for conv, part in zip(self.convs, picked, strict=True)], 1)


class RadialOutput(nn.Module):
    """Minus the squared distance to each class's code of ±1, over √width: (N, width) → (N, classes).

    The codes are drawn once and for all and do not learn; the same width and number of classes have the same codes.
    """

    def __init__(self, width: int, num_classes: int):
        super().__init__()
        self.out_features = num_classes
        draw = random.Random(1998)
        codes = [[draw.choice((-1.0, 1.0)) for _ in range(width)] for _ in range(num_classes)]
        self.register_buffer("codes", torch.tensor(codes))

    def forward(self, x: Tensor) -> Tensor:
        return -(x[:, None] - self.codes).square().sum(2) / sqrt(self.codes.shape[1])


def _padded(x: Tensor) -> Tensor:
    rows, columns = (max(0, SIDE - size) for size in x.shape[2:])
    sides = (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2)
    return F.pad(x, sides, mode="replicate") if rows or columns else x


def _subsampling(pool: str, channels: int, activation: str) -> nn.Module:
    if pool == "trainable":
        return nn.Sequential(Subsampling(channels), make_activation(activation))
    return make_pool(pool, 2, 2)
