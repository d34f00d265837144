"""Searches over a table, again and again, for nothing: how fast each searcher gets to the best.

The engine is the same as that of real searches; only the trainings are looked up. What a searcher is told is the
validation error of one seed of a cell, drawn anew in every replay, as if it had trained the cell once. What counts is
the mean test error of the cell that it holds for the best, which no searcher sees.
"""

import json
import multiprocessing
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from itertools import chain
from typing import Any

import numpy as np

from deeper.files import digest
from deeper.schema.search import Replays, ReplaySettings, SearchCost, SearchResult, SearchSettings, SearchTable
from deeper.search import engine
from deeper.search.composed import searcher_of, space_of
from deeper.search.table import mean
from deeper.search.trainings import Settings, Trained
from deeper.seeds import Purpose, seed_of

CHUNK = 20  # replays that a process does at a time
BAND = (2.5, 97.5)  # percentiles


class TabledTrainings:
    """Trainings that are looked up.

    Args:
        table: of every cell.
        replay: which of a cell's seeds is seen depends on it.
    """

    def __init__(self, table: SearchTable, replay: int):
        self.cells = {json.dumps(cell.settings): place for place, cell in enumerate(table.cells)}
        self.table, self.replay = table, replay

    def train(self, networks: Sequence[tuple[str, Settings]], seeds: Sequence[int]) -> list[Trained]:
        return [self._trained(settings) for _, settings in networks]

    def cost(self, settings: Settings) -> SearchCost:
        return self.table.cells[self._place(settings)].cost

    def _trained(self, settings: Settings) -> Trained:
        place = self._place(settings)
        cell = self.table.cells[place]
        seed = seed_of(self.replay, Purpose.REPLAY, place) % len(cell.trials)
        return Trained((cell.trials[seed],), (cell.validation_errors[seed],), (), 0.0)

    def _place(self, settings: Settings) -> int:
        return self.cells[json.dumps(settings)]


def replay(table: SearchTable, how: ReplaySettings, name: str, searcher: Settings, processes: int) -> Replays:
    """A searcher's replays.

    Args:
        table: of every cell.
        how: how many replays, of how many networks.
        name: of the searcher.
        searcher: the block of the configuration.
        processes: side by side.
    """
    key = key_of(table, how, searcher)
    parts = [range(start, min(start + CHUNK, how.replays)) for start in range(0, how.replays, CHUNK)]
    jobs = [(table, how, searcher, part) for part in parts]
    if processes > 1:
        with ProcessPoolExecutor(processes, multiprocessing.get_context("spawn")) as pool:
            curves = list(chain.from_iterable(pool.map(_curves, jobs)))
    else:
        curves = list(chain.from_iterable(map(_curves, jobs)))
    whole = np.array(curves)
    low, high = np.percentile(whole, BAND, axis=0)
    return Replays(
        searcher=name,
        settings=dict(searcher),
        key=key,
        mean=_rounded(whole.mean(0)),
        low=_rounded(low),
        high=_rounded(high),
        held=_rounded(whole[:, how.after - 1]),
        needed=tuple(_needed(curve, best_of(table) + how.within) for curve in curves),
    )


def key_of(table: SearchTable, how: ReplaySettings, searcher: Settings) -> str:
    """What the replays depend on."""
    cells = [[cell.choices, cell.validation_errors, cell.test_errors] for cell in table.cells]
    asked = how.model_dump(mode="json", exclude={"searchers"})
    return digest([cells, table.space, asked, searcher])[:16]


def best_of(table: SearchTable) -> float:
    """The least mean test error of the table."""
    return min(mean(cell.test_errors) for cell in table.cells)


def _curves(job: tuple[SearchTable, ReplaySettings, Settings, range]) -> list[list[float]]:
    table, how, searcher, seeds = job
    return [_curve(table, how, searcher, seed) for seed in seeds]


def _curve(table: SearchTable, how: ReplaySettings, searcher: Mapping[str, Any], seed: int) -> list[float]:
    """The mean test error of the best so far, by networks trained; a search that settled keeps its last."""
    settings = SearchSettings(seed=seed, networks=how.networks, batch=how.batch, trial_seeds=(0,))
    start = SearchResult(
        name="replay",
        space=table.space,
        searcher=dict(searcher),
        search=settings,
        profile=table.profile,
        data=table.data,
    )
    going = searcher_of(searcher, space_of(table.space), seed)
    found = engine.run(start, going, TabledTrainings(table, seed), lambda result: None)
    tests = {cell.choices: mean(cell.test_errors) for cell in table.cells}
    curve = list(_best_so_far([(network.loss, tests[network.choices]) for network in found.networks]))
    return curve + curve[-1:] * (how.networks - len(curve))


def _best_so_far(networks: Sequence[tuple[float, float]]) -> Iterator[float]:
    best = networks[0]
    for one in networks:
        best = min(best, one, key=lambda pair: pair[0])
        yield best[1]


def _needed(curve: Sequence[float], border: float) -> int | None:
    return next((count for count, error in enumerate(curve, 1) if error <= border), None)


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)
