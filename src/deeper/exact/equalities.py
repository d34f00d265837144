"""Claims that two computations are one function, on real numbers in float64, and the paths of residual networks."""

from math import comb

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deeper.cost.networks import network
from deeper.exact.computed_claim import DIFFERENCE, SHARE, Part, computes
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
    """All paths of ResNet-20, run one by one; of ResNet-110 the number of blocks."""
    few, many = (len(_blocks(network(name).module)) for name in ("resnet20", "resnet110"))
    lengths, difference = _enumerate()
    short = sum(length <= 2 * few / 3 for length in lengths) / len(lengths)
    short_of_many = sum(comb(many, k) for k in range(2 * many // 3 + 1)) / 2**many
    parts = [
        Part("sum of ResNet-20's paths and what its blocks put out, relative difference",
             difference, ROUNDING, "at most", unit=DIFFERENCE),
        Part(f"paths of ResNet-20 (n = {few})", len(lengths), 2**few),
        Part("of these, short ones", short, 0.5, "more than", unit=SHARE, choice="short: ⅔ n blocks or fewer"),
        Part(f"short paths of ResNet-110 (n = {many}), by formula", short_of_many, 0.95, "at least", unit=SHARE,
             choice="most: 95 %; short: ⅔ n blocks or fewer"),
    ]  # fmt: skip
    return parts, (
        "The blocks of `resnet20`, made linear (convolutions and shortcuts alone), are run along every path in "
        "float64; that the outputs add up to what the blocks put out one after another is what is measured. Their "
        "number doubles with each block by construction. Of `resnet110` no path is run: only n is counted on it, and "
        f"from n on 2ⁿ paths ({2**many:,}) with lengths as the binomial coefficients are arithmetic that would hold of "
        "any n. The text does not say what *short* is: two thirds of the blocks, where the mean path passes half, is a "
        f"choice made here, as are 95 % for *most* at n = {many} and more than half at n = {few}, where 95 % "
        f"{'would hold too' if short >= 0.95 else 'would not be reached'}."
    )


def _blocks(module: nn.Module) -> list[nn.Module]:
    return [block for stage in module.stages for block in stage]


def _enumerate() -> tuple[list[int], float]:
    """Blocks on each path of ResNet-20's linear part; how far the paths' sum is from what the blocks compute."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        blocks = _blocks(network("resnet20").build().double().eval())
        x = torch.randn(1, 16, 4, 4, dtype=torch.float64)
    with torch.no_grad():
        paths, whole, lengths = x, x, [0]
        for block in blocks:
            paths = torch.cat([block.shortcut(paths), block.conv2(block.conv1(paths))])
            lengths += [length + 1 for length in lengths]
            whole = block.shortcut(whole) + block.conv2(block.conv1(whole))
    return lengths, _difference(paths.sum(0), whole[0])
