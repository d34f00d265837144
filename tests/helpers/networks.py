"""Resolved configurations of ``conf/model`` by name, and the published counts."""

import copy
import csv
import functools

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from deeper.paths import CONF, ROOT

PAPER = {"cifar10": (10, 3, 32), "cifar100": (100, 3, 32), "imagenet": (1000, 3, 224)}


def published():
    """architecture → {quantity: value}."""
    table = {}
    with open(ROOT / "published" / "structure.csv") as file:
        for row in csv.DictReader(file):
            table.setdefault(row["architecture"], {})[row["quantity"]] = int(row["value"])
    return table


PUBLISHED = published()


@functools.cache
def composed(*overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return compose("cost", overrides)


@functools.cache
def resolved(name, data):
    whole = copy.deepcopy(composed(f"model={name}"))
    whole.data = composed(f"data={data}").data
    return OmegaConf.to_container(whole, resolve=True)["model"]


def config(name, data="cifar10"):
    return copy.deepcopy(resolved(name, data))
