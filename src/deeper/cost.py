"""Count what networks cost. No data is needed and no weight is allocated.

python -m deeper.cost model=resnet56 data=cifar10                              one JSON object
python -m deeper.cost model=vgg16 data=imagenet layers=true                    layer by layer
python -m deeper.cost --multirun model=resnet20,resnet56 data.image_size=64    a table
python -m deeper.cost --multirun 'model=glob(*)' input=paper format=csv        every network on its paper's input

``params`` and ``macs`` (multiply-adds of one image), ``activation_bytes`` kept for its backward pass in float32,
``depth`` in weight layers, ``receptive_field`` in pixels, null where attention and the like mix positions.
"""

from dataclasses import dataclass
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf

from deeper import cli
from deeper.errors import DeeperError

FORMATS = (None, "table", "json", "csv")
INPUTS = ("data", "paper")


class Nameless(DeeperError):
    """A configuration that stands for many networks and was not told which."""

    nameless = True


class _Absent(str):
    """A dash in a table, where numbers have a format."""

    def __format__(self, _: str) -> str:
        return str(self)


@dataclass(frozen=True)
class Counted:
    """A network, the image it was given, its costs and, where they were asked for, its layers."""

    network: str
    image: tuple[int, int, int]
    costs: dict[str, Any]
    layers: list[dict[str, Any]] | None
    format: str | None


@hydra.main(version_base="1.3", config_path=str(cli.CONF), config_name="cost")
@cli.task
def cost(cfg: DictConfig) -> Counted | None:
    """Print the cost of ``cfg.model`` for one image; in a multirun the sweeper prints all together."""
    from deeper.reporting import cost_tables

    counted = measure(cfg)
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return counted
    print(cost_tables.one(counted))
    return None


def measure(cfg: DictConfig) -> Counted:
    """Count the network of a configuration.

    Raises:
        DeeperError: a setting that does not exist, no such network, or one that does not take such images.
    """
    _check("format", cfg.format, FORMATS)
    _check("input", cfg.input, INPUTS)
    _check("layers", cfg.layers, (True, False))
    if OmegaConf.is_missing(cfg.model, "name"):
        chosen = HydraConfig.get().runtime.choices.model
        raise Nameless(f"model={chosen} needs the name of a network: model={chosen} model.name=resnet18")
    if cfg.input == "paper":
        _take_paper_input(cfg)
    config = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    model, channels, size = config["model"], config["data"]["channels"], config["data"]["image_size"]
    _check_number("data.channels", channels)
    _check_number("data.image_size", size)

    from deeper.analysis.cost import count_config
    from deeper.analysis.walk import walk_config

    costs = count_config(model, channels, size).as_dict()
    layers = [layer.as_dict() for layer in walk_config(model, channels, size)] if cfg.layers else None
    if _is_table(cfg):
        costs = {name: _Absent("–") if value is None else value for name, value in costs.items()}
    return Counted(model["name"], (channels, size, size), costs, layers, cfg.format)


def _check(name: str, value: Any, possible: tuple) -> None:
    if value not in possible:
        words = ", ".join("null" if one is None else str(one).lower() for one in possible)
        raise DeeperError(f"{name}={value}: it must be one of {words}")


def _check_number(name: str, value: Any) -> None:
    if type(value) is not int or value < 1:
        raise DeeperError(f"{name}={value}: it must be a whole number from 1")


def _is_table(cfg: DictConfig) -> bool:
    many = cfg.layers or HydraConfig.get().mode == RunMode.MULTIRUN
    return cfg.format == "table" or (cfg.format is None and many)


def _take_paper_input(cfg: DictConfig) -> None:
    from deeper.analysis.named import take_paper_input

    overrides = HydraConfig.get().overrides.task
    named = [override for override in overrides if override.lstrip("+~").startswith(("data=", "data."))]
    if named:
        raise DeeperError(f"input=paper takes each network's own input; leave {named[0]} out")
    take_paper_input(cfg)


if __name__ == "__main__":
    cli.run(cost)
