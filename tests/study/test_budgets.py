"""Budgets as a study names them, held against what its arms cost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deeper.errors import DeeperError
from deeper.study.budgets import check, read_budgets, shares

ARMS = {"wide": {"label": "Wide"}, "thin": {"label": "Thin"}}


def study(*budgets):
    return {"arms": ARMS, "budgets": list(budgets)}


def read(**changes):
    return read_budgets(study({"metric": "params", "arms": ["wide", "thin"]} | changes), "here")


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


def test_a_study_without_budgets_has_none():
    assert read_budgets({"arms": ARMS}, "here") == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metric": "parms"}, "metric 'parms' is not among the costs; did you mean 'params'?"),
        ({"metric": "test_error"}, "there are: params, macs, activation_bytes"),
        ({"arms": ["wide", "thine"]}, "arm 'thine' is not among the study's arms; did you mean 'thin'?"),
        ({"arms": ["wide"]}, "two arms or more"),
        ({"arms": "wide"}, "two arms or more"),
        ({"within": -0.1}, "a fraction of 0 or more"),
        ({"within": "2%"}, "a fraction of 0 or more"),
        ({"of": "wide"}, "a budget has metric, arms"),
    ],
)
def test_what_is_no_budget_is_named(changes, words):
    with pytest.raises(DeeperError, match=r"^here: budget 1:") as caught:
        read(**changes)
    assert words in str(caught.value)
