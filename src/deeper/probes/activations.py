"""How large a trained network's numbers are, layer by layer, and how many of them are zero.

Over all validation images, in evaluation mode: of what each convolution or linear layer puts out, before whatever
follows it, and of what each activation puts out. An activation that is no module (the last one of a DenseNet) is not
seen.
"""

import math
from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

from torch import Tensor, nn

from deeper.data.batches import ImageData
from deeper.probes.evaluation import logits_of

LAYERS = (nn.Conv2d, nn.Linear)
ACTIVATIONS = (nn.ReLU, nn.ReLU6, nn.Tanh, nn.Sigmoid, nn.SiLU, nn.ELU, nn.GELU)


class Sums:
    """Running sums over all numbers that a module puts out."""

    def __init__(self):
        self.count = self.zeros = 0
        self.total = self.absolute = self.squares = 0.0

    def add(self, output: Tensor) -> None:
        numbers = output.double()
        self.count += numbers.numel()
        self.zeros += int((numbers == 0).sum())
        self.total += float(numbers.sum())
        self.absolute += float(numbers.abs().sum())
        self.squares += float(numbers.square().sum())

    @property
    def mean_absolute(self) -> float:
        return self.absolute / self.count

    @property
    def deviation(self) -> float:
        variance = self.squares / self.count - (self.total / self.count) ** 2
        return math.sqrt(max(variance, 0.0))


def probe(network: nn.Module, data: ImageData, seed: int) -> dict[str, Any]:
    """Statistics of the outputs of a network's layers and activations on validation images.

    Returns:
        ``layers`` and ``activations``, each with ``names`` in the order of the network's parts, and a number a name:
        ``mean_absolute``, ``deviation`` (over images, channels and positions) and for activations ``zeros``, the
        share of exact zeros.
    """
    parts = [(name, part) for name, part in network.named_modules() if isinstance(part, LAYERS + ACTIVATIONS)]
    sums = {name: Sums() for name, _ in parts}
    with ExitStack() as hooks:
        for name, part in parts:
            add = lambda module, inputs, output, own=sums[name]: own.add(output)  # noqa: E731
            hooks.callback(part.register_forward_hook(add).remove)
        logits_of(network.eval(), data.normalise(data.validation.images))
    ran = [(part, name, sums[name]) for name, part in parts if sums[name].count]
    activations = {name: own for part, name, own in ran if isinstance(part, ACTIVATIONS)}
    zeros = {"zeros": [_rounded(own.zeros / own.count) for own in activations.values()]}
    return {
        "layers": _table({name: own for part, name, own in ran if isinstance(part, LAYERS)}),
        "activations": _table(activations) | zeros,
    }


def _table(sums: Mapping[str, Sums]) -> dict[str, list]:
    return {
        "names": list(sums),
        "mean_absolute": [_rounded(own.mean_absolute) for own in sums.values()],
        "deviation": [_rounded(own.deviation) for own in sums.values()],
    }


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
