"""What the networks before residual ones share: fully connected heads, initialisation, the smallest input.

The head is that of AlexNet (Krizhevsky et al., NeurIPS 2012, §3.5 and §4.2) and VGG (Simonyan and Zisserman,
arXiv 1409.1556, §2.1): the last maps, flattened, go through wide linear layers with dropout. Images of other sizes
than the paper's are averaged to the paper's grid first, which leaves the paper's own size as it is.
"""

from collections.abc import Sequence
from math import sqrt

import torch
from torch import Tensor, nn

from deeper.models.blocks import renewed
from deeper.models.layers import make_activation

SQUASHING = ("tanh", "scaled_tanh", "sigmoid")


class GridAverage(nn.Module):
    """Averages maps to ``grid`` × ``grid``: (N, C, H, W) → (N, C, grid, grid).

    The cells are those of adaptive average pooling: they overlap where the grid does not divide the size, and repeat
    where it is larger. Each is a plain mean, whose backward pass is deterministic on every device; maps of the grid's
    own size pass untouched.

    Raises:
        ValueError: a grid less than 1.
    """

    def __init__(self, grid: int):
        super().__init__()
        if grid < 1:
            raise ValueError(f"grid={grid}: it must be at least 1")
        self.grid = grid

    def forward(self, x: Tensor) -> Tensor:
        return self._averaged(self._averaged(x, 2), 3)

    def _averaged(self, x: Tensor, axis: int) -> Tensor:
        size, grid = x.shape[axis], self.grid
        if size == grid:
            return x
        edges = [(cell * size // grid, -(-(cell + 1) * size // grid)) for cell in range(grid)]
        return torch.stack([x.narrow(axis, start, end - start).mean(axis) for start, end in edges], axis)

    def extra_repr(self) -> str:
        return f"grid={self.grid}"


class ClassifierHead(nn.Module):
    """Average to a grid, flatten, hidden linear layers, classifier: (N, C, H, W) → (N, classes).

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

    def reset(self, num_classes: int) -> None:
        """Replace the classifier, not the hidden layers, by a fresh one of ``num_classes`` outputs (0: none)."""
        fc = nn.Linear(self.width, num_classes) if num_classes else nn.Identity()
        start_classifier(fc)
        self.fc = renewed(fc, self)


def initialise(network: nn.Module, activation: str = "relu") -> None:
    """Draw weights that keep the signal's variance from layer to layer; biases are zero.

    Convolutions and linear layers are normal with variance 2 / fan-in for rectifiers (He et al., arXiv 1502.01852,
    eq. 10) and 1 / fan-in for tanh and sigmoid; normalisation starts as the identity.
    """
    gain = 1.0 if activation in SQUASHING else sqrt(2)
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            nn.init.normal_(part.weight, std=gain / sqrt(part.weight[0].numel()))
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)


def start_classifier(layer: nn.Module) -> None:
    """Draw a classifier's weights small, normal with deviation 0.01, so that at first all classes are alike."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.normal_(layer.weight, std=0.01)
        nn.init.zeros_(layer.bias)


def smallest_side(layers: nn.Module) -> int:
    """Pixels a side that an image must have to pass a chain of convolutions and poolings."""
    side = 1
    for part in reversed([p for p in layers.modules() if isinstance(p, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d)]):
        kernel, stride, padding = (_one(value) for value in (part.kernel_size, part.stride, part.padding))
        if getattr(part, "ceil_mode", False):
            last_window_starts_inside = (side - 1) * stride + 1 - padding
            side = max(1, (side - 2) * stride + kernel + 1 - 2 * padding, last_window_starts_inside)
        else:
            side = max(1, (side - 1) * stride + kernel - 2 * padding)
    return side


def check_side(x: Tensor, smallest: int, name: str) -> None:
    """Refuse images that are too small.

    Raises:
        ValueError: images of less than ``smallest`` pixels a side.
    """
    if min(x.shape[2:]) < smallest:
        height, width = x.shape[2:]
        raise ValueError(f"{name} with these layers takes images of {smallest}×{smallest} up, not {height}×{width}")


def _one(value: int | tuple[int, ...]) -> int:
    return value[0] if isinstance(value, tuple) else value
