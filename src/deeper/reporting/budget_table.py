"""Rows of a page's table of equal budgets, from the costs that a study's trials recorded."""

from collections.abc import Sequence
from dataclasses import dataclass

from deeper.claims.metrics import METRICS
from deeper.reporting import text
from deeper.reporting.records import Results
from deeper.reporting.summary import Arm
from deeper.schema.study import Budget
from deeper.study import budgets


@dataclass(frozen=True)
class Row:
    """What one arm spends of one budget, in words; the first arm of a budget deviates from nothing."""

    cost: str
    arm: str
    number: str
    deviation: str


def rows(results: Results, arms: Sequence[Arm]) -> list[Row]:
    """A row for each arm of each budget whose arms all have trials."""
    costs, labels = {arm.name: arm.cost for arm in arms}, {arm.name: arm.label for arm in arms}
    made = []
    for budget in results.table.study.budgets:
        if not set(budget.arms) <= set(costs):
            continue
        for share in budgets.shares(budget, costs):
            is_first = share.arm == budget.arms[0]
            allowed = f"{METRICS[budget.metric].label}, within {text.number(100 * budget.within, 1)} %"
            made.append(
                Row(
                    cost=allowed if is_first else "",
                    arm=labels[share.arm],
                    number=f"{share.number:,}",
                    deviation="–" if is_first else _percent(share, budget),
                )
            )
    return made


def _percent(share: budgets.Share, budget: Budget) -> str:
    words = f"{text.number(100 * share.deviation, 2, sign=True)} %"
    return words if abs(share.deviation) <= budget.within else f"**{words}**, more than was meant"
