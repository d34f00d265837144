"""NASNets, and networks of any cells that are given as data.

Zoph, Vasudevan, Shlens, Le, *Learning transferable architectures for scalable image recognition*, arXiv 1707.07012:
§3 (two kinds of cell, 13 operations, five pairs a cell), figure 2 (the CIFAR and ImageNet networks), figure 4 (the
cells NASNet-A). What the paper leaves open is taken from the authors' published code: a normal cell of NASNet-A puts
out state 1 and a reduction cell state 3 although pairs of theirs take them; the first cell takes the stem twice, once
as it is; scheduled drop-path grows both with depth and with the steps trained; the auxiliary head stands before the
second reduction.

Ours differs from that code in padding: it is symmetric, theirs puts the odd pixel of an even map below and right where
an operation strides. Batch normalisation is PyTorch's (ε = 1e-5, momentum 0.1), which is that of the CIFAR code. The
second convolution of the auxiliary head covers the whole map at the paper's image sizes and is averaged over larger
ones. timm's nasnetalarge has the counts of ours without the auxiliary head and, at sizes that stay odd, its function,
but that its strided average pooling counts the zeros around the map.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.blocks import PooledHead, initialise, renewed
from deeper.models.network import Network
from deeper.models.separable import Depthwise, check_positive, check_rate, conv_norm, drop_samples

Edge = tuple[str, int]


class Activated(nn.Sequential):
    """ReLU, then convolution and normalisation: (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 1, stride: int = 1):
        super().__init__(nn.ReLU(), *conv_norm(in_channels, out_channels, kernel, stride))


class Separable(nn.Sequential):
    """Twice ReLU, depthwise convolution, 1×1 convolution and normalisation; the first depthwise one strides.

    (N, in_channels, H, W) → (N, out_channels, ⌈H/stride⌉, ⌈W/stride⌉).
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, dilation: int = 1):
        layers: list[nn.Module] = []
        for channels, step in ((in_channels, stride), (out_channels, 1)):
            layers += [nn.ReLU(), Depthwise(channels, kernel, step, dilation), *conv_norm(channels, out_channels, 1)]
        super().__init__(*layers)


class Crossed(nn.Sequential):
    """ReLU, a 1×k and a k×1 convolution, each normalised: (N, in_channels, H, W) → (N, out_channels, …)."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int):
        layers: list[nn.Module] = []
        for channels, row in ((in_channels, True), (out_channels, False)):
            size, step = ((1, kernel), (1, stride)) if row else ((kernel, 1), (stride, 1))
            padding = tuple(side // 2 for side in size)
            layers += [nn.ReLU(), nn.Conv2d(channels, out_channels, size, step, padding, bias=False)]
            layers.append(nn.BatchNorm2d(out_channels))
        super().__init__(*layers)


class Pooled(nn.Sequential):
    """Pooling that leaves the border out of its averages, and a normalised 1×1 convolution if the channels change."""

    def __init__(self, in_channels: int, out_channels: int, kernel: int, stride: int, average: bool):
        pool: nn.Module = nn.MaxPool2d(kernel, stride, kernel // 2)
        if average:
            pool = nn.AvgPool2d(kernel, stride, kernel // 2, count_include_pad=False)
        super().__init__(pool, *([] if in_channels == out_channels else conv_norm(in_channels, out_channels, 1)))


class Halved(nn.Module):
    """Halves a map without losing every other pixel: two shifted grids, each through a 1×1 convolution.

    (N, in_channels, H, W) → (N, out_channels, ⌈H/2⌉, ⌈W/2⌉).

    Raises:
        ValueError: an odd number of ``out_channels``.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        if out_channels % 2:
            raise ValueError(f"filters={out_channels}: it must be even where a map is halved")
        self.even = nn.Conv2d(in_channels, out_channels // 2, 1, bias=False)
        self.odd = nn.Conv2d(in_channels, out_channels // 2, 1, bias=False)
        self.norm = nn.BatchNorm2d(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        shifted = F.pad(x, (-1, 1, -1, 1))
        return self.norm(torch.cat([self.even(x[:, :, ::2, ::2]), self.odd(shifted[:, :, ::2, ::2])], 1))


def _identity(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    same = stride == 1 and in_channels == out_channels
    return nn.Identity() if same else Activated(in_channels, out_channels, 1, stride)


OPERATIONS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "identity": _identity,
    "conv_1x3_3x1": lambda i, o, s: Crossed(i, o, 3, s),
    "conv_1x7_7x1": lambda i, o, s: Crossed(i, o, 7, s),
    "dilated_3x3": lambda i, o, s: Separable(i, o, 3, s, dilation=2),
    "average_3x3": lambda i, o, s: Pooled(i, o, 3, s, average=True),
    "max_3x3": lambda i, o, s: Pooled(i, o, 3, s, average=False),
    "max_5x5": lambda i, o, s: Pooled(i, o, 5, s, average=False),
    "max_7x7": lambda i, o, s: Pooled(i, o, 7, s, average=False),
    "conv_1x1": lambda i, o, s: Activated(i, o, 1, s),
    "conv_3x3": lambda i, o, s: Activated(i, o, 3, s),
    "separable_3x3": lambda i, o, s: Separable(i, o, 3, s),
    "separable_5x5": lambda i, o, s: Separable(i, o, 5, s),
    "separable_7x7": lambda i, o, s: Separable(i, o, 7, s),
}


@dataclass(frozen=True)
class Genotype:
    """A cell as data.

    State 0 is the current cell's input, state 1 that of the cell before it; state 2 + n is the sum of pair n.

    Attributes:
        pairs: two (operation, state) each; a pair takes states that come before it.
        concat: states whose concatenation is the cell's output; none given: all that no pair takes.

    Raises:
        ValueError: no pairs, an unknown operation, a state that does not exist yet.
    """

    pairs: tuple[tuple[Edge, Edge], ...]
    concat: tuple[int, ...] = ()

    def __post_init__(self):
        if not self.pairs:
            raise ValueError("a cell must have at least one pair of (operation, state)")
        for index, pair in enumerate(self.pairs):
            for name, state in pair:
                if name not in OPERATIONS:
                    raise ValueError(f"operation={name!r}: it must be one of {', '.join(OPERATIONS)}")
                _check_state(f"pair {index} takes", state, index + 2)
        if not self.concat:
            taken = {state for pair in self.pairs for _, state in pair}
            rest = tuple(state for state in range(len(self.pairs) + 2) if state not in taken)
            object.__setattr__(self, "concat", rest)
        for state in self.concat:
            _check_state("concat has", state, len(self.pairs) + 2)

    @staticmethod
    def of(cell: "str | Genotype | Mapping[str, Any] | Sequence") -> "Genotype":
        """The cell a configuration names: a known name, a list of pairs, or a mapping of ``pairs`` and ``concat``.

        Raises:
            ValueError: an unknown name, or something that is no list of pairs.
        """
        if isinstance(cell, Genotype):
            return cell
        if isinstance(cell, str):
            if cell not in CELLS:
                raise ValueError(f"cell={cell!r}: it must be {', '.join(CELLS)} or a list of pairs")
            return CELLS[cell]
        pairs, concat = (cell["pairs"], cell.get("concat") or ()) if isinstance(cell, Mapping) else (cell, ())
        try:
            made = tuple(tuple((str(name), int(state)) for name, state in pair) for pair in pairs)
        except (TypeError, ValueError):
            made = ()
        if not made or any(len(pair) != 2 for pair in made):
            raise ValueError("a cell must be a list of pairs [[operation, state], [operation, state]]")
        return Genotype(made, tuple(int(state) for state in concat))


def _check_state(what: str, state: int, known: int) -> None:
    if not 0 <= state < known:
        raise ValueError(f"{what} state {state}: it must be one of 0 to {known - 1}")


CELLS = {
    "nasnet_a_normal": Genotype(
        (
            (("separable_5x5", 0), ("separable_3x3", 1)),
            (("separable_5x5", 1), ("separable_3x3", 1)),
            (("average_3x3", 0), ("identity", 1)),
            (("average_3x3", 1), ("average_3x3", 1)),
            (("separable_3x3", 0), ("identity", 0)),
        ),
        concat=(1, 2, 3, 4, 5, 6),
    ),
    "nasnet_a_reduction": Genotype(
        (
            (("separable_5x5", 0), ("separable_7x7", 1)),
            (("max_3x3", 0), ("separable_7x7", 1)),
            (("average_3x3", 0), ("separable_5x5", 1)),
            (("identity", 3), ("average_3x3", 2)),
            (("separable_3x3", 2), ("max_3x3", 0)),
        ),
        concat=(3, 4, 5, 6),
    ),
}


class Cell(nn.Module):
    """A cell built from its genotype.

    (current: N, channels, H, W; previous: the cell before's, at the same size or twice it) →
    (N, len(concat)·filters, ⌈H/stride⌉, ⌈W/stride⌉). Both inputs are brought to ``filters`` channels and the current
    size. Without a previous cell, state 1 is the current input as it is.

    Args:
        genotype: what is computed.
        filters: channels of each state.
        channels: of the current input.
        previous: channels of the previous cell's output; None: there is none.
        halved: whether the previous output is twice as large as the current.
        stride: 2 makes the operations on states 0 and 1 halve the map.
        drop_path: probability that an operation (identity excepted) is left out of a sample in training.

    Raises:
        ValueError: an odd number of filters where an output must be halved to fit.
    """

    def __init__(
        self,
        genotype: Genotype,
        filters: int,
        channels: int,
        previous: int | None,
        halved: bool = False,
        stride: int = 1,
        drop_path: float = 0.0,
    ):
        super().__init__()
        self.genotype, self.drop_path = genotype, drop_path
        self.current = Activated(channels, filters)
        self.previous = self._adapter(previous, filters, halved)
        widths = [filters, filters if previous else channels] + [filters] * len(genotype.pairs)
        sizes = [stride, stride] + [1] * len(genotype.pairs)
        self.operations = nn.ModuleList(
            OPERATIONS[name](widths[state], filters, sizes[state]) for pair in genotype.pairs for name, state in pair
        )
        self.outputs = nn.ModuleList(
            nn.Identity() if state > 1 else self._output(widths[state], filters, stride) for state in genotype.concat
        )
        self.num_features = filters * len(genotype.concat)

    @staticmethod
    def _adapter(previous: int | None, filters: int, halved: bool) -> nn.Module:
        if previous is None or (previous == filters and not halved):
            return nn.Identity()
        return nn.Sequential(nn.ReLU(), Halved(previous, filters)) if halved else Activated(previous, filters)

    @staticmethod
    def _output(width: int, filters: int, stride: int) -> nn.Module:
        if stride == 1 and width == filters:
            return nn.Identity()
        return Halved(width, filters) if stride == 2 else conv_norm(width, filters, 1)

    def forward(self, current: Tensor, previous: Tensor | None = None, progress: float = 1.0) -> Tensor:
        """``progress`` (0 to 1) scales ``drop_path``: how much of the training is over."""
        states = [self.current(current), current if previous is None else self.previous(previous)]
        operations = iter(self.operations)
        for pair in self.genotype.pairs:
            left, right = (self._dropped(name, next(operations)(states[state]), progress) for name, state in pair)
            states.append(left + right)
        return torch.cat([out(states[state]) for out, state in zip(self.outputs, self.genotype.concat, strict=True)], 1)

    def _dropped(self, name: str, x: Tensor, progress: float) -> Tensor:
        if self.training and self.drop_path and name != "identity":
            return drop_samples(x, self.drop_path * progress)
        return x


class AuxiliaryHead(nn.Module):
    """Classifier on an inner map: pooling 5×5 by 3, convolutions 1×1 and ``kernel``, linear.

    (N, in_channels, H, W) → (N, num_classes), H and W at least 3·kernel + 2. Positions are averaged where the last
    convolution leaves more than one.
    """

    def __init__(self, in_channels: int, channels: tuple[int, int], kernel: int, num_classes: int):
        super().__init__()
        narrow, wide = channels
        self.smallest = 3 * kernel + 2
        self.project = conv_norm(in_channels, narrow, 1, activation="relu")
        self.gather = nn.Sequential(
            nn.Conv2d(narrow, wide, kernel, bias=False), nn.BatchNorm2d(wide), nn.ReLU(inplace=True)
        )
        self.head = PooledHead(wide, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        if min(x.shape[2:]) < self.smallest:
            raise ValueError(f"the auxiliary head needs maps of {self.smallest} pixels; they are {tuple(x.shape[2:])}")
        return self.head(self.gather(self.project(F.avg_pool2d(F.relu(x), 5, 3))))


class NASNet(Network):
    """Three stages of normal cells with reduction cells between: (N, in_chans, H, W) → (N, num_classes).

    In training mode, with the auxiliary head and classes, → (logits, auxiliary logits).

    Args:
        filters: channels of a state in the first stage; each reduction doubles them.
        repeats: normal cells a stage (N in the paper).
        stem: ``cifar`` (a 3×3 convolution) or ``imagenet`` (one that halves, and two reduction cells).
        stem_channels: of that convolution (3·filters for CIFAR, 96 for the large ImageNet network).
        skip_reduction_input: whether the normal cell after a reduction takes as previous output the one that the
            reduction took (the large ImageNet network) and not the reduction's own input.
        normal: the normal cell: a name in ``CELLS``, a list of pairs, or a mapping of ``pairs`` and ``concat``.
        reduction: the reduction cell, likewise.
        drop_path: probability that an operation of the last cell is left out of a sample at the end of training;
            it is proportional to the cell's place and to the progress that ``pace`` sets. Drawn for each sample; the
            operation is computed all the same.
        auxiliary: whether there is an auxiliary head on the last cell before the second reduction.
        auxiliary_weight: of its loss.
        auxiliary_channels: of its two convolutions.
        auxiliary_kernel: of the second: 4 covers the map of a 32×32 image under the CIFAR stem, 6 that of 331×331
            under the ImageNet stem.
        dropout: before the classifier.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifiers off.

    Raises:
        ValueError: a stem, cell or rate that does not exist, ``filters`` that cannot be halved as the stem asks.
    """

    def __init__(
        self,
        filters: int = 32,
        repeats: int = 6,
        stem: str = "cifar",
        stem_channels: int = 96,
        skip_reduction_input: bool = False,
        normal: Any = "nasnet_a_normal",
        reduction: Any = "nasnet_a_reduction",
        drop_path: float = 0.0,
        auxiliary: bool = False,
        auxiliary_weight: float = 0.4,
        auxiliary_channels: Sequence[int] = (128, 768),
        auxiliary_kernel: int = 4,
        dropout: float = 0.0,
        in_chans: int = 3,
        num_classes: int = 10,
    ):
        super().__init__()
        check_positive(filters=filters, repeats=repeats, stem_channels=stem_channels)
        check_rate(drop_path=drop_path, dropout=dropout)
        _check_stem(stem, filters)
        self.normal, self.reduction = Genotype.of(normal), Genotype.of(reduction)
        self.skip, self.head_dropout, self.num_classes, self.progress = skip_reduction_input, dropout, num_classes, 1.0
        self.last_drop, self.places = drop_path, 3 * repeats + (4 if stem == "imagenet" else 2)
        self.stem = _stem(stem, in_chans, stem_channels)
        self.cells = nn.ModuleList()
        self.sources: list[int] = []
        self._channels, self._sizes = [stem_channels], [0]
        if stem == "imagenet":
            self._add(self.reduction, filters // 4, None, stride=2)
            self._add(self.reduction, filters // 2, 0, stride=2)
        for stage in range(3):
            self._add_stage(filters * 2**stage, repeats, stage > 0)
            if stage == 1:
                self.tap = len(self.cells)
        self.num_features = self._channels[-1]
        self.head = PooledHead(self.num_features, num_classes, dropout)
        self.auxiliary_weight = auxiliary_weight
        self.auxiliary = None
        if auxiliary:
            self.auxiliary = AuxiliaryHead(
                self._channels[self.tap], tuple(auxiliary_channels), auxiliary_kernel, num_classes
            )
        initialise(self)

    def _add_stage(self, filters: int, repeats: int, reduced: bool) -> None:
        for repeat in range(repeats):
            before = len(self.cells) - 1
            if reduced and not repeat:
                self._add(self.reduction, filters, before, stride=2)
                before += not self.skip
            self._add(self.normal, filters, before if before >= 0 else None)

    def _add(self, genotype: Genotype, filters: int, source: int | None, stride: int = 1) -> None:
        """One more cell, whose previous input is the output of number ``source`` (0 is the stem)."""
        size = self._sizes[-1]
        halved = source is not None and self._sizes[source] != size
        previous = None if source is None else self._channels[source]
        drop = self.last_drop * (len(self.cells) + 1) / self.places
        cell = Cell(genotype, filters, self._channels[-1], previous, halved, stride, drop)
        self.cells.append(cell)
        self.sources.append(-1 if source is None else source)
        self._channels.append(cell.num_features)
        self._sizes.append(size + (stride == 2))

    def pace(self, progress: float) -> None:
        """Say how much of the training is over, from 0 to 1: drop-path is that much of its rate at the end.

        The trainer says it before each step. Without a trainer it stays 1, the full rate. It is not saved.
        """
        self.progress = min(1.0, max(0.0, progress))

    def _outputs(self, x: Tensor) -> list[Tensor]:
        outputs = [self.stem(x)]
        for cell, source in zip(self.cells, self.sources, strict=True):
            previous = None if source < 0 else outputs[source]
            outputs.append(cell(outputs[-1], previous, self.progress))
        return outputs

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, ⌈H/4⌉, ⌈W/4⌉), an eighth of that with the ImageNet stem."""
        return F.relu(self._outputs(x)[-1])

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        outputs = self._outputs(x)
        logits = self.forward_head(F.relu(outputs[-1]))
        if self.training and self.auxiliary is not None and self.num_classes:
            return logits, self.auxiliary(outputs[self.tap])
        return logits

    def reset_classifier(self, num_classes: int) -> None:
        """Replace all classifiers by fresh ones of ``num_classes`` outputs (0: none)."""
        self.num_classes = num_classes
        super().reset_classifier(num_classes)
        if self.auxiliary is not None:
            head = PooledHead(self.auxiliary.gather[1].num_features, num_classes)
            initialise(head)
            self.auxiliary.head = renewed(head, self)


def _check_stem(stem: str, filters: int) -> None:
    if stem not in ("cifar", "imagenet"):
        raise ValueError(f"stem={stem!r}: it must be cifar or imagenet")
    if stem == "imagenet" and filters % 4:
        raise ValueError(f"filters={filters}: with the imagenet stem it must be a multiple of 4")


def _stem(kind: str, in_chans: int, channels: int) -> nn.Sequential:
    if kind == "cifar":
        return conv_norm(in_chans, channels, 3)
    return nn.Sequential(nn.Conv2d(in_chans, channels, 3, 2, bias=False), nn.BatchNorm2d(channels))
