"""Aggregated transformations, in their three equivalent forms.

Xie, Girshick, Dollár, Tu, He, *Aggregated residual transformations for deep neural networks*, arXiv 1611.05431, §3 and
figure 3. A bottleneck of cardinality C has C branches of d channels: a 1×1 and a 3×3 convolution, then a 1×1 back to
the full width. It can be written as the sum of whole branches (``aggregated``, figure 3a), as branches concatenated
before one common 1×1 convolution (``concatenated``, 3b), or as one bottleneck whose 3×3 convolution has C groups
(``grouped``, 3c). With one branch it is the bottleneck of He et al. (arXiv 1512.03385, §4.1).

The networks of 29 layers for small images (§5.3) activate after the sum, as those for ImageNet do. The wide networks
that the paper sets beside them are pre-activated; ``order="pre"`` makes ours so too.
"""

import math
import re

import torch
from torch import Tensor, nn

from deeper.models.parts.activation import make_activation
from deeper.models.parts.checks import check_choice
from deeper.models.parts.convolution import conv
from deeper.models.parts.normalisation import make_norm

FORMS = ("grouped", "concatenated", "aggregated")
_BRANCH = re.compile(r"paths\.(\d+)\.")


class Path(nn.Module):
    """1×1 and 3×3 convolution, each normalised and activated, then a 1×1 convolution.

    (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉).

    Args:
        in_channels: of the input.
        inner: channels of the first two convolutions.
        out_channels: of the last convolution; None leaves it off.
        strides: of the 1×1 and the 3×3 convolution.
        groups: of the 3×3 convolution.
        norm: after the first two convolutions.
        activation: after those.
        dropout: rate before the last convolution.
    """

    def __init__(
        self,
        in_channels: int,
        inner: int,
        out_channels: int | None,
        strides: tuple[int, int] = (1, 1),
        groups: int = 1,
        norm: str = "batch",
        activation: str = "relu",
        dropout: float = 0.0,
    ):
        super().__init__()
        self.conv1 = conv(in_channels, inner, 1, strides[0])
        self.norm1 = make_norm(norm, inner)
        self.conv2 = nn.Conv2d(inner, inner, 3, strides[1], 1, groups=groups, bias=False)
        self.norm2 = make_norm(norm, inner)
        self.activation = make_activation(activation)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.conv3 = conv(inner, out_channels, 1) if out_channels else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.norm1(self.conv1(x)))
        x = self.activation(self.norm2(self.conv2(x)))
        return self.conv3(self.dropout(x))


class Aggregated(nn.Module):
    """Figure 3a: the sum of ``cardinality`` paths of ``branch`` channels."""

    def __init__(self, in_channels: int, branch: int, out_channels: int, cardinality: int, **options):
        super().__init__()
        self.paths = nn.ModuleList(Path(in_channels, branch, out_channels, **options) for _ in range(cardinality))

    def forward(self, x: Tensor) -> Tensor:
        total = self.paths[0](x)
        for path in self.paths[1:]:
            total = total + path(x)
        return total


class Concatenated(nn.Module):
    """Figure 3b: ``cardinality`` paths of ``branch`` channels, concatenated, then one 1×1 convolution."""

    def __init__(self, in_channels: int, branch: int, out_channels: int, cardinality: int, **options):
        super().__init__()
        self.paths = nn.ModuleList(Path(in_channels, branch, None, **options) for _ in range(cardinality))
        self.conv3 = conv(cardinality * branch, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv3(torch.cat([path(x) for path in self.paths], 1))


def start_branches(network: nn.Module) -> None:
    """Draw the first convolutions of separate branches with the variance that they have as one convolution."""
    for part in network.modules():
        if isinstance(part, Aggregated | Concatenated):
            for path in part.paths:
                fan_out = len(part.paths) * path.conv1.out_channels
                nn.init.normal_(path.conv1.weight, std=math.sqrt(2 / fan_out))


def make_transform(
    form: str, in_channels: int, branch: int, out_channels: int, cardinality: int = 1, **options
) -> nn.Module:
    """The three convolutions of a bottleneck with ``cardinality`` branches of ``branch`` channels.

    Args:
        form: ``grouped``, ``concatenated`` or ``aggregated``; one branch has only one form.
        in_channels: of the input.
        branch: channels of a branch.
        out_channels: of the output.
        cardinality: number of branches.
        options: ``strides``, ``norm``, ``activation`` and ``dropout`` of ``Path``.

    Raises:
        ValueError: an unknown form.
    """
    check_choice("branches", form, FORMS)
    if form == "grouped" or cardinality == 1:
        return Path(in_channels, cardinality * branch, out_channels, groups=cardinality, **options)
    kind = Aggregated if form == "aggregated" else Concatenated
    return kind(in_channels, branch, out_channels, cardinality, **options)


def tie(target: nn.Module, source: nn.Module) -> None:
    """Give ``target`` the weights and statistics of ``source``, the same network with its branches in any form.

    Raises:
        ValueError: they are not forms of one network.
    """
    grouped: dict[str, list[Tensor]] = {}
    for key, value in source.state_dict().items():
        grouped.setdefault(_BRANCH.sub("", key), []).append(value)
    whole = {key: _joined(key, values) for key, values in grouped.items()}
    state = target.state_dict()
    if {_BRANCH.sub("", key) for key in state} != set(whole):
        raise ValueError("only networks that differ in the form of their branches can be tied")
    target.load_state_dict({key: _share(key, whole[_BRANCH.sub("", key)], value) for key, value in state.items()})


def ungrouped(grouped: nn.Conv2d) -> nn.Conv2d:
    """The convolution without groups that computes the same: its weights between different groups are zero."""
    g = grouped
    dense = nn.Conv2d(
        g.in_channels, g.out_channels, g.kernel_size, g.stride, g.padding, g.dilation, bias=g.bias is not None
    ).to(g.weight)
    with torch.no_grad():
        blocks = zip(dense.weight.zero_().chunk(g.groups), g.weight.chunk(g.groups), strict=True)
        for index, (rows, block) in enumerate(blocks):
            rows[:, index * block.shape[1] : (index + 1) * block.shape[1]] = block
        if g.bias is not None:
            dense.bias.copy_(g.bias)
    return dense


def _axis(key: str) -> int:
    return 1 if key.endswith("conv3.weight") else 0


def _joined(key: str, values: list[Tensor]) -> Tensor:
    return values[0] if values[0].ndim == 0 else torch.cat(values, _axis(key))


def _share(key: str, whole: Tensor, part: Tensor) -> Tensor:
    branch = _BRANCH.search(key)
    if branch is None or part.ndim == 0:
        return whole
    axis = _axis(key)
    return whole.narrow(axis, int(branch[1]) * part.shape[axis], part.shape[axis])
