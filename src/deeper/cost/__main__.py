"""Count what networks cost. No data is needed and no weight is allocated.

python -m deeper.cost model=resnet56 data=cifar10                              one JSON object
python -m deeper.cost model=vgg16 data=imagenet layers=true                    layer by layer
python -m deeper.cost --multirun model=resnet20,resnet56 data.image_size=64    a table
python -m deeper.cost --multirun 'model=glob(*)' input=paper format=csv        every network on its paper's input
python -m deeper.cost model=wrn_small solve=model.widen match=params:853018    the width that costs so much
python -m deeper.cost model=wrn_small solve=model.widen match=macs:resnet56    the width that costs what another does

``params``, auxiliary heads included, and ``macs`` (multiply-adds of one image at test, without those heads),
``activation_bytes`` kept for its backward pass in float32, ``depth`` in weight layers, ``receptive_field`` in pixels,
null where attention and the like mix positions.

With ``solve`` the setting's value whose cost is nearest to ``match`` is found, and printed as one JSON object:
``setting``, ``value``, ``metric``, ``count``, ``target``, ``deviation`` (``count / target - 1``). The status is 2 where
even the nearest is farther off than ``within``.
"""

import json
import math
from collections.abc import Callable
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from hydra.errors import HydraException
from hydra.types import RunMode
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from deeper import cli, errors, paths
from deeper.cost.counted import Counted
from deeper.errors import DeeperError
from deeper.models import bounds

FORMATS = (None, "table", "json", "csv")
INPUTS = ("data", "paper")


class Nameless(DeeperError):
    """A configuration that stands for many networks and was not told which."""

    nameless = True


class _Absent(str):
    """A dash in a table, where numbers have a format."""

    def __format__(self, _: str) -> str:
        return str(self)


@hydra.main(version_base="1.3", config_path=str(paths.CONF), config_name="cost")
@cli.task
def cost(cfg: DictConfig) -> Counted | None:
    """Print the cost of ``cfg.model`` for one image; in a multirun the sweeper prints all together."""
    from deeper.reporting import cost_tables

    of_solve = [o for o in HydraConfig.get().overrides.task if o.partition("=")[0] in ("step", "within")]
    if cfg.solve is None and cfg.match is None and of_solve:
        raise DeeperError(f"{of_solve[0]} is for solving: add solve=model.width and match=params:853018")
    if cfg.solve is not None or cfg.match is not None:
        found = solve(cfg)
        cli.tell(json.dumps(found), {"solved": found})
        return None
    counted = measure(cfg)
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        return counted
    cli.tell(cost_tables.one(counted), {"networks": [cost_tables.as_json(counted)]})
    return None


def measure(cfg: DictConfig) -> Counted:
    """Count the network of a configuration.

    Raises:
        DeeperError: a setting that does not exist, no such network, or one that does not take such images.
    """
    _check("format", cfg.format, FORMATS)
    _check("input", cfg.input, INPUTS)
    _check("layers", cfg.layers, (True, False))
    _take_input(cfg)
    model, channels, size = _network(cfg)

    from deeper.cost.count import count_config, extra_head_params
    from deeper.cost.layer_table import walk_config

    costs = count_config(model, channels, size).as_dict() | {"extra_head_params": extra_head_params(model)}
    layers = [layer.as_dict() for layer in walk_config(model, channels, size)] if cfg.layers else None
    if _is_table(cfg):
        costs = {name: _Absent("–") if value is None else value for name, value in costs.items()}
    return Counted(model["name"], (channels, size, size), costs, layers, cfg.format)


def solve(cfg: DictConfig) -> dict[str, Any]:
    """The value of ``cfg.solve`` at which the network costs what ``cfg.match`` says.

    Raises:
        DeeperError: a setting that is no number, no such cost or network, or no value that comes within ``within``.
    """
    if HydraConfig.get().mode == RunMode.MULTIRUN:
        raise DeeperError("solve is for one network; leave --multirun out")
    _check("input", cfg.input, INPUTS)
    _take_input(cfg)
    start = _start(cfg)
    for name, least in (("step", "above 0"), ("within", "of 0 or more")):
        if not _is_number(cfg[name]) or not 0 <= cfg[name] < math.inf or (name == "step" and cfg[name] == 0):
            raise DeeperError(f"{name}={cfg[name]}: it must be a number {least}")
    metric, target = _target(cfg)

    from deeper.cost import solve as search

    _count(cfg, metric)
    try:
        found = search.solve(_counter(cfg, metric), start, cfg.step, target)
    except search.Unsolvable:
        raise DeeperError(f"{cfg.solve} does not change the {metric} of model {cfg.model.name}") from None
    if abs(found.deviation) > cfg.within:
        raise DeeperError(
            f"{cfg.solve}={found.value} comes nearest, with {found.count:,} {metric}, {found.deviation:+.1%} from "
            f"{target:,}, more than within={cfg.within:g}; take a smaller step or another setting as well"
        )
    about = {"setting": cfg.solve, "value": found.value, "metric": metric}
    return about | {"count": found.count, "target": target, "deviation": round(found.deviation, 6)}


def _start(cfg: DictConfig) -> int | float:
    from deeper.errors import known

    if cfg.solve is None:
        raise DeeperError(f"match={cfg.match} needs the setting to solve for: solve=model.width")
    settings = {"data.image_size": cfg.data.image_size}
    settings |= {f"model.{key}": value for key, value in OmegaConf.to_container(cfg.model, resolve=True).items()}
    numbers = {key: value for key, value in settings.items() if _is_number(value)}
    known(cfg.solve, numbers, "solve: setting", f"the settings of model {cfg.model.name} that are numbers")
    return numbers[cfg.solve]


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and not math.isnan(value)


def _target(cfg: DictConfig) -> tuple[str, int]:
    """The metric and the number that ``match`` asks for, ``METRIC:NUMBER`` or ``METRIC:MODEL SETTING:VALUE …``."""
    from deeper.claims.budgets import COSTS
    from deeper.errors import known

    metric, colon, asked = str(cfg.match or "").partition(":")
    if not colon or not asked:
        match = "null" if cfg.match is None else cfg.match
        raise DeeperError(f"match={match}: say what to match, such as match=params:853018 or match=macs:resnet56")
    known(metric, COSTS, "match: metric", "the costs")
    try:
        number = float(asked)
    except ValueError:
        target = _count(_other(cfg, asked.split()), metric)
    else:
        target = int(number) if math.isfinite(number) else 0
    if target < 1:
        raise DeeperError(f"match={cfg.match}: the number must be at least 1")
    return metric, target


def _other(cfg: DictConfig, words: list[str]) -> DictConfig:
    """Another network on the same images, composed as ``MODEL SETTING:VALUE …`` says."""
    name, *settings = words
    settings = [word.replace(":", "=", 1) for word in settings]
    own = [o for o in HydraConfig.get().overrides.task if o.lstrip("+~").startswith(("data=", "data.", "input="))]
    try:
        other = hydra.compose("cost", [*own, f"model={name}", *settings])
    except (HydraException, OmegaConfBaseException) as error:
        raise DeeperError(f"match={cfg.match}: {errors.one_line(error)}") from error
    _take_input(other)
    return other


def _counter(cfg: DictConfig, metric: str) -> Callable[[int | float], int | None]:
    def count(value: int | float) -> int | None:
        changed = cfg.copy()
        OmegaConf.update(changed, cfg.solve, value)
        try:
            return _count(changed, metric)
        except DeeperError:
            return None

    return count


def _count(cfg: DictConfig, metric: str) -> int:
    from deeper.cost.count import count_config

    return count_config(*_network(cfg)).as_dict()[metric]


def _take_input(cfg: DictConfig) -> None:
    if OmegaConf.is_missing(cfg.model, "name"):
        chosen = HydraConfig.get().runtime.choices.model
        raise Nameless(f"model={chosen} needs the name of a network: model={chosen} model.name=resnet18")
    if cfg.input == "paper":
        _take_paper_input(cfg)


def _network(cfg: DictConfig) -> tuple[dict[str, Any], int, int]:
    """The network's configuration, and the channels and size of its images."""
    config = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    model, channels, size = config["model"], config["data"]["channels"], config["data"]["image_size"]
    _check_number("data.channels", channels)
    _check_number("data.image_size", size)
    if model.get("num_classes", 1) is None:
        raise DeeperError(f"data={config['data']['name']} does not say how many classes it has; say data.classes=10")
    bounds.check(model)
    return model, channels, size


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
    from deeper.cost.networks import TIMM, take_paper_input, take_timm_input

    overrides = HydraConfig.get().overrides.task
    named = [override for override in overrides if override.lstrip("+~").startswith(("data=", "data."))]
    if named:
        raise DeeperError(f"input=paper takes each network's own input; leave {named[0]} out")
    (take_timm_input if cfg.model._target_ == TIMM else take_paper_input)(cfg)


if __name__ == "__main__":
    cli.run(cost)
