"""Sentences that a page says of its own limits, from the verdicts and the records."""

from collections.abc import Mapping, Sequence
from typing import Any

from deeper.claims import verdicts as claims
from deeper.claims.verdicts import Outcome, Verdict
from deeper.reporting import answers, scale, text
from deeper.reporting.published import Figure
from deeper.reporting.records import Results

MOST_PUBLISHED = 3
CLOCKED = (answers.TIMED, "s", "images/s")  # units of what a clock measures
HERE = "It is contradicted on the data and at the scale of this page"


def of_verdict(results: Results, answer: Verdict, published: Sequence[Figure] = ()) -> list[str]:
    """What a reader must know of a verdict: seeds left out, diverged trials, seeds needed; and what was published.

    ``published`` is everything that stands beside the study; a contradicted claim names the effects among it.
    """
    lines = [line for outcome in answer.outcomes for line in _of_outcome(results, outcome)]
    return lines + (_published(answer, published) if answer.verdict == claims.CONTRADICTED else [])


def limits(results: Results, verdicts: Sequence[Verdict]) -> list[str]:
    """What the study cannot tell: its open claims, its scale, and comparisons that its seeds are too few for."""
    lines = [*open_claims(results, verdicts), _scale(results)]
    counts = sorted({len(results.trials(arm)) for arm in results.arms if not results.averaged(arm)})
    if counts:
        lines.append(f"How much of it is chance: {_chance(results, counts)}.")
    if results.content["profile"] == "smoke":
        lines.append("Anything at all about the claims: the profile `smoke` only shows that the machinery works.")
    return lines


def _chance(results: Results, counts: Sequence[int]) -> str:
    """What the seeds of the arms vary, and what they do not."""
    if counts == [1]:
        return "1 seed an arm tells nothing of other initial weights, another order of the images, other images"
    sizes = len(scale.of(results, results.content["trials"]).images)
    on = "on one and the same training set" + (" of each size" if sizes > 1 else "")
    seeds = text.plural(counts[0], "seed") if len(counts) == 1 else f"{scale.several(counts)} seeds"
    return f"{seeds} an arm vary the initial weights and the order of the images, {on}"


def open_claims(results: Results, verdicts: Sequence[Verdict]) -> list[str]:
    """A line for each claim that is open."""
    return [_open_claim(results, answer) for answer in verdicts if answer.verdict == claims.CANNOT_TELL]


def diverged(label: str, trials: Sequence[Mapping[str, Any]]) -> str:
    """An arm's diverged trials and why they are called so."""
    reasons = (f"seed {trial['seed']} ({trial['reason'] or 'no reason recorded'})" for trial in trials)
    what = "did not learn" if all("chance" in (trial["reason"] or "") for trial in trials) else "diverged"
    return f"{label} {what} with {', '.join(reasons)}. Their errors count like any other."


def machine(facts: Mapping[str, Any]) -> str:
    """Processor, cores, memory, GPUs and system; a host's name is not among them."""
    gpus = facts.get("gpus") or []
    parts = (
        facts.get("cpu"),
        text.plural(facts["cores"], "core") if facts.get("cores") else None,
        f"{text.number(facts['memory_gib'], 0)} GiB" if facts.get("memory_gib") else None,
        ", ".join(map(str, gpus)) if gpus else "no GPU",
        facts.get("os"),
    )
    return ", ".join(part for part in parts if part)


def _of_outcome(results: Results, outcome: Outcome) -> list[str]:
    comparison = outcome.comparison
    arms = " against ".join(results.label(arm) for arm in (comparison.of, comparison.against) if arm)
    what = f"{text.sentence(outcome.metric.label)}, {arms}"
    lines = []
    if outcome.direction == claims.OPEN:
        lines.append(f"{what}: {_open_comparison(outcome, answers.unit(results, outcome))}.")
    processors = results.processors(*filter(None, (comparison.of, comparison.against)))
    if outcome.metric.unit in CLOCKED and len(processors) > 1:
        lines.append(f"{what}: times of different processors ({'; '.join(processors)}), which do not compare.")
    if outcome.unpaired:
        lines.append(f"{what}: {text.seeds(outcome.unpaired)} left out, only one of the two arms has it.")
    if outcome.unmeasured:
        lines.append(f"{what}: {text.seeds(outcome.unmeasured)} left out, a number is missing or not finite.")
    if outcome.diverged:
        named = ", ".join(f"{results.label(arm)} seed {seed}" for arm, seed in outcome.diverged)
        lines.append(f"{what}: counts diverged trials like any other ({named}).")
    return lines


def _open_comparison(outcome: Outcome, unit: tuple[str, str]) -> str:
    one, several = unit
    if outcome.difference is None:
        return f"no {one} has {'both numbers' if outcome.comparison.against else 'the number'}"
    if outcome.difference.n < 2:
        value = "pair" if outcome.comparison.against else "value"
        return f"one {value} has no spread, and without one nothing can be told; two {several} are the least"
    border = "the margin" if outcome.comparison.margin else "0"
    if outcome.metric.unit == answers.TIMED:
        return "the scatter is the machine's: it takes a longer or a quieter measurement of time"
    if outcome.needed is None:
        return f"too close to {border} for any number of {several} up to {text.MOST_SEEDS:,}"
    return f"{outcome.needed:,} {several} would tell a difference like this one from {border} four times in five"


def _open_claim(results: Results, answer: Verdict) -> str:
    open_ones, n = sum(outcome.direction == claims.OPEN for outcome in answer.outcomes), len(answer.outcomes)
    where = f"{open_ones} of its {n} comparisons {'is' if open_ones == 1 else 'are'} open" if n > 1 else "it is open"
    return f"Whether {answer.about.statement}: {where}, and {answers.advice(results, answer)}."


def _scale(results: Results) -> str:
    found = scale.of(results, results.content["trials"])
    epochs = f" of {found.epochs_words()}" if found.epochs else ""
    own = ", but for what the arms differ in" if scale.varying(results.content["trials"]) else ""
    return (
        f"Whether it is the same at another scale: this is {found.data_words()} at {found.pixels_words()} with "
        f"{found.images_words()}, under one recipe{epochs}{own}."
    )


def _published(answer: Verdict, figures: Sequence[Figure]) -> list[str]:
    effects = [one for one in figures if one.change and one.claim in (None, answer.claim)]
    if not effects:
        return [f"{HERE}; that says nothing of others."]
    named = "; ".join(_effect(one) for one in effects[:MOST_PUBLISHED])
    rest = f", and {len(effects) - MOST_PUBLISHED} more below" if len(effects) > MOST_PUBLISHED else ""
    return [f"{HERE}, which does not make the paper wrong. Published: {named}{rest}."]


def _effect(one: Figure) -> str:
    doubt = "recalled, not checked" if one.confidence == "recalled" else ""
    where = ", ".join(filter(None, (one.remarks, one.data, doubt)))
    return f"{one.network}: {one.value} ({where})"
