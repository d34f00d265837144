"""What an override may say: with ``+`` an argument of a class, and nothing that would be accepted and ignored."""

import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from hydra._internal.utils import _locate
from hydra.conf import HydraConf
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf

from deeper.errors import DeeperError, hint

ARM = "study.arm"  # the mark of a study's job
OF_NAMES = ("callbacks",)  # mappings from names of the user's to classes
PREPARATION = ("held_out", "test_share", "digests", "layout", "routes", "reader")
"""Settings of ``data`` that say how a set is made; once it is there, only ``prepare`` reads them."""

OF_WHOLE_SETS = ("train_size", "validation_size", "subset_seed")
"""Settings of ``data`` that a target set of transfer has not: all of it is used."""

Compose = Callable[[list[str]], DictConfig]


def check_added(overrides: Iterable[str], config: DictConfig, runtime: Mapping[str, Any], compose: Compose) -> None:
    """See that every setting which an override adds is an argument of a class; a group of options is none of these.

    And that none says how a set is prepared to a verb that takes the set as it is.

    Args:
        overrides: of one job.
        config: what they compose to.
        runtime: Hydra's (``hydra.runtime``): the folders of configurations.
        compose: the configuration of other overrides; asked where ``++`` may set what is there already.

    Raises:
        DeeperError: one is read by nothing; names what may have been meant.
    """
    words = list(overrides)
    _check_preparation(words, config)
    _check_target(words, config)
    added = [word for word in words if word.startswith("+")]
    for override in OverridesParser.create().parse_overrides(added):
        key = override.get_key_element().lstrip("+")
        _check_profile(override, config)
        if key == ARM or _of_hydra(key):
            continue
        if not _is_group(override, runtime) and _of_class(key, config):
            continue
        others = compose([word for word in words if word != override.input_line])
        if _is_group(override, runtime):
            _check_read(override, config, others)
            continue
        if not override.is_force_add() or OmegaConf.select(others, key, default=others) is others:
            raise DeeperError(f"{override.input_line}: {_advice(key, others)}")


def _check_read(override: Override, config: DictConfig, others: DictConfig) -> None:
    """See that what a group of options brings is of the verb, as its other settings are."""
    for key in config:
        if key not in others:
            raise DeeperError(f"{override.input_line}: it sets {key}, and this command reads no such setting")


def _check_preparation(words: Iterable[str], config: DictConfig) -> None:
    if config.keys() == {"data"}:
        return  # the verb prepares
    for word, key in _of_data(words):
        if key.partition(".")[0] in PREPARATION:
            makes = f"; python -m deeper.prepare data={OmegaConf.select(config, 'data.name')} {word} makes it so"
            raise DeeperError(
                f"{word}: it says how a set is prepared, and here it is taken as it is"
                f"{'' if word.startswith('~') else makes}"
            )


def _check_target(words: Iterable[str], config: DictConfig) -> None:
    for word, key in _of_data(words):
        if "transfer" in config and key in OF_WHOLE_SETS:
            raise DeeperError(f"{word}: a target set is used whole; transfer.per_class takes fewer pictures of it")


def _check_profile(override: Override, config: DictConfig) -> None:
    """A profile says how sets are trained on that a transfer does not have, and would undo what its modes say."""
    if override.key_or_group == "profile" and "transfer" in config:
        raise DeeperError(
            f"{override.input_line}: transfer learning has no profiles; transfer.* and training.* say how"
        )


def _of_data(words: Iterable[str]) -> Iterator[tuple[str, str]]:
    """The overrides below ``data``, each with its key there."""
    for word in words:
        group, _, key = word.lstrip("+~").partition("=")[0].partition(".")
        if group == "data":
            yield word, key


def _is_group(override: Override, runtime: Mapping[str, Any]) -> bool:
    folders = [Path(source["path"]) for source in runtime["config_sources"] if source["schema"] == "file"]
    return any((folder / override.key_or_group).is_dir() for folder in folders)


def _of_hydra(key: str) -> bool:
    parts = [*key.split("."), ""]
    return parts[0] == "hydra" and (parts[1] in HydraConf.__dataclass_fields__)


def _of_class(key: str, config: DictConfig) -> bool:
    """Whether a setting is below a ``_target_``, whose class sees to its own arguments, or one that it names itself."""
    above = key.split(".")[:-1]
    if above and above[0] in OF_NAMES:
        return True
    parts = [OmegaConf.select(config, ".".join(above[: n + 1])) for n in range(len(above))]
    called = [isinstance(part, DictConfig) and "_target_" in part for part in parts]
    if called and called[-1] and not any(called[:-1]):
        _check_taken(str(parts[-1]["_target_"]), key)
    return any(called)


def _check_taken(target: str, key: str) -> None:
    """See that a class of another package takes an argument; of ours, and where it cannot be told, others say it."""
    if target.partition(".")[0] == "deeper":
        return
    try:
        taken = inspect.signature(_locate(target)).parameters
    except (ImportError, ValueError, TypeError, HydraException):
        return
    name = key.rpartition(".")[2]
    if name not in taken and not any(one.kind is one.VAR_KEYWORD for one in taken.values()):
        raise DeeperError(f"+{key}: there is no such setting; {hint(name, taken)}")


def _advice(key: str, config: DictConfig) -> str:
    names = list(_names(config))
    leaf = key.rpartition(".")[2]
    same = [name for name in names if name.rpartition(".")[2] == leaf]
    if same:
        return f"there is no such setting; did you mean {' or '.join(same[:3])}?"
    above = key.rpartition(".")[0]
    beside = {name.rpartition(".")[2]: name for name in names if name.rpartition(".")[0] == above}
    close = difflib.get_close_matches(leaf, beside, 1)
    meant = f"did you mean {beside[close[0]]!r}?" if close else "--cfg job prints every setting"
    return f"there is no such setting; {meant}"


def _names(value: DictConfig, above: str = "") -> Iterator[str]:
    for key in value:
        yield f"{above}{key}"
        part = value._get_node(key)
        if isinstance(part, DictConfig) and not part._is_none() and not part._is_interpolation():
            yield from _names(part, f"{above}{key}.")
