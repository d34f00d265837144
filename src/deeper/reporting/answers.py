"""What a verdict's comparisons say, in words and numbers."""

import math

from deeper.claims import verdicts as claims
from deeper.claims.verdicts import Outcome, Verdict
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
    remarks = "; ".join(filter(None, (_interval(outcome), _within(outcome), expected)))
    return f"{_found(results, outcome)} ({remarks})"


def advice(results: Results, answer: Verdict) -> str:
    """What would settle an open claim; empty where it is not open."""
    if answer.verdict != claims.CANNOT_TELL:
        return ""
    open_ones = [outcome for outcome in answer.outcomes if outcome.direction == claims.OPEN]
    _, several = GROUPS if GROUPS in [unit(results, outcome) for outcome in open_ones] else SEEDS
    if answer.seeds < 2:
        return f"it takes two {several} or more"
    return "; ".join([_shown_advice(results, answer), *_leaning(results, answer)])


def _shown_advice(results: Results, answer: Verdict) -> str:
    """How many seeds would tell the comparison shown, and how many any other that is open."""
    open_ones = [outcome for outcome in answer.outcomes if outcome.direction == claims.OPEN]
    shown = max(open_ones, key=lambda outcome: outcome.p_adjusted)
    _, several = unit(results, shown)
    others = [outcome.needed for outcome in open_ones if outcome is not shown and not _timed(outcome)]
    if _timed(shown):
        words = "it takes a longer or a quieter measurement of time"
    elif shown.needed is None:
        words = f"more {several} would not do"
    else:
        words = f"if the difference is as seen, about {shown.needed:,} {several} would tell it four times in five"
    if not others:
        return words
    ordered = sorted(others, key=lambda needed: math.inf if needed is None else needed)
    named = " to ".join(text.needed(end) for end in dict.fromkeys((ordered[0], ordered[-1])))
    return f"{words} (the {'other that is' if len(others) == 1 else 'others that are'} open: {named})"


def _leaning(results: Results, answer: Verdict) -> list[str]:
    """Open comparisons, but for the one shown, whose whole interval lies on the side that the claim does not say."""
    return [
        f"against the claim leans that {_found(results, outcome)} ({_interval(outcome)})"
        for outcome in answer.outcomes
        if outcome is not answer.deciding and outcome.direction == claims.OPEN and _opposed(outcome)
    ]


def _timed(outcome: Outcome) -> bool:
    return outcome.metric.unit == TIMED


def _opposed(outcome: Outcome) -> bool:
    """Whether the whole interval lies beyond the border, on the side that is not expected."""
    found, comparison = outcome.difference, outcome.comparison
    if found is None or found.n < 2:
        return False
    above = comparison.expect in claims.ABOVE
    return found.upper < comparison.border if above else found.lower > comparison.border


def _found(results: Results, outcome: Outcome) -> str:
    comparison, difference = outcome.comparison, outcome.difference
    metric, of = outcome.metric, f"*{results.label(comparison.of)}*"
    against = f"*{results.label(comparison.against)}*" if comparison.against else "0"
    if difference is None:
        return f"{metric.label} of {of} was not measured{f' beside that of {against}' if comparison.against else ''}"
    amount = text.amount(metric, abs(difference.mean))
    far = amount if text.unit(metric) == metric.label else f"{amount} {text.unit(metric)}"
    if float(amount.replace(",", "")) == 0:
        return f"in {metric.label} {of} is level with {against}, to {far}"
    return f"in {metric.label} {of} is {far} {'above' if difference.mean > 0 else 'below'} {against}"


def _within(outcome: Outcome) -> str:
    """Of a difference as expected that has the other sign, surely, and is less than the margin: that it is so."""
    found, comparison = outcome.difference, outcome.comparison
    if outcome.direction != claims.AS_EXPECTED or not comparison.margin or found.n < 2:
        return ""
    above = comparison.expect in claims.ABOVE
    if not (found.upper < 0 if above else found.lower > 0):
        return ""
    return f"{'lower' if above else 'higher'}, by less than the margin"


def _interval(outcome: Outcome) -> str:
    metric, found = outcome.metric, outcome.difference
    if found is None or found.n < 2:
        return ""
    if found.sd == 0:
        return "alike for every seed"
    lower, upper = (text.amount(metric, value, sign=True) for value in (found.lower, found.upper))
    return f"95 % interval {lower} to {upper}"
