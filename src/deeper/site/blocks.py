"""A network drawn as the row of its blocks: what each holds, the size that it puts out, how many follow each other."""

import collections
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from deeper.cost.layer_table import LayerCost

# What a drawing leaves out: it stands beside nearly every convolution.
BESIDE = re.compile(
    r"(?i)norm|relu|sigmoid|tanh|silu|swish|gelu|activation|dropout|flatten|identity|softmax|pad$|mul$|sub$|div$|clone$|view$"
)
SAID = {
    "Conv2d": "convolution",
    "Depthwise": "depthwise convolution",
    "Linear": "fully connected",
    "MaxPool2d": "max pooling",
    "AvgPool2d": "average pooling",
    "AdaptiveAvgPool2d": "global pooling",
    "max_pool2d": "max pooling",
    "avg_pool2d": "average pooling",
    "mean": "global pooling",
    "PadShortcut": "padded shortcut",
    "bmm": "matrix product",
    "add": "addition",
    "cat": "concatenation",
    "ConvNeXtBlock": "scaled addition",  # its scale is its own, so that all it does itself is one layer
}


@dataclass
class DrawnBlock:
    """``times`` blocks alike, one after the other; ``shape`` is what the last one puts out."""

    holds: str
    shape: tuple[int, ...] | None
    times: int = 1

    @property
    def size(self) -> str:
        """``64×8×8``; an auxiliary head puts something out in training alone."""
        return "in training alone" if self.shape is None else "×".join(map(str, self.shape))


def blocks_of(layers: Sequence[LayerCost]) -> list[DrawnBlock]:
    """The blocks from input to output; neighbours that hold the same and put out pictures of one size are one box."""
    drawn: list[DrawnBlock] = []
    for of_block in grouped(layers):
        holds = _holds(of_block)
        shape = next((layer.shape for layer in reversed(of_block) if layer.shape), None)
        before = drawn[-1] if drawn else None
        if before and (before.holds, _picture(before.shape)) == (holds, _picture(shape)):
            before.times, before.shape = before.times + 1, shape
        else:
            drawn.append(DrawnBlock(holds, shape))
    return drawn


def grouped(layers: Iterable[LayerCost]) -> list[list[LayerCost]]:
    """The layers by block, one path of names and numbers; those of which nothing is said go along with the last."""
    groups: list[list[LayerCost]] = []
    last = None
    for layer in layers:
        block = _block(layer.name)
        if groups and (block == last or not is_said(layer)):
            groups[-1].append(layer)
        else:
            groups.append([layer])
            last = block
    return [group for group in groups if any(map(is_said, group))]


def _block(name: str) -> str:
    """The path of the block that a layer is in: its first part and the numbers after that."""
    first, *parts = name.split(".")
    numbers = []
    for part in parts:
        if not part.isdigit():
            break
        numbers.append(part)
    return ".".join([first, *numbers])


def is_said(layer: LayerCost) -> bool:
    """Whether a drawing says anything of a layer; not of what stands beside nearly every convolution."""
    return not BESIDE.search(layer.kind)


def _holds(layers: Iterable[LayerCost]) -> str:
    """``2 × convolution, addition``: the kinds in their order, each with how many there are."""
    counts = collections.Counter(SAID.get(layer.kind, layer.kind) for layer in layers if is_said(layer))
    return ", ".join(f"{count} × {kind}" if count > 1 else kind for kind, count in counts.items())


def _picture(shape: tuple[int, ...] | None) -> tuple[int, ...] | None:
    """Height and width; the channels may grow from block to block."""
    return shape and shape[1:]
