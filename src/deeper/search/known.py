"""Trainings that a file of searches, whole or on its way, stands for: a clone has the file in git, not the trials."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from deeper.schema.results import Environment
from deeper.schema.search import FinalResult, SearchResult, SearchStudy, SearchTable, read_as
from deeper.search.trainings import Trained, Trainings, TrialIds


def trust(
    trainings: Trainings, cfg: DictConfig, kind: type[SearchResult | SearchStudy | SearchTable], path: Path
) -> None:
    """Let trainings take what a file tells of the networks in it; nothing unless ``trust_table`` says so.

    An id is a meaning: a network whose settings, data or code's results version changed has another, and is trained.

    Raises:
        DeeperError: the file is damaged, of another schema, or was changed after it was written.
    """
    if not cfg.trust_table or cfg.reuse == "exact" or not path.exists():
        return
    there = read_as(kind, path)
    trainings.known |= (found := told(there))
    trainings.made_with |= {trial: there.environments for trials in found for trial in trials}


def signed(result: SearchResult | SearchStudy | SearchTable, trainings: Trainings) -> Any:
    """The result with what its trials were measured with."""
    trials = (trial for trials in told(result) for trial in trials)
    distinct: list[Environment] = []
    for one in (one for trial in trials for one in trainings.made_with.get(trial, ())):
        if one not in distinct:
            distinct.append(one)
    return result.model_copy(update={"environments": tuple(distinct)})


def told(result: SearchResult | SearchStudy | SearchTable) -> dict[TrialIds, Trained]:
    """What a result says of networks, by the ids of their trials."""
    return {one.trials: one for one in _TOLD[type(result)](result)}


def size(result: SearchResult | SearchStudy | SearchTable) -> int:
    """How much a result tells of: trainings, and replays or searches."""
    match result:
        case SearchTable():
            return len(told(result)) + len(result.replays)
        case SearchStudy():
            return len(told(result)) + len(result.searches)
    return len(told(result))


def _of_search(result: SearchResult) -> Iterable[Trained]:
    yield from (Trained(one.trials, (one.error,), (), one.seconds) for one in result.networks)
    if result.final:
        yield _final(result.final)


def _of_study(study: SearchStudy) -> Iterable[Trained]:
    for one in study.finals:
        yield _final(one.final)
        yield from (Trained(short.trials, (short.error,), (), short.seconds) for short in one.shorts)


def _of_table(table: SearchTable) -> Iterable[Trained]:
    for one in (*table.cells, *table.long):
        yield Trained(one.trials, one.validation_errors, one.test_errors, one.seconds)


def _final(one: FinalResult) -> Trained:
    return Trained(one.trials, one.validation_errors, one.test_errors, one.seconds)


_TOLD = {SearchResult: _of_search, SearchStudy: _of_study, SearchTable: _of_table}
