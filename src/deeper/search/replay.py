"""Searches over a table, again and again, for nothing: how fast each searcher gets to the best.

The engine is the same as that of real searches; only the trainings are looked up, and searches go on side by side, so
that a searcher which is slow alone is fast in company. What a searcher is told is the validation error of one seed of a
cell, drawn anew in every replay, as if it had trained the cell once. What counts is the mean test error of the cell
that it holds for the best, which no searcher sees.
"""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from importlib.metadata import version
from itertools import chain

import numpy as np

from deeper import results_versions
from deeper.files import digest
from deeper.parents import pool
from deeper.schema.search import Replays, ReplaySettings, SearchCost, SearchSettings, SearchTable
from deeper.search.composed import searcher_of, space_of
from deeper.search.engine import Search
from deeper.search.table import mean
from deeper.search.trainings import Settings, Trained
from deeper.seeds import Purpose, seed_of

CHUNK = 50  # replays that a process does at a time
BAND = (2.5, 97.5)  # percentiles


class TabledTrainings:
    """Trainings that are looked up.

    Args:
        table: of every cell.
        replay: which of a cell's seeds is seen depends on it.
        places: of the cells by their settings (``places_of``).
    """

    def __init__(self, table: SearchTable, replay: int, places: Mapping[str, int]):
        self.table, self.replay, self.places = table, replay, places

    def train(self, networks: Sequence[tuple[str, Settings]], seeds: Sequence[int]) -> list[Trained]:
        return [self._trained(settings) for _, settings in networks]

    def cost(self, settings: Settings) -> SearchCost:
        return self.table.cells[self.places[_key(settings)]].cost

    def _trained(self, settings: Settings) -> Trained:
        place = self.places[_key(settings)]
        cell = self.table.cells[place]
        seed = seed_of(self.replay, Purpose.REPLAY, place) % len(cell.trials)
        return Trained((cell.trials[seed],), (cell.validation_errors[seed],), (), 0.0)


def places_of(table: SearchTable) -> dict[str, int]:
    """The cells of a table, by place, under their settings."""
    return {_key(cell.settings): place for place, cell in enumerate(table.cells)}


def _key(settings: Settings) -> str:
    return json.dumps(settings)


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
        with pool("replays searches", processes, "spawn") as helpers:
            found = list(chain.from_iterable(helpers.map(_curves, jobs)))
    else:
        found = list(chain.from_iterable(map(_curves, jobs)))
    curves, trained = zip(*found, strict=True)
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
        trained=trained,
    )


def key_of(table: SearchTable, how: ReplaySettings, searcher: Settings) -> str:
    """What the replays depend on."""
    cells = [[cell.choices, cell.validation_errors, cell.test_errors] for cell in table.cells]
    asked = how.model_dump(mode="json", exclude={"searchers"})
    libraries = [version(name) for name in ("numpy", "optuna", "torch")]
    return digest([cells, table.space, asked, searcher, results_versions.version("search"), libraries])[:16]


def best_of(table: SearchTable) -> float:
    """The least mean test error of the table."""
    return min(mean(cell.test_errors) for cell in table.cells)


def _curves(job: tuple[SearchTable, ReplaySettings, Settings, range]) -> list[tuple[list[float], int]]:
    """Of some replays side by side: the mean test error of the best so far by networks trained, and how many were."""
    table, how, searcher, seeds = job
    tests = {cell.choices: mean(cell.test_errors) for cell in table.cells}
    return [
        (
            list(_best_so_far([(network.loss, tests[network.choices]) for network in search.networks], how.networks)),
            len(search.networks),
        )
        for search in side_by_side(table, how, searcher, seeds)
    ]


def side_by_side(table: SearchTable, how: ReplaySettings, searcher: Settings, seeds: Iterable[int]) -> list[Search]:
    """The searches of a searcher over a table to their ends, one for each seed, a batch of each and then the next."""
    space, places = space_of(table.space), places_of(table)
    settings = SearchSettings(networks=how.networks, batch=how.batch, trial_seeds=(0,))
    searchers = [searcher_of(searcher, space, seed) for seed in seeds]
    searches = [Search(settings, space, TabledTrainings(table, one.seed, places)) for one in searchers]
    team, going = searchers[0].team(searchers), list(range(len(searches)))
    while going := [k for k in going if searches[k].on()]:
        asked = team.ask(how.batch, going)
        going = [k for k, points in zip(going, asked, strict=True) if points]  # the others have nothing more to try
        team.tell([searches[k].take(points) for k, points in zip(going, filter(None, asked), strict=True)], going)
    return searches


def _best_so_far(networks: Sequence[tuple[float, float]], count: int) -> Iterator[float]:
    """The second of each pair whose first is the least so far; a search with fewer than ``count`` keeps its last."""
    best = networks[0]
    for k in range(count):
        best = min(best, networks[min(k, len(networks) - 1)], key=lambda pair: pair[0])
        yield best[1]


def _needed(curve: Sequence[float], border: float) -> int | None:
    return next((count for count, error in enumerate(curve, 1) if error <= border), None)


def _rounded(values: np.ndarray) -> tuple[float, ...]:
    return tuple(round(float(value), 6) for value in values)
