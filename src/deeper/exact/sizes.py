"""Claims on the parameters of whole networks, counted on networks built from their configurations."""

from torch import nn

from deeper.cost.networks import network
from deeper.errors import DeeperError
from deeper.exact.computed_claim import POINTS, RATIO, SHARE, Part, computes, three_digits
from deeper.paths import ROOT
from deeper.schema.published import IMAGENET, RESTORE, read_rows

SHELF = ROOT / "published" / IMAGENET
PAIRS = (("DenseNet-169", "ResNet-50"), ("DenseNet-201", "ResNet-101"), ("DenseNet-264", "ResNet-152"))
DENSE = {"variant": "k=32", "protocol": "single crop, val"}
RESIDUAL = {"variant": "fb.resnet.torch re-training", "protocol": "single center crop, val"}
"""Which rows of the published numbers the two kinds of networks have their errors from."""


@computes("lenet-params")
def lenet_params():
    """Today's LeNet-5 and that of 1998."""
    today, first = network("lenet5"), network("lenet5_1998")
    parts = [
        Part("parameters of LeNet-5 as it is built today", today.params, 60_000, tolerance=0.05),
        Part("trainable parameters of LeNet-5 of 1998", first.params, 60_000, tolerance=0.05),
    ]
    return parts, (
        "Counted on `lenet5` (every map of the third layer sees all six of the second) and `lenet5_1998` (the paper's "
        "table of connections, trainable subsampling, fixed output codes), one grey image of 32×32."
    )


@computes("alexnet-params-60m")
def alexnet_params_60m():
    """AlexNet in two groups."""
    return [_alexnet(60_000_000)], (
        "Counted on `alexnet`, the two-group network of the paper. Without groups "
        f"(`alexnet_ungrouped`) it has {three_digits(network('alexnet_ungrouped').params)}."
    )


@computes("alexnet-params-6m")
def alexnet_params_6m():
    """The same network against the other text."""
    head = sum(layer.params for layer in network("alexnet").layers if layer.kind == "Linear")
    return [_alexnet(6_000_000)], (
        f"Counted on `alexnet`. The linear layers alone have {three_digits(head)}, so no way of counting the whole "
        "network comes near; the figure looks like 60 million with a zero lost."
    )


def _alexnet(given: int) -> Part:
    return Part("parameters of AlexNet", network("alexnet").params, given, tolerance=0.05)


@computes("vgg16-params-138m")
def vgg16_params_138m():
    """VGG-16: parameters and weight layers."""
    vgg = network("vgg16")
    parts = [_vgg16(138_000_000), Part("weight layers of VGG-16", vgg.forward.depth, 16)]
    return parts, "Counted on `vgg16` (configuration D); weight layers are those on the way from input to output."


@computes("vgg16-params-1m")
def vgg16_params_1m():
    """The same network against the other text."""
    first = next(layer for layer in network("vgg16").layers if layer.kind == "Linear")
    return [_vgg16(1_380_000)], (
        f"Counted on `vgg16`. Its first linear layer alone has {three_digits(first.params)}; the figure looks like "
        "138,000,000 with two zeros lost."
    )


def _vgg16(given: int) -> Part:
    return Part("parameters of VGG-16", network("vgg16").params, given, tolerance=0.01)


@computes("googlenet-params")
def googlenet_params():
    """GoogLeNet without its auxiliary heads."""
    google = network("googlenet", auxiliary=False)
    classifier = google.layers[-1].params
    parts = [
        Part("weight layers of GoogLeNet", google.forward.depth, 22),
        Part("parameters of GoogLeNet", google.params, 5_000_000, tolerance=0.1),
        Part("AlexNet's parameters to GoogLeNet's", network("alexnet").params / google.params, 12, "is", 0.1, RATIO),
    ]
    return parts, (
        "Counted on `googlenet` without its auxiliary heads, which serve in training alone; with them it has "
        f"{three_digits(network('googlenet').params)}. Without the classifier "
        f"{three_digits(google.params - classifier)} are left, so that 5 million is too few however one "
        "counts; the depth is right."
    )


@computes("wrn-1001")
def wrn_1001():
    """WRN-16-8 beside the pre-activation ResNet-1001."""
    wide, thin = network("wrn_16_8"), network("preact_resnet1001")
    ratio = Part("WRN-16-8's parameters to those of ResNet-1001", wide.params / thin.params, 1, "is", 0.1, RATIO)
    convolutions = [m for m in wide.module.modules() if isinstance(m, nn.Conv2d)]
    projections = sum(m.kernel_size == (1, 1) for m in convolutions)
    parts = [
        ratio,
        Part("convolutions of WRN-16-8", len(convolutions), 16),
        Part("weight layers of ResNet-1001 on its longest path", thin.forward.depth, 1001),
    ]
    return parts, (
        f"Counted on `wrn_16_8` ({wide.params:,}) and `preact_resnet1001` ({thin.params:,}), both for CIFAR-10. The "
        f"two depths are not counted alike. The 16 are convolutions: the first, "
        f"{len(convolutions) - projections - 1} in blocks and {projections} projections, without the linear layer. On "
        f"its longest path, which passes by the projections and ends in the linear layer, the wide network has "
        f"{wide.forward.depth} weight layers, as this suite counts; 1001 is such a count."
    )


@computes("densenet-params")
def densenet_params():
    """DenseNets beside residual networks of the same published accuracy."""
    depth = network("densenet264").forward.depth
    errors = {title: _top1(title) for pair in PAIRS for title in pair}
    fewer = {pair: 1 - _params(pair[0]) / _params(pair[1]) for pair in PAIRS}
    apart = max(abs(errors[dense] - errors[residual]) for dense, residual in PAIRS)
    nearest = min(fewer, key=lambda pair: abs(fewer[pair] - 1 / 3))
    parts = [
        Part("weight layers of DenseNet-264", depth, 264, tolerance=0.01),
        Part("largest difference of published top-1 errors in a pair", apart, 0.3, "at most", unit=POINTS),
    ]
    for (dense, residual), share in fewer.items():
        what = f"fewer parameters in {dense} than in {residual}"
        parts.append(Part(what, share, 1 / 3, "at least", unit=SHARE, reading="a third at least"))
    what = f"fewer parameters in {nearest[0]} than in {nearest[1]}, the pair nearest to a third"
    parts.append(Part(what, fewer[nearest], 1 / 3, tolerance=0.1, unit=SHARE, reading="a third"))
    given = ", ".join(f"{title} {error:.2f} %" for title, error in errors.items())
    return parts, (
        "The text holds if it means a third fewer at the least, and does not if it means a third: the saving is "
        "larger. Only the parameters are arithmetic. What is of the same accuracy is read from the rows of "
        f"`published/imagenet.csv` with one crop, {_named(DENSE)} and {_named(RESIDUAL)}; top-1 errors: {given}. Three "
        "tenths of a point are this repository's choice. That the two learn equally well is the trained claim *dense*. "
        f"Huang et al. write of about a third *of* the parameters, on CIFAR (recalled, not looked up); here "
        f"{100 * (1 - max(fewer.values())):.0f} to {100 * (1 - min(fewer.values())):.0f} % are left. By the rule that "
        f"gives DenseNet-121, 169 and 201 their names, DenseNet-264 has {depth} layers."
    )


def _params(title: str) -> int:
    return network(title.lower().replace("-", "")).params


def _named(row: dict[str, str]) -> str:
    return f"*{row['variant']}* ({row['protocol']})"


def _top1(title: str) -> float:
    """The error of ``title`` in its row of the published numbers."""
    wanted = {"architecture": title} | (DENSE if title.startswith("Dense") else RESIDUAL)
    found = [row["top1_error"] for row in read_rows(SHELF) if wanted.items() <= row.items()]
    if len(found) != 1 or not found[0]:
        raise DeeperError(f"{SHELF} must have one row with a top-1 error of {title} ({wanted}); {RESTORE}")
    return float(found[0])


@computes("squeezenet-params")
def squeezenet_params():
    """SqueezeNet 1.0 beside AlexNet."""
    large, small = network("alexnet").params, network("squeezenet1_0").params
    ratio = Part("AlexNet's parameters to SqueezeNet's", large / small, 50, "is", 0.05, RATIO)
    return [ratio], f"Counted on `alexnet` ({large:,}) and `squeezenet1_0` ({small:,})."


@computes("se-cost")
def se_cost():
    """SE-ResNet-50 beside ResNet-50; averaging and re-scaling count an operation a number each."""
    plain, gated = network("resnet50"), network("se_resnet50")
    rescaled = sum(layer.activations for layer in gated.layers if layer.kind == "mul")
    macs = gated.forward.macs - plain.forward.macs
    parts = [
        Part("more operations", (macs + 2 * rescaled) / plain.forward.macs, 0.005, "at most", unit=SHARE),
        Part("more parameters", gated.params / plain.params - 1, 0.1, tolerance=0.1, unit=SHARE),
    ]
    return parts, (
        "Counted on `se_resnet50` and `resnet50`. The gates' own layers add "
        f"{100 * macs / plain.forward.macs:.2f} % to the multiply-adds; averaging each map and re-scaling it are "
        "counted as one operation for every number. *Well under 1 %* is taken as half a percent at the most."
    )
