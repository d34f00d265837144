"""The tree-structured Parzen estimator (Bergstra et al., NeurIPS 2011), as optuna has it."""

from collections.abc import Mapping, Sequence

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.trial import TrialState

from deeper.errors import DeeperError
from deeper.search.searcher import Searcher, Told
from deeper.search.space import Choices, Space
from deeper.seeds import Purpose, seed_of

optuna.logging.set_verbosity(optuna.logging.WARNING)


class _Sampler(TPESampler):
    """optuna's, told what it finds out otherwise by comparing all trials at each proposal: what they have in common."""

    def __init__(self, distributions: dict[str, BaseDistribution], seed: int, startup: int):
        super().__init__(seed=seed, n_startup_trials=startup, constant_liar=True)
        self.distributions = distributions

    def infer_relative_search_space(self, study, trial):
        return self.distributions


class ParzenSearch(Searcher):
    """Points that are likelier among the good than among the others.

    optuna's sampler draws from one stream of random numbers, so it is made anew at every ``ask``, with a seed of its
    own. What was told is in optuna's study once, as trials of its own; those that ``ask`` opens are failed before the
    next, so that they are of no account: then proposals depend on nothing else.

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
        self.distributions: dict[str, BaseDistribution] = {
            _name(k): IntDistribution(0, size - 1) if ordered else CategoricalDistribution(range(size))
            for k, (size, ordered) in enumerate(zip(space.sizes, space.ordered, strict=True))
            if size > 1
        }
        self.study = optuna.create_study()
        self.opened: list[optuna.Trial] = []

    def tell(self, told: Sequence[Told]) -> None:
        super().tell(told)
        self._close()
        self.study.add_trials([self._trial(one.choices, one.loss) for one in told])

    def ask(self, count: int) -> list[Choices]:
        self._close()
        seed = seed_of(self.seed, Purpose.SEARCH, len(self.history)) % 2**32
        self.study.sampler = _Sampler(self.distributions, seed, self.startup)
        self.opened = [self.study.ask(self.distributions) for _ in range(count)]
        return [self._choices(trial.params) for trial in self.opened]

    def _choices(self, params: Mapping[str, int]) -> Choices:
        return tuple(params.get(_name(k), 0) for k in range(len(self.space.sizes)))

    def _close(self) -> None:
        for trial in self.opened:
            self.study.tell(trial, state=TrialState.FAIL)
        self.opened = []

    def _trial(self, choices: Choices, loss: float | None) -> optuna.trial.FrozenTrial:
        params = {name: choices[int(name)] for name in self.distributions}
        state = TrialState.FAIL if loss is None else TrialState.COMPLETE
        return optuna.trial.create_trial(state=state, params=params, distributions=self.distributions, value=loss)


def _name(k: int) -> str:
    return f"{k:04}"  # in the order of the choices, for optuna sorts by name
