"""Fractal networks.

Larsson, Maire, Shakhnarovich, *FractalNet: ultra-deep neural networks without residuals*, arXiv 1605.07648, §2 to §4.
A fractal of one column is a convolution; one of C+1 columns joins a convolution and two fractals of C columns in a
row. Joins are means, and joins that meet are one join. A network is a row of such blocks with pooling between them; its
columns are plain networks of their own, of 1, 2, 4, … convolutions a block.

Drop-path (§3) leaves inputs of joins out: in a local step each input of each join by itself, with at least one left; in
a global step all but one column of the whole network. Both are drawn once a step for the whole batch, what is left
out is not computed, and a join is the mean of what it still gets.

As in the paper's experiments (§4.1) and the authors' code, columns are pooled just before the join that ends a block,
every convolution is followed by dropout, batch normalisation and ReLU in this order, and the rate of dropout grows
from block to block.

Ours differs in this:

- Initial weights are those of He et al., in place of Xavier's.
- Convolutions have no biases, and batch normalisation has a scale. The authors' code has it the other way round.
- Running statistics of batch normalisation forget a tenth of themselves a step (PyTorch's momentum of 0.1), where the
  authors' Caffe has a thousandth. With drop-path a layer's inputs change with the path, so that they are then those of
  the last ten or twenty paths; a small ``norm_momentum`` averages over many.
- The paper's tables give 38.6 million parameters for five blocks of three columns. The definition, followed here, gives
  33.7 million.
"""

from collections.abc import Sequence
from functools import reduce
from operator import add

import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.network import Network
from deeper.models.parts.convolution import conv
from deeper.models.parts.drop_path import SharedDraw
from deeper.models.parts.heads import PooledHead
from deeper.models.parts.initialisation import initialise


class FractalLayer(nn.Sequential):
    """3×3 convolution, dropout, batch normalisation, ReLU: (N, in_channels, H, W) → (N, out_channels, H, W)."""

    def __init__(self, in_channels: int, out_channels: int, dropout: float, norm_momentum: float):
        parts = [nn.Dropout(dropout)] if dropout else []
        parts += [nn.BatchNorm2d(out_channels, momentum=norm_momentum), nn.ReLU(inplace=True)]
        super().__init__(conv(in_channels, out_channels, 3), *parts)


class LocalPaths(SharedDraw):
    """Which inputs of one join a step keeps: each with probability ``survival``, at least one."""

    def __init__(self, inputs: Sequence[int], survival: float):
        super().__init__(len(inputs) + 1)
        self.inputs = tuple(inputs)
        self.survival = survival

    def forward(self) -> set[int]:
        if not self.training or self.survival == 1 or len(self.inputs) == 1:
            return set(self.inputs)
        *each, last = self.numbers()
        kept = {path for path, number in zip(self.inputs, each, strict=True) if number < self.survival}
        return kept or {self.inputs[int(last * len(self.inputs))]}

    def extra_repr(self) -> str:
        return f"inputs={self.inputs}, survival={self.survival:g}"


class GlobalPath(SharedDraw):
    """The one column that a step trains, or None with probability ``survival``: then all are there."""

    def __init__(self, columns: int, survival: float):
        super().__init__(2)
        self.columns = columns
        self.survival = survival

    def forward(self) -> int | None:
        if not self.training or self.survival == 1:
            return None
        whether, which = self.numbers()
        return None if whether < self.survival else int(which * self.columns)

    def extra_repr(self) -> str:
        return f"columns={self.columns}, survival={self.survival:g}"


class Fractal(nn.Module):
    """The fractal from ``column`` to the deepest: (N, in_channels, H, W) → (N, out_channels, H, W).

    Column c has 2^c convolutions in a block, so column 0 is the shallowest.

    Args:
        in_channels: of the input.
        out_channels: of every convolution.
        column: the column of this fractal's own convolution.
        columns: of the whole block.
        dropout: rate after every convolution.
        survival: probability that a join keeps an input in a local step.
        norm_momentum: share of a batch in the running statistics.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        column: int,
        columns: int,
        dropout: float,
        survival: float,
        norm_momentum: float,
    ):
        super().__init__()
        self.column = column
        self.layer = FractalLayer(in_channels, out_channels, dropout, norm_momentum)
        self.deeper = column + 1 < columns
        if self.deeper:
            same = (column + 1, columns, dropout, survival, norm_momentum)
            self.first = Fractal(in_channels, out_channels, *same)
            self.second = Fractal(out_channels, out_channels, *same)
        self.paths = LocalPaths(range(column, columns), survival)

    def outputs(self, x: Tensor, kept: set[int], only: int | None) -> list[Tensor]:
        """The outputs of the columns in ``kept`` before they are joined; nothing else is computed."""
        outputs = [self.layer(x)] if self.column in kept else []
        if self.deeper and max(kept) > self.column:
            outputs += self.second.outputs(self.first(x, only), kept, only)
        return outputs

    def kept(self, only: int | None) -> set[int]:
        """The columns that this step's join gets."""
        return self.paths() if only is None else {only}

    def forward(self, x: Tensor, only: int | None = None) -> Tensor:
        return join(self.outputs(x, self.kept(only), only))

    def layers(self, column: int) -> list[FractalLayer]:
        """The convolutions of one column, in their order."""
        return [self.layer] if column == self.column else self.first.layers(column) + self.second.layers(column)


class FractalBlock(Fractal):
    """A fractal whose columns are halved by max pooling before they are joined: → (N, out_channels, ⌊H/2⌋, ⌊W/2⌋)."""

    def forward(self, x: Tensor, only: int | None = None) -> Tensor:
        return join([F.max_pool2d(y, 2) for y in self.outputs(x, self.kept(only), only)])


class FractalNet(Network):
    """A fractal network: (N, in_chans, H, W) → (N, num_classes).

    The deepest column has ``len(widths)·2^(columns-1)`` convolutions. Each block halves the image, so it must be at
    least 2^len(widths) pixels wide and high.

    Args:
        columns: of each block, the paper's C.
        widths: channels of each block (64, 128, 256, 512, 512 for 20 layers of the paper).
        dropout: rate after the convolutions of each block (0, 0.1, 0.2, 0.3, 0.4 in the paper), or one for all.
        drop_path: probability that a join drops an input in a local step (0.15 in the paper).
        global_share: share of the steps that are global (0.5 in the paper).
        norm_momentum: share of a batch in the running statistics of batch normalisation.
        column: run this column alone, in training and at test; it can be set at any time. None: the whole network.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifier off.

    Raises:
        ValueError: no column or no block, a number of rates that is not that of the blocks, a share outside [0, 1],
            a drop-path rate outside [0, 1), a momentum outside (0, 1], a column that is not there.
    """

    def __init__(
        self,
        columns: int = 3,
        widths: Sequence[int] = (64, 128, 256, 512, 512),
        dropout: float | Sequence[float] = 0.0,
        drop_path: float = 0.15,
        global_share: float = 0.5,
        norm_momentum: float = 0.1,
        column: int | None = None,
        in_chans: int = 3,
        num_classes: int = 10,
    ):
        super().__init__()
        if columns < 1 or not widths:
            raise ValueError(f"FractalNet columns={columns}, {len(widths)} widths: it must have at least one of each")
        if not 0 <= drop_path < 1 or not 0 <= global_share <= 1:
            raise ValueError(
                f"drop_path={drop_path}, global_share={global_share}: they must be in [0, 1), and in [0, 1]"
            )
        if not 0 < norm_momentum <= 1:
            raise ValueError(f"norm_momentum={norm_momentum}: it must be above 0 and at most 1")
        self.columns = columns
        self.column = column
        self.path = GlobalPath(columns, 1 - global_share)
        blocks, channels = [], in_chans
        for width, rate in zip(widths, _rates(dropout, len(widths)), strict=True):
            blocks.append(FractalBlock(channels, width, 0, columns, rate, 1 - drop_path, norm_momentum))
            channels = width
        self.blocks = nn.ModuleList(blocks)
        self.num_features = channels
        self.head = PooledHead(channels, num_classes)
        initialise(self)

    @property
    def column(self) -> int | None:
        """The only column that runs (0: the shallowest), or None: the whole network does."""
        return self._column

    @column.setter
    def column(self, column: int | None) -> None:
        if column is not None and not 0 <= column < self.columns:
            raise ValueError(f"column={column}: it must be null or 0 to {self.columns - 1}")
        self._column = column

    def plain(self, column: int) -> nn.Sequential:
        """The plain network that ``column`` is, of the very same layers: what one trains, the other has learnt."""
        blocks = [nn.Sequential(*block.layers(column), nn.MaxPool2d(2)) for block in self.blocks]
        return nn.Sequential(*blocks, self.head)

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w), halved once a block."""
        only = self.path() if self.column is None else self.column
        for block in self.blocks:
            x = block(x, only)
        return x


def join(paths: list[Tensor]) -> Tensor:
    """The mean of what arrives, all of one shape."""
    return reduce(add, paths) / len(paths) if len(paths) > 1 else paths[0]


def _rates(dropout: float | Sequence[float], blocks: int) -> list[float]:
    rates = [dropout] * blocks if isinstance(dropout, int | float) else list(dropout)
    if len(rates) != blocks:
        raise ValueError(f"dropout={rates}: it must be one rate, or one for each of the {blocks} blocks")
    return rates
