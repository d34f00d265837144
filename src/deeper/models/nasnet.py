"""NASNets: networks of cells that are given as data.

Zoph, Vasudevan, Shlens, Le, *Learning transferable architectures for scalable image recognition*, arXiv 1707.07012: §3
(two kinds of cell) and figure 2 (the CIFAR and ImageNet networks). What the paper leaves open is taken from the
authors' published code: the first cell takes the stem twice, once as it is; scheduled drop-path grows both with depth
and with the steps trained; the auxiliary head stands before the second reduction.

Ours differs from that code in this:

- Padding is symmetric (see ``deeper.models.nasnet_operations``).
- Batch normalisation is PyTorch's (ε = 1e-5, momentum 0.1, as the CIFAR code has them), where the ImageNet code has
  ε = 1e-3 and a slower average.
- The second convolution of the auxiliary head covers the whole map at the paper's image sizes and is averaged over
  larger ones.
- No network has its auxiliary head unless ``auxiliary`` is set, as the papers' recipes do.

timm's nasnetalarge has the counts of ours without the auxiliary head. At sizes that stay odd it has its function too,
but that its strided average pooling counts the zeros around the map.
"""

from collections.abc import Sequence
from typing import Any

import torch.nn.functional as F
from torch import Tensor, nn

from deeper.models.nasnet_cell import Cell, Genotype
from deeper.models.network import Network
from deeper.models.parts.checks import check_choice, check_positive, check_rate
from deeper.models.parts.convolution import conv_norm
from deeper.models.parts.heads import PooledHead, renewed
from deeper.models.parts.initialisation import initialise


class NASNetAuxiliaryHead(nn.Module):
    """Classifier on an inner map: pooling 5×5 by 3, convolutions 1×1 and ``kernel``, linear.

    (N, in_channels, H, W) → (N, num_classes), H and W at least 3·kernel + 2. Positions are averaged where the last
    convolution leaves more than one.
    """

    def __init__(self, in_channels: int, channels: tuple[int, int], kernel: int, num_classes: int):
        super().__init__()
        narrow, wide = channels
        self.smallest = 3 * kernel + 2
        self.project = conv_norm(in_channels, narrow, 1, activation="relu")
        self.gather = conv_norm(narrow, wide, kernel, padding=0, activation="relu")
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
        check_choice("stem", stem, ("cifar", "imagenet"))
        if stem == "imagenet" and filters % 4:
            raise ValueError(f"filters={filters}: with the imagenet stem it must be a multiple of 4")
        self.normal, self.reduction = Genotype.of(normal), Genotype.of(reduction)
        self.skip, self.head_dropout, self.num_classes, self.progress = skip_reduction_input, dropout, num_classes, 1.0
        self.last_drop, self.places = drop_path, 3 * repeats + (4 if stem == "imagenet" else 2)
        stride, padding = (1, 1) if stem == "cifar" else (2, 0)
        self.stem = conv_norm(in_chans, stem_channels, 3, stride, padding)
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
            self.auxiliary = NASNetAuxiliaryHead(
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
