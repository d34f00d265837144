import math

import pytest

import synthetic
from deeper.analysis.metrics import METRICS


@pytest.fixture
def trial():
    noise = {"key": "k", "value": {"layers": ["a", "b", "c"], "signal_share": [0.1, 0.2, 0.6], "snr_db": [-9, -6, 2]}}
    lesion = {"key": "k", "value": {"whole": 0.2, "units": ["a", "b"], "deleted": [0.3, 0.5]}}
    probes = {"noise_start": noise, "lesion": lesion}
    found = {**synthetic.trial("plain20", 0), "probes": probes}
    found["metrics"] |= {"members_error": 0.5, "best_member_error": 0.4}
    return found


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_of_a_finished_trial_is_a_number(name, trial):
    assert METRICS[name].name == name
    assert math.isfinite(METRICS[name](trial))


def test_what_averaging_gains_is_in_no_trial_of_one_network(trial):
    trial["metrics"] |= {"test_error": 0.2, "members_error": 0.26, "best_member_error": 0.23}
    assert METRICS["averaging_gain"](trial) == pytest.approx(0.06)
    assert METRICS["gain_over_best"](trial) == pytest.approx(0.03)
    for name, key in (("averaging_gain", "members_error"), ("gain_over_best", "best_member_error")):
        del trial["metrics"][key]
        assert math.isnan(METRICS[name](trial))


def test_values_of_probes(trial):
    assert METRICS["gradient_signal_start"](trial) == pytest.approx(0.1)
    assert METRICS["lesion_increase"](trial) == pytest.approx(0.2)
    del trial["probes"]
    assert math.isnan(METRICS["lesion_increase"](trial))
    assert math.isnan(METRICS["gradient_signal_start"](trial))


def test_values(trial):
    assert METRICS["train_error"](trial) == trial["metrics"]["train_error"]
    assert METRICS["macs"](trial) == trial["cost"]["macs"]
    gap = trial["metrics"]["test_error"] - trial["metrics"]["train_error"]
    assert METRICS["generalisation_gap"](trial) == pytest.approx(gap)
    assert METRICS["gradient_imbalance_start"](trial) == pytest.approx(0.055 * 14, abs=0.15)


def test_a_diverged_trial_has_its_errors_and_no_loss(trial):
    synthetic.diverge(trial)
    assert METRICS["test_error"](trial) == 0.9
    assert math.isnan(METRICS["test_loss"](trial))
    assert math.isfinite(METRICS["gradient_imbalance_training"](trial))
