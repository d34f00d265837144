"""Highway networks: layers that carry their input past themselves through a learnt gate.

Srivastava, Greff, Schmidhuber, *Highway networks*, arXiv 1505.00387, §2 and §3.1: y = T(x)·H(x) + (1 - T(x))·x, where T
is a sigmoid whose bias starts negative, so that a layer at first mostly carries. For images the same authors' *Training
very deep networks*, arXiv 1507.06228, §4: convolutional layers in three stages with maximum pooling between, the first
layer of a stage a plain convolution, because a gate needs input and output of one shape; a global average at the end.

The papers give depth (19 and 32) and rounded parameters (2.3 M and 1.25 M) of their CIFAR networks but no widths; ours
are chosen to come near those. There is no dropout unless it is asked for. Convolutions are drawn with variance
2 / fan-in: without normalisation, the first layer's few inputs would otherwise start the network with features near 0.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from deeper.models.network import Network
from deeper.models.parts.activation import make_activation
from deeper.models.parts.heads import PooledHead
from deeper.models.parts.initialisation import initialise


class HighwayLayer(nn.Module):
    """T(x)·H(x) + (1 - T(x))·x with two 3×3 convolutions: (N, channels, H, W) → the same.

    Args:
        channels: of input and output.
        gate_bias: where the bias of T starts.
        activation: of H.
    """

    def __init__(self, channels: int, gate_bias: float = -4.0, activation: str = "relu"):
        super().__init__()
        self.transform = nn.Conv2d(channels, channels, 3, padding=1)
        self.activation = make_activation(activation)
        self.gate = nn.Conv2d(channels, channels, 3, padding=1)
        self.gate_bias = gate_bias

    def forward(self, x: Tensor) -> Tensor:
        gate = torch.sigmoid(self.gate(x))
        return x + gate * (self.activation(self.transform(x)) - x)


class HighwayNetwork(Network):
    """A convolutional highway network: (N, in_chans, H, W) → (N, num_classes).

    Args:
        depth: weight layers in a row, the classifier among them, a gate and its transform counting as one; the stages
            share them, the earlier ones first.
        widths: channels of each stage.
        gate_bias: where the biases of the gates start; -1 to -4 in the papers.
        activation: of every layer but the gates.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.
        dropout: rate before the classifier.

    Raises:
        ValueError: a depth that leaves a stage without a highway layer, or an unknown activation.
    """

    def __init__(
        self,
        depth: int = 19,
        widths: Sequence[int] = (32, 80, 128),
        gate_bias: float = -4.0,
        activation: str = "relu",
        in_chans: int = 3,
        num_classes: int = 10,
        dropout: float = 0.0,
    ):
        super().__init__()
        if not widths or depth < 2 * len(widths) + 1:
            raise ValueError(
                f"HighwayNetwork depth={depth}: it must be at least {2 * len(widths) + 1}, two a stage and 1"
            )
        each, rest = divmod(depth - 1, len(widths))
        layers: list[nn.Module] = []
        channels = in_chans
        for index, width in enumerate(widths):
            if index:
                layers.append(nn.MaxPool2d(2))
            layers += [nn.Conv2d(channels, width, 3, padding=1), make_activation(activation)]
            layers += [HighwayLayer(width, gate_bias, activation) for _ in range(each - 1 + (index < rest))]
            channels = width
        self.layers = nn.Sequential(*layers)
        self.num_features = channels
        self.head_dropout = dropout
        self.head = PooledHead(channels, num_classes, dropout)
        initialise(self)
        initialise(self.layers, fan="in")  # a second draw of the convolutions, which leaves the classifier's as it is
        for part in self.layers:
            if isinstance(part, HighwayLayer):
                nn.init.constant_(part.gate.bias, part.gate_bias)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, ⌊⌊H/2⌋/2⌋, ⌊⌊W/2⌋/2⌋) with three stages."""
        return self.layers(x)
