"""The form of a study's block: what must be a mapping, a list, text, before anything looks into it."""

from collections.abc import Mapping, Sequence
from typing import Any

from deeper.errors import DeeperError

MAPPINGS = ("arms", "claims", "probes", "paper")
LISTS = ("by", "budgets", "tables", "published", "free", "remarks")
ARM_MAPPINGS = ("set", "where", "paper", "average")


def check(study: Any, where: str) -> None:
    """See that every part of a study that has parts of its own has the form that the others rely on.

    Args:
        study: the block ``study`` of a configuration or of a table.
        where: the file or the study, for the error.

    Raises:
        DeeperError: a part has another form, there is no name, or no arm and no ``by`` to make them.
    """
    _mapping(study, f"{where}: study")
    if not isinstance(study.get("name"), str):
        raise DeeperError(f"{where}: name must be text, that of its file, not {study.get('name')!r}")
    for key in MAPPINGS:
        _mapping(study.get(key) or {}, f"{where}: {key}")
    for key in LISTS:
        _list(study.get(key) or [], f"{where}: {key}")
    arms = study.get("arms") or {}
    if not arms and not study.get("by"):
        raise DeeperError(f"{where}: it has no arms; name them under study.arms, or the settings that make them in by")
    for name, arm in arms.items():
        _mapping(arm or {}, f"{where}: arm {name}")
        for key in ARM_MAPPINGS:
            _mapping((arm or {}).get(key) or {}, f"{where}: {key} of arm {name}")
    for name, probe in (study.get("probes") or {}).items():
        _mapping(probe, f"{where}: probe {name}")


def _mapping(value: Any, what: str) -> None:
    if not isinstance(value, Mapping):
        raise DeeperError(f"{what} must be a mapping (`name: value`), not {value!r}")


def _list(value: Any, what: str) -> None:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise DeeperError(f"{what} must be a list, not {value!r}")
