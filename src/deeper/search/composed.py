"""A search from its composed configuration."""

from collections.abc import Callable, Mapping
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
from deeper.search.known import signed, told, trust
from deeper.search.searcher import Searcher
from deeper.search.space import Choices, Space
from deeper.search.trainings import Trainings, plain

FOLDER = "search"


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
    )


def file_of(cfg: DictConfig, name: str) -> Path:
    """The file of a search."""
    return folder_of(cfg.results, cfg.profile) / FOLDER / f"{name}.json"


def study_file(cfg: DictConfig, study: Searches) -> Path:
    """The file of a study of searches."""
    return folder_of(cfg.results, cfg.profile) / f"{study.name}.json"


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


def _check_same(path: Path, start: SearchResult) -> None:
    """See that no finished search of other settings would be replaced; one of the same may grow, or be tested anew.

    Raises:
        DeeperError: there is one.
    """
    if not _there(path).get("finished"):
        return
    before = read_as(SearchResult, path)
    asked = before.search.model_copy(update={"networks": start.search.networks, "final": start.search.final})
    other = [part for part in ("space", "searcher") if getattr(before, part) != getattr(start, part)]
    if asked != start.search:
        other.append("search")
    if not other and before.search.networks > start.search.networks:
        other.append(f"{before.search.networks} networks, and not {start.search.networks}")
    if other:
        raise DeeperError(
            f"{path} is of a finished search with other settings ({', '.join(other)}); search.name=NAME names this "
            "one, or results=FOLDER writes it elsewhere"
        )


def keep(path: Path, result: SearchResult | SearchTable | SearchStudy) -> None:
    """Write a result; one on its way takes the place of none that is finished or tells of more trainings.

    A search that goes on begins with what its file says: killed soon, it has lost nothing.
    """
    there = _there(path)
    if result.finished or not (there.get("finished", False) or _trials(path, type(result)) > len(told(result))):
        write_json(path, sealed(as_json(result)))


def keeper(path: Path, trainings: Trainings) -> Callable[[SearchResult | SearchTable | SearchStudy], None]:
    """Keeps every state of a result, with what its trials were measured with."""
    return lambda result: keep(path, signed(result, trainings))


def _trials(path: Path, kind: type[SearchResult | SearchTable | SearchStudy]) -> int:
    try:
        return len(told(read_as(kind, path)))
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
    check_place(cfg, path, start.data)
    _check_same(path, start)
    trust(trainings, cfg, SearchResult, path)
    searcher = searcher_of(cfg.searcher, space_of(cfg.space), start.search.seed)
    return engine.run(start, searcher, trainings, keeper(path, trainings))
