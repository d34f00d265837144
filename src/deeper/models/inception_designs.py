"""The later Inception networks as tables, and the language that the tables are written in.

A block is a handful of branches, concatenated. In ``DESIGNS`` a branch is a line of layers: ``96@3`` is a convolution
to 96 channels with a 3×3 kernel, ``224@1x7`` one of height 1 and width 7, ``64`` a 1×1 one, ``/2`` a stride of 2,
``v`` leaves the padding off, ``a|b`` applies both and concatenates, ``max`` and ``average`` are 3×3 poolings.

Szegedy et al., arXiv 1512.00567 (v3) and arXiv 1602.07261 (v4: figures 3 to 9, Inception-ResNet-v2: figures 15 to 19,
both with the widths of table 1 in the first reduction).
"""

import re
from dataclasses import dataclass, replace

from deeper.models.inception import scaled

Branches = tuple[str, ...]


@dataclass(frozen=True)
class Design:
    """Branches of every block of a network; a stage lists its first blocks, the last one listed repeats."""

    stem: tuple[Branches, ...]
    a: tuple[Branches, ...]
    reduction_a: Branches
    b: tuple[Branches, ...]
    reduction_b: Branches
    c: tuple[Branches, ...]
    last: Branches = ()
    expand: bool = False


_STEM_V4 = (
    ("32@3/2v 32@3v 64@3",),
    ("max/2v", "96@3/2v"),
    ("64 96@3v", "64 64@1x7 64@7x1 96@3v"),
    ("192@3/2v", "max/2v"),
)


def _a_v3(pooled: int) -> Branches:
    return "64", "48 64@5", "64 96@3 96@3", f"average {pooled}"


def _b_v3(c: int) -> Branches:
    return "192", f"{c} {c}@1x7 192@7x1", f"{c} {c}@7x1 {c}@1x7 {c}@7x1 192@1x7", "average 192"


DESIGNS = {
    "v3": Design(
        stem=(("32@3/2v 32@3v 64@3 max/2v 80 192@3v max/2v",),),
        a=(_a_v3(32), _a_v3(64)),
        reduction_a=("384@3/2v", "64 96@3 96@3/2v", "max/2v"),
        b=(_b_v3(128), _b_v3(160), _b_v3(160), _b_v3(192)),
        reduction_b=("192 320@3/2v", "192 192@1x7 192@7x1 192@3/2v", "max/2v"),
        c=(("320", "384 384@1x3|384@3x1", "448 384@3 384@1x3|384@3x1", "average 192"),),
    ),
    "v4": Design(
        stem=_STEM_V4,
        a=(("96", "64 96@3", "64 96@3 96@3", "average 96"),),
        reduction_a=("384@3/2v", "192 224@3 256@3/2v", "max/2v"),
        b=(("384", "192 224@1x7 256@7x1", "192 192@7x1 224@1x7 224@7x1 256@1x7", "average 128"),),
        reduction_b=("192 192@3/2v", "256 256@1x7 320@7x1 320@3/2v", "max/2v"),
        c=(("256", "384 256@1x3|256@3x1", "384 448@3x1 512@1x3 256@1x3|256@3x1", "average 256"),),
    ),
    "resnet": Design(
        stem=_STEM_V4,
        a=(("32", "32 32@3", "32 48@3 64@3"),),
        reduction_a=("384@3/2v", "256 256@3 384@3/2v", "max/2v"),
        b=(("192", "128 160@1x7 192@7x1"),),
        reduction_b=("256 384@3/2v", "256 288@3/2v", "256 288@3 320@3/2v", "max/2v"),
        c=(("192", "192 224@1x3 256@3x1"),),
        last=("1536",),
        expand=True,
    ),
}


@dataclass(frozen=True)
class Layer:
    """A convolution, or a pooling where ``channels`` is 0."""

    channels: int
    height: int
    width: int
    stride: int
    padded: bool
    pool: str = ""

    @property
    def padding(self) -> tuple[int, int]:
        return (self.height // 2, self.width // 2) if self.padded else (0, 0)


_LAYER = re.compile(r"(?:(max|average)|(\d+)(?:@(\d+)(?:x(\d+))?)?)(?:/(\d))?(v?)")
_WIDTH = 32


def read_branch(
    text: str, width: int = _WIDTH, factorised: bool = True, padded: bool = False, full_size: bool = False
) -> list[list[Layer]]:
    """The layers of a branch: a list of steps, each a list of layers side by side.

    Args:
        text: the branch in the language of the tables.
        width: channels of the network's first convolution (32 in the papers); all are scaled alike.
        factorised: False joins each pair of 1×n and n×1 convolutions into one of n×n.
        padded: all layers are padded.
        full_size: no layer strides.
    """
    steps = [[_read_layer(word) for word in step.split("|")] for step in text.split()]
    return [
        [
            replace(
                layer,
                channels=scaled((layer.channels,), width, _WIDTH)[0] if layer.channels else 0,
                stride=1 if full_size else layer.stride,
                padded=padded or layer.padded,
            )
            for layer in step
        ]
        for step in (steps if factorised else unfactorised(steps))
    ]


def _read_layer(word: str) -> Layer:
    pool, channels, height, width, stride, valid = _LAYER.fullmatch(word).groups()
    height = int(height or (3 if pool else 1))
    return Layer(int(channels or 0), height, int(width or height), int(stride or 1), not valid, pool or "")


def unfactorised(steps: list[list[Layer]]) -> list[list[Layer]]:
    """The branch with n×n convolutions where it has 1×n and n×1 ones, one after the other or side by side."""
    whole: list[list[Layer]] = []
    for step in steps:
        first, last = step[0], step[-1]
        if len(step) > 1 and _crossed(first, last):
            step = [_square(first, first.channels + last.channels)]
        if whole and len(step) == 1 and _crossed(whole[-1][0], step[0]):
            step = [_square(step[0], step[0].channels)]
            whole.pop()
        whole.append(step)
    return whole


def _crossed(first: Layer, last: Layer) -> bool:
    return first.height != first.width and (first.height, first.width) == (last.width, last.height)


def _square(layer: Layer, channels: int) -> Layer:
    side = max(layer.height, layer.width)
    return replace(layer, channels=channels, height=side, width=side)
