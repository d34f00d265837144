import math

import pytest

from deeper.claims.metrics import METRICS
from deeper.claims.statistics import mean
from deeper.claims.verdicts import Comparison
from deeper.reporting import text


@pytest.mark.parametrize(
    ("value", "shown"),
    [(1234.5, "+1,234.50"), (-0.126, "−0.13"), (0.001, "0.00"), (-0.001, "0.00"), (math.nan, "–"), (None, "–")],
)
def test_number(value, shown):
    assert text.number(value, sign=True) == shown


@pytest.mark.parametrize(
    ("values", "shown"), [([0.25, 0.25], "25.0 ± 0.0 %"), ([0.25], "25.0 %"), ([0.012, 0.016], "1.40 ± 2.54 %")]
)
def test_percent(values, shown):
    assert text.percent(mean(values)) == shown


@pytest.mark.parametrize(("value", "shown"), [(853018, "853 k"), (40551040, "40.6 M"), (2.83e9, "2.83 G"), (12, "12")])
def test_count(value, shown):
    assert text.count(value) == shown


@pytest.mark.parametrize(("p", "shown"), [(1e-9, "< 0.0001"), (0.00312, "0.0031"), (0.0496, "0.050"), (1.0, "1.000")])
def test_p_value(p, shown):
    assert text.p_value(p) == shown


@pytest.mark.parametrize(
    ("words", "shown"), [([], ""), (["a"], "a"), (["a", "b"], "a and b"), (["a", "b", "c"], "a, b and c")]
)
def test_words_in_a_row(words, shown):
    assert text.listed(words) == shown


def test_a_recipe_in_a_line():
    optimizer = {"_target_": "torch.optim.SGD", "_partial_": True, "lr": 0.1}
    assert text.settings({"epochs": 4, "optimizer": optimizer}) == "epochs 4, optimizer SGD (lr 0.1)"
    assert text.settings({"trainer": {"compile": False, "devices": [0, 1]}}) == "trainer (compile off, devices [0, 1])"


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
    margin = 0.01 if expect.startswith("not") else 0.0
    assert text.expectation(Comparison(METRICS["test_error"], "a", against, expect, margin)) == shown


def test_a_cell_stays_one_cell():
    assert text.cell("a|b\nc") == "a\\|b c"
