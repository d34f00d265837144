"""Networks whose stages are graphs that bits describe.

Xie, Yuille, *Genetic CNN*, arXiv 1703.01513, §3.1: nodes of a stage are convolutions with normalisation and rectifier;
a bit says whether an earlier node's output goes to a later one; what goes into a node is summed. Every stage has two
nodes more: one takes the stage's input and feeds the nodes without a predecessor, one sums the outputs of the nodes
without a successor. A node without any connection is left out; a stage without any bit is one convolution. §4.2: three
stages of 3, 4 and 5 nodes, 5×5 convolutions of 8, 16 and 32 channels, overlapping pooling, a hidden layer of 128.

Ours differs in that the maps are averaged before the hidden layer, so that images of any size go through.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from deeper.models.network import Network
from deeper.models.parts.checks import check_positive, check_rate
from deeper.models.parts.convolution import conv_norm
from deeper.models.parts.heads import ClassifierHead
from deeper.models.parts.initialisation import initialise, start_classifier


def nodes_of(bits: str) -> int:
    """How many nodes a stage of these bits has: K(K-1)/2 bits are K nodes.

    Raises:
        ValueError: no whole number of nodes, or something else than 0 and 1.
    """
    nodes = next(k for k in range(2, len(bits) + 3) if k * (k - 1) // 2 >= len(bits))
    if set(bits) - {"0", "1"} or nodes * (nodes - 1) // 2 != len(bits):
        raise ValueError(f"bits={bits!r}: a stage of K nodes has K(K-1)/2 digits 0 or 1, such as 101 for three")
    return nodes


def predecessors(bits: str) -> list[list[int]]:
    """The nodes that feed each node of a stage, in order: bits are 1-2, 1-3, 2-3, 1-4, … as in the paper."""
    digits = iter(bits)
    return [[before for before in range(node) if next(digits) == "1"] for node in range(nodes_of(bits))]


class BitStage(nn.Module):
    """A stage built from its bits: (N, in_channels, H, W) → (N, channels, H, W).

    Raises:
        ValueError: bits of no whole number of nodes.
    """

    def __init__(self, bits: str, in_channels: int, channels: int, kernel: int):
        super().__init__()
        feeds = predecessors(bits)
        self.fed = {
            node: before for node, before in enumerate(feeds) if before or any(node in other for other in feeds)
        }
        self.last = [node for node in self.fed if not any(node in before for before in self.fed.values())]
        self.first = conv_norm(in_channels, channels, kernel, activation="relu")
        self.nodes = nn.ModuleDict(
            {str(node): conv_norm(channels, channels, kernel, activation="relu") for node in self.fed}
        )
        self.gather = conv_norm(channels, channels, kernel, activation="relu") if self.fed else nn.Identity()

    def forward(self, x: Tensor) -> Tensor:
        first, made = self.first(x), {}
        for node, before in self.fed.items():
            made[node] = self.nodes[str(node)](sum(made[other] for other in before) if before else first)
        return self.gather(sum(made[node] for node in self.last) if made else first)


class GeneticCNN(Network):
    """Stages of bits with pooling after each, a hidden layer, a classifier: (N, in_chans, H, W) → (N, num_classes).

    Args:
        bits: a string of 0 and 1 for each stage.
        widths: channels of each stage.
        kernel: size of all convolutions.
        hidden: width of the hidden layer.
        dropout: after the hidden layer.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: not one width a stage, or bits of no whole number of nodes.
    """

    def __init__(
        self,
        bits: Sequence[str] = ("100", "010011", "0011010111"),
        widths: Sequence[int] = (8, 16, 32),
        kernel: int = 5,
        hidden: int = 128,
        dropout: float = 0.5,
        in_chans: int = 3,
        num_classes: int = 10,
    ):
        super().__init__()
        check_positive(kernel=kernel, hidden=hidden)
        check_rate(dropout=dropout)
        if len(bits) != len(widths) or not len(bits):
            raise ValueError(f"widths={list(widths)}: {len(bits)} stages need one each")
        if kernel % 2 == 0:
            raise ValueError(f"kernel={kernel}: it must be odd")
        inputs = (in_chans, *widths)
        stages = zip(bits, inputs, widths, strict=False)
        self.stages = nn.Sequential(*(BitStage(str(stage), before, width, kernel) for stage, before, width in stages))
        self.pool = nn.MaxPool2d(3, 2, 1)
        self.num_features, self.head_hidden_size = widths[-1], hidden
        self.head = ClassifierHead(self.num_features, num_classes, (hidden,), 1, dropout)
        initialise(self, fan="in")
        start_classifier(self.head.fc)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, ⌈H/8⌉, ⌈W/8⌉) with three stages."""
        for stage in self.stages:
            x = self.pool(stage(x))
        return x

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the last linear layer by a fresh one of ``num_classes`` outputs (0: none)."""
        self.head.reset(num_classes)
