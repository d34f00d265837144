"""A search from its composed configuration."""

from pathlib import Path
from typing import Any

from hydra.utils import instantiate
from omegaconf import DictConfig

from deeper.errors import DeeperError, reason
from deeper.files import write_json
from deeper.schema.results import TOY
from deeper.schema.search import SearchResult, SearchSettings, as_json
from deeper.search import engine
from deeper.search.searcher import Searcher
from deeper.search.space import Space
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


def results_of(cfg: DictConfig) -> Path:
    """The folder of results; a toy run's stand apart, so that none takes the place of a real one."""
    return Path(cfg.results) / TOY if cfg.profile == TOY else Path(cfg.results)


def file_of(cfg: DictConfig, name: str) -> Path:
    """The file of a search."""
    return results_of(cfg) / FOLDER / f"{name}.json"


def run(cfg: DictConfig, start: SearchResult, trainings: Trainings) -> SearchResult:
    """Search to the end; the file is written after every batch.

    Raises:
        DeeperError: a mistake of the user's, or trials that failed.
    """
    path = file_of(cfg, start.name)
    searcher = searcher_of(cfg.searcher, space_of(cfg.space), start.search.seed)
    return engine.run(start, searcher, trainings, lambda result: write_json(path, as_json(result)))
