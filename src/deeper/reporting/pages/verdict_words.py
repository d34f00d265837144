"""What a verdict hangs on, what would settle an open one, and what a reader must know of its comparisons."""

import math
from collections.abc import Sequence

from deeper.claims import verdicts as claims
from deeper.claims.statistics import MOST_SEEDS
from deeper.claims.verdicts import Outcome, Verdict
from deeper.reporting import words
from deeper.reporting.load import StudyResults
from deeper.reporting.published_numbers import PublishedNumber
from deeper.schema.results import differing_facts
from deeper.schema.study import Comparison

TIMED = "ms"  # unit of what a clock measures: its scatter is the machine's, and seeds are no sample of it
CLOCKED = (TIMED, "s", "images/s")
MOST_PUBLISHED = 3

Unit = tuple[str, str]  # what a comparison has one number for: one of it, and several
SEEDS: Unit = ("seed", "seeds")
GROUPS: Unit = ("group of networks", "groups of networks")


def pair(results: StudyResults, comparison: Comparison) -> str:
    """``Plain-56 − Plain-20``; one name where an arm is compared with no other."""
    taken_off = words.share_taken_off(comparison, results.label)
    return f" {words.MINUS} ".join([*map(results.label, comparison.arms[:2]), *filter(None, [taken_off])])


def counted(results: StudyResults, verdict: Verdict) -> str:
    """``5 seeds``, ``3 groups of networks``; ``6 to 16 seeds`` where comparisons have different numbers."""
    measured = [outcome for outcome in verdict.outcomes if not outcome.comparison.is_fact] or verdict.outcomes
    fewest = min(measured, key=lambda outcome: len(outcome.seeds))
    unit = _unit(results, fewest)
    most = max(len(outcome.seeds) for outcome in measured if _unit(results, outcome) == unit)
    if most > verdict.seeds:
        return f"{verdict.seeds:,} to {most:,} {unit[1]}"
    return words.plural(verdict.seeds, *unit)


def finding(results: StudyResults, verdict: Verdict) -> str:
    """The deciding comparison: ``test error, *Plain-56 − Plain-20*: +41.1 points [+34.6, +47.6], expected higher``."""
    outcome, n = verdict.deciding, len(verdict.outcomes)
    remarks = [f"expected {words.expectation(outcome.comparison)}", _inside_margin(outcome)]
    remarks.append(f"the deciding one of {n} comparisons" if n > 1 else "")
    return ", ".join([_measured(results, outcome), *filter(None, remarks)])


def advice(results: StudyResults, verdict: Verdict) -> str:
    """What would settle an open claim, or which precondition does not hold; empty where neither is so."""
    if verdict.verdict == claims.NOT_TESTABLE:
        return "; ".join(f"{_label(results, one.subject)}: {one.found}, not {one.limit}" for one in verdict.failed[:2])
    if verdict.verdict != claims.CANNOT_TELL:
        return ""
    open_ones = [outcome for outcome in verdict.outcomes if outcome.direction == claims.OPEN]
    if verdict.seeds < 2:
        several = GROUPS[1] if any(_unit(results, outcome) == GROUPS for outcome in open_ones) else SEEDS[1]
        return f"it takes two {several} or more"
    of_all = f"{len(open_ones)} of {len(verdict.outcomes)} open" if len(verdict.outcomes) > 1 else ""
    leaning = [
        f"against the claim leans {_measured(results, outcome)}"
        for outcome in open_ones
        if outcome is not verdict.deciding and _is_opposed(outcome)
    ]
    return "; ".join(filter(None, [of_all, _seeds_needed(results, open_ones), *leaning]))


def notes(results: StudyResults, verdict: Verdict, published: Sequence[PublishedNumber] = ()) -> list[str]:
    """What a reader must know of a verdict: seeds left out, diverged trials, seeds needed; and what was published.

    ``published`` is everything that stands beside the study; a contradicted claim names the effects among it.
    """
    lines = [
        f"{words.sentence(outcome.metric.label)}, {pair(results, outcome.comparison)}: {note}."
        for outcome in verdict.outcomes
        for note in _outcome_notes(results, outcome)
    ]
    return lines + (_published_effects(verdict, published) if verdict.verdict == claims.CONTRADICTED else [])


def _outcome_notes(results: StudyResults, outcome: Outcome) -> list[str]:
    comparison, lines = outcome.comparison, []
    if outcome.direction == claims.OPEN:
        lines.append(_why_open(outcome, _unit(results, outcome)))
    differing = differing_facts(results.environments(*comparison.arms))
    processors = differing.pop("processor", []) or differing.pop("processor's", [])
    if processors and outcome.metric.unit in CLOCKED:
        lines.append(f"times of different processors ({'; '.join(processors)}), which do not compare")
    elif processors:
        lines.append(f"measured on different processors ({'; '.join(processors)})")
    if differing:
        lines.append("measured with different " + "; ".join(f"{k} ({', '.join(v)})" for k, v in differing.items()))
    if outcome.unpaired:
        lines.append(f"{words.seeds(outcome.unpaired)} left out, only one of the two arms has it")
    if outcome.unmeasured:
        lines.append(f"{words.seeds(outcome.unmeasured)} left out, a number is missing or not finite")
    if outcome.diverged:
        names = ", ".join(f"{results.label(arm)} seed {seed}" for arm, seed in outcome.diverged)
        lines.append(f"counts diverged trials like any other ({names})")
    return lines


def _why_open(outcome: Outcome, unit: Unit) -> str:
    one, several = unit
    if outcome.difference is None:
        return f"no {one} has {'both numbers' if outcome.comparison.against else 'the number'}"
    if outcome.difference.n > 1 and not outcome.difference.has_interval:
        return f"{outcome.difference.n} {several} are too few for an interval of a share that runs past 0 or 100 %"
    if outcome.difference.n < 2:
        value = "pair" if outcome.comparison.against else "value"
        return f"one {value} has no spread, so nothing can be told; two {several} are the least"
    if outcome.metric.unit == TIMED:
        return "the scatter is the machine's: it takes a longer or a quieter measurement of time"
    border = "the margin" if outcome.comparison.margin else "0"
    if outcome.needed is None:
        return f"too close to {border} for any number of {several} up to {MOST_SEEDS:,}"
    return f"{outcome.needed:,} {several} would tell such a difference from {border} four times in five"


def _seeds_needed(results: StudyResults, open_ones: Sequence[Outcome]) -> str:
    """How many seeds would tell the least sure comparison, and how many any other that is open."""
    shown = min(open_ones, key=lambda outcome: -1.0 if math.isnan(outcome.sureness) else outcome.sureness)
    several = _unit(results, shown)[1]
    if shown.metric.unit == TIMED:
        said = "it takes a longer or a quieter measurement of time"
    elif shown.needed is None:
        said = f"more {several} would not do"
    else:
        said = f"about {shown.needed:,} {several} would tell such a difference four times in five"
    others = [o.needed for o in open_ones if o is not shown and o.metric.unit != TIMED]
    if not others:
        return said
    ordered = sorted(others, key=lambda needed: math.inf if needed is None else needed)
    ends = " to ".join(words.needed(end) for end in dict.fromkeys((ordered[0], ordered[-1])))
    return f"{said} (the {'other' if len(others) == 1 else 'others'}: {ends})"


def _measured(results: StudyResults, outcome: Outcome) -> str:
    difference = outcome.difference
    alike = ", alike for every seed" if difference and difference.n > 1 and difference.sd == 0 else ""
    said = words.difference(outcome.metric, difference)
    return f"{outcome.metric.label}, *{pair(results, outcome.comparison)}*: {said}{alike}"


def _inside_margin(outcome: Outcome) -> str:
    """Of a difference as expected that surely has the other sign, and is less than the margin: that it is so."""
    difference, comparison = outcome.difference, outcome.comparison
    if outcome.direction != claims.AS_EXPECTED or not comparison.margin or not difference.has_interval:
        return ""
    if not comparison.expect.startswith("not_"):
        return ""
    above = comparison.expect in claims.ABOVE
    if not (difference.upper < 0 if above else difference.lower > 0):
        return ""
    return f"{'lower' if above else 'higher'} by less than the margin"


def _is_opposed(outcome: Outcome) -> bool:
    """Whether the whole interval lies beyond the border, on the side that is not expected."""
    difference, comparison = outcome.difference, outcome.comparison
    if difference is None or not difference.has_interval or comparison.expect == "alike":
        return False
    above = comparison.expect in claims.ABOVE
    return difference.upper < comparison.border if above else difference.lower > comparison.border


def _label(results: StudyResults, subject: str) -> str:
    return results.label(subject) if subject in results.study.arms else subject


def _unit(results: StudyResults, outcome: Outcome) -> Unit:
    return GROUPS if any(map(results.is_averaged, outcome.comparison.arms)) else SEEDS


def _published_effects(verdict: Verdict, numbers: Sequence[PublishedNumber]) -> list[str]:
    """That a contradiction holds here, and the effects that were published."""
    effects = [number for number in numbers if number.change and number.claim in (None, verdict.claim)]
    if not effects:
        return ["It is contradicted on the data and at the scale of this page; that says nothing of others."]
    named = "; ".join(map(_effect, effects[:MOST_PUBLISHED]))
    rest = f", and {len(effects) - MOST_PUBLISHED} more below" if len(effects) > MOST_PUBLISHED else ""
    return [f"It is contradicted here, which does not make the paper wrong. Published: {named}{rest}."]


def _effect(number: PublishedNumber) -> str:
    doubt = "recalled, not checked" if number.is_recalled else ""
    return f"{number.network}: {number.value} ({', '.join(filter(None, (number.remarks, number.data, doubt)))})"
