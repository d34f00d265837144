"""What a study's comparisons will be able to see, before it is run.

The spread of paired differences is taken from tables that are there already: the study's own, where it has the
comparison, or else the median of those of all comparisons that other studies make, for the same metric. It is no mean,
which one network that learns with some seeds alone would carry off.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from deeper.claims import statistics
from deeper.claims.family import family_of
from deeper.claims.metrics import FACTS, METRICS, Metric
from deeper.claims.verdicts import measure
from deeper.schema.results import StudyTable
from deeper.schema.study import Comparison, Study


@dataclass(frozen=True)
class Prospect:
    """A comparison of a claim, and the smallest true effect that its seeds find four times in five.

    ``seeds`` is the number of pairs; ``sd`` the spread of their differences, NaN where no table tells; ``tables`` the
    studies whose tables tell, and ``own`` whether that is the study itself. ``detectable`` is the effect at the level
    of the family, in the metric's unit. A fact is in no family.
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

    @property
    def is_fact(self) -> bool:
        return self.comparison.metric in FACTS


def prospects(
    study: Study,
    profile: str,
    seeds: Mapping[str, Iterable[int]],
    tables: Sequence[StudyTable],
) -> tuple[list[Prospect], int]:
    """The prospects of a study's comparisons, and how many comparisons the simultaneous intervals will be over.

    Args:
        study: with all its arms.
        profile: that it will run with.
        seeds: by arm.
        tables: all ``results/<study>.json`` of the same profile: they tell spreads, and are judged together.
    """
    own = [table for table in tables if table.name == study.name]
    others = [table for table in tables if table.name != study.name]
    rows = [(claim, comparison) for claim, test in study.claims.items() for comparison in test.comparisons]
    family = family_of(study, profile, [table.study for table in tables])
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
    detectable = statistics.minimum_detectable_effect(sd, n, statistics.ALPHA / max(1, family))
    return Prospect(claim, comparison, n, sd, tell, is_own, detectable)


def _spread(comparison: Comparison, tables: Sequence[StudyTable], own: bool) -> tuple[float, tuple[str, ...]]:
    """Median standard deviation, and the studies that it is from."""
    found = [
        (statistics.mean(values).sd, table.name) for table in tables for values in _samples(comparison, table, own)
    ]
    sd = median(sd for sd, _ in found) if found else math.nan
    return sd, tuple(dict.fromkeys(name for _, name in found))


def _samples(comparison: Comparison, table: StudyTable, own: bool) -> list[tuple[float, ...]]:
    """Values by seed, two or more, of the comparison itself, or of its metric for every one of another study's like it.

    Like a pair are pairs, like an arm alone are arms alone, like an interaction are interactions.
    """
    kinds = {(one.pair, one.minus): one for one in ([comparison] if own else table.study.comparisons)}
    alike = [
        one.model_copy(update={"metric": comparison.metric})
        for (pair, minus), one in kinds.items()
        if len(pair) == len(comparison.pair) and bool(minus) == bool(comparison.minus)
    ]
    samples = [measure(one, table.trials).values for one in alike if set(one.arms) <= set(table.study.arms)]
    return [values for values in samples if len(values) > 1]
