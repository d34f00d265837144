"""Parameter groups of an optimizer, which can have settings of their own."""

from collections.abc import Iterator
from typing import Any

from torch import nn


def by_layer(network: nn.Module, rate: float, body: float = 1.0, decay: float = 1.0) -> Iterator[dict[str, Any]]:
    """One group for each weighted layer, in the order of the network, with a learning rate of its own.

    The classifier, the last layer, has the whole ``rate``; the layer ``n`` layers in front of it ``rate · body ·
    decay^n``. Normalisation goes with the layer it follows.

    Args:
        network: whose parameters.
        rate: the optimizer's learning rate.
        body: factor on every layer but the classifier; 0 trains the classifier alone.
        decay: factor a layer (arXiv 1801.06146, §3.2, has 1/2.6 a layer of three).
    """
    layers: list[list[nn.Parameter]] = [[]]
    for part in network.modules():
        own = list(part.parameters(recurse=False))
        if own and isinstance(part, nn.Conv2d | nn.Linear) and layers[-1]:
            layers.append([])
        layers[-1].extend(own)
    last = len(layers) - 1
    for place, parameters in enumerate(layers):
        factor = 1.0 if place == last else body * decay ** (last - place)
        yield {"params": parameters, "lr": rate * factor}


def spare_normalisation(network: nn.Module, weight_decay: float) -> Iterator[dict[str, Any]]:
    """Weight decay on weights and biases, and none on normalisation, as in the code of EfficientNet (arXiv 1905.11946).

    Args:
        network: whose parameters.
        weight_decay: the optimizer's.
    """
    norms = (nn.modules.batchnorm._NormBase, nn.LayerNorm, nn.GroupNorm)
    spared = {id(w): w for part in network.modules() if isinstance(part, norms) for w in part.parameters(recurse=False)}
    yield {"params": list(spared.values()), "weight_decay": 0.0}
    yield {"params": [w for w in network.parameters() if id(w) not in spared], "weight_decay": weight_decay}


def spare_depthwise(network: nn.Module, weight_decay: float) -> Iterator[dict[str, Any]]:
    """Weight decay on weights, and none on biases, on normalisation and on depthwise convolutions.

    Howard et al., arXiv 1704.04861, §3: filters of so few parameters want little or none.

    Args:
        network: whose parameters.
        weight_decay: the optimizer's.
    """
    depthwise = {
        id(part.weight)
        for part in network.modules()
        if isinstance(part, nn.Conv2d) and part.groups > 1 and part.groups == part.in_channels
    }
    spared = [weight for weight in network.parameters() if weight.ndim < 2 or id(weight) in depthwise]
    told = {id(weight) for weight in spared}
    yield {"params": spared, "weight_decay": 0.0}
    yield {"params": [w for w in network.parameters() if id(w) not in told], "weight_decay": weight_decay}
