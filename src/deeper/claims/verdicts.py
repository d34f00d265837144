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
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deeper.claims import statistics
from deeper.claims.metrics import METRICS, Metric
from deeper.errors import DeeperError, known
from deeper.schema.ledger import ledger

SUPPORTED = "supported"
CONTRADICTED = "contradicted"
CANNOT_TELL = "cannot tell"

AS_EXPECTED = "as expected"
OPPOSITE = "opposite"
OPEN = "open"

ABOVE = ("higher", "not_lower")
BELOW = ("lower", "not_higher")
WITH_MARGIN = ("not_higher", "not_lower")


@dataclass(frozen=True)
class Comparison:
    """One line of a study's ``claims``; ``margin`` is in the metric's unit and 0 for ``higher`` and ``lower``.

    ``against`` is None where the values of ``of`` themselves are compared with the border.
    """

    metric: Metric
    of: str
    against: str | None
    expect: str
    margin: float = 0.0

    @property
    def border(self) -> float:
        """The difference, or value, that the test tells the true one from."""
        return -self.margin if self.expect == "not_lower" else self.margin


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


@dataclass(frozen=True)
class Verdict:
    """A claim as one study answers it."""

    claim: str
    study: str
    verdict: str
    outcomes: tuple[Outcome, ...]

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


def evaluate(results: Iterable[tuple[str, Mapping[str, Any]]]) -> list[Verdict]:
    """Verdicts of every claim of every study, in the order given.

    ``results`` are pairs of a name for error messages (the file) and the content of ``results/<study>.json``.
    Raises ``DeeperError`` for a claim, arm, metric or expectation that does not exist, and for a claim without a
    comparison.
    """
    drafts = [
        (content["study"]["name"], claim, [_measure(comparison, content["trials"]) for comparison in comparisons])
        for source, content in results
        for claim, comparisons in read_claims(content["study"], source).items()
    ]
    family = [outcome.p for _, _, outcomes in drafts for outcome in outcomes]
    adjusted = iter(statistics.holm(family))
    verdicts = []
    for study, claim, outcomes in drafts:
        decided = tuple(_decide(outcome, next(adjusted), len(family)) for outcome in outcomes)
        verdicts.append(Verdict(claim, study, _verdict(decided), decided))
    return verdicts


def read_claims(study: Mapping[str, Any], source: str) -> dict[str, list[Comparison]]:
    """A study's claims with their comparisons, checked. ``source`` is the file that an error names."""
    claims = {}
    for claim, rows in (study.get("claims") or {}).items():
        known(claim, ledger(), f"{source}: claim", "the ledger")
        if not isinstance(rows, Sequence) or isinstance(rows, str) or not rows:
            raise DeeperError(f"{source}: claim {claim!r} has no comparison; name at least one under study.claims")
        claims[claim] = [_comparison(row, study.get("arms") or {}, f"{source}: claim {claim!r}:") for row in rows]
    return claims


def _comparison(row: Any, arms: Mapping[str, Any], where: str) -> Comparison:
    keys = ("metric", "of", "expect")
    if not isinstance(row, Mapping) or not set(keys) <= set(row) <= {*keys, "against", "margin"}:
        raise DeeperError(
            f"{where} a comparison has metric, of, expect, mostly against, and, for not_*, margin; not {row!r}"
        )
    known(row["metric"], METRICS, f"{where} metric", "the metrics")
    known(row["of"], arms, f"{where} arm", "the study's arms")
    if "against" in row:
        known(row["against"], arms, f"{where} arm", "the study's arms")
    known(row["expect"], ABOVE + BELOW, f"{where} expect", "what can be expected")
    if row["of"] == row.get("against"):
        raise DeeperError(f"{where} {row['of']!r} is compared with itself")
    margin = row.get("margin")
    if row["expect"] not in WITH_MARGIN and margin is not None:
        raise DeeperError(f"{where} margin goes with {' and '.join(WITH_MARGIN)} only, not with {row['expect']!r}")
    if row["expect"] in WITH_MARGIN and not _is_margin(margin):
        raise DeeperError(f"{where} {row['expect']} needs a margin, a number of 0 or more")
    return Comparison(METRICS[row["metric"]], row["of"], row.get("against"), row["expect"], float(margin or 0.0))


def _is_margin(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) and value >= 0


def _measure(comparison: Comparison, trials: Iterable[Mapping[str, Any]]) -> Outcome:
    arms = [arm for arm in (comparison.of, comparison.against) if arm is not None]
    sides = [{t["seed"]: t for t in trials if t["arm"] == arm} for arm in arms]
    every = set().union(*sides)
    both = sorted(every.intersection(*sides))
    values = {seed: [comparison.metric(side[seed]) for side in sides] for seed in both}
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
        diverged=tuple((t["arm"], seed) for side in sides for seed, t in _diverged(side, seeds)),
        detectable=statistics.minimum_detectable_effect(difference.sd, difference.n) if difference else math.nan,
        p=difference.p if difference else math.nan,
    )


def _diverged(side: Mapping[int, Mapping[str, Any]], seeds: Sequence[int]) -> list[tuple[int, Mapping[str, Any]]]:
    return [(seed, side[seed]) for seed in seeds if side[seed]["status"] == "diverged"]


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
