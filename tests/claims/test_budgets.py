"""Budgets as a study names them, held against what its arms cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeper.claims.budgets import check, shares
from deeper.errors import DeeperError
from deeper.schema.study import Budget


def read(**changes):
    return [Budget(**{"metric": "params", "arms": ("wide", "thin")} | changes)]


def test_each_arm_is_held_against_the_first():
    [budget] = read(metric="macs")
    first, second = shares(budget, {"wide": {"macs": 200}, "thin": {"macs": 203}})
    assert (first.arm, first.number, first.deviation) == ("wide", 200, 0)
    assert (second.arm, second.number) == ("thin", 203)
    assert second.deviation == pytest.approx(0.015)


@given(st.integers(1, 10**12), st.integers(0, 10**12), st.floats(0, 2))
def test_an_arm_passes_exactly_where_its_deviation_is_within(first, second, within):
    budgets = read(within=within)
    costs = {"wide": {"params": first}, "thin": {"params": second}}
    if abs(second / first - 1) <= within:
        check(budgets, costs, "here")
    else:
        with pytest.raises(DeeperError, match="arm thin"):
            check(budgets, costs, "here")


def test_the_error_names_both_numbers_and_what_to_change():
    with pytest.raises(DeeperError) as caught:
        check(read(), {"wide": {"params": 1000}, "thin": {"params": 1030}}, "study x")
    words = str(caught.value)
    for part in (
        "study x",
        "arm thin has 1,030 parameters, +3.0%",
        "arm wide's 1,000",
        "within=0.02",
        "study.arms.thin",
    ):
        assert part in words
    assert "match=params:1000" in words
