"""Sentences that a page says of its own limits, from the verdicts and the records."""

from collections.abc import Mapping, Sequence
from typing import Any

from deeper.analysis import claims
from deeper.analysis.claims import Outcome, Verdict
from deeper.reporting import text
from deeper.reporting.records import Results

SEEDS = ("seed", "seeds")
GROUPS = ("group of networks", "groups of networks")


def of_verdict(results: Results, answer: Verdict) -> list[str]:
    """What a reader must know of a verdict's comparisons: seeds left out, diverged trials, seeds needed."""
    return [line for outcome in answer.outcomes for line in _of_outcome(results, outcome)]


def limits(results: Results, verdicts: Sequence[Verdict]) -> list[str]:
    """What the study cannot tell: its open claims, its scale, and comparisons that its seeds are too few for."""
    lines = [_open_claim(results, answer) for answer in verdicts if answer.verdict == claims.CANNOT_TELL]
    data, content = results.content["data"], results.content
    lines.append(
        f"Whether it is the same at another scale: this is {text.data_name(data['name'])} at "
        f"{data['image_size']}×{data['image_size']} pixels with {data['train']:,} training images, under one recipe"
        f"{_epochs(content['recipe'])}."
    )
    seeds = min((len(results.trials(arm)) for arm in results.arms if not results.averaged(arm)), default=0)
    if seeds:
        lines.append(
            f"How much of it is chance of the data: {text.plural(seeds, 'seed')} an arm vary the initial weights and "
            "the order of the images, on one and the same training set."
        )
    if content["profile"] == "smoke":
        lines.append("Anything at all about the claims: the profile `smoke` only shows that the machinery works.")
    return lines


def diverged(label: str, trials: Sequence[Mapping[str, Any]]) -> str:
    """An arm's diverged trials and why they are called so."""
    reasons = (f"seed {trial['seed']} ({trial['reason'] or 'no reason recorded'})" for trial in trials)
    return f"{label} diverged with {', '.join(reasons)}. Their errors count like any other."


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
    what = f"{text.sentence(comparison.metric.label)}, {arms}"
    lines = []
    if outcome.direction == claims.OPEN:
        lines.append(f"{what}: {_open_comparison(outcome, _unit(results, outcome))}.")
    if outcome.unpaired:
        lines.append(f"{what}: {text.seeds(outcome.unpaired)} left out, only one of the two arms has it.")
    if outcome.unmeasured:
        lines.append(f"{what}: {text.seeds(outcome.unmeasured)} left out, a number is missing or not finite.")
    if outcome.diverged:
        named = ", ".join(f"{results.label(arm)} seed {seed}" for arm, seed in outcome.diverged)
        lines.append(f"{what}: counts diverged trials like any other ({named}).")
    return lines


def _unit(results: Results, outcome: Outcome) -> tuple[str, str]:
    """What a comparison has one number for: one of it, and several."""
    arms = (outcome.comparison.of, outcome.comparison.against)
    return GROUPS if any(arm and results.averaged(arm) for arm in arms) else SEEDS


def _open_comparison(outcome: Outcome, unit: tuple[str, str]) -> str:
    one, several = unit
    if outcome.difference is None:
        return f"no {one} has {'both numbers' if outcome.comparison.against else 'the number'}"
    if outcome.difference.n < 2:
        value = "pair" if outcome.comparison.against else "value"
        return f"one {value} has no spread, and without one nothing can be told; two {several} are the least"
    border = "the margin" if outcome.comparison.margin else "0"
    if outcome.needed is None:
        return f"too close to {border} for any number of {several} up to {text.MOST_SEEDS:,}"
    return f"{outcome.needed:,} {several} would tell a difference like this one from {border} four times in five"


def _open_claim(results: Results, answer: Verdict) -> str:
    units = [_unit(results, outcome) for outcome in answer.outcomes if outcome.direction == claims.OPEN]
    _, several = GROUPS if GROUPS in units else SEEDS
    open_ones, n = sum(outcome.direction == claims.OPEN for outcome in answer.outcomes), len(answer.outcomes)
    where = f"{open_ones} of its {n} comparisons {'is' if open_ones == 1 else 'are'} open" if n > 1 else "it is open"
    advice = f"about {answer.needed:,} {several} would settle it" if answer.needed else f"more {several} would not do"
    if answer.seeds < 2:
        advice = f"it takes two {several} or more"
    return f"Whether {claims.ledger()[answer.claim].statement}: {where}, and {advice}."


def _epochs(recipe: Mapping[str, Any]) -> str:
    epochs = recipe.get("epochs")
    return f" of {text.plural(epochs, 'epoch')}" if isinstance(epochs, int) else ""
