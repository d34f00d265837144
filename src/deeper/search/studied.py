"""A study of searches from its composed configuration: ``searches=table``, ``cells``, ``mobile``."""

from collections.abc import Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from deeper.errors import DeeperError
from deeper.schema.search import (
    Searches,
    SearchResult,
    SearchSettings,
    SearchStudy,
    SearchTable,
    checked,
    read_as,
)
from deeper.search import compared, composed, replay, table
from deeper.search.known import trust
from deeper.search.trainings import Settings, Trainings, plain


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


def tabulate(cfg: DictConfig, study: Searches, trainings: Trainings) -> SearchTable:
    """Train a whole space and replay searchers over it.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed.
    """
    path = composed.study_file(cfg, study)
    composed.check_place(cfg, path, trainings.digest)
    before = read_as(SearchTable, path) if path.exists() else None
    trust(trainings, cfg, SearchTable, path)
    facts = _facts(cfg, trainings, {})
    start = SearchTable(searches=study, replays=before.replays if before else (), **facts)
    space = composed.space_of(cfg.space)
    keep = composed.keeper(path, trainings)
    filled = table.fill(start, study.table, space, trainings, keep)
    kept = {one.key: one for one in filled.replays}
    filled = filled.model_copy(update={"replays": ()})
    for name in study.replay.searchers:
        block = plain(trainings.whole([f"searcher={name}"]).searcher)
        key = replay.key_of(filled, study.replay, block)
        one = kept.get(key) or replay.replay(filled, study.replay, name, block, trainings.slots)
        filled = filled.model_copy(update={"replays": (*filled.replays, one)})
        keep(filled)
    filled = filled.model_copy(update={"finished": True})
    keep(filled)
    return filled


def compare(cfg: DictConfig, study: Searches, settings: SearchSettings, trainings: Trainings) -> SearchStudy:
    """Run searches side by side and train what they found.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed.
    """
    path = composed.study_file(cfg, study)
    composed.check_place(cfg, path, trainings.digest)
    trust(trainings, cfg, SearchStudy, path)
    facts = _facts(cfg, trainings, study.compare.final.set)
    start = SearchStudy(study=study, search=settings, **facts)

    def search(name: str, seed: int) -> SearchResult:
        own = trainings.whole([f"searcher={name}"])
        trainings.title = f"{study.name}/{name}-{seed}"
        asked = settings.model_copy(update={"seed": seed})
        return composed.run(own, composed.started(own, trainings, asked, trainings.title), trainings)

    return compared.compare(start, search, trainings, composed.keeper(path, trainings))


def _facts(cfg: DictConfig, trainings: Trainings, judged: Settings) -> dict[str, Any]:
    """What both kinds of studies say of themselves; ``judged``: settings of the networks that claims compare."""
    asked = {"train": "data.train_size", "image_size": "data.image_size", "epochs": "training.epochs"}
    scale = {name: judged.get(key, OmegaConf.select(cfg, key)) for name, key in asked.items()}
    return {"space": plain(cfg.space), "profile": cfg.profile, "data": trainings.digest, "scale": scale}
