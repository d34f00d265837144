"""What a verdict's comparisons say, in words and numbers."""

from deeper.analysis import claims
from deeper.analysis.claims import Outcome, Verdict
from deeper.reporting import text
from deeper.reporting.records import Results

SEEDS = ("seed", "seeds")
TIMED = "ms"  # unit of what a clock measures: its scatter is the machine's, and seeds are no sample of it
GROUPS = ("group of networks", "groups of networks")


def unit(results: Results, outcome: Outcome) -> tuple[str, str]:
    """What a comparison has one number for: one of it, and several."""
    arms = (outcome.comparison.of, outcome.comparison.against)
    return GROUPS if any(arm and results.averaged(arm) for arm in arms) else SEEDS


def counted(results: Results, answer: Verdict) -> str:
    """``5 seeds``, ``3 groups of networks``; ``6 to 16 seeds`` where comparisons have different numbers."""
    fewest = min(answer.outcomes, key=lambda outcome: len(outcome.seeds))
    one, several = unit(results, fewest)
    most = max(len(outcome.seeds) for outcome in answer.outcomes if unit(results, outcome) == (one, several))
    if most > answer.seeds:
        return f"{answer.seeds:,} to {most:,} {several}"
    return f"{answer.seeds:,} {one if answer.seeds == 1 else several}"


def finding(results: Results, answer: Verdict) -> str:
    """The deciding comparison in a clause.

    ``in training error *Plain-56* is 41.13 points above *Plain-20* (95 % interval +34.62 to +47.64; expected: higher)``
    """
    outcome, n = answer.deciding, len(answer.outcomes)
    deciding = f", the deciding one of {n} comparisons" if n > 1 else ""
    expected = f"expected: {text.expectation(outcome.comparison)}{deciding}"
    remarks = "; ".join(filter(None, (_interval(outcome), expected)))
    return f"{_found(results, outcome)} ({remarks})"


def advice(results: Results, answer: Verdict) -> str:
    """What would settle an open claim; empty where it is not open."""
    if answer.verdict != claims.CANNOT_TELL:
        return ""
    open_ones = [outcome for outcome in answer.outcomes if outcome.direction == claims.OPEN]
    _, several = GROUPS if GROUPS in [unit(results, outcome) for outcome in open_ones] else SEEDS
    if answer.seeds < 2:
        return f"it takes two {several} or more"
    if all(outcome.comparison.metric.unit == TIMED for outcome in open_ones):
        return "it takes a longer or a quieter measurement of time"
    needed = [outcome.needed for outcome in open_ones if outcome.comparison.metric.unit != TIMED]
    if None in needed:
        return f"more {several} would not do"
    return f"if the difference is as seen, about {max(needed):,} {several} would tell it four times in five"


def _found(results: Results, outcome: Outcome) -> str:
    comparison, difference = outcome.comparison, outcome.difference
    metric, of = comparison.metric, f"*{results.label(comparison.of)}*"
    against = f"*{results.label(comparison.against)}*" if comparison.against else "0"
    if difference is None:
        return f"{metric.label} of {of} was not measured{f' beside that of {against}' if comparison.against else ''}"
    amount = text.amount(metric, abs(difference.mean))
    far = amount if text.unit(metric) == metric.label else f"{amount} {text.unit(metric)}"
    if float(amount.replace(",", "")) == 0:
        return f"in {metric.label} {of} is level with {against}, to {far}"
    return f"in {metric.label} {of} is {far} {'above' if difference.mean > 0 else 'below'} {against}"


def _interval(outcome: Outcome) -> str:
    metric, found = outcome.comparison.metric, outcome.difference
    if found is None or found.n < 2:
        return ""
    if found.sd == 0:
        return "alike for every seed"
    lower, upper = (text.amount(metric, value, sign=True) for value in (found.lower, found.upper))
    return f"95 % interval {lower} to {upper}"
