"""The later Inception networks in one class: v3, v4 and Inception-ResNet-v2, with factorised convolutions.

Szegedy, Vanhoucke, Ioffe, Shlens, Wojna, *Rethinking the Inception architecture for computer vision*, arXiv
1512.00567, §3 (5×5 as two 3×3, n×n as 1×n and n×1), figures 5 to 7 and table 1. Szegedy, Ioffe, Vanhoucke, Alemi,
*Inception-v4, Inception-ResNet and the impact of residual connections on learning*, arXiv 1602.07261, figures 3 to 9
(v4), 15 to 19 (Inception-ResNet-v2) and §3.3 (scaled residuals). The blocks of all three stand as tables in
``deeper.models.inception_designs``.

At full size and with ``stem: paper`` v4 is the paper's network to the parameter. v3 is the network that its authors
released, to the parameter, with averages that leave the zeros of the padding out, as in their TensorFlow code (timm's,
in ``timm_network``, counts them). Table 1 prints another one: three 3×3 convolutions to 80, 192 and 288 channels, where
the released stem has a 1×1 one to 80, a 3×3 one to 192 and a max pooling; no 5×5 convolution; and 3, 5 and 2 modules,
where 3, 4 and 2 were released.

Ours differs in this:

- Any design can have its shortcuts on or off (``residual``) at the same cost. So a block's last activation stands after
  the addition. Without a shortcut that is the same as before the concatenation.
- In the residual design the linear 1×1 convolution leads back to the block's own input width. The paper prints 1154 and
  2048 where its reductions put out 1152 and 2144.
- A 1×1 convolution to 1536 channels ends the residual network, as in the one that its authors released. Without it the
  sums, which nothing normalises, reach the classifier several times as strong as in v4, and a usual learning rate is
  too much.
- v3 has no auxiliary head here.
- Weights are drawn as in the other families (He et al., fan-out). Batch normalisation has the authors' ε of 1e-3,
  PyTorch's momentum of 0.1 and a scale, which the authors' code leaves out.
"""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.inception_designs import DESIGNS, Branches, Layer, read_branch
from deeper.models.network import Network
from deeper.models.parts.checks import check_choice
from deeper.models.parts.convolution import conv_norm
from deeper.models.parts.heads import PooledHead
from deeper.models.parts.initialisation import initialise
from deeper.models.parts.squeeze_excite import make_gate


class SideBySide(nn.ModuleList):
    """Several layers on the same input, concatenated."""

    def __init__(self, *layers: nn.Module):
        super().__init__(layers)

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([layer(x) for layer in self], 1)


class InceptionBlock(nn.Module):
    """Branches, concatenated; a linear 1×1 convolution if ``expand``; the input added if ``residual``; ReLU.

    A gate weighs what the block puts out, after the ReLU, or with a shortcut what is added to it (arXiv 1709.01507,
    §3.3).

    (N, in_channels, H, W) → (N, out_channels, H', W').

    Args:
        in_channels: of the input.
        branches: what stands side by side, as ``read_branch`` gives it.
        expand: a 1×1 convolution with bias and without normalisation leads back to ``in_channels``.
        residual: the input is added to ``scale`` times the branches.
        scale: of what is added.
        squeeze_excite: channels of the output to one of the gate's bottleneck; 0: no gate.

    Raises:
        ValueError: ``residual`` in a block that changes the number of channels.
    """

    def __init__(
        self,
        in_channels: int,
        branches: Sequence[list[list[Layer]]],
        expand: bool = False,
        residual: bool = False,
        scale: float = 1.0,
        squeeze_excite: int = 0,
    ):
        super().__init__()
        built = [_branch(in_channels, steps, expand) for steps in branches]
        self.branches = nn.ModuleList(branch for branch, _ in built)
        inside = sum(channels for _, channels in built)
        self.out_channels = in_channels if expand else inside
        self.expand = nn.Conv2d(inside, in_channels, 1) if expand else nn.Identity()
        self.gate = make_gate(self.out_channels, squeeze_excite)
        self.residual, self.scale = residual, scale
        if residual and self.out_channels != in_channels:
            raise ValueError(
                f"residual=true: a block leads from {in_channels} to {self.out_channels} channels; "
                "use design v4 or resnet and a width that is a multiple of 4"
            )

    def forward(self, x: Tensor) -> Tensor:
        y = self.expand(torch.cat([branch(x) for branch in self.branches], 1))
        return F.relu(x + self.scale * self.gate(y)) if self.residual else self.gate(F.relu(y))


class FactorisedInception(Network):
    """Stem, blocks A, reduction, blocks B, reduction, blocks C, classifier: (N, in_chans, H, W) → (N, num_classes).

    Args:
        design: ``v3``, ``v4`` or ``resnet`` (Inception-ResNet-v2).
        residual: shortcuts around the blocks A, B and C; without them the network costs the same.
        factorised: False joins each pair of 1×n and n×1 convolutions into one of n×n.
        blocks: how many A, B and C there are: 3, 4, 2 in v3 as released; 4, 7, 3 in v4; 5, 10, 5 in
            Inception-ResNet-v2.
        width: channels of the first convolution (32 in the papers); all others are scaled alike.
        stem: ``paper`` (an eighth of the size, unpadded) or ``small`` (the same layers, padded and at full size; the
            reductions are padded too).
        scale: of what a block adds to its shortcut.
        squeeze_excite: channels of a block to one of its gate's bottleneck; 0: no gates.
        dropout: before the classifier (0.2 in v4's paper).
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: an unknown design or stem, not three numbers of blocks, shortcuts where blocks change the width.
    """

    def __init__(
        self,
        design: str = "v4",
        residual: bool = False,
        factorised: bool = True,
        blocks: Sequence[int] = (4, 7, 3),
        width: int = 32,
        stem: str = "paper",
        scale: float = 1.0,
        squeeze_excite: int = 0,
        dropout: float = 0.2,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        super().__init__()
        check_choice("design", design, DESIGNS)
        check_choice("stem", stem, ("paper", "small"))
        if len(blocks) != 3 or min(blocks) < 1:
            raise ValueError(f"blocks={list(blocks)}: it must be three numbers from 1, of blocks A, B and C")
        small, plan = stem == "small", DESIGNS[design]

        def block(branches: Branches, channels: int, full_size: bool = False, **options) -> InceptionBlock:
            read = [read_branch(branch, width, factorised, padded=small, full_size=full_size) for branch in branches]
            return InceptionBlock(channels, read, **options)

        def stage(table: Sequence[Branches], count: int, channels: int, **options) -> nn.Sequential:
            blocks = nn.Sequential()
            for index in range(count):  # the last block of the table repeats
                blocks.append(block(table[min(index, len(table) - 1)], channels, **options))
                channels = blocks[-1].out_channels
            return blocks

        around = {"expand": plan.expand, "residual": residual, "scale": scale, "squeeze_excite": squeeze_excite}
        self.stem = stage(plan.stem, len(plan.stem), in_chans, full_size=small)
        self.a = stage(plan.a, blocks[0], self.stem[-1].out_channels, **around)
        self.reduction_a = block(plan.reduction_a, self.a[-1].out_channels)
        self.b = stage(plan.b, blocks[1], self.reduction_a.out_channels, **around)
        self.reduction_b = block(plan.reduction_b, self.b[-1].out_channels)
        self.c = stage(plan.c, blocks[2], self.reduction_b.out_channels, **around)
        channels = self.c[-1].out_channels
        self.last = block(plan.last, channels) if plan.last else nn.Identity()
        channels = self.last.out_channels if plan.last else channels
        self.num_features, self.head_dropout = channels, dropout
        self.head = PooledHead(channels, num_classes, dropout)
        initialise(self)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w): a 32nd of the size, with the small stem a quarter."""
        x = self.reduction_a(self.a(self.stem(x)))
        return self.last(self.c(self.reduction_b(self.b(x))))


def _branch(in_channels: int, steps: list[list[Layer]], active: bool) -> tuple[nn.Sequential, int]:
    parts, channels = [], in_channels
    for index, step in enumerate(steps):
        active_here = active or index < len(steps) - 1
        layers = [_layer(layer, channels, active_here) for layer in step]
        channels = sum(layer.channels for layer in step) or channels
        parts.append(layers[0] if len(layers) == 1 else SideBySide(*layers))
    return nn.Sequential(*parts), channels


def _layer(layer: Layer, in_channels: int, active: bool) -> nn.Module:
    if layer.pool == "max":
        return nn.MaxPool2d(layer.height, layer.stride, layer.padding)
    if layer.pool == "average":
        return nn.AvgPool2d(layer.height, layer.stride, layer.padding, count_include_pad=False)
    kernel, activation = (layer.height, layer.width), "relu" if active else None
    convolution = conv_norm(in_channels, layer.channels, kernel, layer.stride, layer.padding, activation=activation)
    convolution[1].eps = 1e-3  # as in the authors' code
    return convolution
