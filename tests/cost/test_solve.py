"""The search for the value of a setting, on costs whose nearest value is known."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeper.cost.solve import Unsolvable, solve


def nearest(cost, values, target):
    return min((v for v in values if cost(v) is not None), key=lambda v: (abs(cost(v) - target), v))


@given(st.integers(1, 200), st.integers(1, 5), st.integers(600, 10**6), st.booleans())
def test_it_finds_the_nearest_of_all_values(start, step, target, rising):
    def cost(value):
        return 3 * value**2 + 5 if rising else 10**6 // value

    found = solve(cost, start, step, target)
    values = range(start % step or step, 2000, step)
    assert abs(found.count - target) == abs(cost(nearest(cost, values, target)) - target)
    assert found.count == cost(found.value)
    assert (found.value - start) % step == 0
    assert found.deviation == pytest.approx(found.count / target - 1)


@given(st.integers(3, 60), st.integers(1, 10**6), st.integers(2, 9))
def test_values_that_make_no_network_are_passed_over(n, target, every):
    def cost(value):
        return 7 * value if value % every == 2 % every else None

    start = 2 + n * every
    values = range(1, max(start, target), 1)
    assert solve(cost, start, 1, target).value == nearest(cost, values, target)


def test_fractions_stay_short_and_whole_values_whole():
    found = solve(lambda value: round(1000 * value), 1.0, 0.05, 1150)
    assert (found.value, found.count) == (1.15, 1150)
    whole = solve(lambda value: round(1000 * value), 2, 0.25, 3000)
    assert (whole.value, type(whole.value)) == (3, int)
    assert solve(lambda value: round(1000 * value), 2, 0.25, 3240).value == 3.25


def test_a_setting_that_stands_at_zero_goes_both_ways():
    for target, value in ((1200, 2.0), (800, -2.0)):
        assert solve(lambda value: round(1000 + 100 * value), 0.0, 0.5, target).value == value


def test_counts_grow_with_the_logarithm_of_the_distance():
    counted = []
    solve(lambda value: counted.append(value) or value, 1, 1, 60_000)
    assert len(counted) == len(set(counted)) < 40


def test_a_setting_that_changes_nothing_cannot_be_solved():
    with pytest.raises(Unsolvable, match="the cost does not change with it"):
        solve(lambda value: 100 if value < 500 else None, 8, 1, 200)


def test_the_value_in_use_must_make_a_network():
    with pytest.raises(ValueError, match="5 makes no network"):
        solve(lambda value: None, 5, 1, 200)
