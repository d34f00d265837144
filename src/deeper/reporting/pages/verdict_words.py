"""How a verdict is said: its mark, what it hangs on, what would settle it, what must hold before it can be tested."""

from collections.abc import Sequence

from deeper.claims import verdicts as claims
from deeper.claims.metrics import METRICS, RATIO
from deeper.claims.preconditions import (
    FITTED,
    AboveBaseline,
    FitsTraining,
    OrderIsStable,
    Precondition,
    RateInside,
    WithinBudget,
)
from deeper.claims.statistics import FEW, MOST_SEEDS
from deeper.claims.verdicts import Outcome, Verdict
from deeper.reporting import words
from deeper.reporting.load import StudyResults
from deeper.reporting.published_numbers import PublishedNumber
from deeper.schema.results import differing_facts
from deeper.schema.study import Comparison

TIMED = ("ms", RATIO)  # units of what a clock measures: its scatter is the machine's, and seeds are no sample of it
CLOCKED = (*TIMED, "s", "images/s")
MOST_PUBLISHED = 3
SIGNS = {
    claims.SUPPORTED: "✓",
    claims.CONTRADICTED: "✗",
    claims.MIXED: "±",
    claims.TOO_SMALL_TO_MATTER: "≈",
    claims.CANNOT_TELL: "?",
    claims.NOT_TESTABLE: "∅",
}

Unit = tuple[str, str]  # what a comparison has one number for: one of it, and several
SEEDS: Unit = ("seed", "seeds")
GROUPS: Unit = ("group of networks", "groups of networks")


def mark(verdict: str) -> str:
    """``✓ supported``; what goes against a claim is bold."""
    said = f"{SIGNS[verdict]} {verdict}"
    return f"**{said}**" if verdict in (claims.CONTRADICTED, claims.MIXED) else said


def pair(results: StudyResults, comparison: Comparison) -> str:
    """``Plain-56 − Plain-20``; one name where an arm is compared with no other."""
    return words.arms(comparison, results.label)


def counted(results: StudyResults, verdict: Verdict) -> str:
    """``5 seeds``, ``3 groups of networks``; ``6 to 16 seeds`` where comparisons have different numbers."""
    fewest = min(verdict.sampled, key=lambda outcome: len(outcome.seeds))
    unit = _unit(results, fewest)
    most = max(len(outcome.seeds) for outcome in verdict.sampled if _unit(results, outcome) == unit)
    if most > verdict.seeds:
        return f"{verdict.seeds:,} to {most:,} {unit[1]}"
    return words.plural(verdict.seeds, *unit)


def precondition(results: StudyResults, one: Precondition) -> str:
    """A precondition with its numbers: ``ResNet-20: training error 0.4 %, at most 1 % is asked``."""
    match one:
        case AboveBaseline():
            return _beside_baselines(results.label(one.arm), one)
        case FitsTraining():
            asked = f"at most {words.number(100 * FITTED, 0)} % is asked"
            return f"{results.label(one.arm)}: training error {words.number(100 * one.train_error)} %, {asked}"
        case WithinBudget():
            off = f"{words.number(100 * one.deviation, 1, sign=True)} % of {METRICS[one.budget.metric].label}"
            return f"{results.label(one.arm)}: {off} from the first, at most {100 * one.budget.within:g} % is asked"
        case RateInside(search=None):
            return f"{results.label(one.arm)}: no learning rate was searched"
        case RateInside():
            tried = f"tried from {one.lowest:g} to {one.highest:g}"
            return f"{results.label(one.arm)}: learning rate {one.search.rate:g}, {tried}"
        case OrderIsStable(comparison):
            metric = METRICS[comparison.metric]
            short, full = (words.amount(metric, value, sign=True) for value in (one.short, one.full))
            both = f"{short} {words.unit(metric)} in the searches of rates, {full} at the full length"
            return f"{pair(results, comparison)}: {both}"


def _beside_baselines(label: str, one: AboveBaseline) -> str:
    own = f"{label}: test error {words.number(100 * one.error, 1)} %"
    if one.logistic is None:
        return f"{own}; logistic regression on the same pixels: not computed"
    others = [("logistic regression", one.logistic), ("a random forest", one.forest)]
    named = [f"{name} {words.number(100 * error, 1)} %" for name, error in others if error is not None]
    marked = ", which does as well or better" if one.is_marked else ""
    return f"{own}; on the same pixels {words.listed(named)}{marked}"


def notes(results: StudyResults, verdict: Verdict, published: Sequence[PublishedNumber] = ()) -> list[str]:
    """What a reader must know of a verdict: seeds left out, diverged trials, seeds needed; and what was published.

    ``published`` is everything that stands beside the study; a contradicted claim names the effects among it.
    """
    lines = [
        f"{words.sentence(outcome.metric.label)}, {pair(results, outcome.comparison)}: {note}."
        for outcome in verdict.outcomes
        for note in [*_without_share(results, verdict, outcome), *_outcome_notes(results, outcome)]
    ]
    return lines + (_published_effects(verdict, published) if verdict.verdict == claims.CONTRADICTED else [])


def _without_share(results: StudyResults, verdict: Verdict, outcome: Outcome) -> list[str]:
    """The difference alone, of a comparison that takes a share of another one away."""
    alone = claims.without_share(outcome, results.rows, verdict.family)
    if alone is outcome:
        return []
    return [f"{pair(results, alone.comparison)} alone is {words.difference(alone.metric, alone.difference)}"]


def _outcome_notes(results: StudyResults, outcome: Outcome) -> list[str]:
    comparison, lines = outcome.comparison, []
    if outcome.direction == claims.OPEN:
        lines.append(_why_open(outcome, _unit(results, outcome)))
    differing = {} if outcome.is_fact else differing_facts(results.environments(*comparison.arms))
    processors = differing.pop("processor", []) or differing.pop("processor's", [])
    if processors and outcome.metric.unit in CLOCKED:
        lines.append(f"times of different processors ({'; '.join(processors)}), which do not compare")
    elif processors:
        lines.append(f"measured on different processors ({'; '.join(processors)})")
    if differing:
        lines.append("measured with different " + "; ".join(f"{k} ({', '.join(v)})" for k, v in differing.items()))
    if outcome.unpaired:
        lines.append(f"{words.seeds(outcome.unpaired)} left out, not every arm has it")
    if outcome.unmeasured:
        lines.append(f"{words.seeds(outcome.unmeasured)} left out, a number is missing or not finite")
    if outcome.diverged:
        names = [f"{results.label(arm)}, {words.seeds(own)}" for arm, own in _by_arm(outcome.diverged).items()]
        lines.append(f"counts trials that diverged or did not learn like any other ({'; '.join(names)})")
    if outcome.capped:
        lines.append(_capped(results, outcome))
    return lines


def _capped(results: StudyResults, outcome: Outcome) -> str:
    """How many trials ended before what was waited for, and what that makes of the difference."""
    counts = [
        f"{results.label(arm)} with {len(own)} of {words.plural(len(outcome.seeds), 'seed')}"
        for arm, own in _by_arm(outcome.capped).items()
    ]
    bound = "; so the difference is at least as large" if outcome.is_least else ""
    return f"not reached by {words.listed(counts)}, which count with one epoch more than they had{bound}"


def _by_arm(trials: Sequence[tuple[str, int]]) -> dict[str, list[int]]:
    """The seeds of each arm."""
    return {arm: [seed for of, seed in trials if of == arm] for arm, _ in trials}


def _why_open(outcome: Outcome, unit: Unit) -> str:
    one, several = unit
    if outcome.difference is None:
        return f"no {one} has {'both numbers' if outcome.comparison.against else 'the number'}"
    if outcome.difference.n < 2:
        value = "pair" if outcome.comparison.against else "value"
        return f"one {value} has no spread, so nothing can be told; two {several} are the least"
    if not outcome.difference.has_interval:
        return f"the interval would run past what is possible, so that of fewer than {FEW} {several} is not told"
    if outcome.metric.unit in TIMED:
        return "the scatter is the machine's: it takes a longer or a quieter measurement of time"
    border = _border(outcome)
    if outcome.needed is None:
        return f"too close to {border} for any number of {several} up to {MOST_SEEDS:,}"
    return f"{outcome.needed:,} {several} would tell such a difference from {border} four times in five"


def _border(outcome: Outcome) -> str:
    """What a mean must be told from."""
    region = outcome.comparison.region
    if region and (outcome.comparison.expect == "alike" or abs(outcome.difference.mean) < region):
        return "the edge of what matters"
    return "the margin" if outcome.comparison.margin else "0"


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
