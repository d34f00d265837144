"""What a study's comparisons will be able to see, before it is run.

The spread of paired differences is taken from tables that are there already: the study's own, where it has the
comparison, or else those of other studies, pooled over all comparisons that they make, for the same metric.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deeper.claims import statistics
from deeper.claims.metrics import METRICS, Metric
from deeper.claims.verdicts import measure
from deeper.schema.results import StudyTable
from deeper.schema.study import Comparison, Study


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

    @property
    def metric(self) -> Metric:
        return METRICS[self.comparison.metric]


def prospects(
    study: Study, seeds: Mapping[str, Iterable[int]], tables: Sequence[StudyTable]
) -> tuple[list[Prospect], int]:
    """The prospects of a study's comparisons, and how many comparisons Holm's correction will be over.

    Args:
        study: with all its arms.
        seeds: by arm.
        tables: all ``results/<study>.json`` of the same scale.
    """
    own = [table for table in tables if table.name == study.name]
    others = [table for table in tables if table.name != study.name]
    rows = [(claim, comparison) for claim, comparisons in study.claims.items() for comparison in comparisons]
    family = len(rows) + sum(len(_comparisons(table)) for table in others)
    return [_prospect(claim, comparison, seeds, own, others, family) for claim, comparison in rows], family


def _prospect(
    claim: str,
    comparison: Comparison,
    seeds: Mapping[str, Iterable[int]],
    own: Sequence[StudyTable],
    others: Sequence[StudyTable],
    family: int,
) -> Prospect:
    n = len(set.intersection(*(set(seeds.get(arm, ())) for arm in comparison.arms)))
    for is_own, tables in ((True, own), (False, others)):
        sd, tell = _spread(comparison, tables, is_own)
        if not math.isnan(sd):
            break
    alone, corrected = (
        statistics.minimum_detectable_effect(sd, n, alpha) for alpha in (statistics.ALPHA, statistics.ALPHA / family)
    )
    return Prospect(claim, comparison, n, sd, tell, is_own, alone, corrected)


def _spread(comparison: Comparison, tables: Sequence[StudyTable], own: bool) -> tuple[float, tuple[str, ...]]:
    """Pooled standard deviation, and the studies that it is from."""
    squares, freedom, tell = 0.0, 0, []
    for table in tables:
        pairs = {comparison.arms} if own else {other.arms for other in _comparisons(table)}
        for difference in _differences(comparison, table, sorted(pairs)):
            squares, freedom = squares + (difference.n - 1) * difference.sd**2, freedom + difference.n - 1
            tell.append(table.name)
    sd = math.sqrt(squares / freedom) if freedom else math.nan
    return sd, tuple(dict.fromkeys(tell))


def _differences(
    comparison: Comparison, table: StudyTable, pairs: Iterable[tuple[str, ...]]
) -> list[statistics.Difference]:
    """Of the comparison's metric, for each pair of arms (or arm alone, as the comparison) that has it on two seeds."""
    asked = [
        Comparison(metric=comparison.metric, expect="higher", **dict(zip(("of", "against"), pair, strict=False)))
        for pair in pairs
        if len(pair) == len(comparison.arms) and set(pair) <= set(table.study.arms)
    ]
    differences = [measure(one, table.trials).difference for one in asked]
    return [difference for difference in differences if difference is not None and difference.n > 1]


def _comparisons(table: StudyTable) -> list[Comparison]:
    return [comparison for comparisons in table.study.claims.values() for comparison in comparisons]
