"""A search from its composed configuration."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from deeper.errors import DeeperError, reason
from deeper.files import write_json
from deeper.schema.results import folder_of
from deeper.schema.search import SearchResult, SearchSettings, SearchStudy, SearchTable, as_json
from deeper.search import engine
from deeper.search.known import known
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


def check_place(cfg: DictConfig, path: Path) -> None:
    """See that no result of another profile is where this one would be written.

    Raises:
        DeeperError: there is one.
    """
    other = _there(path).get("profile", cfg.profile)
    if other != cfg.profile:
        raise DeeperError(f"{path} is of profile {other}; results=FOLDER writes this one elsewhere")


def keep(path: Path, result: SearchResult | SearchTable | SearchStudy) -> None:
    """Write a result; one that is still on its way does not take the place of a finished one."""
    if result.finished or not _there(path).get("finished", False):
        write_json(path, as_json(result))


def _there(path: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, Mapping) else {}


def run(cfg: DictConfig, start: SearchResult, trainings: Trainings) -> SearchResult:
    """Search to the end; the file is written after every batch.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed.
    """
    path = file_of(cfg, start.name)
    check_place(cfg, path)
    trainings.known |= known(cfg, SearchResult, path)
    searcher = searcher_of(cfg.searcher, space_of(cfg.space), start.search.seed)
    return engine.run(start, searcher, trainings, lambda result: keep(path, result))
