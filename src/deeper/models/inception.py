"""GoogLeNet, the first Inception network.

Szegedy, Liu, Jia, Sermanet, Reed, Anguelov, Erhan, Vanhoucke, Rabinovich, *Going deeper with convolutions*, arXiv
1409.4842, §4 (the naive module and the one with 1×1 reductions, figure 2), §5 and table 1 (the network and its two
auxiliary heads), §6 (their loss's weight of 0.3). The 5×5 convolutions are 5×5, convolutions have biases and no batch
normalisation, local response normalisation stands twice in the stem. Batch normalisation is that of Ioffe and Szegedy
(arXiv 1502.03167), squeeze-and-excitation on a module's output that of Hu et al. (arXiv 1709.01507, figure 2).

Ours differs in this, or chooses where the paper says nothing:

- Pooling rounds sizes up, as Caffe does, which gives table 1 its sizes.
- Weights are normal with variance 2 / fan-in (He et al., arXiv 1502.01852), in classifiers 1 / fan-in, which keeps the
  signal through 22 layers without normalisation. So the first loss can lie well above that of guessing: about 6 with
  the naive modules.
- Local response normalisation has AlexNet's constants: k is 2 and α multiplies the sum, so that small numbers are
  divided by 1.7. In Caffe's re-training of this network k is 1 and α multiplies the mean. The paper gives none.
- The auxiliary heads average windows that at 14×14 are the paper's 5×5 at stride 3 and at other sizes leave as many
  positions, so that any image size will do.
- Batch normalisation, where it is chosen, has PyTorch's ε of 1e-5 and momentum of 0.1.
"""

import math

import torch
from torch import Tensor, nn

from deeper.models.network import Network
from deeper.models.parts.checks import check_choice
from deeper.models.parts.convolution import conv_norm
from deeper.models.parts.heads import PooledHead, renewed
from deeper.models.parts.initialisation import initialise
from deeper.models.parts.normalisation import make_norm
from deeper.models.parts.squeeze_excite import make_gate

STEM = (64, 64, 192)
GROUPS = (
    ((64, 96, 128, 16, 32, 32), (128, 128, 192, 32, 96, 64)),
    (
        (192, 96, 208, 16, 48, 64),
        (160, 112, 224, 24, 64, 64),
        (128, 128, 256, 24, 64, 64),
        (112, 144, 288, 32, 64, 64),
        (256, 160, 320, 32, 128, 128),
    ),
    ((256, 160, 320, 32, 128, 128), (384, 192, 384, 48, 128, 128)),
)
"""Table 1 by groups between poolings: 1×1; reduction and 3×3; reduction and 5×5; projection of the pooled."""
AUXILIARY_AFTER = (0, 3)
"""The modules of the middle group, 4a and 4d, that feed an auxiliary head."""


class InceptionModule(nn.Module):
    """Four branches side by side, concatenated: (N, in_channels, H, W) → (N, out_channels, H, W).

    1×1; 1×1 and 3×3; 1×1 and 5×5; 3×3 max pooling and 1×1 (figure 2b). The naive module (figure 2a) has no 1×1
    reductions and hands the pooled input on as it is, so it puts out ``in_channels`` more than it computes.

    Args:
        in_channels: of the input.
        widths: 1×1; reduction and 3×3; reduction and 5×5; projection of the pooled (a row of table 1). A reduction of 0
            leaves it out.
        naive: without reductions and projection.
        norm: ``none`` or ``batch``, after every convolution.
        squeeze_excite: channels of the output to one of the gate's bottleneck; 0: no gate.
    """

    def __init__(
        self,
        in_channels: int,
        widths: tuple[int, ...],
        naive: bool = False,
        norm: str = "none",
        squeeze_excite: int = 0,
    ):
        super().__init__()
        one, reduce3, three, reduce5, five, pooled = widths
        reduce3, reduce5, pooled = (0, 0, 0) if naive else (reduce3, reduce5, pooled)
        self.one = conv_norm(in_channels, one, 1, norm=norm, activation="relu")
        self.three = _reduced(in_channels, reduce3, three, 3, norm)
        self.five = _reduced(in_channels, reduce5, five, 5, norm)
        projection = [conv_norm(in_channels, pooled, 1, norm=norm, activation="relu")] if pooled else []
        self.pool = nn.Sequential(nn.MaxPool2d(3, 1, 1), *projection)
        self.out_channels = one + three + five + (pooled or in_channels)
        self.gate = make_gate(self.out_channels, squeeze_excite)

    def forward(self, x: Tensor) -> Tensor:
        return self.gate(torch.cat([self.one(x), self.three(x), self.five(x), self.pool(x)], 1))


class AuxiliaryHead(nn.Module):
    """A classifier on the maps inside (§5): (N, in_channels, H, W) → (N, num_classes).

    Averages over ``grid`` × ``grid`` windows, a 1×1 convolution, a hidden linear layer, dropout, the classifier.
    """

    def __init__(
        self,
        in_channels: int,
        num_classes: int,
        channels: int = 128,
        hidden: int = 1024,
        grid: int = 4,
        dropout: float = 0.7,
        norm: str = "none",
    ):
        super().__init__()
        self.grid = grid
        self.conv = conv_norm(in_channels, channels, 1, norm=norm, activation="relu")
        self.hidden = nn.Sequential(nn.Linear(channels * grid**2, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout))
        self.fc = nn.Linear(hidden, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        x = self.conv(window_means(window_means(x, self.grid, 2), self.grid, 3))
        return self.fc(self.hidden(x.flatten(1)))


class GoogLeNet(Network):
    """Nine Inception modules in three groups, 22 weight layers: (N, in_chans, H, W) → (N, num_classes).

    In training mode with auxiliary heads: (logits, logits after 4a, logits after 4d), each (N, num_classes).

    Args:
        width: channels of the first convolution (64 in the paper); all others are scaled alike.
        stem: ``paper`` (7×7 at stride 2, 1×1 and 3×3, two poolings: an eighth of the size), or ``small`` (3×3, 1×1
            and 3×3 at full size).
        naive: modules without 1×1 reductions and without the projection of the pooled (figure 2a).
        reductions: the 1×1 convolutions before the 3×3 and 5×5 ones. Without them and with ``naive`` off the pooled is
            still projected, so that every module puts out as many channels as one with them.
        norm: ``none`` (the paper) or ``batch`` after every convolution.
        lrn: local response normalisation in the stem.
        squeeze_excite: channels of a module to one of its gate's bottleneck (16 in the paper of the gates); 0: none.
        auxiliary: the two auxiliary heads.
        auxiliary_weight: of their losses in training.
        auxiliary_channels: of their 1×1 convolution at width 64 (128 in the paper), scaled with the width.
        auxiliary_hidden: of their hidden layer at width 64 (1024 in the paper), scaled with the width.
        auxiliary_grid: positions, each way, that their pooling leaves (4 in the paper).
        auxiliary_dropout: before their classifier.
        average_auxiliary: in evaluation the network returns the logarithm of the mean of the three heads'
            probabilities instead of its own logits alone; training is the same to the bit.
        dropout: before the classifier.
        in_chans: channels of the input.
        num_classes: outputs; 0 leaves the classifiers off.

    Raises:
        ValueError: an unknown stem, norm other than none or batch, averaging without auxiliary heads.
    """

    def __init__(
        self,
        width: int = 64,
        stem: str = "paper",
        naive: bool = False,
        reductions: bool = True,
        norm: str = "none",
        lrn: bool = True,
        squeeze_excite: int = 0,
        auxiliary: bool = True,
        auxiliary_weight: float = 0.3,
        auxiliary_channels: int = 128,
        auxiliary_hidden: int = 1024,
        auxiliary_grid: int = 4,
        auxiliary_dropout: float = 0.7,
        average_auxiliary: bool = False,
        dropout: float = 0.4,
        in_chans: int = 3,
        num_classes: int = 1000,
    ):
        super().__init__()
        check_choice("stem", stem, ("paper", "small"))
        check_choice("norm", norm, ("none", "batch"))
        if average_auxiliary and not auxiliary:
            raise ValueError("average_auxiliary=true needs the auxiliary heads: auxiliary=true")
        self.num_classes, self.average_auxiliary = num_classes, average_auxiliary
        self.auxiliary_weight = auxiliary_weight
        self.stem, channels = _stem(stem, in_chans, width, norm, lrn)
        self.groups, self.heads = nn.ModuleList(), nn.ModuleList()
        for index, table in enumerate(GROUPS):
            group = nn.ModuleList()
            for row in table:
                widths = scaled(row, width) if reductions else unreduced(scaled(row, width))
                group.append(InceptionModule(channels, widths, naive, norm, squeeze_excite))
                channels = group[-1].out_channels
            self.groups.append(group)
            if index == 1 and auxiliary:
                sizes = scaled((auxiliary_channels, auxiliary_hidden), width)
                for position in AUXILIARY_AFTER:
                    inside = group[position].out_channels
                    self.heads.append(
                        AuxiliaryHead(inside, num_classes or 1, *sizes, auxiliary_grid, auxiliary_dropout, norm)
                    )
        self.pool = nn.MaxPool2d(3, 2, padding=0 if stem == "paper" else 1, ceil_mode=stem == "paper")
        self.num_features, self.head_dropout = channels, dropout
        self.head = PooledHead(channels, num_classes, dropout)
        initialise(self, fan="in", classifiers={self.head.fc, *(head.fc for head in self.heads)})

    def forward_features(self, x: Tensor) -> Tensor:
        """(N, in_chans, H, W) → (N, num_features, h, w): a 32nd of the size, with the small stem a quarter."""
        return self._run(x)[0]

    def forward(self, x: Tensor) -> Tensor | tuple[Tensor, ...]:
        features, inside = self._run(x)
        logits = self.forward_head(features)
        if not self.heads or not self.num_classes or not (self.training or self.average_auxiliary):
            return logits
        outputs = (logits, *(head(maps) for head, maps in zip(self.heads, inside, strict=True)))
        return outputs if self.training else log_mean_probability(outputs)

    def reset_classifier(self, num_classes: int) -> None:
        """Replace the classifier and the auxiliary heads' by fresh ones of ``num_classes`` outputs (0: none)."""
        self.num_classes = num_classes
        super().reset_classifier(num_classes)
        for head in self.heads:
            classifier = nn.Linear(head.fc.in_features, num_classes or 1)
            initialise(classifier, fan="in", classifiers={classifier})
            head.fc = renewed(classifier, self)

    def new_head(self, num_classes: int) -> PooledHead:
        """A fresh classifier of ``num_classes`` outputs (0: none)."""
        head = PooledHead(self.num_features, num_classes, self.head_dropout)
        initialise(head, fan="in", classifiers={head.fc})
        return head

    def _run(self, x: Tensor) -> tuple[Tensor, list[Tensor]]:
        x, inside = self.stem(x), []
        for index, group in enumerate(self.groups):
            x = self.pool(x) if index else x
            for position, module in enumerate(group):
                x = module(x)
                if index == 1 and position in AUXILIARY_AFTER:
                    inside.append(x)
        return x, inside


def unreduced(widths: tuple[int, ...]) -> tuple[int, ...]:
    """The widths of a module without the two reductions."""
    one, _, three, _, five, pooled = widths
    return one, 0, three, 0, five, pooled


def scaled(channels: tuple[int, ...], width: int, base: int = 64) -> tuple[int, ...]:
    """Numbers of channels times ``width / base``, rounded, at least 1."""
    return tuple(max(1, round(number * width / base)) for number in channels)


def window_means(x: Tensor, grid: int, axis: int) -> Tensor:
    """Means over ``grid`` windows along an axis, evenly spread, 5/14 of its length wide: 5 at stride 3 for 14."""
    length = x.shape[axis]
    window = length if grid == 1 else max(1, round(length * 5 / 14))
    starts = [index * (length - window) // max(1, grid - 1) for index in range(grid)]
    return torch.stack([x.narrow(axis, start, window).mean(axis) for start in starts], axis)


def log_mean_probability(outputs: tuple[Tensor, ...]) -> Tensor:
    """The logarithm of the mean of the probabilities that several logits (N, classes) stand for."""
    logarithms = torch.stack([output.log_softmax(1) for output in outputs])
    return logarithms.logsumexp(0) - math.log(len(outputs))


def _reduced(in_channels: int, reduction: int, out_channels: int, kernel: int, norm: str) -> nn.Sequential:
    reduce = [conv_norm(in_channels, reduction, 1, norm=norm, activation="relu")] if reduction else []
    return nn.Sequential(
        *reduce, conv_norm(reduction or in_channels, out_channels, kernel, norm=norm, activation="relu")
    )


def _stem(kind: str, in_chans: int, width: int, norm: str, lrn: bool) -> tuple[nn.Sequential, int]:
    first, second, third = scaled(STEM, width)
    after = {"norm": norm, "activation": "relu"}
    normalised = [[make_norm("lrn", channels)] if lrn else [] for channels in (first, third)]
    later = [conv_norm(first, second, 1, **after), conv_norm(second, third, 3, **after), *normalised[1]]
    if kind == "small":
        return nn.Sequential(conv_norm(in_chans, first, 3, **after), *normalised[0], *later), third
    pools = [nn.MaxPool2d(3, 2, ceil_mode=True) for _ in range(2)]
    return nn.Sequential(conv_norm(in_chans, first, 7, 2, **after), pools[0], *normalised[0], *later, pools[1]), third
