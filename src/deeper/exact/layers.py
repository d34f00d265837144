"""Claims on single layers and modules: shapes, receptive fields, weights, multiplications, memory."""

from itertools import pairwise
from math import log, prod

import torch
from torch import nn

from deeper.cost.count import Forward, count, run_forward
from deeper.cost.layer_table import LayerCost
from deeper.cost.networks import network
from deeper.exact.computed_claim import DIFFERENCE, MEGABYTES, RATIO, SHAPE, SHARE, Part, computes, three_digits
from deeper.models.efficientnet import ALPHA, BETA, GAMMA, EfficientNet
from deeper.models.inception import InceptionModule

LAST_DIGIT = 0.005
"""Half a percent: a number given with two or three digits."""


def _forward(module: nn.Module, channels: int, size: int) -> Forward:
    return run_forward(module.to("meta"), channels, size)


def _weights(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())


def _first(layers: list[LayerCost], kind: str) -> LayerCost:
    return next(layer for layer in layers if layer.kind == kind)


@computes("alexnet-conv1")
def alexnet_conv1():
    """The first rows of AlexNet's walk."""
    layers = network("alexnet").layers
    conv, pool = _first(layers, "Conv2d"), _first(layers, "MaxPool2d")
    parts = [
        Part("output of the first convolution", _image(conv), (55, 55, 96), unit=SHAPE),
        Part("parameters of the first convolution", conv.params, 35_000, tolerance=0.01),
        Part("output of the first pooling", _image(pool), (27, 27, 96), unit=SHAPE),
        Part("parameters of the first pooling", pool.params, 0),
    ]
    return parts, "Read off a walk through `alexnet`, layer by layer, with one image of 227×227×3."


def _image(layer: LayerCost) -> tuple[int, ...]:
    channels, height, width = layer.shape
    return height, width, channels


@computes("alexnet-input")
def alexnet_input():
    """What is left over when AlexNet's first kernel is moved over the input."""
    conv = next(m for m in network("alexnet").module.modules() if isinstance(m, nn.Conv2d))
    kernel, stride = conv.kernel_size[0], conv.stride[0]
    paddings = range(kernel)
    parts = [
        Part("pixels left over at 227", _left_over(227, kernel, stride, conv.padding[0]), 0),
        Part("pixels left over at 224, with the same padding on both sides, the one that leaves least",
             min(_left_over(224, kernel, stride, padding) for padding in paddings), 1, "at least"),
    ]  # fmt: skip
    return parts, (
        f"The first convolution of `alexnet` has {kernel}×{kernel} kernels at stride {stride}; a size comes out whole "
        f"where input − {kernel} + 2 · padding is a multiple of {stride}, and from 224 that number is odd. Padding is "
        "the same on both sides; with a pixel more on one side, 224 can come out whole too."
    )


def _left_over(size: int, kernel: int, stride: int, padding: int) -> int:
    return (size + 2 * padding - kernel) % stride


@computes("vgg16-memory")
def vgg16_memory():
    """Activations of VGG-16 by layer, and its parameters by layer."""
    vgg = network("vgg16")
    image = vgg.channels * vgg.size**2
    linear = sum(layer.params for layer in vgg.layers if layer.kind == "Linear")
    parts = [Part("parameters in the fully connected layers", linear / vgg.params, 0.5, "more than", unit=SHARE)]
    for reading, kinds in (("ReLU in place", ()), ("ReLU outputs kept", ("ReLU",))):
        early, numbers = _activations(vgg.layers, vgg.size // 4, kinds)
        megabytes = 4 * (image + numbers) / 1e6
        parts += [
            Part(f"activations of an image, {reading}", megabytes, 100, "is", 0.25, MEGABYTES, reading),
            Part(f"in the first two of five stages, {reading}", early / numbers, 0.5, "more than", 0, SHARE, reading),
        ]
    listed = three_digits(image + _activations(vgg.layers, 0)[1])
    return parts, (
        "Summed over a walk through `vgg16`: the image and what every convolution, pooling and linear layer puts out, "
        f"{listed} numbers of 4 bytes, and in the second counting what every ReLU puts out besides. *About* is taken "
        "as within a quarter, so the text is off where ReLU works in place and right, at the upper end, where its "
        "outputs are kept; it does not say which it means. Its number likely goes back to a slip: a well-known lecture "
        f"table lists layers, without ReLUs, that sum to {listed}, but its line of totals says 24 million, which would "
        f"be {4 * 24} MB. Training keeps "
        f"{count(vgg.module, vgg.channels, vgg.size).activation_bytes / 1e6:.0f} MB for the backward pass, with the "
        "positions of the maxima. Where memory and parameters sit is as the text says, either way."
    )


def _activations(layers: list[LayerCost], above: int, kept: tuple[str, ...] = ()) -> tuple[int, int]:
    """Numbers put out by maps wider than ``above`` and by all layers; layers of a ``kept`` kind never work in place."""
    sizes = [(layer.shape, prod(layer.shape) if layer.kind in kept else layer.activations) for layer in layers]
    return sum(size for shape, size in sizes if len(shape) == 3 and shape[-1] > above), sum(size for _, size in sizes)


@computes("three-3x3")
def three_3x3():
    """Three 3×3 convolutions and one 7×7 with as many channels in as out, for several widths."""
    widths = (1, 3, 64)
    three = [nn.Sequential(*(nn.Conv2d(c, c, 3, bias=False) for _ in range(3))) for c in widths]
    seven = [nn.Conv2d(c, c, 7, bias=False) for c in widths]
    parts = []
    for what, layers, weights in (("three 3×3", three, 27), ("one 7×7", seven, 49)):
        pairs = list(zip(layers, widths, strict=True))
        seen = _only(_forward(layer, c, 9).receptive_field for layer, c in pairs)
        parts.append(Part(f"pixels, each way, in the sight of {what}", seen, 7))
        parts.append(Part(f"weights of {what} over C²", _only(_weights(layer) / c**2 for layer, c in pairs), weights))
    return parts, f"Counted on layers without biases of C = {', '.join(map(str, widths))} channels; all give the same."


def _only(values) -> float:
    """The value that all are."""
    (value,) = set(values)
    return value


@computes("inception-naive")
def inception_naive():
    """An Inception module as figure 2a of the paper has it."""
    module = InceptionModule(256, (128, 0, 192, 0, 96, 0), naive=True)
    parts = [
        Part("multiplications", _forward(module, 256, 28).macs, 854_000_000, tolerance=LAST_DIGIT),
        Part("output", (28, 28, module.out_channels), (28, 28, 672), unit=SHAPE),
    ]
    return parts, "Counted on the module of `googlenet_naive` with these widths, which hands the pooled input on whole."


@computes("inception-bottleneck")
def inception_bottleneck():
    """The same module as figure 2b has it."""
    module = InceptionModule(256, (128, 64, 192, 64, 96, 64))
    found, given = _forward(module, 256, 28).macs, 358_000_000
    naive = _forward(InceptionModule(256, (128, 0, 192, 0, 96, 0), naive=True), 256, 28).macs
    three = _forward(module.three[-1], 64, 28).macs
    twice = abs(found + three - given) <= LAST_DIGIT * given
    slip = f"The text's number is what comes out when the 3×3 convolution's {three_digits(three)} are added twice. "
    return [Part("multiplications", found, given, tolerance=LAST_DIGIT)], (
        "Counted on the module of `googlenet` with these widths. "
        + (slip if twice else "")
        + f"The reductions save more than the text says: {100 * (1 - found / naive):.0f} % of the naive module's."
    )


@computes("conv5x5-bottleneck")
def conv5x5_bottleneck():
    """A 5×5 convolution, direct and through 16 channels."""
    direct = nn.Conv2d(192, 32, 5, padding=2)
    through = nn.Sequential(nn.Conv2d(192, 16, 1), nn.Conv2d(16, 32, 5, padding=2))
    parts = [
        Part("multiplications, direct", _forward(direct, 192, 28).macs, 120_000_000, tolerance=LAST_DIGIT),
        Part("multiplications through 16 channels", _forward(through, 192, 28).macs, 12_400_000, tolerance=LAST_DIGIT),
    ]
    return parts, "Counted on the layers, with one input of 28×28×192."


@computes("separable-cost")
def separable_cost():
    """The text's example, and the formula over many widths and kernels."""
    full, separable = _pair(3, 5, 3, 6)
    shapes = [(c, n, f) for c in (1, 3, 32) for n in (2, 5, 64) for f in (1, 3, 5)]
    ratios = [(_pair(c, n, f, 8), 1 / n + 1 / f**2) for c, n, f in shapes]
    worst = max(abs(part / whole - formula) for (whole, part), formula in ratios)
    parts = [
        Part("multiplications, 3×3 convolution", full, 2160),
        Part("multiplications, separable", separable, 672),
        Part("ratio", separable / full, 0.31, tolerance=0.01, unit=RATIO),
        Part("largest difference from 1/n′ + 1/f²", worst, 1e-12, "at most", unit=DIFFERENCE),
    ]
    return (
        parts,
        f"Counted on the layers; the formula on {len(shapes)} combinations of channels in, channels out and kernel.",
    )


def _pair(channels: int, filters: int, kernel: int, size: int) -> tuple[int, int]:
    """Multiplications of a convolution and of its separable form."""
    full = nn.Conv2d(channels, filters, kernel, bias=False)
    depthwise = nn.Conv2d(channels, channels, kernel, groups=channels, bias=False)
    separable = nn.Sequential(depthwise, nn.Conv2d(channels, filters, 1, bias=False))
    return _forward(full, channels, size).macs, _forward(separable, channels, size).macs


@computes("compound-budget")
def compound_budget():
    """α·β²·γ² and networks scaled by it, with the published B0 to B7 beside them."""
    scaled = [_scaled(phi) for phi in range(5)]
    published = [network(f"efficientnet_b{index}").forward.macs for index in (0, 1, 2, 3, 4, 7)]
    first = network("efficientnet_b1")
    deep, sharp = (log(a) / log(b) for a, b in ((first.config["depth"], ALPHA), (first.size / 224, GAMMA)))
    parts = [
        Part("α · β² · γ²", ALPHA * BETA**2 * GAMMA**2, 2, "is", 0.1, RATIO),
        Part("operations by step of φ, mean of four steps", _step(scaled, 4), 2, "is", 0.1, RATIO),
    ]
    single = [after / before for before, after in pairwise(published[:5])]
    return parts, (
        "Counted on EfficientNet with φ = 0…4 and images of 224 · 1.15^φ pixels. *Roughly doubles* is taken as within "
        "a tenth, on the mean. The published B0 to B7 are no part of the verdict, as the number in their names is not "
        f"φ: B1's depth is that of φ = {deep:.2f} and its image that of φ = {sharp:.2f}, rounded by hand. From one "
        f"name to the next, operations grow by factors of {min(single):.2f} to {max(single):.2f} up to B4, and of "
        f"{_step(published, 7):.2f} on the mean up to B7."
    )


def _scaled(phi: int) -> int:
    with torch.device("meta"):
        return run_forward(EfficientNet(phi=phi), 3, round(224 * GAMMA**phi)).macs


def _step(macs: list[int], steps: int) -> float:
    """The factor of one of ``steps`` equal steps from the first to the last."""
    return (macs[-1] / macs[0]) ** (1 / steps)
