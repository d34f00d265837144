"""Checks of settings of networks, searchers and spaces, each with one line that says what to do."""

import inspect
from collections.abc import Collection, Mapping
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import get_class

from deeper.errors import DeeperError

WHOLE, NUMBER = (int, int | None), (float, float | None)  # annotations of a class's arguments


def check_numbers(arguments: Mapping[str, Any], where: str) -> None:
    """See that what a class, by its own annotations, counts or measures is one: half a channel fails far from here.

    Args:
        arguments: of a configuration, ``_target_`` among them; a class that cannot be found is left to instantiating.
        where: the block that they stand in.

    Raises:
        DeeperError: one of them is none.
    """
    try:
        parameters = inspect.signature(get_class(arguments["_target_"])).parameters
    except (ImportError, ValueError, TypeError, KeyError, InstantiationException):
        return
    for key, value in arguments.items():
        wanted = parameters[key].annotation if key in parameters else None
        if wanted in WHOLE and isinstance(value, float | bool | str):
            raise DeeperError(f"{where}.{key}={value}: it must be a whole number")
        if wanted in NUMBER and isinstance(value, bool | str):
            raise DeeperError(f"{where}.{key}={value}: it must be a number")


def check_choice(name: str, value: Any, allowed: Collection[Any]) -> None:
    """
    Raises:
        ValueError: ``value`` is not one of the ``allowed`` ones.
    """
    if value not in allowed:
        words = [str(choice) for choice in allowed]
        said = " or ".join(words) if len(words) < 3 else f"one of {', '.join(words)}"
        raise ValueError(f"{name}={value!r}: it must be {said}")


def check_positive(**values: float) -> None:
    """
    Raises:
        ValueError: one of the named values is not more than 0.
    """
    for name, value in values.items():
        if not value > 0:
            raise ValueError(f"{name}={value}: it must be more than 0")


def check_rate(**rates: float) -> None:
    """
    Raises:
        ValueError: one of the named rates is not in [0, 1).
    """
    for name, rate in rates.items():
        if not 0 <= rate < 1:
            raise ValueError(f"{name}={rate}: it must be at least 0 and less than 1")


def check_depth(depth: int, layers_per_step: int, name: str, beside: int = 2) -> int:
    """The n of a network ``name`` of ``layers_per_step``·n + ``beside`` weight layers: 3 for ResNet-20, 6n + 2.

    Raises:
        ValueError: there is no such n of 1 or more.
    """
    n, rest = divmod(depth - beside, layers_per_step)
    if rest or n < 1:
        near = max(1, round((depth - beside) / layers_per_step)) * layers_per_step + beside
        raise ValueError(f"{name} depth={depth}: it must be {layers_per_step}n+{beside}; the nearest is {near}")
    return n
