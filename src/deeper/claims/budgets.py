"""Equal budgets: what arms that are compared at equal cost really cost.

A study names, before it runs, which arms must cost the same and by what::

    budgets:
      - {metric: params, arms: [wide, thin], within: 0.02}

Every arm's number is held against the first one's; ``within`` is the largest deviation, as a fraction of it, and 0.02
where it is not said. Costs are those of one network and one image (``deeper.cost.count``), summed over the networks
of an arm that averages several.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from deeper.claims.metrics import METRICS
from deeper.errors import DeeperError
from deeper.schema.study import Budget, CostName

COSTS = get_args(CostName)

Costs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Share:
    """An arm's number, and how far it is from the first arm's: ``number / first - 1``."""

    arm: str
    number: int
    deviation: float


def shares(budget: Budget, costs: Costs) -> list[Share]:
    """Every arm's number and deviation; ``costs`` are the arms' by name. Raises ``KeyError`` for an arm without."""
    numbers = {arm: costs[arm][budget.metric] for arm in budget.arms}
    first = numbers[budget.arms[0]]
    return [Share(arm, number, _deviation(number, first)) for arm, number in numbers.items()]


def check(budgets: Iterable[Budget], costs: Costs, source: str) -> None:
    """See that every arm keeps its budgets.

    Raises:
        DeeperError: one does not; names its number, the first arm's and what to change.
    """
    for budget in budgets:
        first, *others = shares(budget, costs)
        for share in others:
            if abs(share.deviation) > budget.within:
                name, label = budget.metric, METRICS[budget.metric].label
                raise DeeperError(
                    f"{source}: arm {share.arm} has {share.number:,} {label}, {share.deviation:+.1%} from arm "
                    f"{first.arm}'s {first.number:,}, more than within={budget.within:g}; change "
                    f"study.arms.{share.arm}, for which python -m deeper.cost finds a value: "
                    f"solve=SETTING match={name}:{first.number}"
                )


def _deviation(number: float, first: float) -> float:
    if first:
        return number / first - 1
    return math.inf if number else 0.0
