"""What a study's comparisons will be able to see, before it is run.

The spread of paired differences is taken from tables that are there already: the study's own, where it has the
comparison, or else those of other studies, pooled over all comparisons that they make, for the same metric.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deeper.claims import statistics
from deeper.claims.metrics import METRICS, Metric
from deeper.claims.verdicts import family_of, measure
from deeper.schema.results import StudyTable
from deeper.schema.study import Comparison, Study


@dataclass(frozen=True)
class Prospect:
    """A comparison of a claim, and the smallest true effect that its seeds find four times in five.

    ``seeds`` is the number of pairs; ``sd`` the spread of their differences, NaN where no table tells; ``tables`` the
    studies whose tables tell, and ``own`` whether that is the study itself. ``detectable`` is the effect, NaN where it
    is not known.
    """

    claim: str
    comparison: Comparison
    seeds: int
    sd: float
    tables: tuple[str, ...]
    own: bool
    detectable: float

    @property
    def metric(self) -> Metric:
        return METRICS[self.comparison.metric]


def prospects(
    study: Study, seeds: Mapping[str, Iterable[int]], tables: Sequence[StudyTable]
) -> tuple[list[Prospect], int]:
    """The prospects of a study's comparisons, and how many intervals the family will have.

    Args:
        study: with all its arms.
        seeds: by arm.
        tables: all ``results/<study>.json`` of the same scale.
    """
    own = [table for table in tables if table.name == study.name]
    others = [table for table in tables if table.name != study.name]
    tests = [(claim, comparison) for claim, test in study.claims.items() for comparison in test.comparisons]
    rows = [(claim, comparison) for claim, comparison in tests if not comparison.is_fact]
    family = len(rows) + family_of(others)
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
    detectable = statistics.minimum_detectable_effect(sd, n, 1 - statistics.simultaneous(family))
    return Prospect(claim, comparison, n, sd, tell, is_own, detectable)


def _spread(comparison: Comparison, tables: Sequence[StudyTable], own: bool) -> tuple[float, tuple[str, ...]]:
    """Pooled standard deviation, and the studies that it is from."""
    squares, freedom, tell = 0.0, 0, []
    for table in tables:
        pairs = [comparison] if own else table.study.comparisons
        for difference in _differences(comparison, table, pairs):
            squares, freedom = squares + (difference.n - 1) * difference.sd**2, freedom + difference.n - 1
            tell.append(table.name)
    sd = math.sqrt(squares / freedom) if freedom else math.nan
    return sd, tuple(dict.fromkeys(tell))


def _differences(
    comparison: Comparison, table: StudyTable, others: Iterable[Comparison]
) -> list[statistics.Difference]:
    """Of the comparison's metric, for the arms of each other one that compares as many, where two seeds have it."""
    asked = {
        (other.arms, other.minus): other.model_copy(update={"metric": comparison.metric})
        for other in others
        if len(other.arms) == len(comparison.arms) and set(other.arms) <= set(table.study.arms)
    }
    differences = [measure(one, table.trials).difference for one in asked.values()]
    return [difference for difference in differences if difference is not None and difference.n > 1]
