"""*Is deeper better?* in three sentences, from the claims that ask it."""

import dataclasses
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeVar

from deeper.claims import verdicts as claims
from deeper.claims.family import planned_seeds
from deeper.claims.verdicts import (
    AS_EXPECTED,
    CANNOT_TELL,
    CONTRADICTED,
    MIXED,
    NOT_TESTABLE,
    OPEN,
    SUPPORTED,
    TOO_SMALL_TO_MATTER,
    Outcome,
)
from deeper.reporting import words
from deeper.reporting.arm_results import network_of
from deeper.reporting.charts.theme import family
from deeper.reporting.pages.claim_rows import SCALES, STEPS, ClaimRow
from deeper.schema.results import FIRST_LEDGER
from deeper.schema.study import Comparison, MetricName

Fact = TypeVar("Fact", bound=Hashable)


class Settled(Enum):
    """Comparisons within a family of networks, those across families, or those that are told, whichever they are."""

    WITHIN, ACROSS, TOLD = range(3)


@dataclass(frozen=True)
class Question:
    """A claim that is a part of the answer, the metric that it is told by, and what is said for each verdict.

    ``in_part`` is said in the place of *cannot tell* where the metric's comparisons that ``settled`` names are all as
    expected, and others are open; its ``{where}`` is what sets those comparisons apart: ``width 4 and width 8``.
    """

    claim: str
    metric: MetricName
    says: Mapping[str, str]
    in_part: str = ""
    settled: Settled = Settled.WITHIN


@dataclass(frozen=True)
class Sentence:
    """A sentence of the answer: what is said, the page that shows it, and the number behind it."""

    says: str
    row: ClaimRow
    number: str


DEPTH_ALONE = Question(
    "degradation",
    "train_error",
    {
        SUPPORTED: "Not by itself: past some depth a plain network trains worse",
        CONTRADICTED: "Yes, even by itself: a deeper plain network trains no worse",
        MIXED: "By itself only so far: at one depth a plain network trains worse, at another it does not",
        TOO_SMALL_TO_MATTER: "By itself depth changes nothing that matters",
        CANNOT_TELL: "Whether depth alone hurts cannot be told yet",
        NOT_TESTABLE: "Whether depth alone hurts could not be tested fairly here",
    },
)
SHORTCUTS = Question(
    "residual-fixes",
    "train_error",
    {
        SUPPORTED: "With shortcuts it does no harm: the deeper network trains as well",
        CONTRADICTED: "Shortcuts do not mend it: the deeper residual network trains worse too",
        MIXED: "Shortcuts mend a part of it: some deeper residual networks train as well, some do not",
        TOO_SMALL_TO_MATTER: "With shortcuts the difference is too small to matter",
        CANNOT_TELL: "Whether shortcuts mend all of it cannot be told yet",
        NOT_TESTABLE: "Whether shortcuts mend it could not be tested fairly here",
    },
    in_part="Shortcuts help a deep network to train; whether as well as a shallow one cannot be told yet",
    settled=Settled.ACROSS,
)
WITH_SHORTCUTS = Question(
    "deeper-is-better",
    "test_error",
    {
        SUPPORTED: "With shortcuts, deeper is better at every width: 50 layers err less than 8",
        CONTRADICTED: "With shortcuts, deeper is worse: 50 layers err more than 8 wherever a difference is told",
        MIXED: "With shortcuts, what depth brings depends on the width of the network",
        TOO_SMALL_TO_MATTER: "With shortcuts, 50 layers err as much as 8",
        CANNOT_TELL: "Whether 50 layers with shortcuts err less than 8 at every width cannot be told yet",
        NOT_TESTABLE: "Whether deeper is better with shortcuts could not be tested fairly here",
    },
    in_part="With shortcuts, 50 layers err less than 8 at {where} (channels of the first stage); at other widths no "
    "gain is told",
    settled=Settled.TOLD,
)
WIDE_OR_DEEP = Question(
    "width-vs-depth",
    "test_error",
    {
        SUPPORTED: "For the same number of parameters a wide shallow network is as good as a deep one, and faster",
        CONTRADICTED: "For the same number of parameters a wide shallow network is not as good as a deep one",
        MIXED: "For the same number of parameters a wide shallow network is as good as a deep one in part",
        TOO_SMALL_TO_MATTER: "For the same number of parameters deep or wide makes no difference that matters",
        CANNOT_TELL: "For the same number of parameters, whether wide is as good as deep cannot be told yet",
        NOT_TESTABLE: "For the same number of parameters, deep and wide could not be compared fairly here",
    },
    in_part="For the same number of parameters a wide shallow network is no worse than a deep one, within the "
    "margin; whether it is faster cannot be told, so the claim stays open",
)
QUESTIONS = ((DEPTH_ALONE,), (SHORTCUTS,), (WITH_SHORTCUTS, WIDE_OR_DEEP))  # a sentence each, of the first asked


def answer(rows: Mapping[str, ClaimRow]) -> list[Sentence]:
    """The sentences whose claims have rows, in the order of ``QUESTIONS``."""
    asked = [next((one for one in instead if one.claim in rows), None) for instead in QUESTIONS]
    return [_sentence(one, rows[one.claim]) for one in asked if one]


def mapped(sentences: Sequence[Sentence]) -> list[ClaimRow]:
    """The claims among them whose study draws a map of its arms."""
    return [sentence.row for sentence in sentences if sentence.row.results.study.map]


def scales(sentences: Sequence[Sentence]) -> list[str]:
    """What the sentences were measured on, each scale once: ``Fashion-MNIST, … (1 and 2)`` where there are several."""
    places = _places(sentence.row.measured_on for sentence in sentences)
    return [f"{scale} ({words.listed(of)})" if len(places) > 1 else scale for scale, of in places.items()]


def families(sentences: Sequence[Sentence]) -> list[str]:
    """Over what the intervals are simultaneous, each family once: ``9 comparisons (1 and 2)``."""
    places = _places(sentence.row.answer.family for sentence in sentences)
    return [f"{words.plural(size, 'comparison')} ({words.listed(of)})" for size, of in places.items()]


def _places(values: Iterable[Fact]) -> dict[Fact, list[int]]:
    """Each value once, with the numbers of the sentences that have it."""
    places: dict[Fact, list[int]] = {}
    for place, value in enumerate(values, 1):
        places.setdefault(value, []).append(place)
    return places


def _sentence(question: Question, row: ClaimRow) -> Sentence:
    of_metric = [one for one in row.answer.outcomes if one.comparison.metric == question.metric]
    alike = [one for one in of_metric if _is_of_one_family(row, one.comparison)]
    settled = {
        Settled.WITHIN: alike,
        Settled.ACROSS: [one for one in of_metric if one not in alike],
        Settled.TOLD: [one for one in of_metric if one.direction != OPEN],
    }[question.settled]
    if row.verdict == CANNOT_TELL and settled and all(one.direction == AS_EXPECTED for one in settled):
        says = question.in_part.format(where=words.listed([_where(row, one) for one in settled]))
        least = min(settled, key=lambda one: one.sureness)
        shown = settled if question.settled is Settled.TOLD else [least, _open_beside(row, least)]
        return Sentence(_at_its_scale(says, row), row, _numbers(row, shown))
    deciding = dataclasses.replace(row.answer, outcomes=tuple(alike) or row.answer.outcomes).deciding
    return Sentence(_at_its_scale(question.says[row.verdict], row), row, _numbers(row, [deciding]))


def _where(row: ClaimRow, outcome: Outcome) -> str:
    """``width 4`` of ``50 layers, width 4``: a label without its first part."""
    label = row.results.label(outcome.comparison.of)
    return label.partition(", ")[2] or label


def _open_beside(row: ClaimRow, told: Outcome) -> Outcome:
    """The open comparison of the same two networks, where there is one; else that which the verdict hangs on."""
    still = [one for one in row.answer.outcomes if one.direction == OPEN]
    alike = [one for one in still if one.comparison.pair == told.comparison.pair]
    return min(alike, key=lambda one: one.sureness) if alike else row.answer.deciding


def _at_its_scale(says: str, row: ClaimRow) -> str:
    """A sentence of the first ledger says how little its networks were trained."""
    if row.results.table.profile != FIRST_LEDGER:
        return says
    return f"After {SCALES[STEPS[FIRST_LEDGER]]}: {says[:1].lower()}{says[1:]}"


def _numbers(row: ClaimRow, outcomes: Sequence[Outcome]) -> str:
    """``training error, Plain-56 − Plain-20: +28.69 points [+2.15, +55.24]; 5 seeds``; a metric is named once.

    A share of another difference is not taken from any.
    """
    said, before = [], None
    for one in outcomes:
        outcome = claims.without_share(one, row.results.rows, row.answer.family)
        pair, found = words.arms(outcome.comparison, row.results.label), outcome.difference
        label = f"{outcome.metric.label}, " if outcome.metric != before else ""
        said.append(f"{label}{pair}: {words.difference(outcome.metric, found)}{_margin(outcome)}")
        before = outcome.metric
    planned = planned_seeds(row.results.name, row.profile)
    of_planned = f"{row.answer.seeds} of {planned} planned seeds" if row.answer.seeds < planned else ""
    return "; ".join([*said, of_planned or words.plural(row.answer.seeds, "seed")])


def _margin(outcome: Outcome) -> str:
    margin = outcome.comparison.margin
    return f", margin {words.amount(outcome.metric, margin)}" if margin else ""


def _is_of_one_family(row: ClaimRow, comparison: Comparison) -> bool:
    return len({family(network_of(row.results.study, arm)) for arm in comparison.pair}) == 1
