"""What is searched: points that are sequences of choices.

A point of every space is a tuple of numbers, ``choices``: choice k is one of ``sizes[k]`` options. So every searcher
works on every space, and a space of one's own is one class: its sizes, and the settings of the network that choices
stand for.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from itertools import permutations, product
from math import prod
from typing import Any

import numpy as np

Choices = tuple[int, ...]


class Space(ABC):
    """Points, how they are drawn and changed, and what trial a point is.

    Attributes:
        sizes: how many options each choice has.
        ordered: whether the options of each choice are in order, as those of a learning rate are.
        units: the choices that a cross takes over together, such as those of a stage.
    """

    def __init__(self, sizes: Sequence[int], ordered: Sequence[bool] = (), units: Sequence[Sequence[int]] = ()):
        self.sizes = tuple(sizes)
        self.ordered = tuple(ordered) or (False,) * len(self.sizes)
        self.units = tuple(tuple(unit) for unit in units) or tuple((k,) for k in range(len(self.sizes)))

    @abstractmethod
    def settings(self, choices: Choices) -> dict[str, Any]:
        """The settings, by their dotted names or groups, that make a trial of the point."""

    @abstractmethod
    def words(self, choices: Choices) -> str:
        """The point in a few words."""

    def told(self) -> Iterator[Choices]:
        """Points that have every value which the user named, one other at a time; none where all points are ours."""
        yield from ()

    def canonical(self, choices: Choices) -> Choices:
        """The one of all points that make the same network which stands for them."""
        return choices

    @property
    def size(self) -> int:
        """How many points there are, equal networks counted as often as they occur."""
        return prod(self.sizes)

    def points(self) -> Iterator[Choices]:
        """Every point in order: the last choice changes first."""
        yield from product(*(range(size) for size in self.sizes))

    def distinct(self) -> list[Choices]:
        """Every network once, by its canonical point, in order."""
        return list(dict.fromkeys(self.canonical(choices) for choices in self.points()))

    def sample(self, rng: np.random.Generator) -> Choices:
        """A point, all equally likely."""
        return tuple(int(rng.integers(size)) for size in self.sizes)

    def mutate(self, choices: Choices, rng: np.random.Generator) -> Choices:
        """The point with one choice changed to another option."""
        free = [k for k, size in enumerate(self.sizes) if size > 1]
        return self._changed(choices, int(rng.choice(free)), rng) if free else choices

    def shake(self, choices: Choices, rate: float, rng: np.random.Generator) -> Choices:
        """The point with each choice changed to another option with probability ``rate``; of bits, flipped."""
        for k, size in enumerate(self.sizes):
            if rng.random() < rate and size > 1:
                choices = self._changed(choices, k, rng)
        return choices

    def cross(self, one: Choices, other: Choices, rate: float, rng: np.random.Generator) -> tuple[Choices, Choices]:
        """The two points with each unit exchanged with probability ``rate``."""
        left, right = list(one), list(other)
        for unit in self.units:
            if rng.random() < rate:
                for k in unit:
                    left[k], right[k] = right[k], left[k]
        return tuple(left), tuple(right)

    def _changed(self, choices: Choices, k: int, rng: np.random.Generator) -> Choices:
        other = (choices[k] + 1 + int(rng.integers(self.sizes[k] - 1))) % self.sizes[k]
        return (*choices[:k], other, *choices[k + 1 :])


def orders(before: Sequence[set[int]]) -> Iterator[tuple[int, ...]]:
    """Every order of nodes in which those that a node needs, ``before[node]``, come first."""
    for order in permutations(range(len(before))):
        place = {node: index for index, node in enumerate(order)}
        if all(place[other] < place[node] for node in order for other in before[node]):
            yield order


def least(before: Sequence[set[int]], encoded: Callable[[tuple[int, ...]], Choices | None]) -> Choices:
    """The smallest encoding of a graph over all orders of its nodes; None stands for an order that has none."""
    return min(choices for order in orders(before) if (choices := encoded(order)) is not None)
