"""What must hold before a claim can be tested at all: numbers only, the pages say them in words.

A claim that says what is claimed and predicted is asked for these; one whose study names its comparisons alone is not.

- ``AboveBaseline``: what is meant to learn errs less than logistic regression on the same pixels. One that still errs
  more than a random forest is marked.
- ``FitsTraining``: an arm without the regulariser fits its training pictures, or there is no over-fitting to help
  against.
- ``WithinBudget``: arms that must cost the same do.
- ``RateInside``: an arm's learning rate was searched, and is not at the edge of what was tried.
- ``OrderIsStable``: the rate searches, which are shorter, do not show the opposite of the full length. It is asked of
  test errors, the metric of the searches, and not where over-fitting is: a regulariser may cost at first and pay later.

Those of errors are asked where a comparison is of what was learned (``metrics.LEARNED``). Errors are fractions.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import ClassVar

from deeper.claims import budgets
from deeper.claims.metrics import LEARNED, METRICS
from deeper.schema.baselines import FOREST, LOGISTIC, Baselines
from deeper.schema.results import StudyTable
from deeper.schema.study import Budget, ClaimTest, Comparison, RateSearch

FITTED = 0.01
"""The largest training error of an arm that has fitted its training pictures."""
REGION = 0.005
"""What two lengths may differ by where a comparison has no region of its own."""


@dataclass(frozen=True)
class AboveBaseline:
    """Mean test errors of an arm and of two methods on the same pixels; None: not computed, NaN: not measured."""

    name: ClassVar[str] = "baseline"
    arm: str
    error: float
    logistic: float | None
    forest: float | None

    @property
    def holds(self) -> bool:
        return self.logistic is not None and self.error < self.logistic

    @property
    def is_marked(self) -> bool:
        """Whether it holds and a random forest does as well or better."""
        return self.holds and self.forest is not None and self.error >= self.forest


@dataclass(frozen=True)
class FitsTraining:
    """Mean training error of an arm; NaN where it was not measured."""

    name: ClassVar[str] = "over-fitting"
    arm: str
    train_error: float

    @property
    def holds(self) -> bool:
        return self.train_error <= FITTED


@dataclass(frozen=True)
class WithinBudget:
    """The largest deviation from the first arm of a budget, as a fraction, and whose it is."""

    name: ClassVar[str] = "budget"
    budget: Budget
    arm: str
    deviation: float

    @property
    def holds(self) -> bool:
        return abs(self.deviation) <= self.budget.within


@dataclass(frozen=True)
class RateInside:
    """How an arm's rate was chosen; None where it was not searched."""

    name: ClassVar[str] = "learning rate"
    arm: str
    search: RateSearch | None

    @property
    def holds(self) -> bool:
        return self.search is not None and self.search.inside

    @property
    def lowest(self) -> float:
        return min(map(float, self.search.tried))

    @property
    def highest(self) -> float:
        return max(map(float, self.search.tried))


@dataclass(frozen=True)
class OrderIsStable:
    """A comparison's value by the best validation errors of the rate searches, and at the full length."""

    name: ClassVar[str] = "order at another length"
    comparison: Comparison
    short: float
    full: float

    @property
    def region(self) -> float:
        return self.comparison.region or REGION

    @property
    def holds(self) -> bool:
        return not (self.short * self.full < 0 and min(abs(self.short), abs(self.full)) > self.region)


Precondition = AboveBaseline | FitsTraining | WithinBudget | RateInside | OrderIsStable


def check(table: StudyTable, test: ClaimTest, baselines: Baselines) -> tuple[Precondition, ...]:
    """The preconditions of a claim; none where its study names its comparisons alone."""
    if not test.is_declared:
        return ()
    learned = [comparison for comparison in test.comparisons if comparison.metric in LEARNED]
    arms = dict.fromkeys(chain.from_iterable(comparison.arms for comparison in learned))
    return (
        *(_baseline(table, arm, baselines) for arm in arms if arm not in test.may_fail and _is_of_the_data(table, arm)),
        *(FitsTraining(arm, _mean(table, arm, "train_error")) for arm in test.overfit),
        *_budgets(table),
        *_rates(table, arms),
        *(_stable(table, learned) if not test.overfit else ()),
    )


def _baseline(table: StudyTable, arm: str, baselines: Baselines) -> AboveBaseline:
    error = _mean(table, arm, "test_error")
    return AboveBaseline(arm, error, *(_reached(table, arm, method, baselines) for method in (LOGISTIC, FOREST)))


def _reached(table: StudyTable, arm: str, method: str, baselines: Baselines) -> float | None:
    """Mean test error of a method on pictures like those of each row of an arm: as many, of the same size, of the
    subsets that the baselines were computed on; None where they were not."""
    found = [baselines.test_error(method, *table.pixels(row)) for row in table.rows(arm)]
    return None if not found or None in found else math.fsum(found) / len(found)


def _is_of_the_data(table: StudyTable, arm: str) -> bool:
    """Whether an arm learned from the study's own pictures; transfer learning has others, and other rivals."""
    return not any(row.transfer for row in table.rows(arm))


def _budgets(table: StudyTable) -> Iterable[WithinBudget]:
    """The worst arm of each budget whose arms all have trials."""
    for budget in table.study.budgets:
        if set(budget.arms) <= set(table.arms):
            costs = {arm: dict(table.rows(arm)[0].cost) for arm in budget.arms}
            worst = max(budgets.shares(budget, costs), key=lambda share: abs(share.deviation))
            yield WithinBudget(budget, worst.arm, worst.deviation)


def _rates(table: StudyTable, arms: Iterable[str]) -> Iterable[RateInside]:
    """One for each trained arm; a network that is frozen has no rate, and an average has that of what it averages."""
    trained = dict.fromkeys(_trained(table, arm) for arm in arms)
    frozen = {row.arm for row in table.trials if row.transfer and row.transfer.mode == "frozen"}
    return (RateInside(arm, table.study.rates.get(arm)) for arm in trained if arm not in frozen)


def _trained(table: StudyTable, arm: str) -> str:
    average = table.study.arms[arm].average
    return average.of if average else arm


def _stable(table: StudyTable, comparisons: Sequence[Comparison]) -> Iterable[OrderIsStable]:
    """One for each difference of test errors whose arms' rates were all searched."""
    best = {arm: search.best for arm, search in table.study.rates.items()}
    for comparison in comparisons:
        if comparison.metric == "test_error" and comparison.against and set(comparison.arms) <= set(best):
            full = {arm: _mean(table, arm, comparison.metric) for arm in comparison.arms}
            yield OrderIsStable(comparison, comparison.value(best), comparison.value(full))


def _mean(table: StudyTable, arm: str, metric: str) -> float:
    """Mean over the rows of an arm; NaN where there are none or a number is missing."""
    values = [METRICS[metric](row) for row in table.rows(arm)]
    return math.fsum(values) / len(values) if values else math.nan
