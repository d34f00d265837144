"""What is left of a search, and how long that takes: ``dry_run=true``.

Each search goes as far as the store and its file carry it, by the code that runs it; what it would train from there on
is counted, and timed on a few networks that it would propose. A network that two searches find counts twice, so it is
a most.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from omegaconf import DictConfig

from deeper.errors import DeeperError
from deeper.schema.search import (
    SearchCost,
    SearchedNetwork,
    Searches,
    SearchResult,
    SearchSettings,
    SearchStudy,
    SearchTable,
    TableSettings,
)
from deeper.search import compared, composed, engine, studied, table
from deeper.search.engine import Search, admits
from deeper.search.known import trust
from deeper.search.searcher import Searcher
from deeper.search.space import Space
from deeper.search.trainings import Settings, Trained, Trainings

SHOWN = 12  # networks that tell how long the others take

Tasks = list[tuple[Settings, int]]
"""Networks, and how many trials like theirs are left."""


@dataclass(frozen=True)
class Left:
    """Trials of a search, those to train among them, both at most; hours of these, None where nothing tells them."""

    trials: int
    to_train: int
    hours: float | None


def of_search(cfg: DictConfig, start: SearchResult, trainings: Trainings) -> Left:
    """What is left of one search, and of the final training of what it finds.

    Raises:
        DeeperError: a mistake that would end the search, or a finished one whose place it would take.
    """
    reached, counted = _reached(cfg, start, composed.space_of(cfg.space), trainings), _Counted(trainings)
    if start.search.final:
        best = _best(reached.result, reached.shown, trainings)
        engine.final(best.words, best.settings, start.search.final, counted)
    seeds = len(start.search.trial_seeds)
    tasks = _spread(reached.shown, reached.left * seeds) + counted.tasks
    return _left(trainings, reached.networks * seeds + counted.trials, tasks)


def of_study(cfg: DictConfig, study: Searches, settings: SearchSettings, trainings: Trainings) -> Left:
    """What is left of a study of searches.

    Raises:
        DeeperError: as of ``of_search``.
    """
    space, path = composed.space_of(cfg.space), composed.study_file(cfg, study)
    composed.check_free(cfg, path, studied.started(cfg, study, settings, trainings))
    trust(trainings, cfg, SearchTable if study.table else SearchStudy, path)
    if study.table is not None:
        return _of_table(study.table, space, trainings)
    return _of_compared(study, settings, space, trainings)


def _of_table(how: TableSettings, space: Space, trainings: Trainings) -> Left:
    cells = [(space.words(point), space.settings(point)) for point in space.distinct()]
    left = [trainings.left([cell], how.seeds) for cell in cells]
    missing = [settings for (_, settings), count in zip(cells, left, strict=True) if count]
    tasks, counted = _spread(_some(missing), sum(left)), _Counted(trainings)
    if not missing:
        places = table.evenly(trainings.there(cells, how.seeds), how.long.cells)
        counted.train(
            [(words, {**settings, **how.long.set}) for words, settings in map(cells.__getitem__, places)],
            how.long.seeds,
        )
    else:
        counted.trials = min(how.long.cells, len(cells)) * len(how.long.seeds)
        shown = [{**settings, **how.long.set} for settings in _some([settings for _, settings in cells])]
        counted.tasks = _spread(shown, counted.trials)
    return _left(trainings, len(cells) * len(how.seeds) + counted.trials, tasks + counted.tasks)


def _of_compared(study: Searches, settings: SearchSettings, space: Space, trainings: Trainings) -> Left:
    how, results, trials, left, shown = study.compare, [], 0, 0, []
    for seed in how.seeds:
        for name in how.searchers:
            own = trainings.whole([f"searcher={name}"])
            start = composed.started(
                own, trainings, settings.model_copy(update={"seed": seed}), f"{study.name}/{name}-{seed}"
            )
            reached = _reached(own, start, space, trainings)
            shown = shown or reached.shown
            best = _best(reached.result, shown, trainings)
            results.append((name, reached.result.model_copy(update={"networks": (best,), "winner": 0})))
            trials, left = trials + reached.networks, left + reached.left
    seeds, counted = len(settings.trial_seeds), _Counted(trainings)
    for _ in compared.finals(study, results, settings.trial_seeds, counted):
        pass
    return _left(trainings, trials * seeds + counted.trials, _spread(shown, left * seeds) + counted.tasks)


class _NotThere(Exception):
    """A network is yet to be trained."""


class _OnlyThere:
    """Trainings of which the store or a file has the result; others are not made."""

    def __init__(self, trainings: Trainings):
        self.trainings, self.cost = trainings, trainings.cost

    def train(self, networks: Sequence[tuple[str, Settings]], seeds: Sequence[int]) -> list[Trained]:
        if self.trainings.left(networks, seeds):
            raise _NotThere
        return self.trainings.there(networks, seeds)


class _Counted:
    """Trainings that are counted, and made up where they are not there."""

    def __init__(self, trainings: Trainings):
        self.trainings, self.cost = trainings, trainings.cost
        self.trials, self.tasks = 0, []

    def train(self, networks: Sequence[tuple[str, Settings]], seeds: Sequence[int]) -> list[Trained]:
        return [self._train(network, seeds) for network in networks]

    def _train(self, network: tuple[str, Settings], seeds: Sequence[int]) -> Trained:
        self.trials += len(seeds)
        if not (left := self.trainings.left([network], seeds)):
            return self.trainings.there([network], seeds)[0]
        self.tasks.append((network[1], left))
        worst = (1.0,) * len(seeds)
        return Trained(("",) * len(seeds), worst, worst, 0.0)


@dataclass(frozen=True)
class _Reached:
    """A search as far as what is there carries it: its networks, and those left, all at most."""

    result: SearchResult
    networks: int
    left: int
    searcher: Searcher
    trainings: Trainings

    @cached_property
    def shown(self) -> Sequence[Settings]:
        """Some of the networks that are left; costs are counted for them, which takes a while."""
        if not self.left:
            return ()
        space, window = self.searcher.space, self.result.search.window
        points = dict.fromkeys(map(space.canonical, self.searcher.ask(SHOWN)))
        shown = [space.settings(point) for point in points]
        return [one for one in shown if window is None or admits(window, self.trainings.cost(one))] or shown


def _reached(cfg: DictConfig, start: SearchResult, space: Space, trainings: Trainings) -> _Reached:
    path = composed.file_of(cfg, start.name)
    composed.check_free(cfg, path, start)
    trust(trainings, cfg, SearchResult, path)
    searcher, asked = composed.searcher_of(cfg.searcher, space, start.search.seed), start.search
    going, networks = Search(asked, space, _OnlyThere(trainings)), min(asked.networks, space.size)
    try:
        while going.on() and (points := searcher.ask(asked.batch)):
            searcher.tell(going.take(points))
    except _NotThere:
        return _Reached(going.result(start), networks, networks - len(going.networks), searcher, trainings)
    if not going.networks:
        raise DeeperError(f"search {start.name} would train no network: all that it proposes is outside search.window")
    return _Reached(going.result(start), len(going.networks), 0, searcher, trainings)


def _best(reached: SearchResult, shown: Sequence[Settings], trainings: Trainings) -> SearchedNetwork:
    """The best network so far; before there is any, one of those to come."""
    if reached.winner is not None:
        return reached.networks[reached.winner]
    facts: dict[str, Any] = {"choices": (), "words": "", "trials": (), "error": 1.0, "loss": 1.0, "seconds": 0.0}
    cost: SearchCost = trainings.cost(shown[0])
    return SearchedNetwork(settings=dict(shown[0]), cost=cost, **facts)


def _some(networks: Sequence[Settings]) -> Sequence[Settings]:
    return networks[:: max(1, len(networks) // SHOWN)]


def _spread(shown: Sequence[Settings], trials: int) -> Tasks:
    """So many trials, alike among some networks."""
    return [(one, len(range(place, trials, len(shown)))) for place, one in enumerate(shown)]


def _left(trainings: Trainings, trials: int, tasks: Iterable[tuple[Settings, int]]) -> Left:
    tasks = [(settings, count) for settings, count in tasks if count]
    return Left(trials, sum(count for _, count in tasks), trainings.hours(tasks))
