"""AlexNet and ZFNet.

Krizhevsky, Sutskever, Hinton, *ImageNet classification with deep convolutional neural networks*, NeurIPS 2012, §3.5
and figure 2: five convolutions, the second, fourth and fifth in two groups, local response normalisation after the
first two, overlapping max pooling after the first, second and fifth, then three linear layers, the first two with
dropout (§4.2). The paper's text says images of 224 pixels; its layers fit 227. Zeiler and Fergus, *Visualizing and
understanding convolutional networks*, arXiv 1311.2901, §4.1 and figure 3, take a first convolution of 7×7 with stride
2, a second of stride 2 without padding and no groups, and normalise after pooling.

Ours differs in how it starts: weights with variance 2 / fan-in and zero biases, where the papers draw with a fixed
deviation of 0.01 and set some biases to one. ZFNet's renormalisation of large filters is left out.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from deeper.models.network import Network
from deeper.models.parts.activation import make_activation
from deeper.models.parts.heads import ClassifierHead
from deeper.models.parts.initialisation import initialise, start_classifier
from deeper.models.parts.input_size import check_side, smallest_side
from deeper.models.parts.normalisation import make_norm
from deeper.models.parts.pooling import make_pool

GROUPED = (2, 4, 5)
NORMALISED = (1, 2)


class AlexNet(Network):
    """Convolutions, overlapping max pooling, wide linear layers: (N, in_chans, H, W) → (N, num_classes).

    Args:
        widths: channels of each convolution.
        kernels: their sizes.
        strides: their strides.
        paddings: their zero padding.
        pools: numbers (from 1) of the convolutions that a 3×3 max pooling of stride 2 follows.
        ceil_mode: whether pooling keeps the incomplete window at the border.
        groups: of convolutions 2, 4 and 5; 1 leaves them whole.
        norm: ``lrn`` after the activation of convolutions 1 and 2, ``batch`` after every convolution, or ``none``.
        norm_after_pool: whether ``lrn`` stands after the pooling (ZFNet) instead of before it (AlexNet).
        activation: of all layers; see ``deeper.models.parts.activation``.
        hidden: widths of the hidden linear layers.
        grid: side that the last maps are averaged to; the paper's own, 6, for the paper's images changes nothing.
        dropout: rate after each hidden linear layer.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Attributes:
        smallest: pixels a side that images must have.
        title: ``ZFNet`` where normalisation stands after pooling, else ``AlexNet``.

    Raises:
        ValueError: lists of different lengths, a pooling after no convolution, widths that the groups do not divide,
            or an unknown normalisation or activation.
    """

    def __init__(
        self,
        widths: Sequence[int] = (96, 256, 384, 384, 256),
        kernels: Sequence[int] = (11, 5, 3, 3, 3),
        strides: Sequence[int] = (4, 1, 1, 1, 1),
        paddings: Sequence[int] = (0, 2, 1, 1, 1),
        pools: Sequence[int] = (1, 2, 5),
        ceil_mode: bool = False,
        groups: int = 2,
        norm: str = "lrn",
        norm_after_pool: bool = False,
        activation: str = "relu",
        hidden: Sequence[int] = (4096, 4096),
        grid: int = 6,
        dropout: float = 0.5,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        super().__init__()
        _check(widths, kernels, strides, paddings, pools, groups, norm)
        layers, channels = [], in_chans
        for number, (width, *window) in enumerate(zip(widths, kernels, strides, paddings, strict=True), 1):
            shared = groups if number in GROUPED else 1
            after = [make_activation(activation)]
            if norm == "batch":
                after.insert(0, make_norm(norm, width))
            if number in pools:
                after.append(make_pool("max", 3, 2, ceil_mode=ceil_mode))
            if norm == "lrn" and number in NORMALISED:
                after.insert(len(after) if norm_after_pool else 1, make_norm(norm, width))
            layers.append(nn.Sequential(nn.Conv2d(channels, width, *window, groups=shared), *after))
            channels = width
        self.layers = nn.Sequential(*layers)
        self.smallest = smallest_side(self.layers)
        self.title = "ZFNet" if norm_after_pool else "AlexNet"
        self.num_features = channels
        self.head = ClassifierHead(channels, num_classes, hidden, grid, dropout, activation)
        self.head_hidden_size = self.head.width
        initialise(self, fan="in", activation=activation)
        start_classifier(self.head.fc)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w): 227 → 6 in AlexNet, 224 → 6 in ZFNet.

        Raises:
            ValueError: images too small for the layers.
        """
        check_side(x, self.smallest, self.title)
        return self.layers(x)

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the last linear layer by a fresh one of ``num_classes`` outputs (0: none)."""
        self.head.reset(num_classes)


def _check(widths, kernels, strides, paddings, pools, groups, norm) -> None:
    make_norm(norm, 1)
    if not len(widths) == len(kernels) == len(strides) == len(paddings) > 0:
        raise ValueError("widths, kernels, strides and paddings must be as many, one a convolution")
    if any(not 1 <= number <= len(widths) for number in pools):
        raise ValueError(f"pools={list(pools)}: they must be numbers of convolutions, 1 to {len(widths)}")
    for number in GROUPED:
        if number <= len(widths) and (widths[number - 1] % groups or widths[number - 2] % groups):
            raise ValueError(f"groups={groups}: they must divide widths {widths[number - 2]} and {widths[number - 1]}")
