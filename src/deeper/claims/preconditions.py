"""What must be true for a comparison to mean anything: learned at all, over-fitted, spent alike, tuned, long enough.

Each precondition is a number with its limit. A claim of which one does not hold is *not testable here*.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deeper.claims import budgets
from deeper.claims.metrics import METRICS
from deeper.schema.baselines import Baselines
from deeper.schema.results import RECORD, StudyTable, TrialRow
from deeper.schema.study import ClaimTest, Comparison

ERRORS = ("train_error", "validation_error", "test_error", "mean_train_error", "epochs_to_15", "generalisation_gap")
BY_HEART = 0.01
REGION = 0.005


@dataclass(frozen=True)
class Precondition:
    """What was asked of which arm, and what was found: ``found`` is held against ``limit``, both in words."""

    name: str
    subject: str
    found: str
    limit: str
    holds: bool
    remark: str = ""


def preconditions(table: StudyTable, test: ClaimTest, baselines: Baselines) -> Iterator[Precondition]:
    """Everything that a claim's test asks of its study, arm by arm."""
    compared = _compared(test.comparisons)
    for arm in compared:
        if arm not in test.may_fail:
            yield _learned(table, arm, baselines)
    yield from (_by_heart(table, arm) for arm in test.overfit)
    yield from _budgets(table, test.comparisons)
    if table.profile == RECORD:
        yield from (_tuned(table, arm) for arm in compared if _trained(table, arm))
        yield from (found for one in test.comparisons if (found := _long_enough(table, one)) is not None)


def _compared(comparisons: Sequence[Comparison]) -> list[str]:
    """The arms of comparisons of errors, each once."""
    return list(dict.fromkeys(arm for one in comparisons if one.metric in ERRORS for arm in one.arms))


def _learned(table: StudyTable, arm: str, baselines: Baselines) -> Precondition:
    """Whether an arm errs less than logistic regression on the same pixels, and whether less than a random forest."""
    rows = table.rows(arm)
    size, train = _seen(table, rows)
    limits = {m: baselines.error(m, table.data.digest, size, train) for m in ("logistic", "forest")}
    errors = [row.metrics.test_error for row in rows if row.metrics.test_error is not None]
    found = sum(errors) / len(errors) if errors else None
    logistic, forest = limits["logistic"], limits["forest"]
    learned = found is not None and logistic is not None and found < logistic
    remark = "below a random forest" if learned and forest is not None and found >= forest else ""
    said = "not computed" if logistic is None else f"below {_percent(logistic)}, logistic regression's"
    return Precondition("it has learned", arm, f"test error {_percent(found)}", said, learned, remark)


def _by_heart(table: StudyTable, arm: str) -> Precondition:
    """Whether an arm without the regulariser knows its training pictures by heart."""
    errors = [row.metrics.train_error for row in table.rows(arm) if row.metrics.train_error is not None]
    found = sum(errors) / len(errors) if errors else None
    holds = found is not None and found <= BY_HEART
    return Precondition(
        "it over-fits", arm, f"training error {_percent(found)}", f"at most {_percent(BY_HEART)}", holds
    )


def _budgets(table: StudyTable, comparisons: Sequence[Comparison]) -> Iterator[Precondition]:
    """Whether the arms that a budget names cost alike; of those budgets that have two arms of one comparison."""
    for budget in table.study.budgets:
        costs = {arm: dict(table.rows(arm)[0].cost) for arm in budget.arms if table.rows(arm)}
        pairs = [one for one in comparisons if len(set(one.arms) & set(budget.arms)) > 1]
        if not pairs or len(costs) < len(budget.arms):
            continue
        first, *others = budgets.shares(budget, costs)
        for share in others:
            yield Precondition(
                f"it costs as much as {first.arm}",
                share.arm,
                f"{METRICS[budget.metric].label} {share.deviation:+.1%}",
                f"within {budget.within:.0%}",
                abs(share.deviation) <= budget.within,
            )


def _tuned(table: StudyTable, arm: str) -> Precondition:
    """Whether an arm's learning rate was searched, and a worse one found on either side."""
    search = table.study.rates.get(arm)
    limit = "a worse rate on either side"
    if search is None:
        return Precondition("its rate was found", arm, "none was searched", limit, False)
    tried = ", ".join(sorted(search.tried, key=float))
    return Precondition("its rate was found", arm, f"{search.rate:g} of {tried}", limit, search.inside)


def _long_enough(table: StudyTable, comparison: Comparison) -> Precondition | None:
    """Whether half the training puts two arms in the order that the whole training does; None where it is not asked."""
    rates, region = table.study.rates, comparison.region or REGION
    of, against = comparison.of, comparison.against
    if comparison.metric != "test_error" or comparison.minus or against is None or not {of, against} <= rates.keys():
        return None
    half, whole = _best(table, of) - _best(table, against), _mean_difference(table, of, against)
    if whole is None:
        return None
    turned = half * whole < 0 and min(abs(half), abs(whole)) > region
    found = f"{100 * half:+.1f} points at half the length, {100 * whole:+.1f} at the whole"
    return Precondition("the order is settled", f"{of} − {against}", found, "not turned round", not turned)


def _best(table: StudyTable, arm: str) -> float:
    search = table.study.rates[arm]
    found = search.tried[f"{search.rate:g}"]
    return 1.0 if found is None else found


def _mean_difference(table: StudyTable, of: str, against: str) -> float | None:
    errors = [{row.seed: row.metrics.test_error for row in table.rows(arm)} for arm in (of, against)]
    both = [seed for seed in errors[0] if None not in (errors[0][seed], errors[1].get(seed))]
    return sum(errors[0][seed] - errors[1][seed] for seed in both) / len(both) if both else None


def _seen(table: StudyTable, rows: Sequence[TrialRow]) -> tuple[int, int]:
    """Side of the pictures and how many of them an arm trains on."""
    own = (rows[0].settings or {}) if rows else {}
    return own.get("data.image_size") or table.data.image_size, own.get("data.train_size") or table.data.train


def _trained(table: StudyTable, arm: str) -> bool:
    return table.study.arms[arm].trained


def _percent(value: float | None) -> str:
    return "not measured" if value is None else f"{100 * value:.1f} %"
