"""What an open claim is said to need."""

import math

import pytest

from deeper.analysis import claims
from deeper.analysis.claims import Comparison, Outcome, Verdict
from deeper.analysis.metrics import METRICS
from deeper.reporting import answers
from deeper.reporting.records import Results

RESULTS = Results("x.json", {"study": {"arms": {"a": {}, "b": {}}}})


def outcome(metric, needed=None, direction=claims.OPEN, seeds=4):
    comparison = Comparison(METRICS[metric], "a", "b", "lower")
    return Outcome(comparison, None, tuple(range(seeds)), (), (), (), math.nan, 0.1, 0.2, direction, needed)


def advice(*outcomes, verdict=claims.CANNOT_TELL):
    return answers.advice(RESULTS, Verdict("degradation", "x", verdict, outcomes))


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        ([outcome("test_error", 17)], "about 17 seeds would tell it four times in five"),
        ([outcome("test_error", 17), outcome("train_error", 9)], "about 17 seeds"),
        ([outcome("test_error", 9), outcome("step_ms", 323)], "about 9 seeds"),
        ([outcome("test_error"), outcome("step_ms", 3)], "more seeds would not do"),
        ([outcome("test_error", None, claims.AS_EXPECTED), outcome("step_ms", 323)], "measurement of time"),
        ([outcome("test_error", 17, seeds=1)], "it takes two seeds or more"),
    ],
)
def test_seeds_where_seeds_are_the_sample_and_a_better_clock_where_not(outcomes, words):
    assert words in advice(*outcomes)


def test_a_claim_that_is_told_needs_nothing():
    assert advice(outcome("test_error", 17), verdict=claims.SUPPORTED) == ""
