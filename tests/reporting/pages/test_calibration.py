import copy

import pytest
import synthetic
from reported import results_of

from deeper.errors import DeeperError
from deeper.reporting.pages import calibration, site


def content(errors):
    """A calibration of networks by rate from {(network, rate): validation error}."""
    base = synthetic.results(seeds=1)
    base["study"] |= {"name": "rates", "title": "Rates", "page": "calibration", "by": ["model.name", "recipe.lr"]}
    base["study"] |= {"arms": {}, "claims": {}, "published": []}
    trials = []
    for (network, rate), error in errors.items():
        arm = f"{network} {rate}"
        base["study"]["arms"][arm] = {"where": {"model.name": network, "recipe.lr": rate}}
        trial = copy.deepcopy(base["trials"][0])
        trials.append({**trial, "arm": arm, "metrics": {**trial["metrics"], "validation_error": error}})
    return {**base, "trials": trials}


ERRORS = {("a", 0.1): 0.3, ("a", 0.2): 0.25, ("b", 0.1): 0.2, ("b", 0.2): None}


def test_the_lowest_validation_error_is_chosen():
    table = calibration.build(results_of(content(ERRORS)))
    assert table.chosen() == {"a": 0.2, "b": 0.1}
    assert table.networks[1].errors == [0.2, None]


def test_the_page_shows_it_and_no_test_error(tmp_path):
    page = site.pages([results_of(content(ERRORS))], synthetic.ROOT / "published")["rates.md"]
    text = page.decode()
    assert "| a | 30.0 % | **25.0 %** |" in text
    assert "| b | **20.0 %** | – |" in text
    assert "test error" not in text
    assert "1 of 2 did best at the smallest or the largest" in text
    assert "| validation | " in text
    assert "commit `" in text


def test_the_best_of_the_middle_is_at_no_edge():
    three = {("a", 0.1): 0.3, ("a", 0.2): 0.25, ("a", 0.3): 0.26, ("b", 0.1): 0.2, ("b", 0.2): 0.3, ("c", 0.2): 0.1}
    assert calibration.build(results_of(content(three))).edges == 1


def test_arms_of_another_kind_are_refused():
    with pytest.raises(DeeperError, match="two settings"):
        calibration.build(results_of(synthetic.results(seeds=1)))
