"""A search from its composed configuration."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from deeper.errors import DeeperError, reason
from deeper.files import json_value, sealed, write_json
from deeper.models.parts.checks import check_numbers
from deeper.run.arguments import called
from deeper.schema.results import damaged, folder_of
from deeper.schema.search import (
    Searches,
    SearchResult,
    SearchSettings,
    SearchStudy,
    SearchTable,
    as_json,
    read_as,
    read_unchanged,
)
from deeper.search import engine
from deeper.search.known import signed, size, trust
from deeper.search.searcher import Searcher
from deeper.search.space import Choices, Space
from deeper.search.trainings import Trainings, plain

FOLDER = "search"

Result = SearchResult | SearchTable | SearchStudy


def space_of(block: Any) -> Space:
    """The space that a block of a configuration names.

    Raises:
        DeeperError: it cannot be made.
    """
    return _made(plain(block), "space")


def searcher_of(block: Any, space: Space, seed: int) -> Searcher:
    """The searcher that a block of a configuration names.

    Raises:
        DeeperError: it cannot be made.
    """
    return _made(plain(block), "searcher", space=space, seed=seed)


def _made(block: Any, what: str, **more: Any) -> Any:
    check_numbers(block, what)
    called(what, block)
    try:
        return instantiate(block, _convert_="all", **more)
    except DeeperError:
        raise
    except Exception as error:
        cause = error.__cause__ or error
        if isinstance(cause, DeeperError):
            raise cause from None
        raise DeeperError(f"{what}: {block.get('_target_', block)} cannot be made ({reason(cause)})") from error


def check_told(space: Space, settings: SearchSettings, trainings: Trainings) -> None:
    """See that the values which ``search.over`` names can be, and that they make trials of their own.

    Raises:
        DeeperError: one cannot be, two of them make the same trial, or the space takes none.
    """
    seen: dict[str, Choices] = {}
    for point in space.told():
        other = seen.setdefault(trainings.job(space.settings(point), 0)["id"], point)
        if other != point:
            one, two = space.words(other), space.words(point)
            raise DeeperError(f"search.over: {one} and {two} are the same trial; search over what changes it")
    if settings.over and not seen:
        raise DeeperError("search.over is for space=settings; this space says itself what is searched")


def started(cfg: DictConfig, trainings: Trainings, settings: SearchSettings, name: str) -> SearchResult:
    """What the file of a search says before its first proposal."""
    return SearchResult(
        name=name,
        space=plain(cfg.space),
        searcher=plain(cfg.searcher),
        search=settings,
        profile=cfg.profile,
        data=trainings.digest,
        kind=trainings.kind,
    )


def file_of(cfg: DictConfig, name: str) -> Path:
    """The file of a search."""
    return folder_of(cfg.results, cfg.profile) / FOLDER / f"{name}.json"


def study_file(cfg: DictConfig, study: Searches) -> Path:
    """The file of a study of searches."""
    return folder_of(cfg.results, cfg.profile) / f"{study.name}.json"


def check_free(cfg: DictConfig, path: Path, start: Result) -> None:
    """See that a result may be written: to no other one's place, and in place of no finished one of other settings.

    Raises:
        DeeperError: as of ``check_place`` and ``check_same``.
    """
    check_place(cfg, path, start.data)
    check_same(path, start)


def check_place(cfg: DictConfig, path: Path, data: str) -> None:
    """See that no result of another profile or data set is where this one would be written.

    Args:
        cfg: of the search.
        path: where it is written.
        data: digest of the prepared data.

    Raises:
        DeeperError: there is one, or what is there is damaged.
    """
    there, elsewhere = read_unchanged(path) if path.exists() else {}, "results=FOLDER writes this one elsewhere"
    if not isinstance(there, Mapping):
        raise damaged(path, "no search")
    if (other := there.get("profile", cfg.profile)) != cfg.profile:
        raise DeeperError(f"{path} is of profile {other}; {elsewhere}")
    if there.get("data", data) != data:
        raise DeeperError(f"{path} is of another data set than {cfg.data.name} as it is prepared here; {elsewhere}")


def check_same(path: Path, start: Result) -> None:
    """See that no finished search, or study of searches, of other settings would be replaced.

    A search of the same may grow or be tested anew, a table may have more searchers, and words may change.

    Raises:
        DeeperError: there is one.
    """
    if not _there(path).get("finished"):
        return
    if other := list(_differences(read_as(type(start), path), start)):
        named = isinstance(start, SearchResult) and "/" not in start.name  # those of studies have theirs from the study
        advice = "search.name=NAME names this one, or" if named else "move it away, or"
        raise DeeperError(
            f"{path} is of a finished search with other settings ({', '.join(other)}); {advice} results=FOLDER writes "
            "this one elsewhere"
        )


def _differences(before: Any, start: Any) -> Iterator[str]:
    """What a result has otherwise than a finished one of its kind."""
    if before.space != start.space:
        yield "space"
    match start:
        case SearchResult():
            yield from _of_search(before, start)
        case SearchTable():
            less = set(before.searches.replay.searchers) - set(start.searches.replay.searchers)
            if less or before.searches.trained != start.searches.trained:
                yield "searches"
        case SearchStudy():
            parts = {"searches": (before.study.trained, start.study.trained), "search": (before.search, start.search)}
            yield from (name for name, (one, other) in parts.items() if one != other)
    if before.kind not in (None, start.kind):  # files from before it was kept have none
        yield "model or training"


def _of_search(before: SearchResult, start: SearchResult) -> Iterator[str]:
    asked = before.search.model_copy(update={"networks": start.search.networks, "final": start.search.final})
    if before.searcher != start.searcher:
        yield "searcher"
    if asked != start.search:
        yield "search"
    elif before.search.networks > start.search.networks:
        yield f"{before.search.networks} networks, and not {start.search.networks}"


def keep(path: Path, result: Result) -> None:
    """Write a result; one on its way takes the place of none that is finished or tells of more.

    A search that goes on begins with what its file says: killed soon, it has lost nothing.
    """
    there = _there(path)
    if result.finished or not (there.get("finished", False) or _size(path, type(result)) > size(result)):
        write_json(path, sealed(as_json(result)))


def keeper(path: Path, trainings: Trainings) -> Callable[[Result], None]:
    """Keeps every state of a result, with what its trials were measured with."""
    return lambda result: keep(path, signed(result, trainings))


def _size(path: Path, kind: type[Result]) -> int:
    try:
        return size(read_as(kind, path))
    except DeeperError:
        return 0


def _there(path: Path) -> Mapping[str, Any]:
    try:
        content = json_value(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, Mapping) else {}


def run(cfg: DictConfig, start: SearchResult, trainings: Trainings) -> SearchResult:
    """Search to the end; the file is written after every batch.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed.
    """
    path = file_of(cfg, start.name)
    check_free(cfg, path, start)
    trust(trainings, cfg, SearchResult, path)
    searcher = searcher_of(cfg.searcher, space_of(cfg.space), start.search.seed)
    return engine.run(start, searcher, trainings, keeper(path, trainings))
