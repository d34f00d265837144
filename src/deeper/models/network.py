"""What the networks of the suite have in common: timm's contract."""

from torch import Tensor, nn

from deeper.models.parts.checks import check_rate
from deeper.models.parts.heads import ClassifierHead, PooledHead, renewed
from deeper.models.parts.initialisation import initialise
from deeper.models.timm_contract import TimmContract


class Network(TimmContract):
    """Features, then a head: (N, in_chans, H, W) → (N, num_classes).

    A family sets ``num_features``, the channels of its feature maps, and ``head``. It writes ``forward_features`` and,
    where its head is not the usual one, ``new_head``.

    Attributes:
        head_dropout: rate before the classifier.
    """

    num_features: int
    head: nn.Module
    head_dropout: float = 0.0

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w)."""
        raise NotImplementedError

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Feature maps → (N, num_classes); with ``pre_logits`` what the classifier sees of them, (N, features)."""
        return self.head(x, pre_logits)

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        return self.forward_head(self.forward_features(x))

    def forward_dense(self, x: Tensor) -> Tensor:
        """Dense evaluation of images of any size: (N, in_chans, H, W) → (N, num_classes), the mean over all places.

        Linear layers become convolutions, and the map of scores that they make is averaged (Simonyan and Zisserman,
        arXiv 1409.1556, §3.2; He et al., arXiv 1512.03385, §3.4). After a global average that is the network itself.

        Raises:
            ValueError: images that leave smaller maps than the hidden layers take.
        """
        if isinstance(self.head, ClassifierHead):
            return self.head.dense(self.forward_features(x))
        return self(x)

    def get_classifier(self) -> nn.Module:
        """The layer that gives the logits, or a head of one's own that is that layer."""
        return getattr(self.head, "fc", self.head)

    def new_head(self, num_classes: int) -> nn.Module:
        """A fresh head of ``num_classes`` outputs (0: none)."""
        head = PooledHead(self.num_features, num_classes, self.head_dropout)
        initialise(head)
        return head

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the classifier by a fresh one of ``num_classes`` outputs (0: none), on the same device."""
        self.head = renewed(self.new_head(num_classes), self)


class SequentialNetwork(Network):
    """Layers one after another and a pooled linear classifier: (N, in_chans, H, W) → (N, num_classes)."""

    def __init__(self, layers: list[nn.Module], num_features: int, num_classes: int, dropout: float):
        super().__init__()
        check_rate(dropout=dropout)
        self.features = nn.Sequential(*layers)
        self.num_features = num_features
        self.head_dropout = dropout
        self.head = PooledHead(num_features, num_classes, dropout)
        initialise(self)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w)."""
        return self.features(x)
