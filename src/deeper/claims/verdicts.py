"""From trials to verdicts: what a study's comparisons say about the claims of the ledger.

A study names, for each claim and before it runs, the comparisons that decide it::

    residual-fixes:
      - {metric: train_error, of: resnet56, against: plain56, expect: lower, region: 0.005}
      - {metric: train_error, of: resnet56, against: resnet20, expect: not_higher, margin: 0.01}

A comparison is the difference ``of - against`` of a metric, paired by seed; without ``against`` it is the metric
itself; with ``minus`` a share of a second difference is taken off. Its *simultaneous 95 % interval* decides: all
comparisons of all tables that are given make one family, whose intervals hold together with 95 % (Bonferroni). Counts
such as parameters are facts: they are the same for every seed, have no interval, and are no part of the family.

==============  ====================================================================================================
direction       where the interval lies
==============  ====================================================================================================
too small       inside the region of practical equivalence, where the comparison has one and does not expect that
as expected     wholly beyond the border (0, or the margin) on the expected side; of ``alike``: inside the region
opposite        wholly on the other side of the border; of ``alike``: wholly outside the region
open            anywhere else
==============  ====================================================================================================

==================  ================================================================================================
verdict of a claim  its comparisons
==================  ================================================================================================
not testable here   a precondition does not hold (``deeper.claims.preconditions``), whatever they are
supported           all as expected
contradicted        at least one opposite, and none as expected or too small
too small           all too small to matter
mixed               none open, and not all alike; or as expected and opposite both, others open
cannot tell         anything else
==================  ================================================================================================

A diverged trial counts with its errors like any other. A pair with a number that was not measured or is not finite is
left out, and the outcome names its seed.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from deeper.claims import statistics
from deeper.claims.metrics import FRACTION, METRICS, Metric
from deeper.claims.preconditions import Precondition, preconditions
from deeper.schema.baselines import Baselines
from deeper.schema.ledger import Claim
from deeper.schema.results import StudyTable, TrialRow
from deeper.schema.study import ABOVE, ClaimTest, Comparison

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
MIXED = "mixed"
TOO_SMALL = "too small to matter"
CANNOT_TELL = "cannot tell"
NOT_TESTABLE = "not testable here"
VERDICTS = (CONTRADICTED, MIXED, SUPPORTED, TOO_SMALL, CANNOT_TELL, NOT_TESTABLE)

AS_EXPECTED = "as expected"
OPPOSITE = "opposite"
SMALL = "too small"
OPEN = "open"


@dataclass(frozen=True)
class Outcome:
    """What the trials say about one comparison.

    ``difference`` is of the values themselves where there is one arm alone. ``seeds`` are the pairs used,
    ``unpaired`` the seeds that not all arms have, ``unmeasured`` those left out because a number is missing or
    not finite, ``diverged`` the diverged trials among the pairs as (arm, seed).
    ``detectable`` is the distance from the border that as many seeds find with a probability of 80 % in this family,
    ``needed`` the seeds that would find the distance observed; None: not known, or too many to name.
    """

    comparison: Comparison
    difference: statistics.Difference | None
    seeds: tuple[int, ...]
    unpaired: tuple[int, ...]
    unmeasured: tuple[int, ...]
    diverged: tuple[tuple[str, int], ...]
    detectable: float = math.nan
    direction: str = OPEN
    needed: int | None = None

    @property
    def metric(self) -> Metric:
        return METRICS[self.comparison.metric]

    @property
    def sureness(self) -> float:
        """How far the mean is from the border, in half-widths of the interval: more than 1 is decided; NaN unknown."""
        difference = self.difference
        if difference is None or not difference.has_interval:
            return math.nan
        half = (difference.upper - difference.lower) / 2
        distance = abs(difference.mean - self.comparison.border)
        return distance / half if half else math.inf


@dataclass(frozen=True)
class Verdict:
    """A claim as one study answers it; ``about`` is what the ledger, or the study itself, says of it."""

    claim: str
    study: str
    verdict: str
    outcomes: tuple[Outcome, ...]
    test: ClaimTest
    preconditions: tuple[Precondition, ...] = ()
    about: Claim | None = None

    @property
    def seeds(self) -> int:
        """Pairs of the comparison that has fewest; facts have none."""
        measured = [outcome for outcome in self.outcomes if not outcome.comparison.is_fact] or self.outcomes
        return min(len(outcome.seeds) for outcome in measured)

    @property
    def deciding(self) -> Outcome:
        """The comparison the verdict hangs on: the surest of the opposite ones, else the least sure of all."""
        opposite = [outcome for outcome in self.outcomes if outcome.direction == OPPOSITE]
        if opposite:
            return max(opposite, key=lambda outcome: outcome.sureness)
        open_ones = [outcome for outcome in self.outcomes if outcome.direction == OPEN]
        return min(open_ones or self.outcomes, key=lambda one: -1.0 if math.isnan(one.sureness) else one.sureness)

    @property
    def failed(self) -> tuple[Precondition, ...]:
        """The preconditions that do not hold."""
        return tuple(one for one in self.preconditions if not one.holds)

    @property
    def needed(self) -> int | None:
        """Seeds that would settle every open comparison; None where that is not known."""
        needs = [outcome.needed for outcome in self.outcomes if outcome.direction == OPEN]
        return None if not needs or None in needs else max(needs)


def family_of(tables: Iterable[StudyTable]) -> int:
    """How many intervals decide: every comparison of every study but facts; one that two claims share counts twice."""
    return sum(not comparison.is_fact for table in tables for comparison in table.study.comparisons)


def evaluate(tables: Iterable[StudyTable], baselines: Baselines | None = None) -> list[Verdict]:
    """Verdicts of every claim of every study, in the order given.

    Args:
        tables: of the studies that make one family.
        baselines: of classifiers on the same pixels; None: none were computed.
    """
    tables = list(tables)
    family = family_of(tables)
    return [
        _judge(table, claim, test, family, baselines or Baselines())
        for table in tables
        for claim, test in table.study.claims.items()
    ]


def _judge(table: StudyTable, claim: str, test: ClaimTest, family: int, baselines: Baselines) -> Verdict:
    outcomes = tuple(measure(comparison, table.trials, family) for comparison in test.comparisons)
    asked = tuple(preconditions(table, test, baselines)) if test.has_preconditions else ()
    verdict = _verdict(outcomes) if all(one.holds for one in asked) else NOT_TESTABLE
    return Verdict(claim, table.study.name, verdict, outcomes, test, asked, table.study.claim(claim))


def measure(comparison: Comparison, trials: Iterable[TrialRow], family: int = 1) -> Outcome:
    """What the trials of a study say about a comparison that is one of a family."""
    metric, trials = METRICS[comparison.metric], list(trials)
    sides = [{row.seed: row for row in trials if row.arm == arm} for arm in comparison.arms]
    every = set().union(*sides)
    both = sorted(every.intersection(*sides))
    values = {seed: _value(comparison, [metric(side[seed]) for side in sides]) for seed in both}
    seeds = tuple(seed for seed, value in values.items() if math.isfinite(value))
    difference = _difference([values[seed] for seed in seeds], comparison, family) if seeds else None
    outcome = Outcome(
        comparison=comparison,
        difference=difference,
        seeds=seeds,
        unpaired=tuple(sorted(every.difference(both))),
        unmeasured=tuple(seed for seed in both if seed not in seeds),
        diverged=tuple((side[seed].arm, seed) for side in sides for seed in seeds if side[seed].status == "diverged"),
    )
    return outcome if difference is None else _decide(outcome, difference, family)


def _value(comparison: Comparison, values: Sequence[float]) -> float:
    of, *others = values
    if not others:
        return of
    first = of - others[0]
    return first - comparison.minus.share * (others[1] - others[2]) if comparison.minus else first


def _difference(values: Sequence[float], comparison: Comparison, family: int) -> statistics.Difference:
    """The difference with the interval that decides.

    A fact has none. Nor have very few values of a share whose interval runs past 0 or 100 %: Student's t is not theirs.
    """
    difference = statistics.difference_of(values, statistics.simultaneous(family))
    few = difference.n < statistics.FEWEST_FOR_SHARES and METRICS[comparison.metric].unit == FRACTION
    past = difference.lower < -1 or difference.upper > 1
    if comparison.is_fact or (few and past):
        return replace(difference, lower=math.nan, upper=math.nan)
    return difference


def _decide(outcome: Outcome, difference: statistics.Difference, family: int) -> Outcome:
    comparison, alpha = outcome.comparison, 1 - statistics.simultaneous(family)
    if comparison.is_fact:
        return replace(outcome, direction=_of_fact(comparison, difference.mean))
    detectable = statistics.minimum_detectable_effect(difference.sd, difference.n, alpha)
    direction = _direction(comparison, difference)
    distance = difference.mean - comparison.border
    needed = statistics.seeds_needed(distance, difference.sd, alpha) if direction == OPEN else None
    return replace(outcome, detectable=detectable, direction=direction, needed=needed)


def _direction(comparison: Comparison, difference: statistics.Difference) -> str:
    if not difference.has_interval:
        return OPEN
    if comparison.expect == "alike":
        if difference.inside(comparison.region):
            return AS_EXPECTED
        return OPPOSITE if difference.outside(comparison.region) else OPEN
    if comparison.region is not None and difference.inside(comparison.region):
        return SMALL
    if difference.lower <= comparison.border <= difference.upper:
        return OPEN
    return AS_EXPECTED if (difference.mean > comparison.border) == (comparison.expect in ABOVE) else OPPOSITE


def _of_fact(comparison: Comparison, value: float) -> str:
    distance = value - comparison.border
    if comparison.expect == "alike":
        return AS_EXPECTED if abs(value) <= comparison.region else OPPOSITE
    if distance == 0:
        return AS_EXPECTED if comparison.expect.startswith("not_") else OPPOSITE
    return AS_EXPECTED if (distance > 0) == (comparison.expect in ABOVE) else OPPOSITE


def _verdict(outcomes: Sequence[Outcome]) -> str:
    directions = {outcome.direction for outcome in outcomes}
    if directions == {AS_EXPECTED}:
        return SUPPORTED
    if directions == {SMALL}:
        return TOO_SMALL
    if OPPOSITE in directions and not directions & {AS_EXPECTED, SMALL}:
        return CONTRADICTED
    if OPEN not in directions or {AS_EXPECTED, OPPOSITE} <= directions:
        return MIXED
    return CANNOT_TELL
