"""How weights are drawn before training, for all families."""

import math
from collections.abc import Collection

from torch import nn

SQUASHING = ("tanh", "scaled_tanh", "sigmoid")
"""Activations that keep the signal's variance at a gain of 1; rectifiers, which lose half of it, need √2."""


def initialise(
    network: nn.Module, fan: str = "out", activation: str = "relu", classifiers: Collection[nn.Module] = ()
) -> None:
    """Draw the weights of a whole network as He et al. do (arXiv 1502.01852, eq. 10 and 14).

    Weights are normal with variance gain² / fan, biases are zero, normalisation starts as the identity. Weights on the
    meta device have no numbers and are left alone.

    Args:
        network: what to draw, in the order of its modules.
        fan: ``out`` keeps the variance of gradients: a convolution's outputs times its positions, those of one group
            where it has groups (PyTorch's own initialisers count all groups). Linear layers are taken for classifiers
            and get a deviation of 0.01. ``in`` keeps the variance of the signal: what one output sees, for
            convolutions and linear layers alike.
        activation: after the layers; it says the gain.
        classifiers: layers that no activation follows; with ``in`` their gain is 1.
    """
    if any(parameter.is_meta for parameter in network.parameters()):
        return
    gain = 1.0 if activation in SQUASHING else math.sqrt(2.0)
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.Linear):
            if fan == "in":
                deviation = (1.0 if part in classifiers else gain) / math.sqrt(part.weight[0].numel())
            elif isinstance(part, nn.Linear):
                deviation = 0.01
            else:
                deviation = gain / math.sqrt(part.out_channels // part.groups * math.prod(part.kernel_size))
            nn.init.normal_(part.weight, std=deviation)
            if part.bias is not None:
                nn.init.zeros_(part.bias)
        elif isinstance(part, nn.BatchNorm2d):
            nn.init.ones_(part.weight)
            nn.init.zeros_(part.bias)


def initialise_truncated(network: nn.Module, deviation: float = 0.02) -> None:
    """Draw the weights of convolutions and linear layers from a normal distribution cut at ±2, biases zero.

    So are networks with layer normalisation started: ConvNeXt (arXiv 2201.03545, appendix A.1), vision transformers.
    """
    for part in network.modules():
        if isinstance(part, nn.Conv2d | nn.Linear) and not part.weight.is_meta:
            nn.init.trunc_normal_(part.weight, std=deviation)
            if part.bias is not None:
                nn.init.zeros_(part.bias)


def start_classifier(layer: nn.Module) -> None:
    """Draw a classifier's weights small, normal with deviation 0.01, so that at first all classes are alike."""
    if isinstance(layer, nn.Conv2d | nn.Linear):
        nn.init.normal_(layer.weight, std=0.01)
        nn.init.zeros_(layer.bias)
