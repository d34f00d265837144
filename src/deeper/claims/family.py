"""Over how many comparisons the intervals of a study hold together.

The ledger's comparisons are one family, those of all tables that are judged together. At the profile of record it is
known before anything is measured: all comparisons of the studies that ``conf/ledger.yaml`` names, so that no verdict
changes because another study was measured. A study's own claims form a family with it alone and change no verdict but
its own. Counts (``FACTS``) are in no family.
"""

import functools
from collections.abc import Iterable

from deeper.claims.metrics import FACTS
from deeper.files import yaml_value
from deeper.paths import CONF
from deeper.schema.ledger import ledger
from deeper.schema.results import RECORD
from deeper.schema.study import Study, read_study


def family_of(study: Study, profile: str, judged: Iterable[Study]) -> int:
    """The comparisons that a study's intervals are simultaneous over.

    Args:
        study: whose.
        profile: that it is measured with.
        judged: the studies whose tables are judged together, with this one or without; of no account at the profile of
            record.
    """
    own = _count(study, asked=study.statements)
    if not any(claim in ledger() for claim in study.claims):
        return own
    together = {one.name: one for one in (*(planned() if profile == RECORD else judged), study)}
    return own + sum(_count(one, asked=ledger()) for one in together.values())


@functools.cache
def planned() -> tuple[Study, ...]:
    """The studies of record, as their files say before they run."""
    names = yaml_value((CONF / "ledger.yaml").read_bytes())["studies"]
    files = [CONF / "study" / RECORD / f"{name}.yaml" for name in names]
    return tuple(read_study(yaml_value(file.read_bytes())["study"], str(file)) for file in files)


def planned_seeds(study: str, profile: str) -> int:
    """How many seeds each arm of a study of record gets, by ``conf/ledger.yaml``; 0 where it is none of those."""
    if profile != RECORD:
        return 0
    said = yaml_value((CONF / "ledger.yaml").read_bytes())
    blocks = said["more_blocks"].get(study, said["blocks"])
    return next((blocks * one.block for one in planned() if one.name == study), 0)


def _count(study: Study, asked: Iterable[str]) -> int:
    tests = [test for claim, test in study.claims.items() if claim in asked]
    return sum(comparison.metric not in FACTS for test in tests for comparison in test.comparisons)
