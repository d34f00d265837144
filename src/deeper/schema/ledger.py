"""The claims ledger: every statement of the lectures that is under test, read from ``claims/ledger.yaml``."""

import functools
from typing import Literal

from pydantic import TypeAdapter

from deeper.files import yaml_value
from deeper.paths import LEDGER
from deeper.schema.base import Closed, Text

KINDS = ("exact", "trained")


class LedgerEntry(Closed):
    """What the file says of a claim."""

    kind: Literal["exact", "trained"]
    statement: Text
    short: Text | None = None
    paper: Text | None = None
    arxiv: Text | None = None


class Claim(LedgerEntry):
    """A statement under test; ``paper`` and ``arxiv`` are None where only a lecture, or a study, says so."""

    id: str

    @property
    def title(self) -> str:
        """The statement in a few words, where the ledger has them."""
        return self.short or self.statement

    @property
    def is_of_a_lecture(self) -> bool:
        """Whether the ledger has it; else a study makes it."""
        return self.id in ledger()


@functools.cache
def ledger() -> dict[str, Claim]:
    """Every claim by id, in the ledger's order."""
    entries = TypeAdapter(dict[str, LedgerEntry]).validate_python(yaml_value(LEDGER.read_bytes()))
    return {name: Claim(id=name, **entry.model_dump()) for name, entry in entries.items()}
