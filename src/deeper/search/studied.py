"""A study of searches from its composed configuration: ``searches=table``, ``cells``, ``mobile``."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import DictConfig, OmegaConf

from deeper.errors import DeeperError, one_line
from deeper.schema.search import (
    ComparedSearches,
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

OF_THE_SPACE = "over"  # what a table reads of the block search
OF_THE_STUDY = {"seed": "searches.compare.seeds are its searchers'", "name": "searches.name is its own"}


def searches_of(cfg: DictConfig) -> Searches | None:
    """The block ``searches``; None where the search is of no study.

    Raises:
        DeeperError: it says something that cannot be.
    """
    return None if cfg.searches is None else checked(Searches, plain(cfg.searches), "searches")


def check_line(line: Sequence[str], study: Searches) -> None:
    """See that a command line says nothing that a study would ignore.

    Raises:
        DeeperError: it names a searcher, or of ``search`` what this study does not read.
    """
    for override in OverridesParser.create().parse_overrides(list(line)):
        group, _, name = override.key_or_group.partition(".")
        value = override.value()
        names = list(value) if isinstance(value, Mapping) and not name else [name.partition(".")[0]]
        if group == "searcher":
            raise DeeperError(
                f"{override.input_line}: the study names its searchers; settings of one stand in conf/searcher/"
            )
        if group == "search" and (why := next(filter(None, (_why_ignored(str(one), study) for one in names)), None)):
            raise DeeperError(f"{override.input_line}: the study does not read it; {why}")


def _why_ignored(name: str, study: Searches) -> str | None:
    if study.table:
        return None if name == OF_THE_SPACE else "searches.table and searches.replay say how it trains and replays"
    return OF_THE_STUDY.get(name)


def check(cfg: DictConfig, study: Searches, settings: SearchSettings, trainings: Trainings) -> None:
    """See, before anything is trained, that what a study names is there and can be.

    Raises:
        DeeperError: a searcher, a setting or a value that cannot be; the line names the key that it stands under.
    """
    space = composed.space_of(cfg.space)
    composed.check_told(space, settings, trainings)
    key, names = ("replay", study.replay.searchers) if study.table else ("compare", study.compare.searchers)
    for name in names:
        with _under(f"{key}.searchers"):
            composed.searcher_of(trainings.whole([f"searcher={name}"]).searcher, space, 0)
    if study.table:
        with _under("table.long.set"):
            trainings.job(study.table.long.set, study.table.long.seeds[0])
    else:
        _check_compared(study.compare, settings.trial_seeds, trainings)


def _check_compared(how: ComparedSearches, trial_seeds: Sequence[int], trainings: Trainings) -> None:
    if chose := set(how.final.seeds) & set(trial_seeds):
        raise DeeperError(
            f"searches.compare.final.seeds: {min(chose)} is one of search.trial_seeds; the networks of the end must be "
            "tested with seeds that chose nothing"
        )
    with _under("compare.final.set"):
        trainings.job(how.final.set, how.final.seeds[0])
    if how.fit:
        with _under("compare.fit.setting"):
            trainings.compose({how.fit.setting: how.fit.step}, 0)
            if not any(made.solved for made in how.beside.values()):
                compared.fitted({}, how.fit, trainings)
    for value in how.tried.values if how.tried else ():
        with _under("compare.tried"):
            trainings.job({how.tried.setting: value}, trial_seeds[0])
    for name, made in how.beside.items():
        with _under(f"compare.beside.{name}.set"):
            trainings.job(made.set, trial_seeds[0])
            settings = compared.fitted(made.set, how.fit, trainings)[0] if how.fit and made.solved else made.set
            trainings.job({**settings, **how.final.set}, how.final.seeds[0])


@contextmanager
def _under(key: str) -> Iterator[None]:
    """Name the key of the study that a mistake made meanwhile stands under."""
    try:
        yield
    except Exception as error:
        if (line := one_line(error)) is None:
            raise
        raise DeeperError(f"searches.{key}: {line}") from error


def started(
    cfg: DictConfig, study: Searches, settings: SearchSettings, trainings: Trainings
) -> SearchTable | SearchStudy:
    """What the file of a study says before its first training."""
    if study.table:
        return SearchTable(searches=study, **_facts(cfg, trainings, {}))
    return SearchStudy(study=study, search=settings, **_facts(cfg, trainings, study.compare.final.set))


def tabulate(cfg: DictConfig, study: Searches, settings: SearchSettings, trainings: Trainings) -> SearchTable:
    """Train a whole space and replay searchers over it.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed.
    """
    path, start = composed.study_file(cfg, study), started(cfg, study, settings, trainings)
    composed.check_free(cfg, path, start)
    before = read_as(SearchTable, path).replays if path.exists() else ()
    trust(trainings, cfg, SearchTable, path)
    keep = composed.keeper(path, trainings)
    filled = table.fill(
        start.model_copy(update={"replays": before}), study.table, composed.space_of(cfg.space), trainings, keep
    )
    blocks = {name: plain(trainings.whole([f"searcher={name}"]).searcher) for name in study.replay.searchers}
    keys = {name: replay.key_of(filled, study.replay, block) for name, block in blocks.items()}
    kept = {one.key: one for one in before}
    valid = {name: kept[key].model_copy(update={"searcher": name}) for name, key in keys.items() if key in kept}
    # Those of before that hold no longer stay until the end, for a file that tells of less than before is not written.
    there = {one.searcher: one for one in before} | valid
    for name, block in blocks.items():
        there[name] = valid.get(name) or replay.replay(filled, study.replay, name, block, trainings.slots)
        keep(filled.model_copy(update={"replays": tuple(there.values())}))
    replays = tuple(there[name] for name in blocks)
    filled = filled.model_copy(update={"replays": replays, "finished": True})
    keep(filled)
    return filled


def compare(cfg: DictConfig, study: Searches, settings: SearchSettings, trainings: Trainings) -> SearchStudy:
    """Run searches side by side and train what they found.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed.
    """
    path, start = composed.study_file(cfg, study), started(cfg, study, settings, trainings)
    composed.check_free(cfg, path, start)
    trust(trainings, cfg, SearchStudy, path)

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
    facts = {"space": plain(cfg.space), "profile": cfg.profile, "data": trainings.digest, "scale": scale}
    return {**facts, "kind": trainings.kind}
