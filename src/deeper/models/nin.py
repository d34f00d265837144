"""Network in Network.

Lin, Chen, Yan, *Network in network*, arXiv 1312.4400, §3 and figure 2: stages of one wide convolution and two 1×1
ones, a small perceptron slid over the image, each followed by a rectifier; 3×3 pooling of stride 2 and dropout between
the stages; the last 1×1 convolution makes one map a class, and the logits are the maps' global averages.

The paper gives no widths. They are those of the authors' published Caffe models, as is the second pooling of the CIFAR
ones, an average, and pooling's incomplete windows at the border. Ours starts with variance 2 / fan-in.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from deeper.models.blocks import renewed
from deeper.models.heads import check_side, initialise, smallest_side, start_classifier
from deeper.models.layers import make_activation, make_norm, make_pool
from deeper.models.network import Network


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
            window = kernels[index], strides[index], paddings[index]
            layers = [_layer(channels, first, window, norm, activation)]
            for wide, width in zip((first, *others), others, strict=False):
                layers.append(_layer(wide, width, (1, 1, 0), norm, activation))
            stages.append(nn.Sequential(*layers))
            channels = (first, *others)[-1]
        self.stages = nn.Sequential(*stages)
        self.smallest = smallest_side(self.stages)
        self.num_features = channels
        self.activation = activation
        initialise(self, activation)
        self.head = ClassMaps(channels, num_classes, activation if activate_logits else None)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w): 32 → 8 in the CIFAR networks, 227 → 6 in ImageNet's.

        Raises:
            ValueError: images too small for the layers.
        """
        check_side(x, self.smallest, "NetworkInNetwork")
        return self.stages(x)

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the last convolution by a fresh one of ``num_classes`` maps (0: none)."""
        self.head.reset(num_classes)


class ClassMaps(nn.Module):
    """A 1×1 convolution to one map a class and their global averages: (N, C, H, W) → (N, classes).

    ``pre_logits`` gives the averages of the maps that come in, (N, C). The average is a mean over the axes, whose
    backward pass is deterministic on every device.

    Args:
        num_features: channels C.
        num_classes: maps; 0 leaves the convolution off.
        activation: of the class maps; None is none.
    """

    def __init__(self, num_features: int, num_classes: int, activation: str | None):
        super().__init__()
        self.num_features, self.activation = num_features, activation
        self.reset(num_classes)

    def forward(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        return (x if pre_logits else self.maps(x)).mean(dim=(2, 3))

    def reset(self, num_classes: int) -> None:
        """Draw a fresh convolution of ``num_classes`` maps (0: none)."""
        maps = nn.Sequential()
        if num_classes:
            maps.append(nn.Conv2d(self.num_features, num_classes, 1))
            start_classifier(maps[0])
            if self.activation:
                maps.append(make_activation(self.activation))
        self.maps = renewed(maps, getattr(self, "maps", maps))


def _layer(in_channels: int, out_channels: int, window: tuple[int, int, int], norm: str, activation: str) -> nn.Module:
    convolution = nn.Conv2d(in_channels, out_channels, *window)
    return nn.Sequential(convolution, make_norm(norm, out_channels), make_activation(activation))


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
