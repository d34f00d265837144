"""The claims ledger: every statement under test, read from ``ledger.yaml``."""

import functools
from dataclasses import dataclass
from importlib import resources

import yaml

KINDS = ("exact", "trained")


@dataclass(frozen=True)
class Claim:
    """A statement of the lectures; ``paper`` and ``arxiv`` are None where only a lecture says so."""

    id: str
    kind: str
    statement: str
    paper: str | None = None
    arxiv: str | None = None


@functools.cache
def ledger() -> dict[str, Claim]:
    """Every claim by id, in the ledger's order."""
    text = resources.files("deeper.claims").joinpath("ledger.yaml").read_text(encoding="utf-8")
    return {name: Claim(id=name, **entry) for name, entry in yaml.safe_load(text).items()}
