"""EfficientNets.

Tan, Le, *EfficientNet: rethinking model scaling for convolutional neural networks*, arXiv 1905.11946, table 1: a
convolution, seven stages of mobile inverted bottlenecks with squeeze-and-excitation and swish, a 1×1 convolution.
Scaling (§3.3): depth α^φ, width β^φ, resolution γ^φ with α = 1.2, β = 1.1, γ = 1.15. The published B1…B7 do not follow
that formula to the digit: their multipliers are rounded by hand, and stand in their configurations.

As in the authors' code: channels are rounded to multiples of 8 and repeats upwards, the hidden width of a
squeeze-and-excitation is a quarter of the block's input channels, and "drop connect" leaves a block's branch out of
single samples with a probability that grows linearly with depth. (The branch is computed all the same, unlike that of
``parts.drop_path.StochasticDepth``.)

Ours differs in padding (symmetric, theirs puts the odd pixel below and right), in batch normalisation (PyTorch's
ε = 1e-5 and momentum 0.1 for 1e-3 and 0.01) and in the classifier's start (deviation 0.01, theirs uniform, more). No
count depends on any of these.
"""

from collections.abc import Sequence
from math import ceil

from torch import nn

from deeper.models.inverted_residual import InvertedResidual, divisible, place_strides
from deeper.models.network import SequentialNetwork
from deeper.models.parts.checks import check_positive, check_rate
from deeper.models.parts.convolution import conv_norm
from deeper.models.parts.squeeze_excite import reduced

ALPHA, BETA, GAMMA = 1.2, 1.1, 1.15
_STEM, _LAST = 32, 1280
_STAGES = (  # expansion, channels, repeats, stride, kernel
    (1, 16, 1, 1, 3),
    (6, 24, 2, 2, 3),
    (6, 40, 2, 2, 5),
    (6, 80, 3, 2, 3),
    (6, 112, 3, 1, 5),
    (6, 192, 4, 2, 5),
    (6, 320, 1, 1, 3),
)


def compound(phi: float) -> tuple[float, float, float]:
    """Multipliers (depth, width, resolution) of the compound coefficient ``phi``: α^φ, β^φ, γ^φ."""
    return ALPHA**phi, BETA**phi, GAMMA**phi


class EfficientNet(SequentialNetwork):
    """EfficientNet: (N, in_chans, H, W) → (N, num_classes). The resolution is that of the input.

    Args:
        depth: multiplies the repeats of each stage, rounded upwards.
        width: multiplies all channels, rounded to multiples of 8.
        phi: multiplies ``depth`` by 1.2^φ and ``width`` by 1.1^φ; the input is the caller's to scale by 1.15^φ.
        squeeze_excite: a block's input channels over the hidden width of its squeeze-and-excitation; 0: none.
        strides: of the five layers that halve in the paper: the first convolution and the first blocks of stages 2, 3,
            4 and 6.
        activation: after each normalisation but the projections'.
        drop_path: probability that a branch is left out of a sample in training ("drop connect", 0.2 in the paper): of
            block l = 0…L-1, this times l/L.
        dropout: before the classifier.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: a multiplier that is not positive, a negative ``squeeze_excite``, impossible ``strides``, a rate
            outside [0, 1), an unknown activation.
    """

    def __init__(
        self,
        depth: float = 1.0,
        width: float = 1.0,
        phi: float = 0.0,
        squeeze_excite: int = 4,
        strides: Sequence[int] = (2, 2, 2, 2, 2),
        activation: str = "silu",
        drop_path: float = 0.2,
        dropout: float = 0.2,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        check_positive(depth=depth, width=width)
        check_rate(drop_path=drop_path)
        deeper, wider, _ = compound(phi)
        depth, width = depth * deeper, width * wider
        first, *later = place_strides([2, *(stage[3] for stage in _STAGES)], strides)
        channels = divisible(_STEM * width)
        layers: list[nn.Module] = [conv_norm(in_chans, channels, 3, first, activation=activation)]
        total = sum(_repeats(stage[2], depth) for stage in _STAGES)
        for (expansion, full, repeats, _, kernel), stride in zip(_STAGES, later, strict=True):
            for repeat in range(_repeats(repeats, depth)):
                wide, index = divisible(full * width), len(layers) - 1
                block = InvertedResidual(
                    channels,
                    wide,
                    1 if repeat else stride,
                    expansion,
                    kernel,
                    squeeze=reduced(channels, squeeze_excite),
                    activation=activation,
                    drop=drop_path * index / total,
                )
                layers.append(block)
                channels = wide
        last = divisible(_LAST * width)
        layers.append(conv_norm(channels, last, 1, activation=activation))
        super().__init__(layers, last, num_classes, dropout)


def _repeats(repeats: int, depth: float) -> int:
    return ceil(round(repeats * depth, 9))
