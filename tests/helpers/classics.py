"""What the tests of the networks before residual ones share."""

import csv

import torch
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from deeper.cost.count import count
from deeper.models.build import build
from deeper.paths import CONF, ROOT

INPUTS = {"imagenet": (1000, 3), "cifar10": (10, 3), "cifar100": (100, 3)}


def published(architecture):
    """(parameters, multiply-adds) of a row of published/structure.csv."""
    with open(ROOT / "published" / "structure.csv") as file:
        found = {r["quantity"]: int(r["value"]) for r in csv.DictReader(file) if r["architecture"] == architecture}
    return found["parameter count"], found["multiply-adds (conv + linear)"]


def model(name, *overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return OmegaConf.to_container(compose("cost", [f"model={name}", *overrides]), resolve=True)["model"]


def meta(kind, **arguments):
    """A network without weights in memory: of a class, or of a configuration's name for its paper's data."""
    with torch.device("meta"):
        if not isinstance(kind, str):
            return kind(**arguments)
        config = model(kind, "data=fashion_mnist")
        classes, channels = INPUTS.get(config["form"].get("data"), (10, 1))
        return build(config | {"num_classes": classes, "in_chans": channels} | arguments)


def counted(network, channels, size):
    """(parameters, multiply-adds) of a network for one image."""
    cost = count(network, channels, size)
    return cost.params, cost.macs


def parameters(module):
    return sum(p.numel() for p in module.parameters())


def walk(network, channels, size):
    """(output shape, parameters) of each convolution and linear layer, in the order they run."""
    seen = []

    def note(layer, inputs, output):
        seen.append((tuple(output.shape[1:]), parameters(layer)))

    hooks = [
        layer.register_forward_hook(note)
        for layer in network.modules()
        if isinstance(layer, torch.nn.Conv2d | torch.nn.Linear)
    ]
    network(torch.empty(2, channels, size, size, device="meta"))
    for hook in hooks:
        hook.remove()
    return seen


def pooled_sizes(network, channels, size):
    """Side of the maps that each pooling makes."""
    sides = []
    for layer in network.modules():
        if isinstance(layer, torch.nn.MaxPool2d | torch.nn.AvgPool2d):
            layer.register_forward_hook(lambda layer, inputs, output: sides.append(output.shape[-1]))
    network(torch.empty(2, channels, size, size, device="meta"))
    return sides
