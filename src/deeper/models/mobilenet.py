"""MobileNets.

Version 1: Howard et al., *MobileNets: efficient convolutional neural networks for mobile vision applications*,
arXiv 1704.04861, table 1: a convolution and 13 depthwise separable blocks, each convolution followed by batch
normalisation and ReLU. ``separable=False`` is the network of table 4 whose blocks are full 3×3 convolutions.

Version 2: Sandler, Howard, Zhu, Zhmoginov, Chen, *MobileNetV2: inverted residuals and linear bottlenecks*, arXiv
1801.04381, table 2: a convolution, 17 inverted residual blocks, a 1×1 convolution, with ReLU6.

Squeeze-and-excitation is not in either paper. On version 1 it stands after each block, as in SE-MobileNet of Hu et
al. (arXiv 1709.01507, table 8); on version 2 after each depthwise convolution, its hidden width a fraction of the
block's input channels, as MnasNet and EfficientNet have it.

Ours differs from the authors' code in padding (symmetric, theirs puts the odd pixel of an even map below and right
where a convolution strides), in batch normalisation (PyTorch's ε = 1e-5 and momentum 0.1 for 1e-3 and a slower average)
and in how it starts (as He et al.'s, fan-out, theirs truncated normals of deviation 0.09). Version 1 has the paper's
ReLU, ``activation="relu6"`` is the code's. No count depends on any of these.

``strides`` says where the five halvings of the papers happen (2) or do not (1), so that small images can be taken.
"""

from collections.abc import Sequence

from torch import nn

from deeper.models.inverted_residual import InvertedResidual, divisible, place_strides
from deeper.models.network import SequentialNetwork
from deeper.models.parts.checks import check_positive, check_rate
from deeper.models.parts.convolution import conv_norm, depthwise_norm
from deeper.models.parts.squeeze_excite import SqueezeExcite, reduced

_STEM = 32
_V1 = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
_V2 = ((16, 1, 1), (24, 2, 2), (32, 3, 2), (64, 4, 2), (96, 3, 1), (160, 3, 2), (320, 1, 1))
_LAST = 1280
_HALVINGS = (2, 2, 2, 2, 2)


class SeparableBlock(nn.Sequential):
    """A depthwise 3×3 and a 1×1 convolution, or one full 3×3 convolution, each with normalisation and activation.

    (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉).
    """

    def __init__(
        self, in_channels: int, out_channels: int, stride: int, separable: bool, squeeze: int, activation: str
    ):
        if separable:
            layers = [
                depthwise_norm(in_channels, 3, stride, activation),
                conv_norm(in_channels, out_channels, 1, activation=activation),
            ]
        else:
            layers = [conv_norm(in_channels, out_channels, 3, stride, activation=activation)]
        super().__init__(*layers, *([SqueezeExcite(out_channels, squeeze)] if squeeze else []))


class MobileNetV1(SequentialNetwork):
    """MobileNet of 2017: (N, in_chans, H, W) → (N, num_classes).

    Args:
        width: multiplies all channels (1, 0.75, 0.5, 0.25 in the paper); fractions are cut off, at least 8 remain.
        separable: False makes each block one full 3×3 convolution.
        squeeze_excite: channels over hidden width of a squeeze-and-excitation after each block (16 in SE-MobileNet);
            0: none.
        strides: of the five layers that halve in the paper: the first convolution and blocks 2, 4, 6, 12.
        activation: after each normalisation.
        dropout: before the classifier.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: a width that is not positive, a negative ``squeeze_excite``, impossible ``strides``, a dropout
            outside [0, 1), an unknown activation.
    """

    def __init__(
        self,
        width: float = 1.0,
        separable: bool = True,
        squeeze_excite: int = 0,
        strides: Sequence[int] = _HALVINGS,
        activation: str = "relu",
        dropout: float = 0.0,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        check_positive(width=width)
        first, *later = place_strides([2, *(stride for _, stride in _V1)], strides)
        channels = max(8, int(_STEM * width))
        layers: list[nn.Module] = [conv_norm(in_chans, channels, 3, first, activation=activation)]
        for (full, _), stride in zip(_V1, later, strict=True):
            wide = max(8, int(full * width))
            squeeze = reduced(wide, squeeze_excite)
            layers.append(SeparableBlock(channels, wide, stride, separable, squeeze, activation))
            channels = wide
        super().__init__(layers, channels, num_classes, dropout)


class MobileNetV2(SequentialNetwork):
    """MobileNet of 2018: (N, in_chans, H, W) → (N, num_classes).

    Args:
        width: multiplies all channels, rounded to multiples of 8; the last 1×1 convolution keeps its 1280 channels
            where ``width`` is less than 1 (arXiv 1801.04381, §6.1), unless ``shrink_last`` says otherwise.
        expansion: of all blocks but the first, which expands nothing.
        residual: False leaves all shortcuts out.
        linear: False puts the activation after each projection too.
        squeeze_excite: a block's input channels over the hidden width of its squeeze-and-excitation; 0: none.
        shrink_last: whether a ``width`` less than 1 narrows the last 1×1 convolution as well.
        strides: of the five layers that halve in the paper: the first convolution and the first blocks of 24, 32, 64
            and 160 channels.
        activation: after each normalisation that has one.
        drop_path: probability that the last block's branch is left out of a sample in training; that of the others
            falls linearly to 0 at the first. Not in the paper.
        dropout: before the classifier.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: a width or expansion that is not positive, a negative ``squeeze_excite``, impossible ``strides``, a
            rate outside [0, 1), an unknown activation.
    """

    def __init__(
        self,
        width: float = 1.0,
        expansion: int = 6,
        residual: bool = True,
        linear: bool = True,
        squeeze_excite: int = 0,
        shrink_last: bool = False,
        strides: Sequence[int] = _HALVINGS,
        activation: str = "relu6",
        drop_path: float = 0.0,
        dropout: float = 0.0,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        check_positive(width=width, expansion=expansion)
        check_rate(drop_path=drop_path)
        first, *later = place_strides([2, *(stride for _, _, stride in _V2)], strides)
        channels = divisible(_STEM * width)
        layers: list[nn.Module] = [conv_norm(in_chans, channels, 3, first, activation=activation)]
        total = sum(repeats for _, repeats, _ in _V2)
        for (full, repeats, _), stride in zip(_V2, later, strict=True):
            for repeat in range(repeats):
                wide, index = divisible(full * width), len(layers) - 1
                block = InvertedResidual(
                    channels,
                    wide,
                    1 if repeat else stride,
                    expansion if index else 1,
                    squeeze=reduced(channels, squeeze_excite),
                    activation=activation,
                    linear=linear,
                    residual=residual,
                    drop=drop_path * index / (total - 1),
                )
                layers.append(block)
                channels = wide
        last = divisible(_LAST * (width if shrink_last else max(1.0, width)))
        layers.append(conv_norm(channels, last, 1, activation=activation))
        super().__init__(layers, last, num_classes, dropout)
