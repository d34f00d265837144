"""A study of searches from its composed configuration: ``searches=table``, ``cells``, ``mobile``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from deeper.errors import DeeperError
from deeper.schema.results import folder_of
from deeper.schema.search import (
    Searches,
    SearchResult,
    SearchSettings,
    SearchStudy,
    SearchTable,
    checked,
    read_as,
)
from deeper.search import compared, composed, engine, replay, table
from deeper.search.known import known
from deeper.search.trainings import Settings, Trainings, plain

GUESS_CELLS = 12  # of a table, for a forecast


def searches_of(cfg: DictConfig) -> Searches | None:
    """The block ``searches``; None where the search is of no study.

    Raises:
        DeeperError: it says something that cannot be.
    """
    return None if cfg.searches is None else checked(Searches, plain(cfg.searches), "searches")


def check_line(line: Sequence[str]) -> None:
    """See that a command line says nothing of the searcher where a study names its own.

    Raises:
        DeeperError: it does, and it would be ignored.
    """
    for word in line:
        if word.lstrip("+~").partition("=")[0].partition(".")[0] == "searcher":
            raise DeeperError(f"{word}: the study names its searchers; settings of one stand in conf/searcher/")


def file_of(cfg: DictConfig, study: Searches) -> Path:
    """Where the study is written."""
    return folder_of(cfg.results, cfg.profile) / f"{study.name}.json"


def tabulate(cfg: DictConfig, study: Searches, trainings: Trainings) -> SearchTable:
    """Train a whole space and replay searchers over it.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed.
    """
    path = file_of(cfg, study)
    composed.check_place(cfg, path)
    before = read_as(SearchTable, path) if path.exists() else None
    trainings.known |= known(cfg, SearchTable, path)
    facts = _facts(cfg, trainings, {})
    start = SearchTable(searches=study, replays=before.replays if before else (), **facts)
    space = composed.space_of(cfg.space)
    filled = table.fill(start, study.table, space, trainings, lambda one: composed.keep(path, one))
    kept = {one.key: one for one in filled.replays}
    filled = filled.model_copy(update={"replays": ()})
    for name in study.replay.searchers:
        block = plain(trainings.whole([f"searcher={name}"]).searcher)
        key = replay.key_of(filled, study.replay, block)
        one = kept.get(key) or replay.replay(filled, study.replay, name, block, trainings.slots)
        filled = filled.model_copy(update={"replays": (*filled.replays, one)})
        composed.keep(path, filled)
    filled = filled.model_copy(update={"finished": True})
    composed.keep(path, filled)
    return filled


def compare(cfg: DictConfig, study: Searches, settings: SearchSettings, trainings: Trainings) -> SearchStudy:
    """Run searches side by side and train what they found.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed.
    """
    path = file_of(cfg, study)
    composed.check_place(cfg, path)
    trainings.known |= known(cfg, SearchStudy, path)
    facts = _facts(cfg, trainings, study.compare.final.set)
    start = SearchStudy(study=study, search=settings, **facts)

    def search(name: str, seed: int) -> SearchResult:
        own = trainings.whole([f"searcher={name}"])
        trainings.title = f"{study.name}/{name}-{seed}"
        asked = settings.model_copy(update={"seed": seed})
        return composed.run(own, composed.started(own, trainings, asked, trainings.title), trainings)

    return compared.compare(start, study.compare, search, trainings, lambda one: composed.keep(path, one))


def _facts(cfg: DictConfig, trainings: Trainings, judged: Settings) -> dict[str, Any]:
    """What both kinds of studies say of themselves; ``judged``: settings of the networks that claims compare."""
    asked = {"train": "data.train_size", "image_size": "data.image_size", "epochs": "training.epochs"}
    scale = {name: judged.get(key, OmegaConf.select(cfg, key)) for name, key in asked.items()}
    return {"space": plain(cfg.space), "profile": cfg.profile, "data": trainings.digest, "scale": scale}


def hours(cfg: DictConfig, study: Searches, settings: SearchSettings, trainings: Trainings) -> tuple[int, float | None]:
    """How many trials a study trains at most, and the hours; None where the store tells nothing of them."""
    space = composed.space_of(cfg.space)
    if study.table is not None:
        points = space.distinct()
        shown = [space.settings(point) for point in points[:: max(1, len(points) // GUESS_CELLS)]]
        long = study.table.long
        parts = [
            (trainings.hours(shown, study.table.seeds, len(points)), len(points) * len(study.table.seeds)),
            (
                trainings.hours([{**one, **long.set} for one in shown], long.seeds, long.cells),
                long.cells * len(long.seeds),
            ),
        ]
    else:
        how, parts = study.compare, []
        for name in how.searchers:
            block = trainings.whole([f"searcher={name}"]).searcher
            searcher = composed.searcher_of(block, space, how.seeds[0])
            trials, each = engine.hours(settings, searcher, trainings)
            parts.append((None if each is None else each * len(how.seeds), trials * len(how.seeds)))
        finals = [made.set for made in how.beside.values()] or [space.settings(next(space.points()))]
        if how.fit:
            finals = [compared.fitted(one, how.fit, trainings)[0] for one in finals]
        count = len(how.searchers) + len(how.beside)
        whole = [{**one, **how.final.set} for one in finals]
        parts.append((trainings.hours(whole, how.final.seeds, count), count * len(how.final.seeds)))
    known = [each for each, _ in parts]
    return sum(trials for _, trials in parts), None if None in known else sum(known)
