import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.power import TTestPower
from statsmodels.stats.weightstats import ttost_paired

from deeper.claims import statistics

values = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 6))
samples = st.lists(values, min_size=2, max_size=12)
pairs = st.lists(st.tuples(values, values), min_size=2, max_size=12)
confidences = st.sampled_from([0.9, 0.95, 1 - 0.05 / 83])


@given(samples, confidences)
def test_an_interval_is_student_s(sample, confidence):
    found = statistics.mean(sample, confidence)
    assert found.mean == pytest.approx(np.mean(sample))
    if found.sd > 1e-9:
        half = stats.t.ppf((1 + confidence) / 2, len(sample) - 1) * stats.sem(sample)
        assert (found.lower, found.upper) == pytest.approx((found.mean - half, found.mean + half), rel=1e-6, abs=1e-9)


@given(st.integers(1, 60), confidences)
def test_its_width_is_scipy_s_to_the_bit_without_what_takes_long_to_import(freedom, confidence):
    assert statistics._student(freedom, confidence) == stats.t.ppf((1 + confidence) / 2, freedom)


def test_an_interval_needs_no_scipy_stats():
    code = "import sys\nfrom deeper.claims import statistics\nstatistics.mean([1.0, 2.0, 4.0])\n"
    subprocess.run([sys.executable, "-c", code + "assert 'scipy.stats' not in sys.modules"], check=True)


@given(pairs)
def test_an_interval_leaves_out_what_the_paired_test_rejects(sample):
    of, against = zip(*sample, strict=True)
    found = statistics.difference(of, against)
    if found.sd > 1e-9:
        p = stats.ttest_rel(of, against).pvalue
        assert (p < 0.05) == (not found.lower <= 0 <= found.upper)


def test_the_difference_is_paired_and_signed():
    found = statistics.difference([3.0, 13.0, 23.0], [1.0, 11.0, 20.0])
    assert found.mean == pytest.approx(7 / 3)
    assert found.lower > 0


@given(st.lists(samples, min_size=1, max_size=6))
def test_simultaneous_intervals_are_bonferroni_s(family):
    for found, sample in zip(statistics.simultaneous(family), family, strict=True):
        alone = statistics.mean(sample)
        assert found == statistics.mean(sample, 1 - 0.05 / len(family))
        assert found.lower <= alone.lower
        assert found.upper >= alone.upper


def test_simultaneous_intervals_hold_together():
    draws = np.random.default_rng(0).standard_normal((600, 8, 5))
    held = [all(one.lower <= 0 <= one.upper for one in statistics.simultaneous(list(family))) for family in draws]
    assert np.mean(held) == pytest.approx(0.95, abs=0.025)


@given(pairs, st.floats(0.01, 500))
def test_inside_the_region_is_equivalence_by_two_one_sided_tests(sample, region):
    of, against = (np.array(side) for side in zip(*sample, strict=True))
    found = statistics.difference(of, against, 0.90)
    if found.sd > 1e-6:
        p = ttost_paired(of, against, -region, region)[0]
        if abs(p - 0.05) > 1e-6:
            assert statistics.is_inside(found, region) == (p < 0.05)


def test_what_has_no_interval_is_inside_nothing():
    assert not statistics.is_inside(statistics.mean([0.0]), 1.0)
    assert statistics.is_inside(statistics.mean([0.0, 0.0]), 1.0)


@pytest.mark.parametrize(
    ("sample", "told"),
    [
        ([0.0, 0.01, 0.0, 0.02], False),
        ([0.99, 1.0, 0.98], False),
        ([0.4, 0.41, 0.42], True),
        ([0.0, 0.01, 0.0, 0.02, 0.01], True),
    ],
)
def test_few_percentages_have_no_interval_past_their_ends(sample, told):
    found = statistics.mean(sample, limits=statistics.PERCENTAGE)
    assert found.has_interval == told
    assert found.mean == pytest.approx(np.mean(sample))
    assert math.isnan(found.upper) != told
    assert statistics.mean(sample).has_interval


def test_no_variance():
    found = statistics.difference([0.75, 0.5], [0.5, 0.25])
    assert (found.lower, found.mean, found.upper, found.sd) == (0.25, 0.25, 0.25, 0.0)


def test_a_spread_of_rounding_counts_as_none():
    assert statistics.mean([0.1 + 0.2, 0.3, 0.3]).sd == 0.0


def test_one_value_has_a_mean_and_nothing_else():
    found = statistics.difference([0.5], [0.2])
    assert found.mean == pytest.approx(0.3)
    assert all(math.isnan(x) for x in (found.lower, found.upper, found.sd))


@pytest.mark.parametrize("bad", [[], [1.0, math.nan], [math.inf]])
def test_what_is_not_a_measurement_is_refused(bad):
    with pytest.raises(ValueError, match="value"):
        statistics.mean(bad)


def test_pairs_must_match():
    with pytest.raises(ValueError, match="2 and 1"):
        statistics.difference([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("effect", "n"), [(1.0, 5), (0.5, 12), (2.0, 3)])
def test_power_agrees_with_simulation(effect, n):
    draws = np.random.default_rng(0).normal(effect, 1.0, size=(40_000, n))
    rejected = stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05
    assert statistics.power(effect, 1.0, n) == pytest.approx(rejected.mean(), abs=0.01)


@pytest.mark.parametrize(("effect", "seeds"), [(0.5, 34), (0.8, 15), (1.0, 10)])
def test_seeds_needed_are_those_of_published_tables(effect, seeds):
    assert statistics.seeds_needed(effect, 1.0) == seeds


@pytest.mark.parametrize(("effect", "seeds"), [(0.3869273369553226, 55), (0.7629127569799575, 16)])
def test_seeds_needed_are_known_where_a_far_tail_of_scipys_is_nan(effect, seeds):
    assert statistics.seeds_needed(effect, 1.0) == seeds


@pytest.mark.parametrize("n", [3, 4, 5, 8, 24, 100])
def test_at_five_percent_statsmodels_agrees(n):
    power = TTestPower()
    effect = statistics.minimum_detectable_effect(1.0, n)
    assert effect == pytest.approx(power.solve_power(nobs=n, alpha=0.05, power=0.8), rel=1e-4)
    assert statistics.power(0.5, 1.0, n) == pytest.approx(power.power(0.5, n, 0.05), rel=1e-6)
    assert statistics.seeds_needed(effect * 1.001, 1.0) == n


def test_at_the_level_of_a_family_statsmodels_does_not_do():
    level = 0.05 / 74
    assert TTestPower().solve_power(nobs=2, alpha=level, power=0.8) == pytest.approx(10)
    assert statistics.power(10, 1.0, 2, level) < 0.02
    effects = np.linspace(1, 4, 301)
    assert any(math.isnan(TTestPower().power(effect, 8, level)) for effect in effects)
    assert not any(math.isnan(statistics.power(effect, 1.0, 8, level)) for effect in effects)


@pytest.mark.parametrize("n", [2, 3, 5, 10, 50])
@pytest.mark.parametrize("alpha", [0.05, 0.05 / 60])
def test_the_detectable_effect_is_found_four_times_in_five(n, alpha):
    effect = statistics.minimum_detectable_effect(0.3, n, alpha)
    assert statistics.power(effect, 0.3, n, alpha) == pytest.approx(0.8, abs=1e-6)


@given(st.floats(0.05, 20), st.floats(0.1, 10))
def test_seeds_needed_is_the_fewest(effect, sd):
    n = statistics.seeds_needed(effect, sd)
    if n is None:
        assert statistics.power(effect, sd, statistics.MOST_SEEDS) < 0.8
    else:
        assert statistics.power(effect, sd, n) >= 0.8
        assert n == 2 or statistics.power(effect, sd, n - 1) < 0.8


@pytest.mark.parametrize(("effect", "sd"), [(1.0, math.nan), (math.nan, 1.0), (0.0, 0.0), (1e-6, 1.0)])
def test_seeds_needed_is_silent_where_it_cannot_know(effect, sd):
    assert statistics.seeds_needed(effect, sd) is None


def test_detectable_effect_without_spread_or_pairs():
    assert statistics.minimum_detectable_effect(0.0, 5) == 0.0
    assert math.isnan(statistics.minimum_detectable_effect(math.nan, 1))
