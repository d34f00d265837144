"""MobileNet v3.

Howard, Sandler, Chu, Chen, Chen, Tan, Wang, Zhu, Pang, Vasudevan, Le, Adam, *Searching for MobileNetV3*, arXiv
1905.02244, tables 1 and 2: inverted residuals found by a search, some with squeeze-and-excitation whose gate is made of
straight lines and whose hidden width is a quarter of the expanded channels; ReLU in front and hard swish behind; the
last 1×1 convolution is moved behind the average, where it is a linear layer.

Ours differs from the authors' code in padding (symmetric), in batch normalisation (PyTorch's ε = 1e-5 and momentum 0.1
for 1e-3 and 0.01) and in how it starts (as He et al.'s, fan-out). No count depends on any of these.

``strides`` says where the five halvings of the paper happen (2) or do not (1), so that small images can be taken.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from deeper.models.inverted_residual import divisible, place_strides
from deeper.models.network import Network
from deeper.models.parts.checks import check_choice, check_positive, check_rate
from deeper.models.parts.convolution import conv_norm, depthwise_norm
from deeper.models.parts.drop_path import drop_samples
from deeper.models.parts.heads import ClassifierHead
from deeper.models.parts.initialisation import initialise
from deeper.models.parts.squeeze_excite import SqueezeExcite

_STEM = 16
_RE, _HS = "relu", "hard_swish"
_DESIGNS = {  # kernel, expanded channels, channels, gate, activation, stride; then channels of the hidden layer
    "large": (
        [
            *((3, 16, 16, False, _RE, 1), (3, 64, 24, False, _RE, 2), (3, 72, 24, False, _RE, 1)),
            *((5, 72, 40, True, _RE, 2), (5, 120, 40, True, _RE, 1), (5, 120, 40, True, _RE, 1)),
            *((3, 240, 80, False, _HS, 2), (3, 200, 80, False, _HS, 1), (3, 184, 80, False, _HS, 1)),
            *((3, 184, 80, False, _HS, 1), (3, 480, 112, True, _HS, 1), (3, 672, 112, True, _HS, 1)),
            *((5, 672, 160, True, _HS, 2), (5, 960, 160, True, _HS, 1), (5, 960, 160, True, _HS, 1)),
        ],
        1280,
    ),
    "small": (
        [
            *((3, 16, 16, True, _RE, 2), (3, 72, 24, False, _RE, 2), (3, 88, 24, False, _RE, 1)),
            *((5, 96, 40, True, _HS, 2), (5, 240, 40, True, _HS, 1), (5, 240, 40, True, _HS, 1)),
            *((5, 120, 48, True, _HS, 1), (5, 144, 48, True, _HS, 1), (5, 288, 96, True, _HS, 2)),
            *((5, 576, 96, True, _HS, 1), (5, 576, 96, True, _HS, 1)),
        ],
        1024,
    ),
}


class MobileNetV3Block(nn.Module):
    """Expand by 1×1, filter each channel, gate, project by 1×1; add the input where the shapes allow.

    (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉).
    """

    def __init__(
        self,
        in_channels: int,
        hidden: int,
        out_channels: int,
        kernel: int,
        stride: int,
        gate: bool,
        activation: str,
        drop: float,
    ):
        super().__init__()
        layers: list[nn.Module] = []
        if hidden != in_channels:
            layers.append(conv_norm(in_channels, hidden, 1, activation=activation))
        layers.append(depthwise_norm(hidden, kernel, stride, activation))
        if gate:
            layers.append(SqueezeExcite(hidden, divisible(hidden // 4), hard=True))
        layers.append(conv_norm(hidden, out_channels, 1))
        self.branch = nn.Sequential(*layers)
        self.shortcut = stride == 1 and in_channels == out_channels
        self.drop = drop if self.shortcut else 0.0

    def forward(self, x: Tensor) -> Tensor:
        y = self.branch(x)
        if self.training and self.drop:
            y = drop_samples(y, self.drop)
        return x + y if self.shortcut else y


class MobileNetV3(Network):
    """MobileNet of 2019: (N, in_chans, H, W) → (N, num_classes).

    Args:
        design: ``large`` (table 1) or ``small`` (table 2).
        width: multiplies all channels, rounded to multiples of 8.
        hidden: channels of the linear layer before the classifier; None: the paper's, times ``width`` where it is more
            than 1.
        gates: False leaves squeeze-and-excitation out.
        strides: of the five layers that halve in the paper: the first convolution and four blocks.
        drop_path: probability that the last block's branch is left out of a sample in training; it falls in a line to 0
            at the first. Not in the paper.
        dropout: before the classifier.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: an unknown design, a width that is not positive, impossible ``strides``, a rate outside [0, 1).
    """

    def __init__(
        self,
        design: str = "large",
        width: float = 1.0,
        hidden: int | None = None,
        gates: bool = True,
        strides: Sequence[int] = (2, 2, 2, 2, 2),
        drop_path: float = 0.0,
        dropout: float = 0.2,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        super().__init__()
        check_choice("design", design, _DESIGNS)
        check_positive(width=width)
        check_rate(drop_path=drop_path, dropout=dropout)
        rows, usual = _DESIGNS[design]
        first, *later = place_strides([2, *(row[-1] for row in rows)], strides)
        channels = divisible(_STEM * width)
        layers: list[nn.Module] = [conv_norm(in_chans, channels, 3, first, activation=_HS)]
        for number, ((kernel, expanded, full, gate, activation, _), stride) in enumerate(zip(rows, later, strict=True)):
            wide, drop = divisible(full * width), drop_path * number / (len(rows) - 1)
            expanded = divisible(expanded * width)
            gated = gate and gates
            layers.append(MobileNetV3Block(channels, expanded, wide, kernel, stride, gated, activation, drop))
            channels = wide
        last = 6 * channels
        layers.append(conv_norm(channels, last, 1, activation=_HS))
        self.features = nn.Sequential(*layers)
        self.num_features, self.head_dropout = last, dropout
        self.head_hidden_size = hidden or divisible(usual * max(1.0, width))
        hidden = self.head_hidden_size
        self.head = ClassifierHead(last, num_classes, [hidden], dropout=dropout, activation=_HS)
        initialise(self)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w)."""
        return self.features(x)

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the classifier, not the hidden layer, by a fresh one of ``num_classes`` outputs (0: none)."""
        self.head.reset(num_classes)
