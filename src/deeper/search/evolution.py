"""Searches that change what was good: regularised evolution, and the genetic algorithm of Genetic CNN."""

import numpy as np

from deeper.errors import DeeperError
from deeper.search.searcher import Searcher, Told
from deeper.search.space import Choices, Space


class RegularisedEvolution(Searcher):
    """The last ``population`` networks live; the best of ``sample`` of them is mutated.

    Real, Aggarwal, Huang, Le, *Regularized evolution for image classifier architecture search*, arXiv 1802.01548, §3.2
    (algorithm 1) and §3.3 (population 100, sample 25): the oldest dies, however good. A mutation changes one choice, a
    state or an operation. Ours proposes several children at a time, from the same population, so that as many can be
    trained side by side; a child that is refused never lives.

    Args:
        space: where to search.
        seed: of all that it draws.
        population: networks that live.
        sample: of them that are drawn, with replacement as in the paper, to find a parent.

    Raises:
        DeeperError: a population or a sample of less than one.
    """

    def __init__(self, space: Space, seed: int, population: int = 100, sample: int = 25):
        super().__init__(space, seed)
        if population < 1 or sample < 1:
            raise DeeperError("searcher: population and sample must be at least 1")
        self.population, self.sample = population, sample
        self.lived: list[Told] = []

    def tell(self, told):
        super().tell(told)
        self.lived += [one for one in told if one.loss is not None]

    def ask(self, count: int) -> list[Choices]:
        return [self._child(k, number) for k, number in enumerate(self.numbers(count))]

    def _child(self, k: int, number: int) -> Choices:
        rng = self.generator(number)
        alive = self.lived[-self.population :]
        if len(self.lived) + k < self.population or not alive:
            return self.space.sample(rng)
        drawn = [alive[int(rng.integers(len(alive)))] for _ in range(self.sample)]
        return self.space.mutate(min(drawn, key=lambda one: one.loss).choices, rng)


class GeneticAlgorithm(Searcher):
    """Generations of individuals: the fitter are drawn more often, some pairs are crossed, the others mutate.

    Xie, Yuille, *Genetic CNN*, arXiv 1703.01513, §3.2 and algorithm 1, with the constants of its CIFAR-10 runs. An
    individual is drawn into the next generation with a probability that is proportional to how much fitter than the
    least fit it is; neighbours are crossed with probability ``crossed``, each of their stages exchanged with
    ``exchanged``; those that were not crossed mutate with probability ``mutated``, each bit with ``flipped``. A
    network that is refused has no children; where all were, the next generation is drawn like the first.

    Args:
        space: where to search.
        seed: of all that it draws.
        individuals: of a generation.
        mutated: probability that an individual mutates.
        flipped: probability of each of its choices to change then; None: one choice changes in the mean, as of the
            paper's 19 bits with 0.05 each.
        crossed: probability that a pair is crossed.
        exchanged: probability of each unit to be exchanged then.

    Raises:
        DeeperError: fewer than two individuals, or something that is no probability.
    """

    def __init__(
        self,
        space: Space,
        seed: int,
        individuals: int = 20,
        mutated: float = 0.8,
        flipped: float | None = None,
        crossed: float = 0.2,
        exchanged: float = 0.2,
    ):
        super().__init__(space, seed)
        flipped = 1 / max(1, sum(size > 1 for size in space.sizes)) if flipped is None else flipped
        if individuals < 2 or not all(0 <= rate <= 1 for rate in (mutated, flipped, crossed, exchanged)):
            raise DeeperError("searcher: it needs two individuals or more, and probabilities from 0 to 1")
        self.individuals, self.mutated, self.flipped = individuals, mutated, flipped
        self.crossed, self.exchanged = crossed, exchanged
        self.made: dict[int, list[Choices]] = {}  # the generation that is tried now

    def ask(self, count: int) -> list[Choices]:
        """The next individuals of this generation: it must be whole before the next one is made."""
        generation, place = divmod(len(self.history), self.individuals)
        if generation not in self.made:
            self.made = {generation: self._generation(generation)}
        return self.made[generation][place : place + count]

    def _generation(self, generation: int) -> list[Choices]:
        start = generation * self.individuals
        parents = [one for one in self.history[max(0, start - self.individuals) : start] if one.loss is not None]
        if not parents:
            return [self.space.sample(self.generator(start + k)) for k in range(self.individuals)]
        rng = self.generator(start)
        drawn = self._selected(parents, rng)
        for first in range(0, self.individuals, 2):
            pair = drawn[first : first + 2]
            if len(pair) == 2 and rng.random() < self.crossed:
                drawn[first : first + 2] = self.space.cross(*pair, self.exchanged, rng)
            else:
                drawn[first : first + 2] = [self._mutated(one, rng) for one in pair]
        return drawn

    def _selected(self, parents: list[Told], rng: np.random.Generator) -> list[Choices]:
        fitness = np.array([1 - one.loss for one in parents])
        above = fitness - fitness.min()
        share = above / above.sum() if above.sum() > 0 else np.full(len(parents), 1 / len(parents))
        return [parents[int(k)].choices for k in rng.choice(len(parents), size=self.individuals, p=share)]

    def _mutated(self, choices: Choices, rng: np.random.Generator) -> Choices:
        return self.space.shake(choices, self.flipped, rng) if rng.random() < self.mutated else choices
