"""Which network for how many operations, and how soon, against numbers told by hand."""

import synthetic
from reported import arms_of, results_of

from deeper.reporting.pages import site
from deeper.reporting.pages.zoo_choices import choices
from deeper.reporting.time_to_target import level_of, time_to
from deeper.schema.baselines import Baselines

MACS = {"plain20": 800_000, "plain56": 900_000, "resnet20": 4_000_000, "resnet56": 12_000_000}
ERRORS = {  # by seed
    "plain20": (0.30, 0.31, 0.32),
    "plain56": (0.40, 0.41, 0.42),
    "resnet20": (0.26, 0.30, 0.34),
    "resnet56": (0.20, 0.21, 0.22),
}


def content():
    found = synthetic.results(seeds=3, epochs=4)
    found["study"]["page"] = "zoo"
    for row in found["trials"]:
        row["cost"]["macs"], row["metrics"]["test_error"] = MACS[row["arm"]], ERRORS[row["arm"]][row["seed"]]
        for epoch, error in zip(row["curves"], (0.5, 0.3 + 0.02 * row["seed"], 0.25, 0.24), strict=True):
            epoch["validation_error"] = error + (0.2 if row["arm"] == "plain56" else 0)
            epoch["seconds"] = 10.0 + epoch["epoch"]
    return found


def test_a_budget_buys_the_best_within_it_and_the_cheapest_within_its_interval():
    found = [(one.budget, one.best.name, one.cheapest and one.cheapest.name) for one in choices(arms_of(content()))]
    assert found == [
        (1_000_000, "plain20", None),
        (2_000_000, "plain20", None),
        (5_000_000, "resnet20", "plain20"),
        (10_000_000, "resnet20", "plain20"),
        (20_000_000, "resnet56", None),
    ]


def test_what_buys_nothing_more_is_left_out():
    arms = [arm for arm in arms_of(content()) if arm.name != "resnet20"]
    dear = [arm for arm in arms if arm.name != "resnet56"] + [arm for arm in arms if arm.name == "resnet56"]
    dear[-1].means["test_error"] = dear[1].means["test_error"]
    assert [(one.budget, one.best.name) for one in choices(dear)] == [(1_000_000, "plain20")]


def test_one_seed_has_no_interval_to_lie_within():
    one = content()
    one["trials"] = [row for row in one["trials"] if row["seed"] == 0]
    assert all(bought.cheapest is None for bought in choices(arms_of(one)))


def test_the_level_is_reached_by_three_networks_of_four():
    arms = arms_of(content())
    assert level_of(arms) == 0.29  # ends are 24, 24, 24 and 44 %: the third quartile is 29
    assert level_of([]) is None


def test_epochs_and_seconds_until_the_level_by_seed():
    arms = {arm.name: arm for arm in arms_of(content())}
    soon = time_to(arms["resnet20"], 0.31)  # after epochs 2, 3 and 3
    assert (soon.epochs.mean, soon.reached, soon.seeds) == (8 / 3, 3, 3)
    assert abs(soon.seconds.mean - (23 + 36 + 36) / 3) < 1e-9
    assert time_to(arms["resnet20"], 0.31, timed=False).seconds is None
    never = time_to(arms["plain56"], 0.31)
    assert (never.epochs, never.seconds, never.reached) == (None, None, 0)


def test_a_page_of_many_networks_has_both_tables():
    page = site.pages([results_of(content())], synthetic.ROOT / "published")["residual_vs_plain.md"].decode()
    assert "| 5 M | ResNet-20 | 30.0 ± 9.9 % | 4.00 M | Plain-20, 31.0 ± 2.5 %, 800 k |" in page
    assert "●●○○ 5,000 of 14×14, 4 epochs. Means over seeds, with their 95 % intervals." in page
    assert "logistic regression" not in page
    assert "## How soon a validation error of 29 %" in page
    assert "| Plain-56 | – | – | 0 of 3 |" in page


def pixels(error):
    place = {"data": "fashion_mnist", "digest": "5f" * 32, "image_size": 14, "train": 5000, "subset_seed": 0}
    row = {**place, "method": "logistic", "setting": "s", "train_error": 0.3, "test_error": error, "versions": {}}
    return Baselines(schema=1, rows=[row | {"validation_error": 0.4, "seconds": 1.0}])


def test_a_row_says_where_its_network_loses_to_a_classifier_of_the_pixels():
    text = site.pages([results_of(content())], synthetic.ROOT / "published", baselines=pixels(0.25))
    page = text["residual_vs_plain.md"].decode()
    assert "| 5 M | ResNet-20 | 30.0 ± 9.9 %, no less than logistic regression | 4.00 M |" in page
    assert "| 20 M or more | ResNet-56 | 21.0 ± 2.5 % | 12.0 M |" in page
    assert "| none: a classifier of pixels | logistic regression | 25.0 % | – | – |" in page


def test_one_seed_and_epochs_that_differ_are_said():
    one = content()
    one["trials"] = [row for row in one["trials"] if row["seed"] == 0]
    for row in one["trials"]:
        row["settings"] = {"training.epochs": 60 if row["arm"] == "resnet56" else 6}
    page = site.pages([results_of(one)], synthetic.ROOT / "published")["residual_vs_plain.md"].decode()
    assert "One seed a network, so no intervals." in page
    assert "| 20 M or more | ResNet-56 (60 epochs) | 20.0 % |" in page
