"""What a network is called on its page: as the zoo labels it, or else a name made of its configuration's."""

import re
from collections.abc import Sequence

from deeper.site.arm_networks import network_itself
from deeper.site.sources import Source

BASES = {
    "alexnet": "AlexNet",
    "cells": "Searched cells",
    "convnext": "ConvNeXt",
    "densenet_bc": "DenseNet-BC",
    "densenet": "DenseNet",
    "efficientnet": "EfficientNet",
    "fractalnet": "FractalNet",
    "genetic_cnn": "Genetic CNN",
    "googlenet": "GoogLeNet",
    "highway": "Highway",
    "inception_resnet": "Inception-ResNet",
    "inception": "Inception",
    "lenet": "LeNet",
    "mobilenet": "MobileNet",
    "nasnet_a": "NASNet-A",
    "nin": "Network in Network",
    "plain": "Plain",
    "preact_resnet": "Pre-activation ResNet",
    "regnet": "RegNet",
    "resnet": "ResNet",
    "resnext": "ResNeXt",
    "ror": "RoR",
    "shufflenet": "ShuffleNet",
    "squeezenet": "SqueezeNet",
    "stochastic_depth": "Stochastic depth",
    "vgg": "VGG",
    "vit": "ViT",
    "wrn": "Wide ResNet",
    "xception": "Xception",
    "zfnet": "ZFNet",
}  # by how a configuration's name begins, the longer beginning first
SAID = {"bn": "batch norm.", "lrn": "LRN", "orig": "original"}
SQUEEZED = "se_"


def labels(sources: Sequence[Source]) -> dict[str, str]:
    """The zoo's labels by configuration, of arms that set nothing but the network; the first source's goes first."""
    found: dict[str, str] = {}
    for page in (page for source in sources for page in source.pages if page.results.page == "zoo"):
        for arm in page.arms:
            network = network_itself(page.study, arm)
            if network and set(page.study.arms[arm.name].set or ()) == {"model"}:
                found.setdefault(network, arm.label)
    return found


def readable(name: str) -> str:
    """``SE-ResNet-50`` for ``se_resnet50``, ``AlexNet, small`` for ``alexnet_small``."""
    before, bare = ("SE-", name.removeprefix(SQUEEZED)) if name.startswith(SQUEEZED) else ("", name)
    base = next((base for base in BASES if bare.startswith(base)), None)
    if base is None:
        return name
    parts = [part for part in bare.removeprefix(base).split("_") if part]
    return before + BASES[base] + "".join(map(_part, parts))


def _part(part: str) -> str:
    """Versions follow a blank, words a comma, numbers and letters a hyphen."""
    if re.fullmatch(r"v\d", part):
        return f" {part}"
    if part in SAID or (part.isalpha() and len(part) > 2):
        return f", {SAID.get(part, part)}"
    return f"-{part.upper() if len(part) < 3 else part}"
