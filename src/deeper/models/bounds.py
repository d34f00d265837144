"""Ranges of the numbers in a ``model`` configuration, the same for all families; checked before a network is built.

What only one family knows is checked by its class: the depths that there are, or groups that do not divide channels.
"""

import math
from collections.abc import Mapping
from typing import Any

from deeper.errors import DeeperError
from deeper.schema.base import MOST

ONE_OR_MORE = (
    *("in_chans", "num_classes", "widen", "growth", "filters", "repeats", "columns", "cardinality", "branch_width"),
    *("groups", "expansion", "stem_width", "stem_channels", "auxiliary_channels", "auxiliary_hidden"),
    *("auxiliary_grid", "auxiliary_kernel", "stem_kernel", "stem_stride", "initial", "group_width", "patch", "heads"),
)
COUNTED_IN_LISTS = ("widths", "kernels", "strides", "hidden", "blocks", "auxiliary_channels", *ONE_OR_MORE)
NONE_OR_MORE = ("middle", "squeeze", "squeeze_excite", "halvings", "beside")
ABOVE_ZERO = ("width", "depth")
"""Whole numbers where a family counts with them, factors where it scales."""
FACTORS = ("scale",)
RANGES = {"phi": (-8, 8), "auxiliary_weight": (0, MOST)}
BRANCHING = {"branches": "grouped", "stride_on": "3x3"}
"""Settings that only bottlenecks have, and their defaults."""


def check(model: Mapping[str, Any]) -> None:
    """Refuse impossible numbers, those in lists too; null and how long a list is are left to the network.

    Raises:
        DeeperError: one is, or a setting of bottlenecks is given to a network without them.
    """
    for key, value in model.items():
        if isinstance(value, list) and key in COUNTED_IN_LISTS:
            _check_list(key, value)
        if value is None or isinstance(value, list | dict):
            continue
        if key in ONE_OR_MORE and not _is_whole(value, 1):
            raise DeeperError(f"model.{key}={value}: it must be a whole number of at least 1")
        if key in NONE_OR_MORE and not _is_whole(value, 0):
            raise DeeperError(f"model.{key}={value}: it must be a whole number from 0")
        if key in ABOVE_ZERO:
            _check_size(key, value)
        if key in FACTORS and not (_is_between(value, 0, MOST) and value):
            raise DeeperError(f"model.{key}={value}: it must be a number above 0 and up to {MOST}")
        if key in RANGES and not _is_between(value, *RANGES[key]):
            raise DeeperError(f"model.{key}={value}: it must be a number from {RANGES[key][0]} to {RANGES[key][1]}")
    for key, usual in BRANCHING.items():
        if model.get("block") == "basic" and model.get(key, usual) != usual:
            raise DeeperError(f"model.{key}={model[key]} is of bottlenecks; take model.block=bottleneck with it")


def _check_list(key: str, value: list[Any]) -> None:
    for entry in value:
        if isinstance(entry, list):
            _check_list(key, entry)
        elif isinstance(entry, int | float) and not _is_whole(entry, 1):
            raise DeeperError(f"model.{key}={value}: {entry} must be a whole number of at least 1")


def _is_between(value: Any, least: float, most: float) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and math.isfinite(value) and least <= value <= most


def _is_whole(value: Any, least: int) -> bool:
    return type(value) is int and value >= least


def _check_size(key: str, value: Any) -> None:
    if type(value) is float:
        if not 0 < value <= MOST:
            raise DeeperError(f"model.{key}={value}: it must be a number above 0 and up to {MOST}")
    elif not _is_whole(value, 1):
        raise DeeperError(
            f"model.{key}={value}: it must be a whole number of at least 1, or a factor above 0 with a point in it"
        )
