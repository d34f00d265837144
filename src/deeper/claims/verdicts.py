"""From trials to verdicts: what a study's comparisons say about the claims of the ledger.

A study names, for each claim and before it runs, the comparisons that decide it::

    residual-fixes:
      - {metric: train_error, of: resnet56, against: plain56, expect: lower}
      - {metric: train_error, of: resnet56, against: resnet20, expect: not_higher, margin: 0.01}
    model-ensemble:
      - {metric: averaging_gain, of: averaged4, expect: higher}

A comparison is the difference ``of - against`` of a metric, paired by seed, and each has a border: 0 for ``higher``
and ``lower``, ``+margin`` for ``not_higher``, ``-margin`` for ``not_lower``. A paired t-test asks on which side of its
border the true difference lies. The p-value is two-sided: one half for each of the two directions it can be decided in.
For ``not_higher`` this is the usual test of non-inferiority, H0: difference >= margin, one-sided at 2.5 %, so that
before the correction a comparison is decided exactly when its 95 % interval leaves the border outside.

A comparison without ``against`` is of one arm alone: its values, one a seed, stand where the differences stand, and a
one-sample t-test asks on which side of the same border their true mean lies.

The p-values of all comparisons of all studies are one family and are adjusted together by Holm's method; a comparison
that two claims share counts once for each. Then a comparison with adjusted p < 0.05 is *as expected* or *opposite* by
its side, any other is *open*, and a claim is *contradicted* if any comparison is opposite, *supported* if all are as
expected, and *cannot tell* otherwise.

A diverged trial counts with its errors like any other. A pair with a number that was not measured or is not finite is
left out, and the outcome names its seed.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from deeper.claims import statistics
from deeper.claims.metrics import METRICS, Metric
from deeper.schema.ledger import Claim
from deeper.schema.results import StudyTable, TrialRow
from deeper.schema.study import Comparison

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
CANNOT_TELL = "cannot tell"

AS_EXPECTED = "as expected"
OPPOSITE = "opposite"
OPEN = "open"

ABOVE = ("higher", "not_lower")
BELOW = ("lower", "not_higher")


@dataclass(frozen=True)
class Outcome:
    """What the trials say about one comparison.

    ``difference`` is of the values themselves where there is one arm alone. ``seeds`` are the pairs used,
    ``unpaired`` the seeds that only one of two arms has, ``unmeasured`` those left out because a number is missing or
    not finite, ``diverged`` the diverged trials among the pairs as (arm, seed).
    ``detectable`` is the distance from the border that as many seeds find with a probability of 80 % at an uncorrected
    5 %, ``needed`` the seeds that would find the distance observed, at Bonferroni's level for the family; None: not
    known, or too many to name.
    """

    comparison: Comparison
    difference: statistics.Difference | None
    seeds: tuple[int, ...]
    unpaired: tuple[int, ...]
    unmeasured: tuple[int, ...]
    diverged: tuple[tuple[str, int], ...]
    detectable: float
    p: float
    p_adjusted: float = math.nan
    direction: str = OPEN
    needed: int | None = None

    @property
    def metric(self) -> Metric:
        return METRICS[self.comparison.metric]


@dataclass(frozen=True)
class Verdict:
    """A claim as one study answers it; ``about`` is what the ledger, or the study itself, says of it."""

    claim: str
    study: str
    verdict: str
    outcomes: tuple[Outcome, ...]
    about: Claim | None = None

    @property
    def seeds(self) -> int:
        """Pairs of the comparison that has fewest."""
        return min(len(outcome.seeds) for outcome in self.outcomes)

    @property
    def deciding(self) -> Outcome:
        """The comparison the verdict hangs on: the surest of the opposite ones, else the least sure of all."""
        opposite = [outcome for outcome in self.outcomes if outcome.direction == OPPOSITE]
        if opposite:
            return min(opposite, key=lambda outcome: outcome.p_adjusted)
        return max(self.outcomes, key=lambda outcome: outcome.p_adjusted)

    @property
    def needed(self) -> int | None:
        """Seeds that would settle every open comparison; None where that is not known."""
        needs = [outcome.needed for outcome in self.outcomes if outcome.direction == OPEN]
        return None if not needs or None in needs else max(needs)


def evaluate(tables: Iterable[StudyTable]) -> list[Verdict]:
    """Verdicts of every claim of every study, in the order given."""
    drafts = [
        (table.study, claim, [measure(comparison, table.trials) for comparison in comparisons])
        for table in tables
        for claim, comparisons in table.study.claims.items()
    ]
    family = [outcome.p for _, _, outcomes in drafts for outcome in outcomes]
    adjusted = iter(statistics.holm(family))
    verdicts = []
    for study, claim, outcomes in drafts:
        decided = tuple(_decide(outcome, next(adjusted), len(family)) for outcome in outcomes)
        verdicts.append(Verdict(claim, study.name, _verdict(decided), decided, study.claim(claim)))
    return verdicts


def measure(comparison: Comparison, trials: Iterable[TrialRow]) -> Outcome:
    """What the trials of a study say about a comparison, before it is corrected for the others."""
    metric, trials = METRICS[comparison.metric], list(trials)
    sides = [{row.seed: row for row in trials if row.arm == arm} for arm in comparison.arms]
    every = set().union(*sides)
    both = sorted(every.intersection(*sides))
    values = {seed: [metric(side[seed]) for side in sides] for seed in both}
    seeds = tuple(seed for seed, pair in values.items() if all(map(math.isfinite, pair)))
    difference = None
    if seeds:
        of, *against = zip(*(values[seed] for seed in seeds), strict=True)
        difference = statistics.difference(of, *(against or [[0.0] * len(of)]), comparison.border)
    return Outcome(
        comparison=comparison,
        difference=difference,
        seeds=seeds,
        unpaired=tuple(sorted(every.difference(both))),
        unmeasured=tuple(seed for seed in both if seed not in seeds),
        diverged=tuple((side[seed].arm, seed) for side in sides for seed in seeds if side[seed].status == "diverged"),
        detectable=statistics.minimum_detectable_effect(difference.sd, difference.n) if difference else math.nan,
        p=difference.p if difference else math.nan,
    )


def _decide(outcome: Outcome, p_adjusted: float, family: int) -> Outcome:
    comparison, difference = outcome.comparison, outcome.difference
    if difference is None:
        return replace(outcome, p_adjusted=p_adjusted)
    distance = difference.mean - comparison.border
    if p_adjusted < statistics.ALPHA:
        as_expected = (distance > 0) == (comparison.expect in ABOVE)
        return replace(outcome, p_adjusted=p_adjusted, direction=AS_EXPECTED if as_expected else OPPOSITE)
    needed = statistics.seeds_needed(distance, difference.sd, statistics.ALPHA / family)
    return replace(outcome, p_adjusted=p_adjusted, needed=needed)


def _verdict(outcomes: Sequence[Outcome]) -> str:
    directions = {outcome.direction for outcome in outcomes}
    if OPPOSITE in directions:
        return CONTRADICTED
    return SUPPORTED if directions == {AS_EXPECTED} else CANNOT_TELL
