import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from deeper.claims import statistics

values = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 6))
samples = st.lists(values, min_size=2, max_size=12)


@given(samples, st.sampled_from([0.95, 0.999]))
def test_mean_and_interval_agree_with_the_textbook(sample, confidence):
    found = statistics.mean(sample, confidence)
    assert found.mean == pytest.approx(np.mean(sample))
    if found.sd > 1e-9:
        n = len(sample)
        half = stats.t.ppf((1 + confidence) / 2, n - 1) * np.std(sample, ddof=1) / math.sqrt(n)
        assert (found.lower, found.upper) == pytest.approx((found.mean - half, found.mean + half), rel=1e-9, abs=1e-8)


@given(st.lists(st.tuples(values, values), min_size=2, max_size=12), st.sampled_from([0.0, 0.5, -3.0]))
def test_an_interval_leaves_out_what_the_paired_test_rejects(pairs, border):
    of, against = zip(*pairs, strict=True)
    found = statistics.difference(of, against)
    if found.sd > 1e-9:
        p = stats.ttest_rel(np.array(of) - border, against).pvalue
        assert abs(p - 0.05) < 1e-9 or (p < 0.05) == (not found.lower <= border <= found.upper)


def test_the_difference_is_paired_and_signed():
    found = statistics.difference([3.0, 13.0, 23.0], [1.0, 11.0, 20.0])
    assert found.mean == pytest.approx(7 / 3)
    assert found.values == (2.0, 2.0, 3.0)
    assert found.lower > 0


def test_no_variance():
    found = statistics.difference([0.75, 0.5], [0.5, 0.25])
    assert (found.lower, found.mean, found.upper, found.sd) == (0.25, 0.25, 0.25, 0.0)
    assert found.has_interval


def test_a_spread_of_rounding_counts_as_none():
    assert statistics.mean([0.1 + 0.2, 0.3, 0.3]).sd == 0.0


def test_one_value_has_a_mean_and_nothing_else():
    found = statistics.difference([0.5], [0.2])
    assert found.mean == pytest.approx(0.3)
    assert all(math.isnan(x) for x in (found.lower, found.upper, found.sd))
    assert not found.has_interval


@pytest.mark.parametrize("bad", [[], [1.0, math.nan], [math.inf]])
def test_what_is_not_a_measurement_is_refused(bad):
    with pytest.raises(ValueError, match="value"):
        statistics.mean(bad)


def test_pairs_must_match():
    with pytest.raises(ValueError, match="2 and 1"):
        statistics.difference([1.0, 2.0], [1.0])


@pytest.mark.parametrize(("family", "confidence"), [(0, 0.95), (1, 0.95), (5, 0.99), (50, 0.999)])
def test_intervals_that_hold_together_share_what_may_go_wrong(family, confidence):
    assert statistics.simultaneous(family) == pytest.approx(confidence)


@given(samples, st.floats(0.001, 100))
def test_an_interval_is_inside_outside_or_neither(sample, region):
    found = statistics.difference_of(sample)
    assert found.inside(region) == (max(abs(found.lower), abs(found.upper)) <= region)
    assert found.outside(region) == (found.lower > region or found.upper < -region)
    assert not (found.inside(region) and found.outside(region))


@pytest.mark.parametrize(("effect", "n"), [(1.0, 5), (0.5, 12), (2.0, 3)])
def test_power_agrees_with_simulation(effect, n):
    draws = np.random.default_rng(0).normal(effect, 1.0, size=(40_000, n))
    rejected = stats.ttest_1samp(draws, 0, axis=1).pvalue < 0.05
    assert statistics.power(effect, 1.0, n) == pytest.approx(rejected.mean(), abs=0.01)


@pytest.mark.parametrize(("effect", "seeds"), [(0.5, 34), (0.8, 15), (1.0, 10)])
def test_seeds_needed_are_those_of_published_tables(effect, seeds):
    assert statistics.seeds_needed(effect, 1.0) == seeds


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
