"""A network that was counted, as its cost is printed."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Counted:
    """A network, the image it was given, its costs and, where they were asked for, its layers."""

    network: str
    image: tuple[int, int, int]
    costs: dict[str, Any]
    layers: list[dict[str, Any]] | None
    format: str | None
