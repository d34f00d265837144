"""Repetitions that take turns, and what is said of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TypeVar

Result = TypeVar("Result")


@dataclass(frozen=True)
class Spread:
    """One figure measured several times."""

    values: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.values:
            raise ValueError("a spread needs at least one value")

    @property
    def median(self) -> float:
        return median(self.values)

    def text(self, digits: int = 2) -> str:
        """The median, and in brackets the least and the greatest value."""
        least, middle, most = (f"{v:.{digits}f}" for v in (min(self.values), self.median, max(self.values)))
        return middle if len(self.values) == 1 else f"{middle} ({least} to {most})"


def spread(values: Sequence[float]) -> Spread:
    return Spread(tuple(values))


def ratios(above: Sequence[float], below: Sequence[float]) -> Spread:
    """The quotient of each pair of repetitions that stood beside each other.

    Raises:
        ValueError: they are not pairs.
    """
    return spread([a / b for a, b in zip(above, below, strict=True)])


def interleave(arms: Mapping[str, Callable[[int], Result]], repetitions: int) -> dict[str, list[Result]]:
    """Run every arm once, then every arm again: what disturbs the machine for a while disturbs all arms alike.

    Args:
        arms: each is called with the number of the repetition.
        repetitions: rounds.
    """
    results: dict[str, list[Result]] = {name: [] for name in arms}
    for repetition in range(repetitions):
        for name, arm in arms.items():
            results[name].append(arm(repetition))
    return results
