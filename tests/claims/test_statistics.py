import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from deeper.claims import statistics

values = st.floats(-1e3, 1e3, allow_nan=False).map(lambda x: round(x, 6))
samples = st.lists(values, min_size=2, max_size=12)
p_values = st.lists(st.floats(0, 1), min_size=1, max_size=9)


@given(samples)
def test_mean_and_interval_agree_with_scipy(sample):
    found = statistics.mean(sample)
    assert found.mean == pytest.approx(np.mean(sample))
    if found.sd > 1e-9:
        expected = stats.ttest_1samp(sample, 0).confidence_interval(0.95)
        assert (found.lower, found.upper) == pytest.approx((expected.low, expected.high), abs=1e-9)


@given(st.lists(st.tuples(values, values), min_size=2, max_size=12), st.sampled_from([0.0, 0.5, -3.0]))
def test_difference_agrees_with_scipy_s_paired_test(pairs, margin):
    of, against = zip(*pairs, strict=True)
    found = statistics.difference(of, against, margin)
    if found.sd > 1e-9:
        expected = stats.ttest_rel(np.array(of) - margin, against)
        assert found.p == pytest.approx(expected.pvalue, abs=1e-9)
        assert (found.p < 0.05) == (not found.lower <= margin <= found.upper)


def test_the_difference_is_paired_and_signed():
    found = statistics.difference([3.0, 13.0, 23.0], [1.0, 11.0, 20.0])
    assert found.mean == pytest.approx(7 / 3)
    assert found.p < 0.05


@pytest.mark.parametrize(("margin", "p"), [(0.25, 1.0), (0.0, 0.0), (0.2, 0.0)])
def test_no_variance(margin, p):
    found = statistics.difference([0.75, 0.5], [0.5, 0.25], margin)
    assert (found.lower, found.mean, found.upper, found.sd, found.p) == (0.25, 0.25, 0.25, 0.0, p)


def test_a_spread_of_rounding_counts_as_none():
    assert statistics.mean([0.1 + 0.2, 0.3, 0.3]).sd == 0.0


def test_one_value_has_a_mean_and_nothing_else():
    found = statistics.difference([0.5], [0.2])
    assert found.mean == pytest.approx(0.3)
    assert all(math.isnan(x) for x in (found.lower, found.upper, found.sd, found.p))


@pytest.mark.parametrize("bad", [[], [1.0, math.nan], [math.inf]])
def test_what_is_not_a_measurement_is_refused(bad):
    with pytest.raises(ValueError, match="value"):
        statistics.mean(bad)


def test_pairs_must_match():
    with pytest.raises(ValueError, match="2 and 1"):
        statistics.difference([1.0, 2.0], [1.0])


def test_holm_of_a_worked_example():
    assert statistics.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_takes_nan_for_a_test_that_shows_nothing():
    assert statistics.holm([math.nan, 0.01]) == pytest.approx([1.0, 0.02])


@given(p_values)
def test_holm_rejects_what_the_step_down_procedure_rejects(p):
    rejected = set()
    for step, index in enumerate(sorted(range(len(p)), key=p.__getitem__)):
        if p[index] * (len(p) - step) >= 0.05:
            break
        rejected.add(index)
    assert {i for i, adjusted in enumerate(statistics.holm(p)) if adjusted < 0.05} == rejected


@given(p_values)
def test_holm_never_lowers_p_and_never_exceeds_bonferroni(p):
    for raw, adjusted in zip(p, statistics.holm(p), strict=True):
        assert raw <= adjusted <= min(1.0, raw * len(p)) + 1e-12


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
