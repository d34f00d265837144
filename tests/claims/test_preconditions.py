"""What must be true for a verdict to mean anything, one precondition after the other."""

import pytest
import synthetic

from deeper.claims import verdicts as claims
from deeper.schema.baselines import Baselines

ROWS = [{"metric": "test_error", "of": "resnet56", "against": "resnet20", "expect": "lower"}]
SEARCH = {"epochs": 4, "train": 5000, "validation": 5000, "seeds": [100], "profile": "record", "kind": "k"}


def baselines(**errors):
    """Those of the synthetic table's data, by method."""
    facts = {"data": "fashion_mnist", "digest": "5f" * 32, "image_size": 14, "train": 5000, "subset_seed": 0}
    rest = {"setting": "s", "train_error": 0.0, "validation_error": 0.2, "seconds": 1.0, "versions": {}}
    rows = [{**facts, **rest, "method": method, "test_error": error} for method, error in errors.items()]
    return Baselines.model_validate({"schema": 1, "rows": rows})


def content(test=None, rates=None, profile="pocket", **study):
    """A table of two residual networks whose claim is tested by ``ROWS``."""
    made = synthetic.results(seeds=4)
    block = synthetic.small_study(
        synthetic.ARMS, {"width-vs-depth": {"claimed": "it", "comparisons": ROWS} | (test or {})}
    )
    made["study"] = block | study | ({"rates": rates} if rates else {})
    return made | {"profile": profile}


def judged(made, known=None):
    (found,) = claims.evaluate([synthetic.table(made)], known or baselines(logistic=0.5, forest=0.4))
    return found


def asked(found, name):
    return [(one.subject, one.holds) for one in found.preconditions if one.name == name]


def test_arms_of_errors_must_beat_logistic_regression():
    assert asked(judged(content()), "it has learned") == [("resnet56", True), ("resnet20", True)]
    found = judged(content(), baselines(logistic=0.2))
    assert asked(found, "it has learned") == [("resnet56", False), ("resnet20", False)]
    assert found.verdict == "not testable here"
    assert found.failed[0].found.startswith("test error 2")
    assert found.failed[0].limit == "below 20.0 %, logistic regression's"


def test_an_arm_that_may_fail_need_not_learn():
    found = judged(content({"may_fail": ["resnet56"]}), baselines(logistic=0.2))
    assert asked(found, "it has learned") == [("resnet20", False)]


def test_an_arm_below_a_random_forest_is_marked_and_counts():
    found = judged(content(), baselines(logistic=0.5, forest=0.1))
    assert {one.remark for one in found.preconditions} == {"below a random forest"}
    assert found.verdict != "not testable here"


def test_baselines_of_other_pictures_do_not_count():
    made = content()
    for row in made["trials"]:
        row["settings"] = {"data.train_size": 200}
    found = judged(made)
    assert found.verdict == "not testable here"
    assert {one.limit for one in found.failed} == {"not computed"}


@pytest.mark.parametrize(("error", "holds"), [(0.009, True), (0.011, False)])
def test_without_its_regulariser_a_network_must_know_its_pictures_by_heart(error, holds):
    made = content({"overfit": ["resnet20"]})
    for row in made["trials"]:
        row["metrics"] = {**row["metrics"], "train_error": error}
    found = judged(made)
    assert asked(found, "it over-fits") == [("resnet20", holds)]
    assert (found.verdict == "not testable here") == (not holds)


def test_arms_that_a_budget_compares_must_cost_alike():
    budget = {"metric": "params", "arms": ["resnet20", "resnet56"], "within": 0.02}
    found = judged(content(budgets=[budget]))
    assert asked(found, "it costs as much as resnet20") == [("resnet56", False)]
    assert "parameters +21" in found.failed[0].found
    other = judged(content(budgets=[budget | {"arms": ["plain20", "resnet20"]}]))
    assert other.failed == ()


def tried(best, *others):
    return SEARCH | {"rate": best, "tried": {f"{rate:g}": 0.2 + abs(rate - best) for rate in (best, *others)}}


def test_rates_must_have_been_searched_with_a_worse_one_on_either_side():
    inside, edge = tried(0.1, 0.05, 0.2), tried(0.05, 0.1, 0.2)
    found = judged(content(rates={"resnet20": inside, "resnet56": edge}, profile="record"))
    assert asked(found, "its rate was found") == [("resnet56", False), ("resnet20", True)]
    assert found.failed[0].found == "0.05 of 0.05, 0.1, 0.2"
    none = judged(content(rates={"resnet20": inside}, profile="record"))
    assert asked(none, "its rate was found")[0] == ("resnet56", False)
    assert asked(judged(content(rates={"resnet20": inside})), "its rate was found") == []


@pytest.mark.parametrize(("half", "holds"), [(0.1, True), (-0.001, True), (-0.1, False)])
def test_the_order_of_two_arms_must_not_turn_round_with_length(half, holds):
    """At the whole length ResNet-56 errs some points more than ResNet-20."""
    made = content(rates={arm: tried(0.1, 0.05, 0.2) for arm in ("resnet20", "resnet56")}, profile="record")
    made["study"]["rates"]["resnet56"]["tried"] = {"0.05": 0.9, "0.1": 0.2 + half, "0.2": 0.9}
    for row in made["trials"]:
        row["metrics"] = {**row["metrics"], "test_error": 0.3 if row["arm"] == "resnet56" else 0.2}
    assert asked(judged(made), "the order is settled") == [("resnet56 − resnet20", holds)]


def test_a_plain_list_of_comparisons_has_no_preconditions():
    made = content()
    made["study"]["claims"] = {"width-vs-depth": ROWS}
    assert judged(made, Baselines()).preconditions == ()
