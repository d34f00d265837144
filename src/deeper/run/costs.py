"""What the networks of trials cost, counted once for all trials of a store that share one."""

import functools
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from deeper import results_versions
from deeper.files import digest, read_sealed, sealed, write_json
from deeper.run.identity import by_meaning
from deeper.run.provenance import origins

FOLDER = "costs"
COSTS = ("params", "macs", "activation_bytes", "depth", "receptive_field")


def cost(config: dict[str, Any]) -> dict[str, int]:
    """The cost of the network of a trial's resolved configuration; imports torch where it is not known yet.

    Raises:
        DeeperError: the configuration does not make a network, or the network does not take such an image.
    """
    found = known(config)
    if found is None:
        from deeper.cost.count import count_config

        data = config["data"]
        found = count_config(config["model"], data["channels"], data["image_size"]).as_dict()
        write_json(_place(config), sealed(found))
    return found


def known(config: dict[str, Any]) -> dict[str, int] | None:
    """The cost that the store keeps of a network; None where it has not been counted yet."""
    kept = read_sealed(_place(config)) or {}
    if not set(COSTS) <= kept.keys():
        return None
    found = {name: kept[name] for name in COSTS}
    return found if all(value is None or type(value) is int for value in found.values()) else None


def of(cfg: DictConfig) -> dict[str, int]:
    """The cost of the network of a composed configuration, which need not be resolved."""
    parts = {name: OmegaConf.to_container(cfg[name], resolve=True) for name in ("model", "data")}
    return cost({**parts, "store": cfg.store})


def _place(config: dict[str, Any]) -> Path:
    model, data = config["model"], config["data"]
    settings = [by_meaning(model), data["channels"], data["image_size"], results_versions.version("cost")]
    key = digest([settings, _version("torch"), origins(model), *([_version("timm")] if _is_of_timm(model) else [])])
    return Path(config["store"]) / FOLDER / f"{key[:16]}.json"


def _is_of_timm(model: dict[str, Any]) -> bool:
    """Whether timm says what a network is made of."""
    return any("timm" in target for target in results_versions.targets(model))


@functools.cache
def _version(library: str) -> str:
    """The version that is installed: it is read out of a long text, and asked for once a trial."""
    return version(library)
