"""From trials to verdicts: what a study's comparisons say about the claims of the ledger.

A study names, for each claim and before it runs, the comparisons that decide it::

    residual-fixes:
      claimed: with shortcuts, depth does not hurt
      predicted: so it will be here, but for the last point
      why: a tenth of what depth costs the plain network
      comparisons:
        - {metric: train_error, of: resnet56, against: plain56, expect: lower, region: 0.005}
        - {metric: train_error, of: resnet56, against: resnet20, expect: not_higher, margin: 0.01}
        - {metric: test_error, of: resnet56, against: resnet20, expect: alike, region: 0.005}

Each seed has one value: ``of - against`` of a metric, less a share of another difference under ``minus``; of one arm
alone, its own value. One interval decides: that of the values' mean, simultaneous with 95 % over the family
(``deeper.claims.family``). A comparison that two claims share counts once for each.

===========  ==================================  ======================================
expect       as expected                         opposite
===========  ==================================  ======================================
higher       above ``+margin`` (0 without one)   below it
lower        below ``-margin`` (0 without one)   above it
not_higher   below ``+margin``                   above it
not_lower    above ``-margin``                   below it
alike        inside ``±region``                  outside, all of it on one side
===========  ==================================  ======================================

An interval inside ``±region`` is *too small* to matter before it is anything else. Only ``alike``, ``not_higher`` and
``not_lower`` expect that nothing happens, and there it is *as expected*. What lies on no side is *open*.

Counts of parameters, operations and memory are facts: they have no interval, their value itself lies on a side, and
they are in no family.

The verdict hangs on how the comparisons that are not open, the decided ones, came out:

====================================  =======================
decided                               verdict
====================================  =======================
in two ways or more                   *mixed*
only opposite                         *contradicted*
only as expected, none open           *supported*
only too small, none open             *too small to matter*
otherwise (some open, or all)         *cannot tell*
====================================  =======================

So no open comparison stands in the way of *mixed* or *contradicted*: whichever way it goes, the claim as a whole does
not hold. Before all this, a claim whose precondition fails is *not testable here* (``deeper.claims.preconditions``).

A diverged trial counts with its errors like any other. A seed with a number that was not measured or is not finite is
left out, and the outcome names it.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deeper.claims import preconditions, statistics
from deeper.claims.family import family_of
from deeper.claims.metrics import FACTS, METRICS, Metric
from deeper.claims.preconditions import Precondition
from deeper.schema.baselines import Baselines
from deeper.schema.ledger import Claim
from deeper.schema.results import StudyTable, TrialRow
from deeper.schema.study import ClaimTest, Comparison

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
MIXED = "mixed"
TOO_SMALL_TO_MATTER = "too small to matter"
CANNOT_TELL = "cannot tell"
NOT_TESTABLE = "not testable here"
VERDICTS = (CONTRADICTED, MIXED, SUPPORTED, TOO_SMALL_TO_MATTER, CANNOT_TELL, NOT_TESTABLE)

AS_EXPECTED = "as expected"
OPPOSITE = "opposite"
TOO_SMALL = "too small"
OPEN = "open"
DIRECTIONS = (AS_EXPECTED, OPPOSITE, TOO_SMALL, OPEN)

ABOVE = ("higher", "not_lower")
NOTHING_HAPPENS = ("alike", "not_higher", "not_lower")


@dataclass(frozen=True)
class Outcome:
    """What the trials say about one comparison.

    Attributes:
        difference: mean of the values with the interval that decides; None without any value.
        values: one a seed, in the order of ``seeds``.
        seeds: those used; ``unpaired`` are those that only some of its arms have, ``unmeasured`` those left out because
            a number is missing or not finite.
        diverged: the diverged trials among those used, as (arm, seed).
        capped: those among them whose number is a lower bound alone, as (arm, seed).
        detectable: how far from its border a true mean must lie for as many seeds to find it four times in five, at the
            level of the family and in the metric's unit.
        needed: seeds that would find a true mean where this one lies, as often and at the same level; None where it is
            not open, not known, or would take too many.
    """

    comparison: Comparison
    difference: statistics.Mean | None
    values: tuple[float, ...] = ()
    seeds: tuple[int, ...] = ()
    unpaired: tuple[int, ...] = ()
    unmeasured: tuple[int, ...] = ()
    diverged: tuple[tuple[str, int], ...] = ()
    capped: tuple[tuple[str, int], ...] = ()
    detectable: float = math.nan
    direction: str = OPEN
    needed: int | None = None

    @property
    def metric(self) -> Metric:
        return METRICS[self.comparison.metric]

    @property
    def is_fact(self) -> bool:
        return self.comparison.metric in FACTS

    @property
    def is_least(self) -> bool:
        """Whether the true mean lies at least as far from 0: every number that is a bound makes it larger still."""
        of, against = self.comparison.pair[0], self.comparison.against
        if self.comparison.minus or not self.capped or self.difference is None:
            return False
        return {arm for arm, _ in self.capped} == {of if self.difference.mean > 0 else against}

    @property
    def sureness(self) -> float:
        """How far the mean lies from the nearest border, in halves of the interval: above 1 it is decided."""
        found = self.difference
        if found is None or not found.has_interval:
            return math.inf if self.is_fact and found else 0.0
        half = (found.upper - found.lower) / 2
        return _distance(self.comparison, found.mean) / half if half else math.inf


@dataclass(frozen=True)
class Verdict:
    """A claim as one study answers it.

    ``test`` is what the study says of it, ``about`` what the ledger, or the study itself, does; ``family`` is how many
    comparisons the intervals are simultaneous over.
    """

    claim: str
    study: str
    verdict: str
    outcomes: tuple[Outcome, ...]
    test: ClaimTest | None = None
    preconditions: tuple[Precondition, ...] = ()
    about: Claim | None = None
    family: int = 1

    @property
    def sampled(self) -> Sequence[Outcome]:
        """Comparisons that are no facts; all where there are no others."""
        return [outcome for outcome in self.outcomes if not outcome.is_fact] or self.outcomes

    @property
    def seeds(self) -> int:
        """Those of the comparison that has fewest."""
        return min(len(outcome.seeds) for outcome in self.sampled)

    @property
    def deciding(self) -> Outcome:
        """The comparison the verdict hangs on: the surest that is against the claim, else the least sure of all.

        Of open ones those that have an interval come first, since only they say how far there is to go.
        """
        for against in (OPPOSITE, TOO_SMALL) if self.verdict in (CONTRADICTED, MIXED) else ():
            if found := [outcome for outcome in self.outcomes if outcome.direction == against]:
                return max(found, key=lambda outcome: outcome.sureness)
        told = [one for one in self.outcomes if one.direction == OPEN and one.difference]
        told = [one for one in told if one.difference.has_interval]
        return min(told or self.outcomes, key=lambda outcome: outcome.sureness)

    @property
    def needed(self) -> int | None:
        """Seeds that would settle every open comparison; None where that is not known."""
        needs = [outcome.needed for outcome in self.outcomes if outcome.direction == OPEN]
        return None if not needs or None in needs else max(needs)

    @property
    def failed(self) -> list[Precondition]:
        """Preconditions that do not hold."""
        return [one for one in self.preconditions if not one.holds]


def evaluate(
    tables: Iterable[StudyTable], baselines: Baselines | None = None, others: Iterable[StudyTable] = ()
) -> list[Verdict]:
    """Verdicts of every claim of every study, in the order given; those of a profile are judged with its ``others``.

    So that a study which was run anew is judged as it was among all, though it stands alone.
    """
    tables = list(tables)
    every = (*tables, *others)

    def family(table: StudyTable) -> int:
        return family_of(table.study, table.profile, [one.study for one in every if one.profile == table.profile])

    return [
        _judge(table, claim, test, family(table), baselines or Baselines())
        for table in tables
        for claim, test in table.study.claims.items()
    ]


def measure(comparison: Comparison, trials: Iterable[TrialRow], family: int = 1) -> Outcome:
    """What the trials of a study say about a comparison that is one of a family."""
    metric, trials = METRICS[comparison.metric], list(trials)
    sides = {arm: {row.seed: row for row in trials if row.arm == arm} for arm in comparison.arms}
    every = set().union(*sides.values())
    shared = sorted(every.intersection(*sides.values()))
    found = {seed: comparison.value({arm: metric(rows[seed]) for arm, rows in sides.items()}) for seed in shared}
    values = {seed: value for seed, value in found.items() if math.isfinite(value)}
    means = [_mean([metric(sides[arm][seed]) for seed in values]) for arm in comparison.pair] if values else []
    used = [(arm, rows[seed]) for arm, rows in sides.items() for seed in values]
    return Outcome(
        comparison,
        values=tuple(values.values()),
        seeds=tuple(values),
        unpaired=tuple(sorted(every.difference(shared))),
        unmeasured=tuple(seed for seed in shared if seed not in values),
        diverged=tuple((arm, row.seed) for arm, row in used if row.status == "diverged"),
        capped=tuple((arm, row.seed) for arm, row in used if metric.is_least(row)),
        **_decided(comparison, list(values.values()), family, _limits(comparison, means)),
    )


def without_share(outcome: Outcome, trials: Iterable[TrialRow], family: int) -> Outcome:
    """The outcome, or where a share of another difference is taken from it, what the trials say without that."""
    if not outcome.comparison.minus:
        return outcome
    return measure(outcome.comparison.model_copy(update={"minus": None}), trials, family)


def outcome_of(comparison: Comparison, values: Mapping[int, float], family: int) -> Outcome:
    """What values, one a seed, say about a comparison that is one of a family."""
    decided = _decided(comparison, list(values.values()), family)
    return Outcome(comparison, values=tuple(values.values()), seeds=tuple(values), **decided)


def _judge(table: StudyTable, claim: str, test: ClaimTest, family: int, baselines: Baselines) -> Verdict:
    outcomes = tuple(measure(comparison, table.trials, family) for comparison in test.comparisons)
    asked = preconditions.check(table, test, baselines)
    verdict = verdict_of(outcome.direction for outcome in outcomes)
    if not all(one.holds for one in asked):
        verdict = NOT_TESTABLE
    return Verdict(claim, table.name, verdict, outcomes, test, asked, table.study.claim(claim), family)


def verdict_of(directions: Iterable[str]) -> str:
    """The verdict by the table at the head of this file."""
    directions = set(directions)
    decided = directions - {OPEN}
    if len(decided) > 1:
        return MIXED
    if decided == {OPPOSITE}:
        return CONTRADICTED
    if OPEN in directions:
        return CANNOT_TELL
    return SUPPORTED if decided == {AS_EXPECTED} else TOO_SMALL_TO_MATTER


def direction_of(comparison: Comparison, found: statistics.Mean) -> str:
    """On which side of its border an interval lies; *open* where it has no bounds, or the border between them."""
    region, expect = comparison.region, comparison.expect
    if region and statistics.is_inside(found, region):
        return AS_EXPECTED if expect in NOTHING_HAPPENS else TOO_SMALL
    if expect == "alike":
        return OPPOSITE if found.lower > region or found.upper < -region else OPEN
    if found.lower > comparison.border:
        return AS_EXPECTED if expect in ABOVE else OPPOSITE
    if found.upper < comparison.border:
        return OPPOSITE if expect in ABOVE else AS_EXPECTED
    return OPEN


def _decided(
    comparison: Comparison,
    values: Sequence[float],
    family: int,
    limits: tuple[float, float] = statistics.NO_LIMITS,
) -> dict:
    """The interval of these values and what it decides, as fields of an outcome."""
    if not values:
        return {"difference": None}
    if comparison.metric in FACTS:
        return _fact(comparison, values)
    confidence, level = statistics.family_confidence(family), statistics.ALPHA / max(1, family)
    found = statistics.mean(values, confidence, limits)
    direction = direction_of(comparison, found)
    needed = statistics.seeds_needed(_distance(comparison, found.mean), found.sd, level) if direction == OPEN else None
    detectable = statistics.minimum_detectable_effect(found.sd, found.n, level)
    return {"difference": found, "direction": direction, "detectable": detectable, "needed": needed}


def _fact(comparison: Comparison, values: Sequence[float]) -> dict:
    """A count is what it is; one that lies on its border does not go beyond it, as ``not_…`` expects."""
    value = _mean(values)
    direction = direction_of(comparison, statistics.Mean(len(values), value, value, value, 0.0))
    if direction == OPEN:
        direction = AS_EXPECTED if comparison.expect in NOTHING_HAPPENS else OPPOSITE
    return {"difference": statistics.Mean(len(values), value, math.nan, math.nan, math.nan), "direction": direction}


def _limits(comparison: Comparison, means: Sequence[float]) -> tuple[float, float]:
    """What a mean can be. The difference of two arms is bound by what either arm's mean leaves."""
    if comparison.minus or not means:
        return statistics.NO_LIMITS
    least, greatest = METRICS[comparison.metric].limits
    if comparison.against is None:
        return least, greatest
    of, against = means
    return max(least - against, of - greatest), min(greatest - against, of - least)


def _mean(values: Sequence[float]) -> float:
    return math.fsum(values) / len(values)


def _distance(comparison: Comparison, mean: float) -> float:
    """How far a mean lies from the border that decides: that of the region for what lies inside, or is to be alike."""
    region = comparison.region
    if region and (comparison.expect == "alike" or abs(mean) < region):
        return abs(abs(mean) - region)
    return abs(mean - comparison.border)
