"""What a study found, in a sentence with units: made from a claim's comparisons by rule, and never from the claim."""

from collections.abc import Sequence
from itertools import groupby

from deeper.claims import verdicts as claims
from deeper.claims.metrics import RATIO
from deeper.claims.statistics import Mean
from deeper.claims.verdicts import Outcome, Verdict
from deeper.reporting import words
from deeper.reporting.load import StudyResults
from deeper.reporting.pages.verdict_words import pair
from deeper.schema.study import Comparison

MOST = 3  # comparisons of a claim that its sentence names, where there are no more; else two
MANY = 3  # claims of a study, from which on each names the deciding comparison alone
WAYS = {True: "higher", False: "lower"}
COUNTED_WAYS = {True: "more", False: "fewer"}


def finding(results: StudyResults, verdict: Verdict) -> str:
    """``Separable against full convolutions: 12 % of the multiply-adds, but test error 2.67 points higher [2.10, …]``.

    Of many comparisons the deciding one and the first other are named, in their order; of a study of many claims the
    deciding one, and where that is another claim's too, the first of its own. A metric that all of them have is named
    once: ``Test error. SE-ResNet-20 against ResNet-20: …``.
    """
    is_brief = len(results.study.claims) > MANY
    named = _named(results, verdict, is_brief)
    groups = groupby(named, key=lambda outcome: _subject(results, outcome.comparison))
    parts = [f"{subject}: {_joined(results, list(outcomes))}" for subject, outcomes in groups]
    label, rest = named[0].metric.label, len(verdict.outcomes) - len(named)
    if len(parts) > 1 and len({outcome.metric for outcome in named}) == 1 and not named[0].is_fact:
        parts = [part.replace(f"{label} ", "") for part in parts]
        parts[0] = f"{label}. {words.sentence(parts[0])}"
    return words.sentence("; ".join(parts)) + (f"; and {rest} more below" if rest and not is_brief else "")


def _named(results: StudyResults, verdict: Verdict, is_brief: bool) -> Sequence[Outcome]:
    if len(verdict.outcomes) <= MOST and not is_brief:
        return verdict.outcomes
    others = [one for one in verdict.outcomes if one is not verdict.deciding]
    if is_brief:
        tests = [test for claim, test in results.study.claims.items() if claim != verdict.claim]
        elsewhere = [one for test in tests for one in test.comparisons]
        is_shared = verdict.deciding.comparison in elsewhere
        others = [one for one in others if is_shared and one.comparison not in elsewhere]
    return [one for one in verdict.outcomes if one in (verdict.deciding, *others[:1])]


def _subject(results: StudyResults, comparison: Comparison) -> str:
    """``Plain-56 against Plain-20``; an arm alone, and a share that is taken away, stand as the tables have them."""
    if comparison.against is None or comparison.minus:
        return pair(results, comparison)
    return f"{results.label(comparison.of)} against {results.label(comparison.against)}"


def _joined(results: StudyResults, outcomes: Sequence[Outcome]) -> str:
    """What each comparison of a pair says: ``but`` stands before what came out in another way than the one before."""
    parts = {of_outcome(results, outcome): outcome.direction for outcome in outcomes}
    said, before = "", None
    for part, direction in parts.items():
        turned = {before, direction} == {claims.AS_EXPECTED, claims.OPPOSITE}
        said += (", but " if turned else ", " if said else "") + part
        before = direction
    return said


def of_outcome(results: StudyResults, outcome: Outcome) -> str:
    """``test error 2.67 points higher [2.10, 3.25]``; what cannot be told, or does not matter, says so."""
    found, comparison, label = outcome.difference, outcome.comparison, outcome.metric.label
    if found is None:
        return f"{label} not measured"
    is_pair = comparison.against is not None and comparison.minus is None
    if outcome.is_fact and is_pair:
        return _share(results, outcome)
    signed = f"{label} {words.difference(outcome.metric, found)}"
    if outcome.is_fact:
        return signed
    if not found.has_interval:
        return f"{label} {measured(outcome)}"
    return (_way(outcome) if is_pair and _is_beside_0(found) else signed) + _told(outcome)


def measured(outcome: Outcome, bare: bool = False) -> str:
    """``−10.96 epochs [−11.72, −10.21], or further from 0``; a mean without an interval says why it has none."""
    found = outcome.difference
    said = words.difference(outcome.metric, found, bare) + (", or further from 0" if outcome.is_least else "")
    if found is None or found.has_interval or outcome.is_fact:
        return said
    return f"{said} ({words.no_interval(found)})"


def _share(results: StudyResults, outcome: Outcome) -> str:
    """``12 % of the multiply-adds``, ``1.3 times the parameters``: of counts, which every seed has alike."""
    of, against = (
        next(outcome.metric(row) for row in results.rows if row.arm == arm) for arm in outcome.comparison.pair
    )
    if of == against:
        return f"as many {outcome.metric.label}"
    ratio = of / against
    said = f"{words.number(100 * ratio, 0 if ratio < 0.95 else 1)} %" if ratio < 1 else f"{words.number(ratio)} times"
    return f"{said} of the {outcome.metric.label}" if ratio < 1 else f"{said} the {outcome.metric.label}"


def _way(outcome: Outcome) -> str:
    """``test error 2.67 points higher [2.10, 3.25]``; ``at least 10.96 fewer epochs to …``, where it is a bound."""
    metric, found = outcome.metric, outcome.difference
    low, high = sorted(abs(metric.shown(end)) for end in (found.lower, found.upper))
    least = "at least " if outcome.is_least else ""
    size = f"{least}{words.number(abs(metric.shown(found.mean)))}"
    interval = f"[{words.number(low)}, {words.number(high)}]"
    if metric.label.startswith(metric.unit):
        return f"{size} {COUNTED_WAYS[found.mean > 0]} {metric.label} {interval}"
    label = metric.label.removesuffix(", as a ratio") if metric.unit == RATIO else metric.label
    return f"{label} {size} {words.unit(metric)} {WAYS[found.mean > 0]} {interval}"


def _told(outcome: Outcome) -> str:
    """What else than the side of 0 is told, or is not told."""
    comparison, is_beside_0 = outcome.comparison, _is_beside_0(outcome.difference)
    border = comparison.margin or (comparison.region if comparison.expect == "alike" else None)
    size = f"{words.amount(outcome.metric, border)} {words.unit(outcome.metric)}" if border else ""
    match outcome.direction:
        case claims.TOO_SMALL:
            return ", too little to matter"
        case claims.OPEN:
            return f", not told from {size}" if size and is_beside_0 else ", not told apart"
        case claims.AS_EXPECTED if size and comparison.expect in claims.NOTHING_HAPPENS:
            return _inside(outcome, size)
        case claims.OPPOSITE if size and not is_beside_0:
            return f", short of {size}"
    return ""


def _inside(outcome: Outcome, size: str) -> str:
    """The border that a difference surely keeps to; nothing where it lies on the other side of 0."""
    if outcome.comparison.expect == "alike":
        return f", within ±{size}"
    is_not_higher = outcome.comparison.expect == "not_higher"
    end = outcome.difference.upper if is_not_higher else -outcome.difference.lower
    return f", less than {size} {WAYS[is_not_higher]}" if end > 0 else ""


def _is_beside_0(found: Mean) -> bool:
    return found.lower > 0 or found.upper < 0
