"""Equal budgets: what arms that are compared at equal cost really cost.

A study names, before it runs, which arms must cost the same and by what::

    budgets:
      - {metric: params, arms: [wide, thin], within: 0.02}

Every arm's number is held against the first one's; ``within`` is the largest deviation, as a fraction of it, and 0.02
where it is not said. Costs are those of one network and one image (``deeper.cost.count``), summed over the networks
of an arm that averages several.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.claims.metrics import METRICS, Metric
from deeper.errors import DeeperError, known

COSTS = ("params", "macs", "activation_bytes")
WITHIN = 0.02
KEYS = ("metric", "arms", "within")

Costs = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Budget:
    """One line of a study's ``budgets``."""

    metric: Metric
    arms: tuple[str, ...]
    within: float


@dataclass(frozen=True)
class Share:
    """An arm's number, and how far it is from the first arm's: ``number / first - 1``."""

    arm: str
    number: int
    deviation: float


def read_budgets(study: Mapping[str, Any], source: str) -> list[Budget]:
    """A study's budgets, checked. ``source`` is the file that an error names.

    Raises:
        DeeperError: a budget is none, or names a cost or an arm that does not exist.
    """
    rows = study.get("budgets") or []
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise DeeperError(f"{source}: study.budgets is a list of budgets, such as {{metric: params, arms: [a, b]}}")
    return [_budget(row, study.get("arms") or {}, f"{source}: budget {n}:") for n, row in enumerate(rows, 1)]


def shares(budget: Budget, costs: Costs) -> list[Share]:
    """Every arm's number and deviation; ``costs`` are the arms' by name. Raises ``KeyError`` for an arm without."""
    numbers = {arm: costs[arm][budget.metric.name] for arm in budget.arms}
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
                name, label = budget.metric.name, budget.metric.label
                raise DeeperError(
                    f"{source}: arm {share.arm} has {share.number:,} {label}, {share.deviation:+.1%} from arm "
                    f"{first.arm}'s {first.number:,}, more than within={budget.within:g}; change "
                    f"study.arms.{share.arm}, for which python -m deeper.cost finds a value: "
                    f"solve=SETTING match={name}:{first.number}"
                )


def _budget(row: Any, arms: Mapping[str, Any], where: str) -> Budget:
    if not isinstance(row, Mapping) or not {"metric", "arms"} <= set(row) <= set(KEYS):
        raise DeeperError(f"{where} a budget has metric, arms and, where it is not {WITHIN}, within; not {row!r}")
    known(row["metric"], COSTS, f"{where} metric", "the costs")
    named = row["arms"]
    if not isinstance(named, Sequence) or isinstance(named, str) or len(named) < 2:
        raise DeeperError(f"{where} arms must name two arms or more, not {named!r}")
    for arm in named:
        known(arm, arms, f"{where} arm", "the study's arms")
    within = row.get("within", WITHIN)
    if not isinstance(within, int | float) or isinstance(within, bool) or not 0 <= within < math.inf:
        raise DeeperError(f"{where} within={within!r} must be a fraction of 0 or more, such as {WITHIN}")
    return Budget(METRICS[row["metric"]], tuple(dict.fromkeys(named)), float(within))


def _deviation(number: float, first: float) -> float:
    if first:
        return number / first - 1
    return math.inf if number else 0.0
