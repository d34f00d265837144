"""Trainings that a file of searches, whole or on its way, stands for: a clone has the file in git, not the trials."""

from collections.abc import Iterable
from pathlib import Path

from omegaconf import DictConfig

from deeper.schema.search import FinalResult, SearchResult, SearchStudy, SearchTable, read_as
from deeper.search.trainings import Trained, TrialIds


def known(cfg: DictConfig, kind: type[SearchResult | SearchStudy | SearchTable], path: Path) -> dict[TrialIds, Trained]:
    """What a file tells of the networks in it, by the ids of their trials; nothing unless ``trust_table`` says so.

    An id is a meaning: a network whose settings, data or code's results version changed has another, and is trained.

    Raises:
        DeeperError: the file is of another schema.
    """
    if not cfg.trust_table or cfg.reuse == "exact" or not path.exists():
        return {}
    return told(read_as(kind, path))


def told(result: SearchResult | SearchStudy | SearchTable) -> dict[TrialIds, Trained]:
    """What a result says of networks, by the ids of their trials."""
    return {one.trials: one for one in _TOLD[type(result)](result)}


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
