"""Who searches: proposals from what was told.

A searcher is a function of its space, its seed and what it was told, in order: ``ask`` changes nothing, and two
searchers that were told the same propose the same. So a search that was killed needs no memory: it asks again, finds
the trials in the store, tells their errors, and is where it was.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import islice
from typing import NamedTuple

import numpy as np

from deeper.search.space import Choices, Space
from deeper.seeds import Purpose, seed_of


class Told(NamedTuple):
    """A proposal and what it was worth: the lower the better, at most 1; None where it was refused and not trained.

    Of an error it is from 0; where cost counts too it may be below.
    """

    choices: Choices
    loss: float | None


class Searcher(ABC):
    """Proposes points.

    Args:
        space: where to search.
        seed: of all that it draws.
    """

    def __init__(self, space: Space, seed: int):
        self.space, self.seed = space, seed
        self.history: list[Told] = []

    @abstractmethod
    def ask(self, count: int) -> list[Choices]:
        """At most ``count`` points to try next, in order; none where there is nothing more to try."""

    def tell(self, told: Sequence[Told]) -> None:
        """Take what the points of the last ``ask`` were worth, in the order in which it gave them."""
        self.history += told

    def generator(self, number: int) -> np.random.Generator:
        """What draws for proposal ``number``, counted from 0 over the whole search."""
        return np.random.default_rng(seed_of(self.seed, Purpose.SEARCH, number))

    def numbers(self, count: int) -> range:
        """The numbers of the next ``count`` proposals."""
        return range(len(self.history), len(self.history) + count)

    @classmethod
    def team(cls, searchers: "Sequence[Searcher]") -> "Team":
        """Searchers of this kind side by side; a kind that is faster so has a team of its own."""
        return Team(searchers)


class Team:
    """Searchers of one kind that are asked and told side by side, each as if it were alone.

    Args:
        searchers: that were told nothing yet.
    """

    def __init__(self, searchers: Sequence[Searcher]):
        self.searchers = list(searchers)

    def ask(self, count: int, going: Sequence[int]) -> list[list[Choices]]:
        """What the searchers at the places ``going`` propose, in that order."""
        return [self.searchers[k].ask(count) for k in going]

    def tell(self, told: Sequence[Sequence[Told]], going: Sequence[int]) -> None:
        """Tell those searchers."""
        for k, one in zip(going, told, strict=True):
            self.searchers[k].tell(one)


class RandomSearch(Searcher):
    """Every point is equally likely, whatever was found."""

    def ask(self, count: int) -> list[Choices]:
        return [self.space.sample(self.generator(number)) for number in self.numbers(count)]


class GridSearch(Searcher):
    """Every point in order, the last choice changing first, until all were tried."""

    def ask(self, count: int) -> list[Choices]:
        numbers = self.numbers(count)
        return list(islice(self.space.points(), numbers.start, numbers.stop))
