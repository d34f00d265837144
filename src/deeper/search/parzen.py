"""The tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), as optuna has it."""

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from deeper.errors import DeeperError
from deeper.search.searcher import Searcher
from deeper.search.space import Choices, Space
from deeper.seeds import Purpose, seed_of

optuna.logging.set_verbosity(optuna.logging.WARNING)


class ParzenSearch(Searcher):
    """Points that are likelier among the good than among the others.

    optuna's sampler draws from one stream of random numbers, so it is made anew at every ``ask``, with a seed of its
    own and all that was told: then proposals depend on nothing else.

    Args:
        space: where to search.
        seed: of all that it draws.
        startup: points that are drawn at random before the estimator has a say.

    Raises:
        DeeperError: fewer than no random points.
    """

    def __init__(self, space: Space, seed: int, startup: int = 10):
        super().__init__(space, seed)
        if startup < 0:
            raise DeeperError("searcher: startup must be a whole number of at least 0")
        self.startup = startup
        pairs = zip(space.sizes, space.ordered, strict=True)
        self.distributions: dict[str, BaseDistribution] = {
            f"{k:04}": IntDistribution(0, size - 1) if ordered else CategoricalDistribution(range(size))
            for k, (size, ordered) in enumerate(pairs)
        }

    def ask(self, count: int) -> list[Choices]:
        seed = seed_of(self.seed, Purpose.SEARCH, len(self.history)) % 2**32
        sampler = TPESampler(seed=seed, n_startup_trials=self.startup, constant_liar=True)
        study = optuna.create_study(sampler=sampler)
        study.add_trials([self._trial(told.choices, told.loss) for told in self.history])
        asked = [study.ask(self.distributions) for _ in range(count)]
        return [tuple(trial.params[name] for name in self.distributions) for trial in asked]

    def _trial(self, choices: Choices, loss: float | None) -> optuna.trial.FrozenTrial:
        params = dict(zip(self.distributions, choices, strict=True))
        state = TrialState.FAIL if loss is None else TrialState.COMPLETE
        return optuna.trial.create_trial(state=state, params=params, distributions=self.distributions, value=loss)
