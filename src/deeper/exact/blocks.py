"""Claims on how networks are made of blocks."""

from torch import nn

from deeper.cost.count import run_forward
from deeper.cost.networks import network
from deeper.exact.computed_claim import RATIO, Part, computes
from deeper.models.residual_blocks import BottleneckBlock


@computes("mobilenet-blocks")
def mobilenet_blocks():
    """Each block has one depthwise convolution, so these are counted."""
    parts = [
        Part("blocks of MobileNet v1", _depthwise("mobilenet_v1"), 13),
        Part("bottlenecks of MobileNet v2", _depthwise("mobilenet_v2"), 17),
    ]
    return parts, "Counted on `mobilenet_v1` and `mobilenet_v2`: a block has exactly one depthwise convolution."


def _depthwise(name: str) -> int:
    convolutions = [m for m in network(name).module.modules() if isinstance(m, nn.Conv2d)]
    return sum(1 < m.groups == m.in_channels for m in convolutions)


@computes("resnext-cost")
def resnext_cost():
    """The second block of each stage of ResNet-50 and ResNeXt-50, and the whole networks."""
    plain, split = network("resnet50"), network("resnext50_32x4d")
    rows = [_compare(a, b) for a, b in zip(_blocks(plain.module), _blocks(split.module), strict=True)]
    parts = [Part("channels of the 3×3 convolution", min(row[0] for row in rows), 1, "more than", unit=RATIO)]
    for stage, (_, params, macs) in enumerate(rows, 1):
        parts.append(_about_as_many(f"parameters, stage {stage}", params))
        parts.append(_about_as_many(f"operations, stage {stage}", macs))
    parts.append(_about_as_many("parameters, whole network", split.params / plain.params))
    parts.append(_about_as_many("operations, whole network", split.forward.macs / plain.forward.macs))
    return parts, (
        "Each number is that of ResNeXt-50 over that of ResNet-50, counted on the second block of each stage of "
        "`resnext50_32x4d` and `resnet50` and on the networks. *About as many* is taken as within a tenth."
    )


def _about_as_many(what: str, ratio: float) -> Part:
    return Part(what, ratio, 1, "is", 0.1, RATIO)


def _blocks(module: nn.Module) -> list[BottleneckBlock]:
    """The second block of every stage: same size and width in as out."""
    return [[block for block in stage if isinstance(block, BottleneckBlock)][1] for stage in module.stages]


def _compare(plain: BottleneckBlock, split: BottleneckBlock) -> tuple[float, float, float]:
    """Inner width, parameters and multiply-adds of one block over those of the other."""
    numbers = [
        (_inner(block), sum(p.numel() for p in block.parameters()), run_forward(block, _channels(block), 14).macs)
        for block in (plain, split)
    ]
    return tuple(b / a for a, b in zip(*numbers, strict=True))


def _inner(block: BottleneckBlock) -> int:
    return next(m.out_channels for m in block.modules() if isinstance(m, nn.Conv2d) and m.kernel_size == (3, 3))


def _channels(block: BottleneckBlock) -> int:
    return next(m.in_channels for m in block.modules() if isinstance(m, nn.Conv2d))
