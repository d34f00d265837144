"""What an open claim is said to need."""

import math

import pytest
import synthetic
from reported import results_of, verdicts_of

from deeper.claims import statistics
from deeper.claims import verdicts as claims
from deeper.claims.preconditions import Precondition
from deeper.claims.verdicts import Outcome, Verdict
from deeper.reporting.pages import verdict_words
from deeper.schema.study import ClaimTest, Comparison

RESULTS = results_of(synthetic.results(seeds=1, epochs=1))
OF, AGAINST = "plain56", "plain20"


def outcome(metric, needed=None, direction=claims.OPEN, seeds=4, found=None, expect="lower", margin=None):
    comparison = Comparison(metric=metric, of=OF, against=AGAINST, expect=expect, margin=margin)
    return Outcome(comparison, found, tuple(range(seeds)), (), (), (), math.nan, direction, needed)


def claim_of(outcomes):
    return ClaimTest(comparisons=tuple(one.comparison for one in outcomes))


def around(mean):
    """A difference surely within a point of ``mean`` points."""
    return statistics.difference([(mean - 0.5) / 100, mean / 100, (mean + 0.5) / 100], [0.0] * 3)


THREE = [outcome("train_error", needed) for needed in (30, None, 8)]


def advice(*outcomes, verdict=claims.CANNOT_TELL):
    return verdict_words.advice(RESULTS, Verdict("degradation", "x", verdict, outcomes, claim_of(outcomes)))


@pytest.mark.parametrize(
    ("outcomes", "words"),
    [
        ([outcome("test_error", 17)], "about 17 seeds would tell such a difference four times in five"),
        ([outcome("test_error", 17), outcome("train_error", 9)], "about 17 seeds"),
        ([outcome("test_error", 17), outcome("train_error", 90)], "five (the other: 90)"),
        ([outcome("test_error", 9), *THREE], "(the others: 8 to more than 10,000)"),
        ([outcome("test_error", 9), outcome("step_ms", 323)], "about 9 seeds"),
        ([outcome("test_error"), outcome("step_ms", 3)], "more seeds would not do"),
        ([outcome("test_error", None, claims.AS_EXPECTED), outcome("step_ms", 323)], "measurement of time"),
        ([outcome("test_error", 17, seeds=1)], "it takes two seeds or more"),
    ],
)
def test_seeds_where_seeds_are_the_sample_and_a_better_clock_where_not(outcomes, words):
    assert words in advice(*outcomes)


def test_the_number_of_open_comparisons_is_told():
    said = advice(outcome("test_error", 9), *THREE, outcome("train_error", None, claims.AS_EXPECTED))
    assert said.startswith("4 of 5 open; ")


def test_a_claim_that_is_told_needs_nothing():
    assert advice(outcome("test_error", 17), verdict=claims.SUPPORTED) == ""


def test_an_open_comparison_that_is_surely_on_the_other_side_is_named():
    shown, other = outcome("test_error", 9, found=around(0)), outcome("train_error", 6, found=around(8))
    said = advice(shown, other)
    assert "against the claim leans training error, *Plain-56 − Plain-20*: +8.00 points [+" in said
    assert "leans" not in advice(shown, outcome("train_error", 6, found=around(-8)))
    assert "leans" not in advice(shown, outcome("train_error", 6, found=around(1)))


def test_arms_measured_with_different_things_are_said_to_be():
    content = synthetic.results(seeds=2, epochs=1)
    first = content["environments"][0]
    other = {
        "versions": {**first["versions"], "torch": "2.13.0"},
        "machine": {**first["machine"], "cpu": "Another CPU"},
    }
    content["environments"].append({**first, **other})
    for trial in content["trials"]:
        trial["environment"] = int(trial["arm"] == "resnet56")
    results = results_of(content)
    told = {verdict.claim: " ".join(verdict_words.notes(results, verdict)) for verdict in verdicts_of(content)}
    assert "measured on different processors (Some CPU; Another CPU)" in told["residual-fixes"]
    assert "measured with different torch (2.14.1, 2.13.0)" in told["residual-fixes"]
    assert "different" not in told["degradation"]


@pytest.mark.parametrize(
    ("expect", "mean", "words"),
    [
        ("not_higher", 3, "higher by less than the margin"),
        ("not_lower", -3, "lower by less than the margin"),
        ("not_higher", 0, ""),
        ("not_higher", -3, ""),
    ],
)
def test_a_difference_inside_the_margin_is_said_to_be_one(expect, mean, words):
    found = outcome("test_error", None, claims.AS_EXPECTED, found=around(mean), expect=expect, margin=0.05)
    said = verdict_words.finding(RESULTS, Verdict("degradation", "x", claims.SUPPORTED, (found,), claim_of([found])))
    assert ("by less than the margin" in said) == bool(words)
    assert words in said


def test_a_claim_that_cannot_be_tested_says_what_is_missing():
    failed = Precondition("it has learned", OF, "test error 20.0 %", "below 18.0 %, logistic regression's", False)
    held = Precondition("it has learned", AGAINST, "test error 10.0 %", "below 18.0 %, logistic regression's", True)
    one = outcome("test_error")
    verdict = Verdict("degradation", "x", claims.NOT_TESTABLE, (one,), claim_of([one]), (held, failed))
    said = verdict_words.advice(RESULTS, verdict)
    assert said == "Plain-56: test error 20.0 %, not below 18.0 %, logistic regression's"


def test_what_is_taken_off_stands_in_the_name_of_a_comparison():
    minus = {"of": "plain56", "against": "plain20", "share": 0.1}
    row = {"metric": "test_error", "of": "resnet56", "against": "resnet20", "expect": "lower", "minus": minus}
    said = verdict_words.pair(RESULTS, Comparison.model_validate(row))
    assert said == "ResNet-56 − ResNet-20 − 0.1 × (Plain-56 − Plain-20)"
