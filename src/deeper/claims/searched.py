"""What searches say of the claims of the ledger, by the same intervals as studies of trained networks.

Replays are compared by the test error of what a searcher holds for the best after so many networks, paired by replay:
in one replay every searcher sees the same trainings. Networks of the end are compared by their test errors, paired by
seed. The comparisons of a study of searches are a family of their own.

Intervals hold for what was trained: replays are searches over one table, and the networks of the end are the same cells
trained anew. What another table, or another search, would find is not in them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from deeper.claims.preconditions import AboveBaseline
from deeper.claims.verdicts import NOT_TESTABLE, Verdict, outcome_of, verdict_of
from deeper.schema.baselines import FOREST, LOGISTIC, Baselines
from deeper.schema.ledger import ledger
from deeper.schema.results import TOY
from deeper.schema.search import BEST, FinalNetwork, Searches, SearchStudy, SearchTable

RANKS = 0.5
"""The least rank correlation of short and long training at which the short one tells which network is better."""
ALIKE = 0.12
"""How far networks that must cost the same may be from the target: widths are whole, so a step is up to twice that."""


@dataclass(frozen=True)
class RankingHolds:
    """Spearman's rank correlation of the training that searches see and of a longer one; None: not known."""

    name: ClassVar[str] = "ranking"
    correlation: float | None

    @property
    def holds(self) -> bool:
        return self.correlation is not None and self.correlation >= RANKS


@dataclass(frozen=True)
class EqualCost:
    """The network, of those that claims compare, whose cost is farthest from the target, and how far, as a fraction."""

    name: ClassVar[str] = "equal cost"
    cost: str
    arm: str
    deviation: float

    @property
    def holds(self) -> bool:
        return abs(self.deviation) <= ALIKE


Asked = RankingHolds | EqualCost | AboveBaseline


def judge(found: SearchTable | SearchStudy, baselines: Baselines) -> list[Verdict]:
    """Verdicts of the claims of a study of searches; none before it has come to its end, and none of a toy run.

    Args:
        found: the file.
        baselines: what classifiers reach on the same pixels.
    """
    if not found.finished or found.profile == TOY:
        return []
    values, searches = values_of(found), searches_of(found)
    asked = tuple(_asked(found, values, baselines))
    family = sum(len(test.comparisons) for test in searches.claims.values())
    verdicts = []
    for claim, test in searches.claims.items():
        outcomes = tuple(outcome_of(one, _differences(values, one.of, one.against), family) for one in test.comparisons)
        verdict = verdict_of(outcome.direction for outcome in outcomes)
        if not all(one.holds for one in asked):
            verdict = NOT_TESTABLE
        verdicts.append(Verdict(claim, searches.name, verdict, outcomes, test, asked, ledger()[claim], family))
    return verdicts


def _asked(
    found: SearchTable | SearchStudy, values: Mapping[str, Sequence[float]], baselines: Baselines
) -> Iterator[Asked]:
    place = (found.data, found.scale.image_size, found.scale.train)
    known = [baselines.test_error(method, *place) for method in (LOGISTIC, FOREST)]
    errors = {arm: sum(own) / len(own) for arm, own in values.items()}
    if isinstance(found, SearchTable):
        yield RankingHolds(found.rank_correlation)
        yield AboveBaseline(BEST, min(errors.values()), *known)
        return
    compared = [arm for arm in found.study.arms if arm in found.study.compared_arms]
    if fit := found.study.compare.fit:
        costs = {arm: getattr(one.final.cost, fit.cost) / fit.target - 1 for arm, one in finals_of(found).items()}
        farthest = max(compared, key=lambda arm: abs(costs[arm]))
        yield EqualCost(fit.cost, farthest, costs[farthest])
    yield from (AboveBaseline(arm, errors[arm], *known) for arm in compared)


def searches_of(found: SearchTable | SearchStudy) -> Searches:
    """The configuration of a study of searches."""
    return found.searches if isinstance(found, SearchTable) else found.study


def values_of(found: SearchTable | SearchStudy) -> dict[str, Sequence[float]]:
    """Test errors by arm: one a replay, or one a fresh seed."""
    if isinstance(found, SearchTable):
        return {one.searcher: one.held for one in found.replays}
    return {arm: one.final.test_errors for arm, one in finals_of(found).items()}


def finals_of(found: SearchStudy) -> dict[str, FinalNetwork]:
    """The networks of the end by arm; ``best`` is the one that was found and has the least short error."""
    best = min((one for one in found.finals if one.searcher), key=lambda one: one.short.error)
    return {one.name: one for one in found.finals} | {BEST: best}


def _differences(values: Mapping[str, Sequence[float]], of: str, against: str | None) -> dict[int, float]:
    less = values[against] if against else [0.0] * len(values[of])
    return {place: one - other for place, (one, other) in enumerate(zip(values[of], less, strict=True))}
