import math

import pytest
import synthetic
from scipy import stats

from deeper.claims import statistics
from deeper.claims import verdicts as claims
from deeper.claims.metrics import METRICS
from deeper.schema.study import Comparison

UP = {"metric": "train_error", "of": "b", "against": "a", "expect": "higher"}


def study(a, b, rows, name="s"):
    """A results file of two arms with these training errors (and losses) by seed, and one claim."""
    trials = []
    for arm, errors in (("a", a), ("b", b)):
        for seed, error in errors.items() if isinstance(errors, dict) else enumerate(errors):
            entry = synthetic.trial("plain20", seed)
            is_error = error is not None and 0 <= error <= 1
            entry["metrics"] |= {"train_error": error if is_error else None, "train_loss": error}
            trials.append(entry | {"arm": arm})
    block = synthetic.small_study("ab", {"degradation": rows}, name)
    return synthetic.results(seeds=0) | {"study": block, "trials": trials}


def evaluate(*contents):
    return claims.evaluate(map(synthetic.table, contents))


def verdict(a, b, *rows):
    (found,) = evaluate(study(a, b, list(rows)))
    return found


A = [0.10, 0.12, 0.11, 0.13, 0.09]
HIGHER = [0.31, 0.30, 0.33, 0.34, 0.29]
NOISY = [0.15, 0.08, 0.16, 0.11, 0.10]


@pytest.mark.parametrize(
    ("expect", "margin", "b", "expected"),
    [
        ("higher", None, HIGHER, "supported"),
        ("lower", None, HIGHER, "contradicted"),
        ("higher", None, NOISY, "cannot tell"),
        ("not_higher", 0.3, HIGHER, "supported"),
        ("not_higher", 0.1, HIGHER, "contradicted"),
        ("not_higher", 0.01, NOISY, "cannot tell"),
        ("not_lower", 0.0, HIGHER, "supported"),
        ("not_lower", 0.1, NOISY, "supported"),
        ("higher", 0.1, HIGHER, "supported"),
        ("higher", 0.3, HIGHER, "contradicted"),
        ("lower", 0.1, HIGHER, "contradicted"),
        ("lower", 0.1, NOISY, "contradicted"),
    ],
)
def test_verdict_of_one_comparison(expect, margin, b, expected):
    row = UP | {"expect": expect} | ({} if margin is None else {"margin": margin})
    assert verdict(A, b, row).verdict == expected


def test_not_lower_is_contradicted_well_below_its_margin():
    row = {"metric": "train_error", "of": "a", "against": "b", "expect": "not_lower", "margin": 0.1}
    assert verdict(A, HIGHER, row).verdict == "contradicted"


def interval(lower, upper):
    return statistics.Mean(5, (lower + upper) / 2, lower, upper, 1.0)


@pytest.mark.parametrize(
    ("expect", "margin", "region", "bounds", "direction"),
    [
        ("higher", None, None, (0.1, 0.3), "as expected"),
        ("higher", None, None, (-0.3, -0.1), "opposite"),
        ("higher", None, None, (-0.1, 0.1), "open"),
        ("higher", 0.2, None, (0.1, 0.3), "open"),
        ("higher", 0.2, None, (0.05, 0.15), "opposite"),
        ("lower", 0.2, None, (-0.3, -0.25), "as expected"),
        ("lower", 0.2, None, (-0.15, -0.05), "opposite"),
        ("higher", None, 0.5, (0.1, 0.3), "too small"),
        ("lower", None, 0.5, (0.1, 0.3), "too small"),
        ("higher", None, 0.2, (0.1, 0.3), "as expected"),
        ("higher", 0.1, 0.5, (0.2, 0.3), "too small"),
        ("higher", None, 0.5, (-0.1, 0.6), "open"),
        ("alike", None, 0.5, (-0.1, 0.3), "as expected"),
        ("alike", None, 0.5, (-0.1, 0.6), "open"),
        ("alike", None, 0.5, (0.55, 0.9), "opposite"),
        ("alike", None, 0.5, (-0.9, -0.55), "opposite"),
        ("alike", None, 0.5, (0.4, 0.9), "open"),
        ("not_higher", 0.2, None, (-0.1, 0.1), "as expected"),
        ("not_higher", 0.2, 0.1, (-0.05, 0.05), "as expected"),
        ("not_lower", 0.2, None, (-0.5, -0.3), "opposite"),
        ("alike", None, 0.5, (math.nan, math.nan), "open"),
        ("higher", None, 0.5, (math.nan, math.nan), "open"),
    ],
)
def test_one_interval_lies_on_one_side(expect, margin, region, bounds, direction):
    comparison = Comparison(metric="test_loss", of="a", against="b", expect=expect, margin=margin, region=region)
    assert claims.direction_of(comparison, interval(*bounds)) == direction


YES, NO, SMALL, OPEN = claims.DIRECTIONS


@pytest.mark.parametrize(
    ("directions", "verdict"),
    [
        ([YES], "supported"),
        ([YES, YES], "supported"),
        ([NO], "contradicted"),
        ([NO, OPEN], "contradicted"),
        ([SMALL, SMALL], "too small to matter"),
        ([OPEN], "cannot tell"),
        ([YES, OPEN], "cannot tell"),
        ([SMALL, OPEN], "cannot tell"),
        ([YES, NO], "mixed"),
        ([YES, SMALL], "mixed"),
        ([NO, SMALL], "mixed"),
        ([YES, NO, SMALL], "mixed"),
        ([YES, NO, OPEN], "mixed"),
        ([YES, SMALL, OPEN], "mixed"),
    ],
)
def test_a_verdict_is_read_off_the_directions(directions, verdict):
    assert claims.verdict_of(directions) == verdict


def test_the_deciding_comparison_is_the_surest_against_else_the_least_sure():
    up, level, down = UP, UP | {"expect": "not_higher", "margin": 0.2}, UP | {"expect": "lower"}
    farther = down | {"margin": 0.01}
    assert verdict(A, HIGHER, up, level).deciding.comparison.expect == "not_higher"
    found = verdict(A, HIGHER, up, level, down, farther)
    assert (found.verdict, found.deciding.comparison.margin) == ("mixed", 0.01)


def test_the_interval_is_simultaneous_over_all_studies():
    many = evaluate(*(study(A, HIGHER, [UP], f"s{i}") for i in range(4)))
    assert many[0].outcomes[0].difference == statistics.difference(HIGHER, A, 1 - 0.05 / 4)
    assert [v.study for v in many] == ["s0", "s1", "s2", "s3"]


def test_studies_of_another_profile_are_another_family():
    other = study(A, HIGHER, [UP], "s1") | {"profile": "first_ledger"}
    found = evaluate(study(A, HIGHER, [UP]), other, study(A, HIGHER, [UP], "s2"))
    assert [verdict.family for verdict in found] == [2, 1, 2]


def test_a_difference_that_is_sure_alone_is_not_sure_among_many():
    close = [0.12, 0.13, 0.14, 0.14, 0.10]
    assert verdict(A, close, UP).verdict == "supported"
    many = evaluate(study(A, close, [UP]), *(study(A, NOISY, [UP], f"s{i}") for i in range(20)))
    assert many[0].verdict == "cannot tell"
    assert many[0].needed > 5


def test_detectable_is_at_the_level_of_the_family():
    found = evaluate(*(study(A, NOISY, [UP], f"s{i}") for i in range(10)))[0].outcomes[0]
    assert found.detectable == statistics.minimum_detectable_effect(found.difference.sd, 5, 0.05 / 10)
    assert found.needed == statistics.seeds_needed(found.difference.mean, found.difference.sd, 0.05 / 10)


COUNTED = {"metric": "params", "of": "b", "against": "a", "expect": "higher"}


@pytest.mark.parametrize(
    ("expect", "margin", "direction"),
    [
        ("higher", None, YES),
        ("lower", None, NO),
        ("higher", 10, NO),
        ("not_higher", 10, YES),
        ("not_higher", 9, NO),
        ("not_lower", 0, YES),
    ],
)
def test_a_fact_is_decided_by_its_value_and_is_in_no_family(expect, margin, direction):
    fact = COUNTED | {"expect": expect} | ({} if margin is None else {"margin": margin})
    content = study(A, HIGHER, [UP, fact])
    for trial in content["trials"]:
        trial["cost"]["params"] = 110 if trial["arm"] == "b" else 100
    (found,) = evaluate(content)
    error, counted = found.outcomes
    assert error.difference == statistics.difference(HIGHER, A)
    assert (counted.direction, counted.is_fact, counted.difference.mean) == (direction, True, 10)
    assert math.isnan(counted.difference.lower)
    assert math.isnan(counted.detectable)


def test_a_fact_alone_decides_a_claim():
    assert verdict(A, HIGHER, COUNTED | {"expect": "lower"}).verdict == "contradicted"
    assert verdict([0.1], [0.2], UP, COUNTED | {"expect": "not_lower", "margin": 0}).seeds == 1


def test_a_share_of_another_difference_is_taken_from_each_seed():
    minus = {"of": "b", "against": "a", "share": 0.5}
    (outcome,) = verdict(A, HIGHER, UP | {"minus": minus}).outcomes
    assert outcome.values == pytest.approx([(b - a) / 2 for a, b in zip(A, HIGHER, strict=True)])
    assert outcome.difference.lower == pytest.approx(statistics.difference(HIGHER, A).lower / 2)
    (outcome,) = verdict({0: 0.1, 1: 0.2}, {1: 0.3, 2: 0.4}, UP | {"minus": minus}).outcomes
    assert (outcome.seeds, outcome.unpaired) == ((1,), (0, 2))


def test_seeds_are_paired_and_the_others_named():
    found = verdict({0: 0.1, 1: 0.2, 2: 0.3, 7: 0.9}, {2: 0.41, 1: 0.3, 0: 0.21, 5: 0.0}, UP)
    assert found.outcomes[0].seeds == (0, 1, 2)
    assert found.outcomes[0].unpaired == (5, 7)
    assert found.outcomes[0].difference.mean == pytest.approx(0.32 / 3)


def test_a_single_seed_tells_nothing():
    found = verdict([0.1], [0.9], UP)
    assert (found.verdict, found.seeds, found.needed) == ("cannot tell", 1, None)
    assert found.outcomes[0].difference.mean == pytest.approx(0.8)
    assert math.isnan(found.outcomes[0].difference.lower)


def test_no_common_seed_tells_nothing():
    found = verdict({0: 0.1}, {1: 0.9}, UP)
    assert (found.verdict, found.seeds, found.outcomes[0].difference) == ("cannot tell", 0, None)


def test_diverged_trials_count_and_are_named():
    content = study(A, HIGHER, [UP])
    synthetic.diverge(content["trials"][7])
    (found,) = evaluate(content)
    assert found.outcomes[0].diverged == (("b", 2),)
    expected = (sum(HIGHER) - HIGHER[2] + 0.9 - sum(A)) / 5
    assert found.outcomes[0].difference.mean == pytest.approx(expected)


ALONE = {"metric": "train_error", "of": "b", "expect": "higher"}


@pytest.mark.parametrize(
    ("expect", "margin", "b", "expected"),
    [
        ("higher", None, [0.02, 0.03, 0.04], "supported"),
        ("higher", None, [-0.02, -0.03, -0.04], "contradicted"),
        ("lower", None, [-0.02, -0.03, -0.04], "supported"),
        ("higher", None, [-0.02, 0.03, 0.04], "cannot tell"),
        ("not_higher", 0.2, [0.02, 0.03, 0.04], "supported"),
        ("not_higher", 0.01, [0.02, 0.021, 0.019], "contradicted"),
        ("not_lower", 0.05, [-0.02, -0.021, -0.019], "supported"),
        ("not_lower", 0.01, [-0.02, -0.021, -0.019], "contradicted"),
    ],
)
def test_an_arm_alone_is_compared_with_its_border(expect, margin, b, expected):
    row = ALONE | {"metric": "train_loss", "expect": expect} | ({} if margin is None else {"margin": margin})
    found = verdict(A, b, row)
    low, high = stats.ttest_1samp(b, 0).confidence_interval(0.95)
    assert found.verdict == expected
    difference = found.outcomes[0].difference
    assert (difference.mean, difference.lower, difference.upper) == pytest.approx((sum(b) / 3, low, high))


def test_an_arm_alone_needs_no_pairs_and_names_only_itself():
    content = study([], {0: 0.1, 3: 0.2, 5: None, 6: 0.3}, [ALONE])
    synthetic.diverge(content["trials"][1])
    (found,) = evaluate(content)
    (outcome,) = found.outcomes
    assert (outcome.seeds, outcome.unpaired, outcome.unmeasured) == ((0, 3, 6), (), (5,))
    assert outcome.diverged == (("b", 3),)
    assert outcome.comparison.against is None


def test_few_percentages_alone_tell_nothing_past_their_ends():
    row = ALONE | {"expect": "not_higher", "margin": 0.5}
    found = verdict(A, [0.0, 0.05, 0.01], row)
    assert (found.verdict, found.outcomes[0].difference.has_interval) == ("cannot tell", False)
    assert verdict(A, [0.0, 0.05, 0.01, 0.02], row).verdict == "cannot tell"
    assert verdict([*A, 0.1], [0.0, 0.05, 0.01, 0.02, 0.02], row).verdict == "supported"


def test_a_share_less_a_half_is_bound_by_halves():
    few = statistics.mean([-0.3, -0.2, -0.4, -0.25], statistics.family_confidence(40), METRICS["cached_share"].limits)
    assert not few.has_interval  # or it would tell of less time than none


def test_few_differences_tell_nothing_past_what_the_means_leave():
    a, b = [0.1, 0.2, 0.0, 0.1], [0.2, 0.1, 0.1, 0.0]
    found = verdict(a, b, UP).outcomes[0].difference
    assert not found.has_interval  # some 15 points to either side, and `a` is 10 %, from which no error can fall so far
    turned = verdict(b, a, UP).outcomes[0].difference
    assert not turned.has_interval
    assert verdict(a, b, UP | {"metric": "train_loss"}).outcomes[0].difference.has_interval
    assert verdict([x + 0.5 for x in a], [x + 0.5 for x in b], UP).outcomes[0].difference.has_interval
    assert verdict([*a, 0.2], [*b, 0.3], UP).outcomes[0].difference.has_interval


def test_a_pair_without_a_number_is_left_out_and_named():
    content = study(A, HIGHER, [UP])
    content["trials"][1]["metrics"]["train_error"] = None
    (found,) = evaluate(content)
    assert (found.outcomes[0].seeds, found.outcomes[0].unmeasured) == ((0, 2, 3, 4), (1,))


def test_the_study_of_plain_and_residual_networks():
    found = evaluate(synthetic.results())
    assert {v.claim: v.verdict for v in found} == {
        "degradation": "supported",
        "residual-fixes": "cannot tell",
        "not-overfitting": "supported",
        "vanishing": "supported",
        "noisy-gradients": "supported",
    }


@pytest.mark.parametrize(("capped", "is_least"), [("a", True), ("b", True), ("ab", False)])
def test_a_difference_from_numbers_that_are_bounds_is_one_where_they_make_it_larger(capped, is_least):
    content = study(A, A, [{"metric": "epochs_to_15", "of": "b", "against": "a", "expect": "lower"}])
    for entry in content["trials"]:
        entry["curves"] = [{**entry["curves"][0], "epoch": n, "train_error": 0.5} for n in (1, 2, 3)]
        if entry["arm"] not in capped:
            entry["curves"][1 if entry["arm"] == "b" else 0]["train_error"] = 0.1
    (found,) = evaluate(content)[0].outcomes
    assert set(found.capped) == {(arm, seed) for arm in capped for seed in range(5)}
    assert found.is_least == is_least


def test_a_verdict_hangs_on_an_open_comparison_that_has_an_interval_before_one_that_has_none():
    rows = [UP | {"against": "b", "of": "a"}, UP | {"metric": "train_loss"}]
    found = verdict([0.1, 0.2, 0.0, 0.1], [0.2, 0.1, 0.1, 0.0], *rows)
    assert not found.outcomes[0].difference.has_interval
    assert found.deciding is found.outcomes[1]
