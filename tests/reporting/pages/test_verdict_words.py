"""How verdicts and preconditions are said, and what their comparisons are said to need."""

import dataclasses
import math

import pytest
import synthetic
from reported import results_of, verdicts_of

from deeper.claims import statistics
from deeper.claims import verdicts as claims
from deeper.claims.preconditions import AboveBaseline, FitsTraining, OrderIsStable, RateInside, WithinBudget
from deeper.claims.verdicts import Outcome, Verdict
from deeper.reporting import load
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


def test_diverged_trials_are_counted_by_arm():
    found = dataclasses.replace(outcome("test_error"), diverged=((OF, 0), (OF, 3), (AGAINST, 0)))
    said = verdict_words.notes(RESULTS, Verdict("degradation", "x", claims.CANNOT_TELL, (found,)))
    assert said[-1].endswith("(Plain-56, seeds 0 and 3; Plain-20, seed 0).")


def test_a_share_of_another_difference_is_told_apart_from_the_difference():
    results = load.read(synthetic.ROOT / "results" / "residual_vs_plain.json")
    (verdict,) = (one for one in claims.evaluate([results.table]) if one.claim == "residual-fixes")
    errors = [
        {row.seed: row.metrics.train_error for row in results.table.rows(arm)} for arm in ("resnet56", "resnet20")
    ]
    mean = 100 * math.fsum(errors[0][seed] - errors[1][seed] for seed in errors[0]) / len(errors[0])
    said = " ".join(verdict_words.notes(results, verdict))
    assert f"ResNet-56 − ResNet-20 alone is {mean:+.2f} points [" in said.replace("−0.", "-0.")


SIZE = {"epochs": 1, "train": 9, "validation": 9, "seeds": (0,), "profile": "pocket", "kind": "k"}
SEARCH = RateSearch(rate=0.2, tried={"0.1": 0.3, "0.2": 0.2}, **SIZE)


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (
            AboveBaseline(OF, 0.25, 0.19, 0.175),
            "Plain-56: test error 25.0 %; on the same pixels logistic regression 19.0 % and a random forest 17.5 %",
        ),
        (AboveBaseline(OF, 0.18, 0.19, 0.175), "a random forest 17.5 %, which does as well or better"),
        (AboveBaseline(OF, 0.25, 0.19, None), "on the same pixels logistic regression 19.0 %"),
        (AboveBaseline(OF, 0.25, None, None), "25.0 %; logistic regression on the same pixels: not computed"),
        (FitsTraining(OF, 0.0123), "Plain-56: training error 1.23 %, at most 1 % is asked"),
        (FitsTraining(OF, float("nan")), "Plain-56: training error –"),
        (
            WithinBudget(Budget(metric="params", arms=(AGAINST, OF)), OF, 0.031),
            "Plain-56: +3.1 % of parameters from the first, at most 2 % is asked",
        ),
        (RateInside(OF, SEARCH), "Plain-56: learning rate 0.2, tried from 0.1 to 0.2"),
        (RateInside(OF, None), "Plain-56: no learning rate was searched"),
        (
            OrderIsStable(outcome("test_error").comparison, 0.01, -0.02),
            "Plain-56 − Plain-20: +1.00 points in the searches of rates, −2.00 at the full length",
        ),
    ],
)
def test_a_precondition_is_said_with_its_numbers(one, words):
    assert words in verdict_words.precondition(RESULTS, one)


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
