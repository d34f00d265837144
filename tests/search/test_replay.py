"""Replays over a table, against an independent program."""

import numpy as np
import pytest
from omegaconf import OmegaConf

from deeper.paths import CONF
from deeper.schema.search import (
    ReplaySettings,
    Searches,
    SearchResult,
    SearchSettings,
    SearchTable,
    TabulatedCell,
    TrainedLong,
)
from deeper.search import engine, replay, table
from deeper.search.composed import searcher_of
from deeper.search.searcher import RandomSearch
from deeper.search.settings_space import SettingsSpace
from deeper.search.trainings import Trained
from deeper.seeds import Purpose, seed_of

OVER = {"a": list(range(5)), "b": list(range(4))}
SPACE = {"_target_": "deeper.search.settings_space.SettingsSpace", "over": OVER}
FACTS = {"profile": "p", "data": "d", "scale": {"train": 1, "image_size": 1, "epochs": 1}}
RANDOM = {"_target_": "deeper.search.searcher.RandomSearch"}
EVOLUTION = {"_target_": "deeper.search.evolution.RegularisedEvolution", "population": 4, "sample": 2}
HOW = {"replays": 40, "networks": 12, "after": 6, "batch": 2, "within": 0.002, "searchers": ("random",)}


def tabled():
    draw = np.random.default_rng(0)
    cells = []
    for choices in SettingsSpace(OVER).points():
        error = 0.1 + 0.03 * abs(choices[0] - 2) + 0.02 * abs(choices[1] - 1)
        cells.append(
            TabulatedCell(
                choices=choices,
                words=str(choices),
                settings={"a": choices[0], "b": choices[1]},
                trials=("x", "y", "z"),
                validation_errors=tuple(error + 0.005 * draw.standard_normal(3)),
                test_errors=tuple(error + 0.005 * draw.standard_normal(3)),
                cost={"params": 1, "macs": 1, "activation_bytes": 1},
                seconds=1.0,
            )
        )
    long = {"cells": 5, "seeds": (9,), "set": {}}
    facts = {
        "name": "search_t",
        "title": "T",
        "question": "Q",
        "table": {"seeds": (1, 2, 3), "long": long},
        "replay": HOW,
    }
    return SearchTable(searches=Searches(**facts), space=SPACE, **FACTS, cells=tuple(cells))


def by_hand(full, seed):
    """Random search over the table, written anew: the mean test error of the least seen validation error."""
    searcher, seen = RandomSearch(SettingsSpace(OVER), seed), {}
    number = 0
    while len(seen) < HOW["networks"]:
        point = searcher.space.sample(searcher.generator(number))
        number += 1
        place = point[0] * 4 + point[1]
        cell = full.cells[place]
        seen.setdefault(place, cell.validation_errors[seed_of(seed, Purpose.REPLAY, place) % 3])
    order = list(seen.items())
    best = [min(order[: k + 1], key=lambda one: one[1])[0] for k in range(len(order))]
    return [np.mean(full.cells[place].test_errors) for place in best]


def test_random_search_is_what_an_independent_program_finds():
    full, how = tabled(), ReplaySettings(**HOW)
    found = replay.replay(full, how, "random", RANDOM, processes=1)
    curves = np.array([by_hand(full, seed) for seed in range(how.replays)])
    assert np.allclose(found.mean, curves.mean(0), atol=1e-6)
    assert np.allclose(found.low, np.percentile(curves, 2.5, axis=0), atol=1e-6)
    assert np.allclose(found.high, np.percentile(curves, 97.5, axis=0), atol=1e-6)
    border = min(np.mean(cell.test_errors) for cell in full.cells) + how.within
    needed = [next((k for k, error in enumerate(curve, 1) if error <= border), None) for curve in curves]
    assert list(found.needed) == needed
    assert set(found.trained) == {how.networks}
    assert None in needed
    assert any(count is not None for count in needed)


class Looked:
    """Trainings that are looked up in the table, written anew."""

    def __init__(self, full, seed):
        self.full, self.seed = full, seed

    def train(self, networks, seeds):
        for _, settings in networks:
            place = settings["a"] * 4 + settings["b"]
            cell = self.full.cells[place]
            error = cell.validation_errors[seed_of(self.seed, Purpose.REPLAY, place) % 3]
            yield Trained(("x",), (error,), (), 1.0)

    def cost(self, settings):
        return self.full.cells[0].cost


@pytest.mark.parametrize("name", ["random", "grid", "evolution", "genetic", "reinforce", "tpe"])
def test_a_replay_is_a_search_over_the_table_seed_by_seed(name):
    full, how, seeds = tabled(), ReplaySettings(**{**HOW, "networks": 16}), (0, 3, 4, 11)
    block = OmegaConf.to_container(OmegaConf.load(CONF / "searcher" / f"{name}.yaml"))
    replayed = replay.side_by_side(full, how, block, seeds)
    for seed, one in zip(seeds, replayed, strict=True):
        settings = SearchSettings(seed=seed, networks=16, batch=2, trial_seeds=(0,))
        start = SearchResult(name="s", space=SPACE, searcher=block, search=settings, profile="p", data="d")
        searcher = searcher_of(block, SettingsSpace(OVER), seed)
        alone = engine.run(start, searcher, Looked(full, seed), lambda result: None)
        assert tuple(one.proposals) == alone.proposals
        assert [network.loss for network in one.networks] == [network.loss for network in alone.networks]
    assert len({tuple(one.proposals) for one in replayed}) == (1 if name == "grid" else len(seeds))


def test_several_processes_find_the_same_and_a_learned_search_is_no_worse():
    full, how = tabled(), ReplaySettings(**{**HOW, "replays": 30})
    one = replay.replay(full, how, "evolution", EVOLUTION, processes=1)
    assert replay.replay(full, how, "evolution", EVOLUTION, processes=2) == one
    random = replay.replay(full, how, "random", RANDOM, processes=1)
    assert one.mean[-1] <= random.mean[-1]


def test_replays_are_known_by_all_that_they_depend_on():
    full, how = tabled(), ReplaySettings(**HOW)
    key = replay.key_of(full, how, RANDOM)
    assert key == replay.key_of(full, ReplaySettings(**{**HOW, "searchers": ("random", "grid")}), RANDOM)
    assert key != replay.key_of(full, how, EVOLUTION)
    assert key != replay.key_of(full, ReplaySettings(**{**HOW, "batch": 1}), RANDOM)
    assert key != replay.key_of(full.model_copy(update={"cells": full.cells[:-1]}), how, RANDOM)


def test_cells_for_the_long_training_span_the_ranking():
    full = tabled()
    places = table.evenly(full.cells, 5)
    ranked = sorted(range(20), key=lambda k: np.mean(full.cells[k].validation_errors))
    assert places == [ranked[k] for k in (0, 5, 10, 14, 19)]
    assert table.evenly(full.cells, 99) == ranked


def test_the_rank_correlation_is_spearmans():
    full = tabled()
    long = [
        TrainedLong(cell=place, trials=("x",), validation_errors=(0.5,), test_errors=(error,), seconds=1.0)
        for place, error in zip(table.evenly(full.cells, 4), (0.1, 0.3, 0.2, 0.4), strict=True)
    ]
    assert table.rank_correlation(full.model_copy(update={"long": tuple(long)})) == 0.8
    assert table.rank_correlation(full) is None
