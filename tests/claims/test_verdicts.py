import math

import pytest
import synthetic
from scipy import stats

from deeper.claims import verdicts as claims

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
    ],
)
def test_verdict_of_one_comparison(expect, margin, b, expected):
    row = UP | {"expect": expect} | ({} if margin is None else {"margin": margin})
    assert verdict(A, b, row).verdict == expected


def test_not_lower_is_contradicted_well_below_its_margin():
    row = {"metric": "train_error", "of": "a", "against": "b", "expect": "not_lower", "margin": 0.1}
    assert verdict(A, HIGHER, row).verdict == "contradicted"


DOWN = UP | {"expect": "lower"}
OPEN = UP | {"expect": "not_higher", "margin": 0.2}
SMALL = UP | {"region": 0.5}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([UP, OPEN | {"margin": 0.3}], "supported"),
        ([UP, OPEN], "cannot tell"),
        ([DOWN, OPEN], "contradicted"),
        ([DOWN, DOWN | {"margin": 0.1}], "contradicted"),
        ([UP, DOWN], "mixed"),
        ([UP, DOWN, OPEN], "mixed"),
        ([SMALL], "too small to matter"),
        ([SMALL, UP], "mixed"),
        ([SMALL, DOWN], "mixed"),
        ([SMALL, OPEN], "cannot tell"),
        ([SMALL, DOWN, OPEN], "cannot tell"),
    ],
)
def test_the_verdict_of_several_comparisons(rows, expected):
    assert verdict(A, HIGHER, *rows).verdict == expected


def test_the_deciding_comparison_is_the_surest_opposite_one_or_the_least_sure():
    assert verdict(A, HIGHER, UP, OPEN, DOWN).deciding.comparison.expect == "lower"
    assert verdict(A, HIGHER, UP, OPEN).deciding.comparison.expect == "not_higher"
    assert verdict(A, HIGHER, UP, UP | {"margin": 0.15}).deciding.comparison.margin == 0.15


@pytest.mark.parametrize(
    ("row", "direction"),
    [
        (UP, "as expected"),
        (UP | {"margin": 0.1}, "as expected"),
        (UP | {"margin": 0.3}, "opposite"),
        (UP | {"margin": 0.21}, "open"),
        (UP | {"region": 0.1}, "as expected"),
        (UP | {"region": 0.25}, "too small"),
        (UP | {"expect": "alike", "region": 0.25}, "as expected"),
        (UP | {"expect": "alike", "region": 0.1}, "opposite"),
        (UP | {"expect": "alike", "region": 0.2}, "open"),
    ],
)
def test_the_direction_of_one_comparison(row, direction):
    """The difference is 0.204 with an interval from 0.187 to 0.221."""
    assert verdict(A, HIGHER, row).outcomes[0].direction == direction


def test_not_higher_is_non_inferiority_at_the_margin():
    outcome = verdict(A, NOISY, UP | {"expect": "not_higher", "margin": 0.05}).outcomes[0]
    one_sided = stats.ttest_rel([x - 0.05 for x in NOISY], A, alternative="less").pvalue
    assert (outcome.direction == "as expected") == (one_sided < 0.025)


def test_all_intervals_of_all_studies_hold_together():
    many = evaluate(*(study(A, HIGHER, [UP], f"s{i}") for i in range(4)))
    expected = stats.ttest_rel(HIGHER, A).confidence_interval(1 - 0.05 / 4)
    difference = many[0].outcomes[0].difference
    assert (difference.lower, difference.upper) == pytest.approx((expected.low, expected.high))
    assert [v.study for v in many] == ["s0", "s1", "s2", "s3"]


def test_counts_are_facts_without_an_interval_and_no_part_of_the_family():
    params = {"metric": "params", "of": "b", "against": "a", "expect": "lower"}
    content = study(A, HIGHER, [UP, params])
    for row in content["trials"]:
        row["cost"] = {**row["cost"], "params": 100 if row["arm"] == "a" else 70}
    (found,) = evaluate(content)
    sure, fact = found.outcomes
    assert (fact.direction, fact.difference.mean, fact.difference.has_interval) == ("as expected", -30, False)
    assert sure.difference.lower == pytest.approx(stats.ttest_rel(HIGHER, A).confidence_interval(0.95).low)
    assert claims.family_of([synthetic.table(content)]) == 1
    assert found.verdict == "supported"


@pytest.mark.parametrize(
    ("expect", "values", "direction"),
    [("lower", (2, 1), "as expected"), ("lower", (1, 1), "opposite"), ("higher", (2, 1), "opposite")],
)
def test_a_fact_is_decided_by_its_value(expect, values, direction):
    content = study(A, HIGHER, [{"metric": "params", "of": "b", "against": "a", "expect": expect}])
    for row in content["trials"]:
        row["cost"] = {**row["cost"], "params": values[row["arm"] == "b"]}
    (found,) = evaluate(content)
    assert found.outcomes[0].direction == direction


def test_a_share_of_another_difference_is_taken_off():
    """Of c the rise over a is a tenth of b's and a bit: less than a fifth, more than a twentieth."""
    content = study(A, HIGHER, [])
    third = [a + 0.1 * (b - a) for a, b in zip(A, HIGHER, strict=True)]
    content["trials"] += [
        {**row, "arm": "c", "id": f"c{row['seed']}", "metrics": {**row["metrics"], "train_error": error}}
        for row, error in zip(content["trials"][:5], third, strict=True)
    ]
    row = {"metric": "train_error", "of": "c", "against": "a", "expect": "lower"}
    rows = [row | {"minus": {"of": "b", "against": "a", "share": share}} for share in (0.2, 0.05)]
    content["study"] = synthetic.small_study("abc", {"degradation": rows})
    (found,) = evaluate(content)
    assert [outcome.direction for outcome in found.outcomes] == ["as expected", "opposite"]
    expected = [-0.1 * (b - a) for a, b in zip(A, HIGHER, strict=True)]
    assert found.outcomes[0].difference.values == pytest.approx(expected)
    assert found.verdict == "mixed"


def test_few_values_of_a_share_have_no_interval_past_its_ends():
    wide = verdict({0: 0.1, 1: 0.9, 2: 0.1}, {0: 0.9, 1: 0.1, 2: 0.9}, UP).outcomes[0]
    assert (wide.direction, wide.difference.has_interval) == ("open", False)
    narrow = verdict({0: 0.1, 1: 0.12, 2: 0.11}, {0: 0.9, 1: 0.91, 2: 0.9}, UP).outcomes[0]
    assert (narrow.direction, narrow.difference.has_interval) == ("as expected", True)


def test_a_difference_that_is_sure_alone_is_not_sure_among_many():
    close = [0.12, 0.13, 0.14, 0.14, 0.10]
    assert verdict(A, close, UP).verdict == "supported"
    many = evaluate(study(A, close, [UP]), *(study(A, NOISY, [UP], f"s{i}") for i in range(20)))
    assert many[0].verdict == "cannot tell"
    assert many[0].needed > 5


def test_seeds_are_paired_and_the_others_named():
    found = verdict({0: 0.1, 1: 0.2, 2: 0.3, 7: 0.9}, {2: 0.41, 1: 0.3, 0: 0.21, 5: 0.0}, UP)
    assert found.outcomes[0].seeds == (0, 1, 2)
    assert found.outcomes[0].unpaired == (5, 7)
    assert found.outcomes[0].difference.mean == pytest.approx(0.32 / 3)


def test_a_single_seed_tells_nothing():
    found = verdict([0.1], [0.9], UP)
    assert (found.verdict, found.seeds, found.needed) == ("cannot tell", 1, None)
    assert found.outcomes[0].difference.mean == pytest.approx(0.8)
    assert math.isnan(found.outcomes[0].detectable)


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


def test_an_arm_alone_and_a_pair_are_of_one_family():
    found = verdict(A, HIGHER, UP, ALONE)
    expected = stats.ttest_1samp(HIGHER, 0).confidence_interval(1 - 0.05 / 2)
    assert found.outcomes[1].difference.lower == pytest.approx(expected.low)


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
