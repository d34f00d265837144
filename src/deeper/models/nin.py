"""Network in Network.

Lin, Chen, Yan, *Network in network*, arXiv 1312.4400, §3 and figure 2: stages of one wide convolution and two 1×1
ones, a small perceptron slid over the image, each followed by a rectifier; 3×3 pooling of stride 2 and dropout between
the stages; the last 1×1 convolution makes one map a class, and the logits are the maps' global averages.

The paper gives no widths. They are those of the authors' published Caffe models, as is the second pooling of the CIFAR
ones, an average, and pooling's incomplete windows at the border. Ours starts with variance 2 / fan-in.
"""

from collections import OrderedDict
from collections.abc import Sequence

from torch import Tensor, nn

from deeper.models.network import Network
from deeper.models.parts.activation import make_activation
from deeper.models.parts.convolution import conv_norm
from deeper.models.parts.heads import ClassMaps
from deeper.models.parts.initialisation import initialise
from deeper.models.parts.input_size import check_side, smallest_side
from deeper.models.parts.pooling import make_pool


class NetworkInNetwork(Network):
    """Stages of a convolution and 1×1 convolutions: (N, in_chans, H, W) → (N, num_classes).

    Args:
        widths: a list a stage of the channels of its convolutions, the first of ``kernels``' size, the others 1×1; in
            the last stage the convolution to the classes comes on top.
        kernels: sizes of the stages' first convolutions.
        strides: their strides.
        paddings: their zero padding.
        pools: ``max`` or ``average`` between each stage and the next.
        dropouts: rates of dropout between each stage and the next.
        norm: after every convolution but the last; ``none`` in the paper.
        activation: after every convolution.
        activate_logits: whether the activation also follows the last convolution, as in the paper's equation 2.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the last convolution off.

    Attributes:
        smallest: pixels a side that images must have.

    Raises:
        ValueError: lists whose lengths do not fit the number of stages, an empty stage, or an unknown pooling,
            normalisation or activation.
    """

    def __init__(
        self,
        widths: Sequence[Sequence[int]] = ((192, 160, 96), (192, 192, 192), (192, 192)),
        kernels: Sequence[int] = (5, 5, 3),
        strides: Sequence[int] = (1, 1, 1),
        paddings: Sequence[int] = (2, 2, 1),
        pools: Sequence[str] = ("max", "average"),
        dropouts: Sequence[float] = (0.5, 0.5),
        norm: str = "none",
        activation: str = "relu",
        activate_logits: bool = True,
        in_chans: int = 3,
        num_classes: int = 10,
    ):
        super().__init__()
        _check(widths, kernels, strides, paddings, pools, dropouts)
        stages, channels = [], in_chans
        for index, (first, *others) in enumerate(widths):
            if index:
                stages.append(_between(pools[index - 1], dropouts[index - 1]))
            after = {"norm": norm, "activation": activation, "bias": True}
            layers = [conv_norm(channels, first, kernels[index], strides[index], paddings[index], **after)]
            channels = first
            for width in others:
                layers.append(conv_norm(channels, width, 1, **after))
                channels = width
            stages.append(nn.Sequential(*layers))
        self.stages = nn.Sequential(*stages)
        self.smallest = smallest_side(self.stages)
        self.num_features = channels
        self.activation = activation if activate_logits else None
        initialise(self, fan="in", activation=activation)
        self.head = self.new_head(num_classes)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w): 32 → 8 in the CIFAR networks, 227 → 6 in ImageNet's.

        Raises:
            ValueError: images too small for the layers.
        """
        check_side(x, self.smallest, "NetworkInNetwork")
        return self.stages(x)

    def new_head(self, num_classes: int) -> ClassMaps:
        """A fresh last convolution of ``num_classes`` maps (0: none)."""
        maps = nn.Sequential()
        if num_classes:
            maps.append(ClassMaps.convolution(self.num_features, num_classes))
            if self.activation:
                maps.append(make_activation(self.activation))
        return ClassMaps(OrderedDict(maps=maps))


def _between(pool: str, dropout: float) -> nn.Module:
    return nn.Sequential(make_pool(pool, 3, 2, ceil_mode=True), nn.Dropout(dropout))


def _check(widths, kernels, strides, paddings, pools, dropouts) -> None:
    stages = len(widths)
    if not stages or any(not stage for stage in widths):
        raise ValueError("widths: each stage needs one or more widths, as [[192, 160, 96], [192, 192]]")
    for name, given, wanted in (
        ("kernels", kernels, stages),
        ("strides", strides, stages),
        ("paddings", paddings, stages),
        ("pools", pools, stages - 1),
        ("dropouts", dropouts, stages - 1),
    ):
        if len(given) != wanted:
            raise ValueError(f"{name}: {stages} stages need {wanted}, not {len(given)}")
