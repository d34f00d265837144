"""How verdicts and preconditions are said, and what an open claim is said to need."""

import pytest
import synthetic
from reported import results_of, verdicts_of

from deeper.claims import statistics
from deeper.claims import verdicts as claims
from deeper.claims.preconditions import AboveBaseline, FitsTraining, OrderIsStable, RateInside, WithinBudget
from deeper.claims.verdicts import Outcome, Verdict
from deeper.reporting.pages import verdict_words
from deeper.schema.study import Budget, Comparison, RateSearch

RESULTS = results_of(synthetic.results(seeds=1, epochs=1))
OF, AGAINST = "plain56", "plain20"


def outcome(metric, needed=None, direction=claims.OPEN, seeds=4, found=None, expect="lower", margin=None, region=None):
    comparison = Comparison(metric=metric, of=OF, against=AGAINST, expect=expect, margin=margin, region=region)
    return Outcome(comparison, found, seeds=tuple(range(seeds)), direction=direction, needed=needed)


def around(mean):
    """A difference surely within a point of ``mean`` points."""
    return statistics.difference([(mean - 0.5) / 100, mean / 100, (mean + 0.5) / 100], [0.0] * 3)


THREE = [outcome("train_error", needed) for needed in (30, None, 8)]


def advice(*outcomes, verdict=claims.CANNOT_TELL):
    return verdict_words.advice(RESULTS, Verdict("degradation", "x", verdict, outcomes))


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


def test_a_mixed_claim_says_what_came_out_how():
    ways = [claims.OPPOSITE, claims.AS_EXPECTED, claims.OPPOSITE, claims.TOO_SMALL, claims.OPEN]
    found = [outcome("test_error", None, way) for way in ways]
    said = advice(*found, verdict=claims.MIXED)
    assert said == "1 as expected, 2 opposite, 1 too small and 1 open"


SIZE = {"epochs": 1, "train": 9, "validation": 9, "seeds": (0,), "profile": "pocket", "kind": "k"}
SEARCH = RateSearch(rate=0.2, tried={"0.1": 0.3, "0.2": 0.2}, **SIZE)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (
            AboveBaseline(OF, 0.25, 0.19, 0.175),
            "test error of Plain-56: 25.0 %; on the same pixels logistic regression 19.0 % and a random forest 17.5 %",
        ),
        (AboveBaseline(OF, 0.18, 0.19, 0.175), "a random forest 17.5 %, which does as well or better"),
        (AboveBaseline(OF, 0.25, 0.19, None), "on the same pixels logistic regression 19.0 %"),
        (AboveBaseline(OF, 0.25, None, None), "25.0 %; logistic regression on the same pixels: not computed"),
        (FitsTraining(OF, 0.0123), "training error of Plain-56: 1.23 %, at most 1 % is asked"),
        (FitsTraining(OF, float("nan")), "training error of Plain-56: –"),
        (
            WithinBudget(Budget(metric="params", arms=(AGAINST, OF)), OF, 0.031),
            "Plain-56 deviates by +3.1 % of parameters, at most 2 % is asked",
        ),
        (RateInside(OF, SEARCH), "learning rate of Plain-56: 0.2, tried from 0.1 to 0.2"),
        (RateInside(OF, None), "no learning rate of Plain-56 was searched"),
        (
            OrderIsStable(outcome("test_error").comparison, 0.01, -0.02),
            "Plain-56 − Plain-20: +1.00 points in the searches of rates, −2.00 at the full length",
        ),
    ],
)
def test_a_precondition_is_said_with_its_numbers(one, words):
    assert words in verdict_words.precondition(RESULTS, one)


def test_what_cannot_be_tested_says_why():
    def said(*asked):
        found = Verdict("degradation", "x", claims.NOT_TESTABLE, (outcome("test_error"),), None, asked)
        return verdict_words.advice(RESULTS, found)

    words = "training error of Plain-56: 20.00 %, at most 1 % is asked"
    assert said(FitsTraining(AGAINST, 0.0), FitsTraining(OF, 0.2)) == words
    assert said(FitsTraining(OF, 0.2), FitsTraining(AGAINST, 0.1)) == f"{words}, and 1 more that must hold first"


def test_every_verdict_has_a_mark_and_what_goes_against_a_claim_is_bold():
    marks = [verdict_words.mark(verdict) for verdict in claims.VERDICTS]
    assert len({mark.strip("*")[0] for mark in marks}) == len(claims.VERDICTS) == 6
    assert [mark for mark in marks if mark.startswith("**")] == ["**✗ contradicted**", "**± mixed**"]


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (outcome("test_error", 9, found=around(1)), "from 0 four times"),
        (outcome("test_error", 9, found=around(1), expect="not_higher", margin=0.05), "from the margin four times"),
        (outcome("test_error", 9, found=around(1), region=0.02), "from the edge of what matters four times"),
        (outcome("test_error", 9, found=around(4), region=0.02), "from 0 four times"),
        (outcome("test_error", 9, found=around(4), expect="alike", region=0.02), "from the edge of what matters"),
    ],
)
def test_what_an_open_comparison_must_be_told_from(one, words):
    (note,) = verdict_words.notes(RESULTS, Verdict("degradation", "x", claims.CANNOT_TELL, (one,)))
    assert words in note


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
        ("higher", 3, "higher by less than the margin"),
        ("higher", 8, ""),
        ("lower", -3, "lower by less than the margin"),
    ],
)
def test_a_difference_inside_the_margin_is_said_to_be_one(expect, mean, words):
    found = outcome("test_error", None, claims.AS_EXPECTED, found=around(mean), expect=expect, margin=0.05)
    said = verdict_words.finding(RESULTS, Verdict("degradation", "x", claims.SUPPORTED, (found,)))
    assert ("by less than the margin" in said) == bool(words)
    assert words in said
