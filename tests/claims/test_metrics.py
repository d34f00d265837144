import math

import pytest
import synthetic

from deeper.claims.metrics import METRICS


@pytest.fixture
def trial():
    noise = {"key": "k", "value": {"layers": ["a", "b", "c"], "signal_share": [0.1, 0.2, 0.6], "snr_db": [-9, -6, 2]}}
    lesion = {"key": "k", "value": {"whole": 0.2, "units": ["a", "b"], "deleted": [0.3, 0.5]}}
    others = {
        "columns": {"whole": 0.2, "columns": [0.5, 0.3, 0.25]},
        "auxiliary": {"main": {"error": 0.2, "loss": 0.6}, "averaged": {"error": 0.17, "loss": 0.5}},
        "activations": {"activations": {"names": ["a", "b"], "zeros": [0.5, 0.7]}},
        "step_time": {"step_ms": 12.0, "eval_ms_per_image": 0.1},
    }
    probes = {"noise_start": noise, "lesion": lesion} | {name: {"key": "k", "value": v} for name, v in others.items()}
    found = {**synthetic.trial("plain20", 0), "probes": probes}
    found["metrics"] |= {"members_error": 0.5, "best_member_error": 0.4}
    errors = {"bag": 0.1, "shoe": 0.3, "no picture": None}
    found["scores"] = {"top5_error": 0.02, "calibration_error": 0.04, "macro_f1": 0.8, "class_errors": errors}
    found["time"] |= {"features_s": 8.0, "classifier_s": 2.0}
    return found


@pytest.mark.parametrize("name", METRICS)
def test_every_metric_of_a_finished_trial_is_a_number(name, trial):
    assert METRICS[name].name == name
    assert math.isfinite(METRICS[name](synthetic.row(trial)))


def test_a_ratio_of_times_is_shown_in_per_cent(trial):
    half = {**trial, "probes": {**trial["probes"], "step_time": {"key": "k", "value": {"step_ms": 9.0}}}}
    metric = METRICS["step_ratio"]
    difference = metric(synthetic.row(half)) - metric(synthetic.row(trial))
    assert metric.shown(difference) == pytest.approx(-25)
    assert METRICS["test_error"].shown(0.02) == 2
    assert METRICS["step_ms"].shown(-3.0) == -3


def test_what_averaging_gains_is_in_no_trial_of_one_network(trial):
    trial["metrics"] |= {"test_error": 0.2, "members_error": 0.26, "best_member_error": 0.23}
    assert METRICS["averaging_gain"](synthetic.row(trial)) == pytest.approx(0.06)
    assert METRICS["gain_over_best"](synthetic.row(trial)) == pytest.approx(0.03)
    for name, key in (("averaging_gain", "members_error"), ("gain_over_best", "best_member_error")):
        del trial["metrics"][key]
        assert math.isnan(METRICS[name](synthetic.row(trial)))


def test_the_share_of_time_that_kept_features_leave_is_told_from_a_half(trial):
    assert METRICS["cached_share"](synthetic.row(trial)) == pytest.approx(0.2 - 0.5)
    del trial["time"]["features_s"]
    assert math.isnan(METRICS["cached_share"](synthetic.row(trial)))


def test_scores_are_of_trials_whose_logits_were_asked(trial):
    assert METRICS["worst_class_error"](synthetic.row(trial)) == 0.3
    assert METRICS["top5_error"](synthetic.row(trial)) == 0.02
    del trial["scores"]
    assert math.isnan(METRICS["worst_class_error"](synthetic.row(trial)))
    assert math.isnan(METRICS["calibration_error"](synthetic.row(trial)))


def test_values_of_probes(trial):
    assert METRICS["gradient_signal_start"](synthetic.row(trial)) == pytest.approx(0.1)
    assert METRICS["lesion_increase"](synthetic.row(trial)) == pytest.approx(0.2)
    assert METRICS["column_excess_deepest"](synthetic.row(trial)) == pytest.approx(0.05)
    assert METRICS["column_excess_shallowest"](synthetic.row(trial)) == pytest.approx(0.3)
    assert METRICS["averaging_heads_gain"](synthetic.row(trial)) == pytest.approx(0.03)
    assert METRICS["zero_activations"](synthetic.row(trial)) == pytest.approx(0.6)
    assert METRICS["step_ms"](synthetic.row(trial)) == 12.0
    assert METRICS["eval_ms_per_image"](synthetic.row(trial)) == 0.1


PROBED = [
    "lesion_increase",
    "gradient_signal_start",
    "column_excess_deepest",
    "column_excess_shallowest",
    "averaging_heads_gain",
    "zero_activations",
    "step_ms",
    "eval_ms_per_image",
]


@pytest.mark.parametrize("name", PROBED)
def test_without_its_probe_there_is_no_number(name, trial):
    for found in trial["probes"].values():
        found["value"] = {}
    assert math.isnan(METRICS[name](synthetic.row(trial)))
    del trial["probes"]
    assert math.isnan(METRICS[name](synthetic.row(trial)))


def test_the_early_gradient_is_that_of_the_first_third(trial):
    trial["gradients"] = {
        "layers": ["stem.weight", "groups.0.weight", "groups.1.weight", "heads.0.fc.weight", "head.fc.weight"],
        "start": [1e-2, 1.0, 1.0, 1e3, 1.0],
        "epochs": [[1e-3, 1.0, 1.0, 1e3, 1.0], [1e-5, 1.0, 1.0, 1e3, 1.0], [None] * 5],
    }
    assert METRICS["early_gradient_start"](synthetic.row(trial)) == pytest.approx(-2)
    assert METRICS["early_gradient"](synthetic.row(trial)) == pytest.approx(-4)
    trial["gradients"] = {"layers": [], "start": [], "epochs": []}
    assert math.isnan(METRICS["early_gradient_start"](synthetic.row(trial)))
    assert math.isnan(METRICS["early_gradient"](synthetic.row(trial)))


def test_values(trial):
    assert METRICS["train_error"](synthetic.row(trial)) == trial["metrics"]["train_error"]
    assert METRICS["macs"](synthetic.row(trial)) == trial["cost"]["macs"]
    gap = trial["metrics"]["test_error"] - trial["metrics"]["train_error"]
    assert METRICS["generalisation_gap"](synthetic.row(trial)) == pytest.approx(gap)
    assert METRICS["gradient_imbalance_start"](synthetic.row(trial)) == pytest.approx(0.055 * 14, abs=0.15)


def test_a_diverged_trial_has_its_errors_and_no_loss(trial):
    synthetic.diverge(trial)
    assert METRICS["test_error"](synthetic.row(trial)) == 0.9
    assert math.isnan(METRICS["test_loss"](synthetic.row(trial)))
    assert math.isfinite(METRICS["gradient_imbalance_training"](synthetic.row(trial)))


@pytest.mark.parametrize(
    ("errors", "epochs"),
    [([0.4, 0.1, 0.05], 1 + (0.4 - 0.15) / 0.3), ([0.1], 0.85 / 0.9), ([0.5, 0.4], 3), ([0.3, 0.15], 2)],
)
def test_epochs_to_a_level_lie_between_epochs_and_beyond_the_last(trial, errors, epochs):
    rows = [{"epoch": n, "train_error": error, "validation_error": None} for n, error in enumerate(errors, 1)]
    found = METRICS["epochs_to_15"](synthetic.row({**trial, "curves": rows}))
    assert found == pytest.approx(epochs)


def test_a_table_of_every_fourth_epoch_tells_the_same_epochs(trial):
    slow = [{"epoch": n, "train_error": 0.5, "validation_error": None} for n in range(4, 101, 4)]
    assert METRICS["epochs_to_15"](synthetic.row({**trial, "curves": slow})) == 101
    fast = [*slow[:2], {"epoch": 12, "train_error": 0.0, "validation_error": None}]
    assert METRICS["epochs_to_15"](synthetic.row({**trial, "curves": fast})) == pytest.approx(8 + 4 * 0.7)


def test_a_mean_over_the_epochs_is_of_all_of_them_or_none(trial):
    rows = [{"epoch": n, "train_error": 0.5, "validation_error": None} for n in range(1, 5)]
    assert METRICS["mean_train_error"](synthetic.row({**trial, "curves": rows})) == 0.5
    assert math.isnan(METRICS["mean_train_error"](synthetic.row({**trial, "curves": rows[1::2]})))


def test_a_training_that_diverged_early_was_not_fast(trial):
    rows = [{"epoch": 1, "train_error": 0.6, "validation_error": None}]
    diverged = {**trial, "curves": rows, "status": "diverged", "reason": "the training loss is nan"}
    broken = diverged | {"metrics": trial["metrics"] | {"train_loss": None}}
    assert math.isnan(METRICS["epochs_to_15"](synthetic.row(broken)))


def test_a_network_that_stays_at_chance_never_gets_there(trial):
    rows = [{"epoch": n, "train_error": 0.9, "validation_error": None} for n in range(1, 17)]
    stuck = {**trial, "curves": rows, "status": "diverged", "reason": "training error 0.900 is at chance level (0.900)"}
    assert METRICS["epochs_to_15"](synthetic.row(stuck)) == 17
    assert METRICS["epochs_to_15"].is_least(synthetic.row(stuck))
    rows[3]["train_error"] = 0.1
    assert not METRICS["epochs_to_15"].is_least(synthetic.row(stuck))
    assert not METRICS["test_error"].is_least(synthetic.row(stuck))
