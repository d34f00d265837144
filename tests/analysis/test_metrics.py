import math

import pytest

import synthetic
from deeper.analysis.metrics import METRICS


@pytest.fixture
def trial():
    return synthetic.trial("plain20", 0)


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_of_a_finished_trial_is_a_number(name, trial):
    assert METRICS[name].name == name
    assert math.isfinite(METRICS[name](trial))


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
