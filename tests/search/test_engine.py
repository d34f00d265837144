"""The engine, with trainings that are made up: budgets, windows, equal networks, fronts, killed searches."""

import pytest

from deeper.schema.search import FinalTraining, Front, SearchCost, SearchedNetwork, SearchResult, SearchSettings, Window
from deeper.search import engine
from deeper.search.evolution import GeneticAlgorithm, RegularisedEvolution
from deeper.search.parzen import ParzenSearch
from deeper.search.reinforce import Reinforce
from deeper.search.searcher import GridSearch, RandomSearch
from deeper.search.settings_space import SettingsSpace
from deeper.search.trainings import Trained

OVER = {"a": list(range(4)), "b": list(range(4)), "c": list(range(3))}


class Unordered(SettingsSpace):
    """Whose ``a`` and ``b`` may be exchanged without any difference."""

    def canonical(self, choices):
        return (*sorted(choices[:2]), choices[2])


SPACE = Unordered(OVER)
SEARCHERS = {
    "random": RandomSearch,
    "grid": GridSearch,
    "evolution": lambda space, seed: RegularisedEvolution(space, seed, 4, 2),
    "genetic": lambda space, seed: GeneticAlgorithm(space, seed, 4),
    "reinforce": lambda space, seed: Reinforce(space, seed, lr=0.005),
    "tpe": lambda space, seed: ParzenSearch(space, seed, 3),
}


class Killed(Exception):
    pass


class MadeUp:
    """Errors by formula, kept like in a store; killed at the trainings whose numbers are in ``kills``."""

    def __init__(self, kills=()):
        self.store, self.asked, self.kills = {}, [], list(kills)

    def train(self, networks, seeds):
        found = []
        for _, settings in networks:
            for seed in seeds:
                trial = f"{sorted(settings.items())} {seed}"
                if trial not in self.store:
                    if self.kills and len(self.store) == self.kills[0]:
                        self.kills.pop(0)
                        raise Killed
                    self.store[trial] = 0.1 + 0.05 * abs(settings["a"] + settings["b"] - 3) + 0.1 * settings["c"]
                self.asked.append(trial)
            found.append(Trained((trial,), (self.store[trial],), (self.store[trial] + 0.01,), 1.0))
        return found

    def cost(self, settings):
        return SearchCost(params=1, macs=100 * (1 + settings["a"] + settings["b"]), activation_bytes=8)


def begun(**settings):
    search = SearchSettings(**{"networks": 12, "trial_seeds": (100,), "batch": 2, **settings})
    return SearchResult(name="s", space={}, searcher={}, search=search, profile="smoke", data="d")


def run(start, searcher, trainings, written=None):
    return engine.run(start, searcher, trainings, (written if written is not None else []).append)


@pytest.mark.parametrize("name", SEARCHERS)
def test_a_search_killed_ten_times_ends_like_one_that_was_not(name):
    start = begun(networks=14, final=FinalTraining(seeds=(200,)))
    whole = run(start, SEARCHERS[name](SPACE, 5), MadeUp())
    trainings = MadeUp(kills=[0, 1, 2, 3, 5, 6, 8, 9, 11, 13])
    kills = 0
    while True:
        try:
            found = run(start, SEARCHERS[name](SPACE, 5), trainings)
            break
        except Killed:
            kills += 1
    assert kills >= 8
    assert found == whole
    assert found.finished


@pytest.mark.parametrize("name", SEARCHERS)
def test_so_many_different_networks_are_trained_and_equal_ones_once(name):
    trainings = MadeUp()
    found = run(begun(networks=9, batch=4), SEARCHERS[name](SPACE, 1), trainings)
    assert len(found.networks) == 9 or len(found.proposals) >= 9 * engine.MOST_PROPOSALS
    assert len(trainings.asked) == len(set(trainings.asked)) == len(found.networks)
    assert len({network.choices for network in found.networks}) == len(found.networks)
    for proposal in found.proposals:
        assert found.networks[proposal.network].choices == SPACE.canonical(proposal.choices)
    assert found.networks[found.winner].error == min(network.error for network in found.networks)


def test_what_is_outside_the_window_is_refused_and_not_trained():
    window = Window(least=300, most=500)
    found = run(begun(window=window), SEARCHERS["random"](SPACE, 0), MadeUp())
    assert {network.cost.macs for network in found.networks} <= {300, 400, 500}
    refused = [proposal for proposal in found.proposals if proposal.network is None]
    assert refused
    for proposal in refused:
        assert not engine.admits(window, MadeUp().cost(SPACE.settings(proposal.choices)))


def test_a_space_that_is_searched_whole_ends_the_search():
    found = run(begun(networks=999), SEARCHERS["grid"](SPACE, 0), MadeUp())
    assert found.finished
    assert len(found.networks) == len(SPACE.distinct()) == 30
    assert len(found.proposals) == SPACE.size == 48


def test_the_mean_over_seeds_is_told_and_the_best_is_tested_with_fresh_ones():
    trainings, written = MadeUp(), []
    found = run(
        begun(trial_seeds=(1, 2), final=FinalTraining(seeds=(7,), set={"d": 1})),
        SEARCHERS["random"](SPACE, 0),
        trainings,
        written,
    )
    assert len(trainings.asked) == 2 * len(found.networks) + 1
    assert trainings.asked[-1].endswith(" 7")
    assert "('d', 1)" in trainings.asked[-1]
    assert found.final.settings == found.networks[found.winner].settings
    assert [result.finished for result in written] == [False] * (len(written) - 1) + [True]
    assert all(result.final is None for result in written[:-1])


def network(error, macs):
    cost = SearchCost(params=1, macs=macs, activation_bytes=None)
    return SearchedNetwork(
        choices=(), words="", settings={}, trials=(), error=error, loss=error, cost=cost, seconds=0.0
    )


def test_a_front_has_what_nothing_beats_in_both():
    networks = [
        network(0.3, 10),
        network(0.2, 20),
        network(0.25, 30),
        network(0.1, 40),
        network(0.3, 10),
        network(0.2, 25),
    ]
    assert engine.undominated(networks, "macs") == [0, 1, 3]


def test_accuracy_and_cost_are_weighed_as_the_paper_says():
    """arXiv 1807.11626, section 3: 5 % more accuracy for twice the cost is level at the exponent of -0.07."""
    front, cost = Front(target=100), SearchCost(params=1, macs=100, activation_bytes=None)
    assert engine.loss(0.2, cost, front) == pytest.approx(0.2)
    twice = engine.loss(1 - 0.8 * 1.05, cost.model_copy(update={"macs": 200}), front)
    assert twice == pytest.approx(0.2, abs=0.001)
    assert engine.loss(0.2, cost, None) == 0.2


def test_of_good_networks_that_cost_little_the_better_and_the_cheaper_is_told_as_better():
    """Cut off at 0 they would tie: here the accuracy of all weighs more than 1."""
    front, costs = Front(target=10**6), [SearchCost(params=1, macs=macs, activation_bytes=None) for macs in (10, 20)]
    told = [engine.loss(error, cost, front) for error in (0.1, 0.2) for cost in costs]
    assert told == sorted(told)
    assert len(set(told)) == 4
    assert told[-1] < 0
    assert engine.loss(1.0, costs[0], front) == 1.0
    assert network(0.1, 10).model_validate(network(0.1, 10).model_dump() | {"loss": told[0]}).loss == told[0]


@pytest.mark.parametrize("name", SEARCHERS)
def test_every_searcher_takes_losses_below_0(name):
    found = run(begun(networks=14, front=Front(target=10**9)), SEARCHERS[name](SPACE, 3), MadeUp())
    assert found.finished
    assert all(one.loss < 0 for one in found.networks)
    assert found.networks[found.winner].loss == min(one.loss for one in found.networks)
