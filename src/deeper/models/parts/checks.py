"""Checks of a network's settings, each with one line that says what to do."""

from collections.abc import Collection
from typing import Any


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
