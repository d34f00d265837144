"""VGG.

Simonyan and Zisserman, *Very deep convolutional networks for large-scale image recognition*, arXiv 1409.1556, §2 and
table 1: five stages of 3×3 convolutions of stride 1 (configuration C: also 1×1), each stage followed by a 2×2 max
pooling, channels doubling from 64 to 512, then three linear layers, the first two with dropout.

Ours differs in how it starts: variance 2 / fan-in instead of shallower trained networks (§3.1). With batch
normalisation (Ioffe and Szegedy, arXiv 1502.03167) the convolutions keep their biases, as in the networks that
torchvision counts.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from deeper.models.network import Network
from deeper.models.parts.convolution import conv_norm
from deeper.models.parts.heads import ClassifierHead
from deeper.models.parts.initialisation import initialise, start_classifier
from deeper.models.parts.input_size import check_side, smallest_side
from deeper.models.parts.normalisation import make_norm
from deeper.models.parts.pooling import make_pool


class VGG(Network):
    """Stages of small convolutions, wide linear layers: (N, in_chans, H, W) → (N, num_classes).

    Args:
        kernels: a list a stage of the sizes of its convolutions, odd; ``[3, 3]`` is two 3×3 ones, ``[7]`` one 7×7.
        width: channels of the first stage (64 in the paper).
        growth: channels of each stage over ``width``; ``[1, 2, 4, 8, 8]`` in the paper, all ones keeps them constant.
        halvings: stages, the first ones, that a 2×2 max pooling of stride 2 follows; 5 in the paper.
        norm: ``none``, ``batch`` after every convolution, or ``lrn`` after the first activation (A-LRN).
        activation: of all layers; see ``deeper.models.parts.activation``.
        hidden: widths of the hidden linear layers.
        grid: side that the last maps are averaged to; the paper's own, 7, for images of 224 changes nothing.
        dropout: rate after each hidden linear layer.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Attributes:
        smallest: pixels a side that images must have.

    Raises:
        ValueError: an even kernel, an empty stage, as many growths as stages missing, more halvings than stages, or an
            unknown normalisation or activation.
    """

    def __init__(
        self,
        kernels: Sequence[Sequence[int]] = ((3,), (3,), (3, 3), (3, 3), (3, 3)),
        width: int = 64,
        growth: Sequence[float] = (1, 2, 4, 8, 8),
        halvings: int = 5,
        norm: str = "none",
        activation: str = "relu",
        hidden: Sequence[int] = (4096, 4096),
        grid: int = 7,
        dropout: float = 0.5,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        super().__init__()
        _check(kernels, growth, halvings)
        stages, channels = [], in_chans
        for index, (sizes, factor) in enumerate(zip(kernels, growth, strict=True)):
            stage = []
            for kernel in sizes:
                wide, after_each = round(width * factor), "none" if norm == "lrn" else norm
                layer = conv_norm(channels, wide, kernel, norm=after_each, activation=activation, bias=True)
                if norm == "lrn" and not stages and not stage:
                    layer.append(make_norm(norm, wide))
                stage.append(layer)
                channels = wide
            if index < halvings:
                stage.append(make_pool("max", 2, 2))
            stages.append(nn.Sequential(*stage))
        self.stages = nn.Sequential(*stages)
        self.smallest = smallest_side(self.stages)
        self.num_features = channels
        self.head = ClassifierHead(channels, num_classes, hidden, grid, dropout, activation)
        self.head_hidden_size = self.head.width
        initialise(self, fan="in", activation=activation)
        start_classifier(self.head.fc)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, ⌊H/2^halvings⌋, ⌊W/2^halvings⌋).

        Raises:
            ValueError: images that the halvings leave nothing of.
        """
        check_side(x, self.smallest, "VGG")
        return self.stages(x)

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the last linear layer by a fresh one of ``num_classes`` outputs (0: none)."""
        self.head.reset(num_classes)


def _check(kernels, growth, halvings) -> None:
    if any(not sizes for sizes in kernels) or any(kernel % 2 == 0 for sizes in kernels for kernel in sizes):
        raise ValueError("kernels: each stage needs one or more odd sizes, as [[3], [3, 3]]")
    if len(growth) != len(kernels):
        raise ValueError(f"growth: it must name {len(kernels)} factors, one a stage, not {len(growth)}")
    if not 0 <= halvings <= len(kernels):
        raise ValueError(f"halvings={halvings}: they must be 0 to {len(kernels)}, the number of stages")
