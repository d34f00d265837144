"""The block ``study`` of a configuration, held against all that a page will ask of it: before a trial is trained."""

from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from deeper.claims.verdicts import read_claims
from deeper.errors import DeeperError, known
from deeper.reporting import published, tables

TEXTS = ("title", "question")
ARM_TEXTS = ("label", "group")
KEYS = (
    *("name", "title", "question", "page", "arms", "arm", "by", "claims", "published"),
    *("probes", "budgets", "tables", "gradients", "free", "paper", "remarks"),
)
ARM_KEYS = ("label", "paper_label", "group", "where", "set", "paper", "average")


def check(study: Mapping[str, Any], shelf: Path) -> None:
    """See that a study has what a page shows: words, claims of the ledger, published rows of the ``shelf``, tables.

    Args:
        study: the block with all its arms.
        shelf: the folder of published numbers.

    Raises:
        DeeperError: something is missing, unknown or no text.
    """
    where = f"study {study['name']}"
    for key in study:
        known(key, KEYS, f"{where}: key", "what a study has")
    for key in TEXTS:
        _check_text(study.get(key), f"{where}: {key}")
    known(study.get("page", "study"), pages(), f"{where}: page", "the pages")
    for remark in study.get("remarks") or []:
        _check_text(remark, f"{where}: a remark")
    for name, arm in study["arms"].items():
        for key in arm or {}:
            known(key, ARM_KEYS, f"{where}: key of arm {name}", "what an arm has")
        for key in ARM_TEXTS:
            _check_text((arm or {}).get(key, name), f"{where}: {key} of arm {name}")
    if not isinstance(study.get("claims"), Mapping):
        raise DeeperError(f"{where}: claims must be a mapping from claims of the ledger to comparisons, or {{}}")
    read_claims(study, where)
    published.select(study, shelf, where)
    tables.tables(study, (), where)


def pages() -> tuple[str, ...]:
    """The kinds of page a study can have."""
    found = resources.files("deeper.reporting").joinpath("templates").iterdir()
    names = {entry.name.removesuffix(".md.j2") for entry in found if entry.name.endswith(".md.j2")}
    return tuple(sorted(names - {"index", "exact_claims"}))


def _check_text(value: Any, what: str) -> None:
    if not isinstance(value, str) or not value.strip():
        raise DeeperError(f"{what} must be text, not {value!r}; a number needs quotes")
