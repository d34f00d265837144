"""*Is deeper better?* in three sentences, from the three claims of the ledger that ask it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from deeper.claims import verdicts as claims
from deeper.claims.verdicts import CANNOT_TELL, CONTRADICTED, MIXED, NOT_TESTABLE, SUPPORTED, TOO_SMALL_TO_MATTER
from deeper.reporting import words
from deeper.reporting.arm_results import network_of
from deeper.reporting.charts.theme import family
from deeper.reporting.pages.claim_rows import ClaimRow
from deeper.schema.study import Comparison, MetricName


@dataclass(frozen=True)
class Question:
    """A claim that is a part of the answer, the metric that it is told by, and what is said for each verdict."""

    claim: str
    metric: MetricName
    says: Mapping[str, str]


@dataclass(frozen=True)
class Sentence:
    """A sentence of the answer: what is said, the page that shows it, and the number behind it."""

    says: str
    row: ClaimRow
    number: str


QUESTIONS = (
    Question(
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
    ),
    Question(
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
    ),
    Question(
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
    ),
)


def answer(rows: Mapping[str, ClaimRow]) -> list[Sentence]:
    """The sentences whose claims have rows, in the order of ``QUESTIONS``."""
    return [
        Sentence(question.says[row.verdict], row, _number(row, question.metric))
        for question in QUESTIONS
        if (row := rows.get(question.claim))
    ]


def _number(row: ClaimRow, metric: MetricName) -> str:
    """The comparison that the claim hangs on: ``training error, Plain-56 − Plain-20: +28.69 points [+2.15, +55.24]``.

    It is one of networks of one family, deep and shallow; a share of another difference is not taken from it.
    """
    of_metric = [one for one in row.answer.outcomes if one.comparison.metric == metric]
    alike = tuple(one for one in of_metric if _is_of_one_family(row, one.comparison))
    outcome = dataclasses.replace(row.answer, outcomes=alike or row.answer.outcomes).deciding
    if outcome.comparison.minus:
        alone = outcome.comparison.model_copy(update={"minus": None})
        outcome = claims.measure(alone, row.results.rows, row.answer.family)
    pair, seeds = words.arms(outcome.comparison, row.results.label), words.plural(row.answer.seeds, "seed")
    return f"{outcome.metric.label}, {pair}: {words.difference(outcome.metric, outcome.difference)}; {seeds}"


def _is_of_one_family(row: ClaimRow, comparison: Comparison) -> bool:
    return len({family(network_of(row.results.study, arm)) for arm in comparison.pair}) == 1
