"""Searchers: functions of the seed and of what they were told, and each does what its paper says."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from deeper.errors import DeeperError
from deeper.search.evolution import GeneticAlgorithm, RegularisedEvolution
from deeper.search.parzen import ParzenSearch
from deeper.search.reinforce import Controllers, Reinforce
from deeper.search.searcher import GridSearch, RandomSearch, Told
from deeper.search.settings_space import SettingsSpace

SPACE = SettingsSpace({"a": list(range(3)), "b": list(range(4)), "c": {"from": 0, "to": 1, "steps": 5}})
MAKES = {
    "random": lambda seed: RandomSearch(SPACE, seed),
    "grid": lambda seed: GridSearch(SPACE, seed),
    "evolution": lambda seed: RegularisedEvolution(SPACE, seed, population=4, sample=2),
    "genetic": lambda seed: GeneticAlgorithm(SPACE, seed, individuals=4),
    "reinforce": lambda seed: Reinforce(SPACE, seed, lr=0.05),
    "parzen": lambda seed: ParzenSearch(SPACE, seed, startup=3),
}
LEARNED = ("evolution", "genetic", "reinforce", "parzen")
BEST = (2, 1, 4)


def loss(choices):
    return 0.1 + 0.08 * sum(abs(a - b) for a, b in zip(choices, BEST, strict=True))


def run(searcher, batches, batch, judge=loss):
    asked = []
    for _ in range(batches):
        points = searcher.ask(batch)
        asked.append(points)
        searcher.tell([Told(point, judge(point)) for point in points])
    return asked


@pytest.mark.parametrize("name", MAKES)
@given(seed=st.integers(0, 2**31), batch=st.integers(1, 3), refused=st.integers(0, 3))
@settings(max_examples=8)
def test_proposals_are_a_function_of_seed_and_history(name, seed, batch, refused):
    def judge(point):
        return None if point[1] == refused else loss(point)

    first, again = MAKES[name](seed), MAKES[name](seed)
    assert run(first, 5, batch, judge) == run(again, 5, batch, judge)
    assert first.ask(batch) == first.ask(batch), "asking changes nothing"
    replayed, history, start = MAKES[name](seed), first.history, 0
    while start < len(history):
        asked = replayed.ask(batch)
        told = history[start : start + len(asked)]
        assert asked == [one.choices for one in told]
        replayed.tell(told)
        start += len(asked)
    assert replayed.ask(batch) == first.ask(batch)


@pytest.mark.parametrize("name", [name for name in MAKES if name != "grid"])
def test_other_seeds_propose_others(name):
    assert run(MAKES[name](0), 6, 2) != run(MAKES[name](1), 6, 2)


@pytest.mark.parametrize("name", LEARNED)
def test_the_second_half_is_better_than_random_on_average(name):
    def late(make, judge):
        return np.mean([loss(p) for seed in range(6) for points in run(make(seed), 40, 2, judge)[20:] for p in points])

    for judge in (loss, lambda point: loss(point) - 1.5):  # the second is below 0, as of networks that cost little
        assert late(MAKES[name], judge) < late(MAKES["random"], judge) - 0.03


def test_a_grid_is_in_order_and_ends():
    searcher = GridSearch(SPACE, 0)
    asked = [point for points in run(searcher, 15, 4) for point in points]
    assert asked == list(SPACE.points())
    assert searcher.ask(4) == []


def test_the_oldest_dies_however_good():
    searcher = RegularisedEvolution(SPACE, 0, population=2, sample=8)
    searcher.tell([Told(BEST, 0.0), Told((0, 0, 0), 0.9), Told((0, 1, 0), 0.8), Told((0, 2, 0), None)])
    children = [child for _ in range(3) for child in searcher.ask(6)]
    parents = {(0, 0, 0), (0, 1, 0)}
    assert all(any(sum(a != b for a, b in zip(c, p, strict=True)) == 1 for p in parents) for c in children)


def test_a_batch_may_be_larger_than_the_population():
    """On a machine of many slots; and where all of the first were refused there is nobody to mutate."""
    searcher = RegularisedEvolution(SPACE, 0, population=2)
    points = searcher.ask(5)
    assert len(points) == 5
    searcher.tell([Told(point, None) for point in points])
    assert len(searcher.ask(5)) == 5


def test_a_refused_network_has_no_children_and_takes_no_pressure_away():
    """Were it the least fit of all, the others would be drawn alike."""
    searcher = GeneticAlgorithm(SPACE, 3, individuals=4, mutated=0.0, crossed=0.0)
    first = searcher.ask(4)
    searcher.tell([Told(point, loss) for point, loss in zip(first, (None, 0.5, 0.4, 0.5), strict=True)])
    assert searcher.ask(4) == [first[2]] * 4


def test_in_the_mean_one_choice_of_a_mutant_changes():
    """Of five choices with 0.05 each it would be none, mostly, and the search would stand still."""
    for choices in (5, 19):
        space = SettingsSpace({f"c{k}": [0, 1] for k in range(choices)} | {"same": [0]})
        assert GeneticAlgorithm(space, 0).flipped == pytest.approx(1 / choices)


def test_a_generation_that_was_refused_whole_is_followed_by_a_new_one():
    searcher = GeneticAlgorithm(SPACE, 3, individuals=4, mutated=0.0, crossed=0.0)
    first = searcher.ask(4)
    searcher.tell([Told(point, None) for point in first])
    assert len(searcher.ask(4)) == 4
    assert searcher.ask(4) != first


def test_the_least_fit_has_no_children():
    searcher = GeneticAlgorithm(SPACE, 3, individuals=4, mutated=0.0, crossed=0.0)
    first = searcher.ask(9)
    assert len(first) == 4, "a generation must be whole before the next one"
    searcher.tell([Told(point, 0.5 if k else 1.0) for k, point in enumerate(first[:3])])
    assert len(searcher.ask(9)) == 1
    searcher.tell([Told(first[3], None)])
    assert set(searcher.ask(4)) <= set(first[1:3])


def test_the_gradient_is_that_of_the_expected_reward():
    """REINFORCE over every point of a toy space, weighted by its probability, against finite differences."""
    sizes = (2, 3)
    controller = Controllers(sizes, 4, 2, [torch.Generator().manual_seed(0)])
    points = torch.cartesian_prod(*(torch.arange(size) for size in sizes))[None]
    rewards = torch.linspace(0.1, 0.9, points.shape[1], dtype=torch.float64) ** 2

    def expected():
        return (controller.log_probability(points).exp() * rewards).sum()

    logs = controller.log_probability(points)
    assert torch.isclose(logs.exp().sum(), torch.ones((), dtype=torch.float64))
    baseline = 0.3  # of no effect on the expectation
    (logs.exp().detach() * logs * (rewards - baseline)).sum().backward()
    step = 1e-5
    for parameter in controller.parameters():
        flat, gradient = parameter.data.view(-1), parameter.grad.view(-1)
        for k in range(0, len(flat), max(1, len(flat) // 5)):
            before = float(flat[k])
            with torch.no_grad():
                flat[k] = before + step
                above = expected()
                flat[k] = before - step
                below = expected()
                flat[k] = before
            assert torch.isclose((above - below) / (2 * step), gradient[k], rtol=1e-4, atol=1e-8)


def test_what_is_climbed_is_the_mean_of_log_probability_times_advantage():
    learners = Reinforce(SPACE, 0).alone.learners
    points, advantages = torch.tensor([[(0, 0, 0), (2, 3, 4)]]), torch.tensor([[0.5, -0.25]])
    logs = learners.controllers.log_probability(points)
    found = learners.objective(points, advantages, torch.full((1, 2), 0.5))
    assert torch.isclose(found, (logs * advantages).mean())


def test_controllers_side_by_side_learn_as_if_each_were_alone():
    """Those that are told less than others, or nothing, too; what their choices have no option for is never written."""
    space = SettingsSpace({"a": [0], "b": [0, 1, 2], "c": [5], "d": [0, 1]})
    together, alone = ([Reinforce(space, seed, lr=0.05) for seed in range(3)] for _ in range(2))
    team = Reinforce.team(together)
    for batch in range(8):
        going = [0, 1, 2] if batch < 5 else [0, 2]
        asked = team.ask(3, going)
        assert asked == [alone[k].ask(3) for k in going]
        assert all(point[0] == point[2] == 0 for points in asked for point in points)
        told = [[Told(point, 0.1 * sum(point)) for point in points[: 3 - (k == 2)]] for k, points in enumerate(asked)]
        team.tell(told, going)
        for k, one in zip(going, told, strict=True):
            alone[k].tell(one)
    one, other = together[0], alone[0]
    assert one.history == other.history
    weights = [
        next(searcher.cells.parameters())[0]
        for searcher in (team.learners.controllers, other.alone.learners.controllers)
    ]
    assert torch.allclose(*weights, rtol=1e-12, atol=0)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_the_mean_reward_rises(seed):
    """At the paper's constants but for the rate, which is for thousands of networks."""
    searcher = Reinforce(SPACE, seed, lr=0.01)
    rewards = [np.mean([(1 - loss(point)) ** 3 for point in points]) for points in run(searcher, 120, 4)]
    assert np.mean(rewards[-30:]) > np.mean(rewards[:30]) + 0.1


def test_points_are_drawn_with_their_probabilities():
    controller = Controllers((2, 3), 4, 2, [torch.Generator().manual_seed(1)])
    with torch.no_grad():
        controller.shifts[0] += torch.tensor([1.0, 0.0])
    [points] = controller.draw(np.random.default_rng(0).random((1, 4000, 2)))
    for point in ((0, 0), (1, 2)):
        told = controller.log_probability(torch.tensor([[point]])).exp().item()
        assert abs((points == point).all(1).mean() - told) < 0.03


@pytest.mark.parametrize(
    "make",
    [
        lambda: RegularisedEvolution(SPACE, 0, population=0),
        lambda: GeneticAlgorithm(SPACE, 0, mutated=1.5),
        lambda: Reinforce(SPACE, 0, lr=0.0),
        lambda: ParzenSearch(SPACE, 0, startup=-1),
    ],
)
def test_mistakes_are_named(make):
    with pytest.raises(DeeperError, match="searcher: "):
        make()
