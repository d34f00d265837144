"""The space of ordinary settings: what one would otherwise sweep by hand."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from deeper.errors import DeeperError
from deeper.search.space import Choices, Space

RANGE = {"from", "to", "steps", "scale"}


class SettingsSpace(Space):
    """Values of settings.

    Args:
        over: by setting or group a list of values, or a range: ``from``, ``to``, how many ``steps`` it is cut into, and
            its ``scale``, ``linear`` or ``log``; a range that has whole numbers alone gives them as such.

    Raises:
        DeeperError: nothing to search over, something that is no list and no range, or steps of a range that are equal.
    """

    def __init__(self, over: Mapping[str, Any] | None):
        if not over:
            raise DeeperError(
                "search.over: name what to search over, such as 'search.over={optimizer.lr: [0.05, 0.1]}'"
            )
        self.over = {str(name): _values(str(name), given) for name, given in over.items()}
        ordered = [isinstance(given, Mapping) for given in over.values()]
        super().__init__([len(values) for values in self.over.values()], ordered=ordered)

    def settings(self, choices: Choices) -> dict[str, Any]:
        return {name: values[k] for (name, values), k in zip(self.over.items(), choices, strict=True)}

    def told(self) -> Iterator[Choices]:
        """The first point, and from there one setting at a time: all values of a list, of a range its other end."""
        first = (0,) * len(self.sizes)
        yield first
        for k, (size, is_range) in enumerate(zip(self.sizes, self.ordered, strict=True)):
            for option in (size - 1,) if is_range else range(1, size):
                yield (*first[:k], option, *first[k + 1 :])

    def words(self, choices: Choices) -> str:
        return " ".join(f"{name}={value}" for name, value in self.settings(choices).items())


def _values(name: str, given: Any) -> list[Any]:
    if isinstance(given, Sequence) and not isinstance(given, str) and len(given):
        return list(given)
    if not isinstance(given, Mapping) or not {"from", "to", "steps"} <= set(given) <= RANGE:
        raise DeeperError(
            f"search.over.{name}={given}: it must be a list of values, or a range such as "
            "{from: 0.01, to: 1, steps: 9, scale: log}"
        )
    low, high, steps, scale = given["from"], given["to"], given["steps"], given.get("scale", "linear")
    numbers = all(isinstance(end, int | float) and not isinstance(end, bool) for end in (low, high))
    if not numbers or not low < high or type(steps) is not int or steps < 2 or scale not in ("linear", "log"):
        raise DeeperError(f"search.over.{name}: `from` must be below `to`, steps 2 or more, scale linear or log")
    if scale == "log" and low <= 0:
        raise DeeperError(f"search.over.{name}: a log scale must be from above 0")
    cut = np.geomspace(low, high, steps) if scale == "log" else np.linspace(low, high, steps)
    values = [float(f"{value:.6g}") for value in cut]
    if len(set(values)) < steps:
        raise DeeperError(f"search.over.{name}: {steps} steps are closer together than six digits tell; take fewer")
    whole = isinstance(low, int) and isinstance(high, int) and all(value.is_integer() for value in values)
    return [int(value) for value in values] if whole else values
