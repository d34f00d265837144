"""Claims that two computations are one function, on real numbers in float64, and the paths of residual networks."""

from math import comb

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deeper.analysis.findings import DIFFERENCE, SHARE, Part, computes
from deeper.analysis.named import network
from deeper.models.resnext import FORMS, tie

ROUNDING = 1e-10
"""Largest relative difference in float64 that is put down to rounding."""


def _difference(one: Tensor, other: Tensor) -> float:
    return float((one - other).abs().max() / other.abs().max())


@computes("conv1x1-fc")
def conv1x1_fc():
    """A 1×1 convolution and the linear layer of its weights, position by position."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        conv, images = nn.Conv2d(32, 24, 1).double(), torch.randn(4, 32, 7, 5, dtype=torch.float64)
    with torch.no_grad():
        places = [F.linear(images[..., y, x], conv.weight[:, :, 0, 0], conv.bias) for y in range(7) for x in range(5)]
        linear = torch.stack(places, -1).reshape(4, 24, 7, 5)
        found = _difference(conv(images), linear)
    return [Part("largest relative difference", found, ROUNDING, "at most", unit=DIFFERENCE)], (
        "A 1×1 convolution from 32 to 24 channels and a linear layer with the same weights, applied at each of 7×5 "
        "positions of four random inputs, in float64."
    )


@computes("resnext-forms")
def resnext_forms():
    """The same network in three forms with tied weights: outputs and gradients."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        forms = {form: network("resnext_small", branches=form).build().double().train() for form in FORMS}
        images = torch.randn(4, 1, 12, 12, dtype=torch.float64)
    parts, reference = [], forms[FORMS[0]]
    wanted = _output_and_gradient(reference, images)
    for form in FORMS[1:]:
        tie(forms[form], reference)
        found = _output_and_gradient(forms[form], images)
        for what, one, other in zip(("output", "gradient at the input"), found, wanted, strict=True):
            difference = _difference(one, other)
            parts.append(Part(f"{form} and {FORMS[0]}, {what}", difference, ROUNDING, "at most", unit=DIFFERENCE))
    return parts, (
        "The whole network `resnext_small` in three forms (`model.branches`), one's weights tied to the other's, in "
        "training mode on four random images in float64; largest relative differences."
    )


def _output_and_gradient(module: nn.Module, images: Tensor) -> tuple[Tensor, Tensor]:
    images = images.clone().requires_grad_()
    output = module(images)
    (gradient,) = torch.autograd.grad(output.square().sum(), images)
    return output.detach(), gradient


@computes("residual-paths")
def residual_paths():
    """Paths counted block by block in ResNet-110, and all of ResNet-20's run one by one."""
    blocks, few = (len(_blocks(network(name).module)) for name in ("resnet110", "resnet20"))
    lengths = [1]
    for _ in range(blocks):
        lengths = [a + b for a, b in zip([*lengths, 0], [0, *lengths], strict=True)]
    short = sum(lengths[: 2 * blocks // 3 + 1]) / sum(lengths)
    paths, difference = _enumerate()
    parts = [
        Part(f"paths of ResNet-110 (n = {blocks})", sum(lengths), 2**blocks),
        Part("lengths that are not binomial", sum(n != comb(blocks, k) for k, n in enumerate(lengths)), 0),
        Part("paths that pass two thirds of the blocks or fewer", short, 0.95, "at least", unit=SHARE),
        Part(f"paths of ResNet-20 (n = {few})", paths, 2**few),
        Part("their sum and the blocks' output, relative difference", difference, ROUNDING, "at most", unit=DIFFERENCE),
    ]
    return parts, (
        "Lengths are counted in blocks, by adding one block after another to the paths there are. The blocks of "
        "`resnet20`, made linear (convolutions and shortcuts alone), are run along every path and the outputs added, "
        "in float64. *Most* is taken as 95 % and *short* as two thirds of the blocks: the mean path passes half, "
        f"and only one in {sum(lengths):,} passes all."
    )


def _blocks(module: nn.Module) -> list[nn.Module]:
    return [block for stage in module.stages for block in stage]


def _enumerate() -> tuple[int, float]:
    """Paths of ResNet-20's linear part and how far their sum is from what the blocks compute one after another."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        blocks = _blocks(network("resnet20").build().double().eval())
        x = torch.randn(1, 16, 4, 4, dtype=torch.float64)
    with torch.no_grad():
        paths = whole = x
        for block in blocks:
            paths = torch.cat([block.shortcut(paths), block.conv2(block.conv1(paths))])
            whole = block.shortcut(whole) + block.conv2(block.conv1(whole))
    return len(paths), _difference(paths.sum(0), whole[0])
