"""What searches say of the claims of the ledger."""

import numpy as np
import pytest
import searched as made
from scipy import stats

from deeper.claims.searched import RANKS, judge
from deeper.schema.baselines import Baselines


@pytest.fixture
def baselines(monkeypatch):
    """Logistic regression errs on 17 %, a forest on 15 %."""

    def error(self, method, digest, image_size, train):
        assert (digest, image_size, train) == ("digest", 14, 20000)
        return {"logistic": 0.17, "forest": 0.15}[method]

    monkeypatch.setattr(Baselines, "test_error", error)
    return Baselines.model_construct()


def test_replays_decide_by_their_own_simultaneous_interval(baselines):
    table = made.table(gain=0.01)
    [found] = judge(table, baselines)
    random, evolution = (np.array(one.held) for one in table.replays)
    interval = stats.t.interval(0.95, 199, np.mean(evolution - random), stats.sem(evolution - random))
    assert (found.claim, found.verdict, found.family) == ("search-vs-random", "supported", 1)
    assert (found.deciding.difference.lower, found.deciding.difference.upper) == pytest.approx(interval)
    assert found.deciding.seeds == tuple(range(200))


@pytest.mark.parametrize(
    ("gain", "verdict"), [(0.01, "supported"), (0.0, "too small to matter"), (-0.01, "contradicted")]
)
def test_a_gain_within_the_region_is_too_small(baselines, gain, verdict):
    assert judge(made.table(gain), baselines)[0].verdict == verdict


def test_the_best_found_is_that_of_the_least_short_error_whatever_the_test_says(baselines):
    study, _ = made.study()
    [found] = judge(study, baselines)
    of_evolution = study.finals[1].final.test_errors
    assert found.verdict == "supported"
    assert found.deciding.difference.mean == pytest.approx(
        np.mean(of_evolution) - np.mean(study.finals[2].final.test_errors)
    )
    assert judge(made.study(behind=0.02)[0], baselines)[0].verdict == "contradicted"


def test_without_a_ranking_or_above_logistic_regression_nothing_is_tested(baselines):
    low = judge(made.table(correlation=RANKS - 0.01), baselines)[0]
    assert (low.verdict, [one.name for one in low.failed]) == ("not testable here", ["ranking"])
    poor = judge(made.study(behind=0.05)[0], baselines)[0]
    assert poor.verdict == "not testable here"
    assert [(one.arm, one.holds) for one in poor.preconditions] == [("best", False), ("nasnet_a", True)]
    worse = judge(made.table(gain=-0.05), baselines)[0]
    assert worse.preconditions[1].holds  # random search's best is below the line


def test_a_search_on_its_way_says_nothing(baselines):
    assert judge(made.table(finished=False), baselines) == []


def test_a_toy_run_says_nothing(baselines):
    assert judge(made.table().model_copy(update={"profile": "smoke"}), baselines) == []


def test_networks_that_do_not_cost_the_same_are_not_compared(baselines):
    study, _ = made.study()
    fit = {"setting": "model.filters", "step": 1, "target": 1_600_000}
    content = study.model_dump(by_alias=True, mode="json")
    content["study"]["compare"]["fit"] = fit
    near = judge(type(study).model_validate(content), baselines)[0]
    assert (near.verdict, near.preconditions[0].deviation) == ("supported", pytest.approx(1.5 / 1.6 - 1))
    content["finals"][2]["final"]["cost"]["macs"] = 1_900_000
    far = judge(type(study).model_validate(content), baselines)[0]
    assert (far.verdict, [(one.name, one.arm) for one in far.failed]) == (
        "not testable here",
        [("equal cost", "nasnet_a")],
    )


def test_the_order_of_a_few_networks_of_the_end_is_shown_and_decides_nothing(baselines):
    study, _ = made.study()
    assert judge(study.model_copy(update={"rank_correlation": -0.5}), baselines)[0].verdict == "supported"
