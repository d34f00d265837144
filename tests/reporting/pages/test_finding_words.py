"""A study's findings, said by rule from its comparisons."""

import math
from dataclasses import replace

import pytest
import synthetic
from reported import results_of

from deeper.claims import verdicts as claims
from deeper.claims.statistics import Mean
from deeper.claims.verdicts import AS_EXPECTED, OPEN, OPPOSITE, TOO_SMALL, Outcome, Verdict
from deeper.reporting import load
from deeper.reporting.pages.finding_words import finding, measured
from deeper.schema.study import Comparison

CONTENT = synthetic.results(seeds=1, epochs=1)
ONE_CLAIM = {"claims": {"degradation": CONTENT["study"]["claims"]["degradation"]}, "published": []}
RESULTS = results_of(CONTENT | {"study": CONTENT["study"] | ONE_CLAIM})


def outcome(bounds, direction, metric="test_error", expect="higher", against="plain20", of="plain56", **border):
    comparison = Comparison(metric=metric, of=of, against=against, expect=expect, **border)
    lower, upper = bounds
    found = Mean(5, (lower + upper) / 2, lower, upper, 1.0)
    return Outcome(comparison, found, seeds=tuple(range(5)), direction=direction)


def test_a_bound_and_a_missing_interval_are_said_with_the_difference():
    told = outcome((0.01, 0.03), AS_EXPECTED)
    assert measured(told) == "+2.00 points [+1.00, +3.00]"
    assert measured(told, bare=True) == "+2.00 [+1.00, +3.00]"
    assert measured(replace(told, capped=(("plain56", 0),))) == "+2.00 points [+1.00, +3.00], or further from 0"
    alone = Mean(3, 0.02, math.nan, math.nan, 1.0)
    assert measured(replace(told, difference=alone)) == "+2.00 points (no interval, 3 seeds)"
    assert measured(replace(told, difference=None)) == "not measured"


def said(*outcomes, verdict=claims.CANNOT_TELL):
    return finding(RESULTS, Verdict("degradation", "x", verdict, outcomes))


@pytest.mark.parametrize(
    ("one", "words"),
    [
        (outcome((0.021, 0.032), AS_EXPECTED), "test error 2.65 points higher [2.10, 3.20]"),
        (outcome((-0.032, -0.021), OPPOSITE), "test error 2.65 points lower [2.10, 3.20]"),
        (outcome((-0.01, 0.03), OPEN), "test error +1.00 points [−1.00, +3.00], not told apart"),
        (outcome((0.01, 0.03), OPEN, margin=0.02), "2.00 points higher [1.00, 3.00], not told from 2.00 points"),
        (outcome((-0.001, 0.003), TOO_SMALL, region=0.005), "+0.10 points [−0.10, +0.30], too little to matter"),
        (outcome((-0.001, 0.003), AS_EXPECTED, expect="alike", region=0.005), "[−0.10, +0.30], within ±0.50 points"),
        (outcome((-0.01, 0.02), OPPOSITE, margin=0.03), "[−1.00, +2.00], short of 3.00 points"),
        (
            outcome((-0.01, 0.02), AS_EXPECTED, expect="not_higher", margin=0.03),
            "[−1.00, +2.00], less than 3.00 points higher",
        ),
        (outcome((-0.03, -0.01), AS_EXPECTED, expect="not_higher", margin=0.03), "2.00 points lower [1.00, 3.00]"),
        (
            outcome((1.0, 3.0), AS_EXPECTED, metric="epochs_to_15"),
            "2.00 more epochs to a training error of 15 % [1.00,",
        ),
        (outcome((math.nan, math.nan), OPEN), "(no interval, 5 seeds)"),
    ],
)
def test_a_comparison_says_what_came_out(one, words):
    text = said(one)
    assert text.startswith("Plain-56 against Plain-20: ")
    assert words in text


def test_counts_are_told_as_shares_and_what_goes_the_other_way_has_a_but():
    fact = Comparison(metric="macs", of="plain20", against="plain56", expect="lower")
    fewer = Outcome(fact, Mean(1, -1.0, math.nan, math.nan, math.nan), direction=AS_EXPECTED)
    worse = outcome((0.021, 0.032), OPPOSITE, of="plain20", against="plain56")
    of, against = (next(row.cost.macs for row in RESULTS.rows if row.arm == arm) for arm in fact.pair)
    share = f"{100 * of / against:.0f} % of the multiply-adds"
    assert said(fewer, worse) == f"Plain-20 against Plain-56: {share}, but test error 2.65 points higher [2.10, 3.20]"


def test_a_metric_of_all_comparisons_is_named_once_and_of_many_the_first_and_the_deciding_are_told():
    pairs = [("plain56", "plain20"), ("resnet56", "resnet20"), ("plain56", "resnet56"), ("plain20", "resnet20")]
    ones = [outcome((0.01, 0.03), AS_EXPECTED, of=of, against=against) for of, against in pairs[:3]]
    last = outcome((-0.2, 0.2), OPEN, of=pairs[3][0], against=pairs[3][1])
    text = said(*ones, last)
    assert text.startswith("Test error. Plain-56 against Plain-20: 2.00 points higher [1.00, 3.00]; Plain-20 against")
    assert text.endswith("Plain-20 against ResNet-20: 0.00 points [−20.00, +20.00], not told apart; and 2 more below")
    assert "ResNet-56 against" not in text


def test_an_arm_alone_and_a_share_that_is_taken_away_have_their_own_sign():
    alone = outcome((0.01, 0.03), AS_EXPECTED, against=None)
    assert said(alone) == "Plain-56: test error +2.00 points [+1.00, +3.00]"
    minus = {"of": "resnet56", "against": "resnet20", "share": 0.1}
    shared = outcome((0.01, 0.03), AS_EXPECTED, minus=minus)
    assert said(shared).startswith("(Plain-56 − Plain-20) − 0.1 × (ResNet-56 − ResNet-20): test error +2.00 points [")


def test_of_a_study_of_many_claims_each_names_its_deciding_comparison_alone():
    ones = (outcome((0.01, 0.03), AS_EXPECTED), outcome((-0.2, 0.2), OPEN, of="resnet56", against="resnet20"))
    many = finding(results_of(CONTENT), Verdict("degradation", "x", claims.CANNOT_TELL, ones))
    assert many == "ResNet-56 against ResNet-20: test error 0.00 points [−20.00, +20.00], not told apart"


def test_a_claim_that_hangs_on_the_comparison_of_another_names_one_of_its_own_too():
    results = load.read(synthetic.ROOT / "results" / "residual_vs_plain.json")
    said = {one.claim: finding(results, one) for one in claims.evaluate([results.table])}
    assert said["not-overfitting"].startswith(f"{said['degradation']}, test minus training error ")
