"""What a study's comparisons will be able to see, before it is run.

The spread of paired differences is taken from tables that are there already: the study's own, where it has the
comparison, or else those of other studies, pooled over all comparisons that they make, for the same metric.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.claims import statistics
from deeper.claims import verdicts as claims
from deeper.claims.verdicts import Comparison
from deeper.schema.ledger import ledger

Table = Mapping[str, Any]


@dataclass(frozen=True)
class Prospect:
    """A comparison of a claim, and the smallest true effect that its seeds find four times in five.

    ``seeds`` is the number of pairs; ``sd`` the spread of their differences, NaN where no table tells; ``tables`` the
    studies whose tables tell, and ``own`` whether that is the study itself. ``alone`` is the effect at an uncorrected
    5 %, ``corrected`` that at Holm's worst level, 5 % over the number of comparisons.
    """

    claim: str
    comparison: Comparison
    seeds: int
    sd: float
    tables: tuple[str, ...]
    own: bool
    alone: float
    corrected: float


def prospects(
    study: Mapping[str, Any], seeds: Mapping[str, Iterable[int]], tables: Sequence[Table], source: str
) -> tuple[list[Prospect], int]:
    """The prospects of a study's comparisons, and how many comparisons Holm's correction will be over.

    Args:
        study: the study's block, with all its arms.
        seeds: by arm.
        tables: contents of all ``results/<study>.json`` of the same scale.
        source: what an error names.

    Raises:
        DeeperError: the study's claims name something that does not exist.
    """
    named = claims.read_claims(study, source)
    own = [table for table in tables if table["study"]["name"] == study["name"]]
    others = [table for table in tables if table["study"]["name"] != study["name"]]
    rows = [(claim, comparison) for claim, comparisons in named.items() for comparison in comparisons]
    family = len(rows) + sum(len(_rows(table)) for table in others)
    return [_prospect(claim, comparison, seeds, own, others, family) for claim, comparison in rows], family


def _prospect(
    claim: str,
    comparison: Comparison,
    seeds: Mapping[str, Iterable[int]],
    own: Sequence[Table],
    others: Sequence[Table],
    family: int,
) -> Prospect:
    n = len(set.intersection(*(set(seeds.get(arm, ())) for arm in _arms(comparison))))
    for is_own, tables in ((True, own), (False, others)):
        sd, tell = _spread(comparison, tables, is_own)
        if not math.isnan(sd):
            break
    alone, corrected = (
        statistics.minimum_detectable_effect(sd, n, alpha) for alpha in (statistics.ALPHA, statistics.ALPHA / family)
    )
    return Prospect(claim, comparison, n, sd, tell, is_own, alone, corrected)


def _spread(comparison: Comparison, tables: Sequence[Table], own: bool) -> tuple[float, tuple[str, ...]]:
    """Pooled standard deviation, and the studies that it is from."""
    squares, freedom, tell = 0.0, 0, []
    for table in tables:
        pairs = {_arms(comparison)} if own else {_named(row) for row in _rows(table)}
        pairs = [pair for pair in pairs if len(pair) == len(_arms(comparison))]
        for found in _differences(comparison, table, sorted(pairs)):
            squares, freedom = squares + (found.n - 1) * found.sd**2, freedom + found.n - 1
            tell.append(table["study"]["name"])
    sd = math.sqrt(squares / freedom) if freedom else math.nan
    return sd, tuple(dict.fromkeys(tell))


def _differences(comparison: Comparison, table: Table, pairs: Sequence[tuple[str, ...]]) -> list[statistics.Difference]:
    """Of the comparison's metric, for each pair of arms that has it on two seeds or more."""
    arms = table["study"]["arms"]
    rows = [
        dict(zip(("of", "against"), pair, strict=False)) | {"metric": comparison.metric.name, "expect": "higher"}
        for pair in pairs
        if set(pair) <= set(arms)
    ]
    if not rows:
        return []
    asked = {"name": table["study"]["name"], "arms": arms, "claims": {next(iter(ledger())): rows}}
    [verdict] = claims.evaluate([(asked["name"], {"study": asked, "trials": table["trials"]})])
    found = [outcome.difference for outcome in verdict.outcomes]
    return [difference for difference in found if difference is not None and difference.n > 1]


def _rows(table: Table) -> list[Mapping[str, Any]]:
    return [row for rows in (table["study"].get("claims") or {}).values() for row in rows]


def _named(row: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(row[key] for key in ("of", "against") if key in row)


def _arms(comparison: Comparison) -> tuple[str, ...]:
    return tuple(arm for arm in (comparison.of, comparison.against) if arm is not None)
