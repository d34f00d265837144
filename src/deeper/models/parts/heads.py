"""From feature maps to logits: the heads that several families share."""

from collections.abc import Sequence

from torch import Tensor, nn

from deeper.models.parts.activation import make_activation
from deeper.models.parts.initialisation import start_classifier
from deeper.models.parts.pooling import GridAverage


class PooledHead(nn.Module):
    """Global average pooling, dropout, one linear layer: (N, C, H, W) → (N, classes).

    The average is a mean over the axes, whose backward pass is deterministic on every device.
    """

    def __init__(self, num_features: int, num_classes: int, dropout: float = 0.0):
        super().__init__()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(num_features, num_classes) if num_classes else nn.Identity()

    def forward(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        x = self.dropout(x.mean(dim=(2, 3)))
        return x if pre_logits else self.fc(x)


class NormedHead(nn.Module):
    """Global average, layer normalisation, dropout, one linear layer: (N, C, H, W) → (N, classes).

    Args:
        num_features: channels C.
        num_classes: outputs; 0 leaves the classifier off.
        dropout: rate before the classifier.
        first: take the first position, a class token, in the place of the average.
        norm: whether to normalise.
    """

    def __init__(
        self, num_features: int, num_classes: int, dropout: float = 0.0, first: bool = False, norm: bool = True
    ):
        super().__init__()
        self.first = first
        self.norm = nn.LayerNorm(num_features, eps=1e-6) if norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)
        self.fc = nn.Linear(num_features, num_classes) if num_classes else nn.Identity()

    def forward(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        pooled = x[:, :, 0, 0] if self.first else x.mean(dim=(2, 3))
        x = self.dropout(self.norm(pooled))
        return x if pre_logits else self.fc(x)


class ClassMaps(nn.Sequential):
    """Layers that end in one map a class; its logit is the map's average: (N, C, H, W) → (N, classes).

    Lin et al., *Network in network*, arXiv 1312.4400, §3.2. ``pre_logits`` gives the averages of the maps that come
    in, (N, C). The average is a mean over the axes, whose backward pass is deterministic on every device.
    """

    def forward(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        return (x if pre_logits else super().forward(x)).mean(dim=(2, 3))

    @property
    def fc(self) -> nn.Module:
        """The convolution to the classes; an ``Identity`` where there is none."""
        return next((part for part in self.modules() if isinstance(part, nn.Conv2d)), nn.Identity())

    @staticmethod
    def convolution(num_features: int, num_classes: int) -> nn.Conv2d:
        """A fresh 1×1 convolution to one map a class."""
        layer = nn.Conv2d(num_features, num_classes, 1)
        start_classifier(layer)
        return layer


class ClassifierHead(nn.Module):
    """Average to a grid, flatten, hidden linear layers, classifier: (N, C, H, W) → (N, classes).

    The head of AlexNet (Krizhevsky et al., NeurIPS 2012, §3.5 and §4.2) and VGG (arXiv 1409.1556, §2.1). Images of
    other sizes than the paper's are averaged to the paper's grid, which leaves the paper's own size as it is.

    Args:
        num_features: channels C of the maps.
        num_classes: outputs; 0 leaves the classifier off.
        hidden: widths of the hidden layers; none makes a linear classifier.
        grid: side of the grid that the maps are averaged to; 1 is global average pooling.
        dropout: rate after each hidden layer.
        activation: of the hidden layers.

    Attributes:
        width: of the last hidden layer, what ``pre_logits`` gives.

    Raises:
        ValueError: a grid less than 1, or an unknown activation.
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        hidden: Sequence[int] = (4096, 4096),
        grid: int = 1,
        dropout: float = 0.5,
        activation: str = "relu",
    ):
        super().__init__()
        self.activation = activation
        self.grid = GridAverage(grid)
        self.hidden = nn.Sequential()
        self.width = num_features * grid**2
        for number, width in enumerate(hidden, 1):
            self.hidden.add_module(f"fc{number}", nn.Linear(self.width, width))
            self.hidden.add_module(f"activation{number}", make_activation(activation))
            self.hidden.add_module(f"dropout{number}", nn.Dropout(dropout))
            self.width = width
        self.reset(num_classes)

    def forward(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        x = self.hidden(self.grid(x).flatten(1))
        return x if pre_logits else self.fc(x)

    def dense(self, x: Tensor) -> Tensor:
        """The same layers at every place of larger maps, and the mean of the scores: (N, C, H, W) → (N, classes).

        Where maps are averaged to a grid of 1, a place is all of the map. A larger grid must be the maps' own size at
        the size that the network was trained at, as in the papers.

        Raises:
            ValueError: maps smaller than the grid.
        """
        side = self.grid.grid
        if side == 1:
            return self(x)
        height, width = x.shape[-2:]
        if min(height, width) < side:
            raise ValueError(f"maps of {height}×{width} are smaller than the {side}×{side} of the classifier")
        places = x.unfold(2, side, 1).unfold(3, side, 1)  # (N, C, places down, places across, side, side)
        scores = self.fc(self.hidden(places.permute(0, 2, 3, 1, 4, 5).flatten(3)))
        return scores.mean(dim=(1, 2))

    def reset(self, num_classes: int) -> None:
        """Replace the classifier, not the hidden layers, by a fresh one of ``num_classes`` outputs (0: none)."""
        fc = nn.Linear(self.width, num_classes) if num_classes else nn.Identity()
        start_classifier(fc)
        self.fc = renewed(fc, self)


def renewed(head: nn.Module, old: nn.Module) -> nn.Module:
    """``head`` on the device, in the precision and in the mode (training or evaluation) of the ``old`` one."""
    like = next(old.parameters(), None)
    return (head if like is None else head.to(like.device, like.dtype)).train(old.training)
