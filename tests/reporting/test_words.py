import math

import pytest

from deeper.claims.statistics import PERCENTAGE, mean
from deeper.reporting import words
from deeper.schema.study import Comparison


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234.5, "+1,234.50"), (-0.126, "−0.13"), (0.001, "0.00"), (-0.001, "0.00"), (math.nan, "–"), (None, "–")],
)
def test_number(value, shown):
    assert words.number(value, sign=True) == shown


def test_a_mean_of_differences_and_a_difference_of_means_are_rounded_alike():
    one, other = 5.5 / 100, 15.155 - 15.1
    assert one != other
    assert words.number(one) == words.number(other)


@pytest.mark.parametrize(
    ("values", "shown"), [([0.25, 0.25], "25.0 ± 0.0 %"), ([0.25], "25.0 %"), ([0.012, 0.016], "1.40 ± 2.54 %")]
)
def test_percent(values, shown):
    assert words.percent(mean(values)) == shown


@pytest.mark.parametrize(("value", "shown"), [(853018, "853 k"), (40551040, "40.6 M"), (2.83e9, "2.83 G"), (12, "12")])
def test_count(value, shown):
    assert words.count(value) == shown


@pytest.mark.parametrize(
    ("listed", "shown"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_words_in_a_row(listed, shown):
    assert words.listed(listed) == shown


def test_a_recipe_in_a_line():
    optimizer = {"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.1}
    assert words.settings({"epochs": 4, "optimizer": optimizer}) == "epochs 4, optimizer SGD (lr 0.1)"
    assert words.settings({"trainer": {"compile": False, "devices": [0, 1]}}) == "trainer (compile off, devices [0, 1])"


@pytest.mark.parametrize(
    ("expect", "against", "shown"),
    [
        ("higher", "b", "higher"),
        ("higher", None, "above 0"),
        ("lower", None, "below 0"),
        ("not_higher", "b", "not higher by 1.00 points or more"),
        ("not_higher", None, "not above 0 by 1.00 points or more"),
        ("not_lower", None, "not below 0 by 1.00 points or more"),
    ],
)
def test_expectation(expect, against, shown):
    margin = 0.01 if expect.startswith("not") else None
    comparison = Comparison(metric="test_error", of="a", against=against, expect=expect, margin=margin)
    assert words.expectation(comparison) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({"expect": "higher", "margin": 0.02}, "higher by 2.00 points or more"),
        ({"expect": "lower", "region": 0.005}, "lower (±0.50 points do not matter)"),
        ({"expect": "alike", "region": 0.005}, "alike, within ±0.50 points"),
    ],
)
def test_expectation_with_a_border_or_a_region(said, shown):
    assert words.expectation(Comparison(metric="test_error", of="a", against="b", **said)) == shown


@pytest.mark.parametrize(
    ("expect", "shown"), [("lower", "lower by 14.79 % or more"), ("higher", "higher by 17.35 % or more")]
)
def test_a_border_of_a_ratio_is_that_of_its_side(expect, shown):
    assert words.expectation(Comparison(metric="step_ratio", of="a", against="b", expect=expect, margin=0.16)) == shown


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ({}, "A"),
        ({"against": "b"}, "A − B"),
        ({"against": "b", "minus": {"of": "c", "against": "d"}}, "(A − B) − (C − D)"),
        ({"against": "b", "minus": {"of": "c", "against": "d", "share": 0.1}}, "(A − B) − 0.1 × (C − D)"),
    ],
)
def test_arms_of_a_comparison(said, shown):
    assert words.arms(Comparison(metric="test_error", of="a", expect="lower", **said), str.upper) == shown


def test_what_has_no_interval_is_printed_without():
    few = mean([0.0, 0.02], limits=PERCENTAGE)
    assert (words.percent(few), words.accuracy(few), words.points(few)) == ("1.00 %", "99.0 %", "+1.0")


def test_a_cell_stays_one_cell():
    assert words.cell("a|b\nc") == "a\\|b c"


@pytest.mark.parametrize(
    ("values", "unit", "shown"),
    [
        ([0.25, 0.25], "fraction", "25.0 ± 0.0 %"),
        ([3.4], "ms", "3.40 ms"),
        ([1.0, 1.0], "decades", "1.00 ± 0.00 decades"),
        ([853018, 853018], "", "853 k"),
    ],
)
def test_a_mean_of_any_unit(values, unit, shown):
    assert words.measured(mean(values), unit) == shown


@pytest.mark.parametrize(
    ("values", "shown"),
    [([4], "4"), ([4, 8], "4 and 8"), ([4, 8, 1600], "4 to 1,600"), (["a", "b"], "a and b")],
)
def test_several_values(values, shown):
    assert words.several(values, "{:,}".format if isinstance(values[0], int) else str) == shown


@pytest.mark.parametrize(("value", "shown"), [(20000, "+20 k"), (-0.5, "−0.5"), (0, "0"), (1.5e7, "+15 M")])
def test_marks_at_an_axis(value, shown):
    assert words.mark(value, sign=True) == shown
    assert words.mark(abs(value)) == shown.lstrip("+−")
