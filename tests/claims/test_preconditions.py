"""What must hold before a claim can be tested, one thing at a time."""

import math

import pytest
import synthetic

from deeper.claims import preconditions, verdicts
from deeper.claims.preconditions import AboveBaseline, FitsTraining, OrderIsStable, RateInside, WithinBudget
from deeper.schema.baselines import BaselineRow, Baselines

ERRORS = {"a": 0.10, "b": 0.20, "c": 0.30}
DIGEST, SIZE, TRAIN = "5f" * 32, 14, 5000  # of synthetic.results
SAYS = {"claimed": "it helps", "predicted": "it will", "why": "half a point"}
ROW = {"metric": "test_error", "of": "b", "against": "a", "expect": "higher"}


def search(best, rate="0.1", tried=("0.05", "0.1", "0.2")):
    errors = {one: 0.9 if one != rate else best for one in tried}
    size = {"epochs": 5, "train": 100, "validation": 50, "seeds": [100], "profile": "record", "kind": "k"}
    return {"rate": float(rate), "tried": errors, **size}


def content(rows=(ROW,), **says):
    """Three arms with three seeds each, every error of an arm that of ``ERRORS`` to a thousandth."""
    trials = []
    for arm, error in ERRORS.items():
        for seed in range(3):
            entry = synthetic.trial("plain20", seed) | {"arm": arm, "settings": {}}
            entry["metrics"] |= {f"{part}_error": error + 0.001 * seed * (arm != "a") for part in ("train", "test")}
            trials.append(entry)
    block = synthetic.small_study(ERRORS, {"degradation": {**SAYS, "comparisons": list(rows), **says}})
    block["rates"] = {arm: search(error) for arm, error in ERRORS.items()}
    return synthetic.results(seeds=0) | {"study": block, "trials": trials}


def baselines(logistic=0.25, forest=None, **place):
    where = {"data": "fashion_mnist", "digest": DIGEST, "image_size": SIZE, "train": TRAIN, "subset_seed": 0} | place
    methods = {"logistic": logistic, "forest": forest}
    fitted = {"setting": "s", "train_error": 0.0, "validation_error": 0.1, "seconds": 1.0, "versions": {}}
    rows = [
        BaselineRow(**where, **fitted, method=method, test_error=error)
        for method, error in methods.items()
        if error is not None
    ]
    return Baselines(rows=rows)


def asked(made, kind, known=None):
    """The preconditions of one kind, by what they are of."""
    table = synthetic.table(made)
    found = preconditions.check(table, table.study.claims["degradation"], known or baselines())
    return [one for one in found if isinstance(one, kind)]


def verdict(made, known=None):
    (found,) = verdicts.evaluate([synthetic.table(made)], known)
    return found


def test_a_claim_whose_preconditions_hold_is_judged():
    found = verdict(content(), baselines())
    assert (found.verdict, found.failed) == ("supported", [])
    assert [one.name for one in found.preconditions] == ["baseline"] * 2 + ["learning rate"] * 2 + [
        "order at another length"
    ]


def test_of_comparisons_alone_nothing_is_asked():
    made = content()
    made["study"]["claims"]["degradation"] = [ROW]
    found = verdict(made)
    assert (found.verdict, found.preconditions) == ("supported", ())


@pytest.mark.parametrize(
    ("logistic", "forest", "holds", "marked"),
    [
        (0.25, None, True, False),
        (0.25, 0.22, True, False),
        (0.25, 0.15, True, True),
        (0.201, 0.15, False, False),
        (None, 0.22, False, False),
    ],
)
def test_an_arm_errs_less_than_logistic_regression(logistic, forest, holds, marked):
    first, _ = asked(content(), AboveBaseline, baselines(logistic, forest))
    assert (first.arm, first.holds, first.is_marked) == ("b", holds, marked)
    assert first.error == pytest.approx(0.201)


def test_an_arm_that_may_fail_needs_no_baseline():
    made = content(may_fail=["b"])
    assert [one.arm for one in asked(made, AboveBaseline)] == ["a"]
    assert verdict(made, baselines(0.15)).verdict == "supported"
    assert verdict(content(), baselines(0.15)).verdict == "not testable here"


def test_a_baseline_is_of_the_same_pixels():
    made = content()
    for trial in made["trials"]:
        if trial["arm"] == "b":
            trial["settings"] = {"data.train_size": 500}
    known = baselines(0.15).rows + baselines(0.40, train=500).rows
    assert [one.logistic for one in asked(made, AboveBaseline, Baselines(rows=known))] == pytest.approx([0.40, 0.15])
    for place in ({"digest": "other"}, {"image_size": 28}, {"train": 501}):
        assert [one.logistic for one in asked(content(), AboveBaseline, baselines(**place))] == [None, None]
    made["trials"][3]["settings"] = {"data.name": "cifar10"}
    assert asked(made, AboveBaseline, Baselines(rows=known))[0].logistic is None


def test_what_was_not_learned_needs_neither_baseline_nor_rate():
    made = content([ROW | {"metric": "early_gradient_start"}, ROW | {"metric": "params"}])
    del made["study"]["rates"]
    assert asked(made, AboveBaseline) == asked(made, RateInside) == []


@pytest.mark.parametrize(("error", "holds"), [(0.004, True), (0.01, True), (0.011, False), (None, False)])
def test_the_arm_without_the_regulariser_fits_its_pictures(error, holds):
    made = content(overfit=["a"])
    for trial in made["trials"]:
        if trial["arm"] == "a":
            trial["metrics"]["train_error"] = error
    (found,) = asked(made, FitsTraining)
    assert (found.arm, found.holds) == ("a", holds)
    assert math.isnan(found.train_error) == (error is None)


@pytest.mark.parametrize(("params", "holds"), [(101, True), (103, False), (97, False)])
def test_budgets_hold_in_the_counts(params, holds):
    made = content()
    made["study"]["budgets"] = [{"metric": "params", "arms": ["a", "b", "c"], "within": 0.02}]
    for trial in made["trials"]:
        trial["cost"]["params"] = params if trial["arm"] == "c" else 100
    (found,) = asked(made, WithinBudget)
    assert (found.arm, found.holds) == ("c", holds)
    assert found.deviation == pytest.approx(params / 100 - 1)


@pytest.mark.parametrize(("rate", "holds"), [("0.05", False), ("0.1", True), ("0.2", False)])
def test_a_rate_is_inside_what_was_tried(rate, holds):
    made = content()
    made["study"]["rates"]["b"] = search(0.2, rate)
    assert [(one.arm, one.holds) for one in asked(made, RateInside)] == [("b", holds), ("a", True)]
    del made["study"]["rates"]["b"]
    found = verdict(made, baselines())
    assert (found.verdict, [one.arm for one in found.failed]) == ("not testable here", ["b"])


def test_a_rate_is_at_the_edge_where_an_end_is_as_good():
    made = content()
    made["study"]["rates"]["b"] = search(0.2, "0.1")
    tried = made["study"]["rates"]["b"]["tried"]
    tried[max(tried, key=float)] = min(tried.values())
    assert [(one.arm, one.holds) for one in asked(made, RateInside)] == [("b", False), ("a", True)]


def test_an_average_has_the_rate_of_what_it_averages():
    made = content([{"metric": "averaging_gain", "of": "pair", "expect": "higher"}])
    made["study"]["arms"]["pair"] = {"average": {"of": "a", "size": 2}}
    assert [one.arm for one in asked(made, RateInside)] == ["a"]


@pytest.mark.parametrize(
    ("short", "region", "holds"),
    [(0.1, None, True), (0.004, None, True), (-0.004, None, True), (-0.006, None, False), (-0.006, 0.01, True)],
)
def test_the_order_is_the_same_at_another_length(short, region, holds):
    row = ROW if region is None else ROW | {"region": region}
    made = content([row])
    made["study"]["rates"] |= {"a": search(0.2), "b": search(0.2 + short)}
    (found,) = asked(made, OrderIsStable)
    assert (found.holds, found.short) == (holds, pytest.approx(short))
    assert found.full == pytest.approx(0.101)


def test_a_regulariser_may_cost_at_first_and_pay_in_the_end():
    made = content(overfit=["a"])
    made["study"]["rates"] |= {"a": search(0.3), "b": search(0.2)}
    assert asked(made, OrderIsStable) == []


def test_a_small_difference_at_full_length_contradicts_nothing():
    made = content([ROW | {"region": 0.15}])
    made["study"]["rates"]["b"] = search(0.05)
    assert [one.holds for one in asked(made, OrderIsStable)] == [True]


def test_the_order_is_asked_of_differences_of_test_errors_alone():
    rows = [ROW | {"metric": "generalisation_gap"}, ROW | {"metric": "train_error"}]
    assert asked(content([*rows, {"metric": "test_error", "of": "a", "expect": "higher"}]), OrderIsStable) == []
    minus = {"of": "c", "against": "a", "share": 0.1}
    (found,) = asked(content([ROW | {"minus": minus}]), OrderIsStable)
    assert found.short == pytest.approx(0.1 - 0.1 * 0.2)
