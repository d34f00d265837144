"""What a claim can be about: the numbers of one trial, by name.

A metric is a function of a trial as ``results/<study>.json`` holds it; it gives NaN where the trial has no such
number. Those of a probe (docs/formats.md) ask the study for one of the probe's usual name: ``noise_start``, ``lesion``,
``columns``, ``auxiliary``, ``activations``, ``step_time``.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.claims import gradient_norms as gradients

Trial = Mapping[str, Any]

FRACTION = "fraction"
DECADES = "decades"


@dataclass(frozen=True)
class Metric:
    """A number of a trial; ``unit`` is ``fraction`` (shown in percent), ``decades`` (log10 of a ratio) or plain."""

    name: str
    label: str
    unit: str
    of: Callable[[Trial], float]

    def __call__(self, trial: Trial) -> float:
        return self.of(trial)


def _measured(block: str, key: str) -> Callable[[Trial], float]:
    return lambda trial: _number(trial[block].get(key))


def _gap(trial: Trial) -> float:
    return _number(trial["metrics"].get("test_error")) - _number(trial["metrics"].get("train_error"))


def _gain(over: str) -> Callable[[Trial], float]:
    """What a group of averaged networks errs less than ``over``, an error of its members."""
    return lambda trial: _number(trial["metrics"].get(over)) - _number(trial["metrics"].get("test_error"))


def _imbalance_start(trial: Trial) -> float:
    return gradients.imbalance((trial.get("gradients") or {}).get("start") or [])


def _probe(trial: Trial, name: str) -> Mapping[str, Any]:
    return ((trial.get("probes") or {}).get(name) or {}).get("value") or {}


def _signal_start(trial: Trial) -> float:
    """Mean over the first third of the layers of the signal's share of the gradient."""
    shares = _probe(trial, "noise_start").get("signal_share") or []
    return _mean(shares[: max(1, len(shares) // 3)])


def _lesion(trial: Trial) -> float:
    """Mean rise of the error when one block is taken out."""
    found = _probe(trial, "lesion")
    return _mean(found.get("deleted") or []) - _number(found.get("whole"))


def _early_start(trial: Trial) -> float:
    block = trial.get("gradients") or {}
    return gradients.early(block["layers"], block["start"]) if block.get("start") else math.nan


def _early_training(trial: Trial) -> float:
    block = trial.get("gradients") or {}
    return gradients.mean_early(block.get("layers") or [], block.get("epochs") or [])


def _excess(column: int) -> Callable[[Trial], float]:
    """What one column alone errs more than the whole fractal network, the shallowest being column 0."""
    return lambda trial: _value(trial, "columns", "columns", column) - _value(trial, "columns", "whole")


def _heads_gain(trial: Trial) -> float:
    """What the mean of all heads errs less than the main head."""
    return _value(trial, "auxiliary", "main", "error") - _value(trial, "auxiliary", "averaged", "error")


def _zeros(trial: Trial) -> float:
    """Mean over activations of their share of zeros."""
    return _mean((_probe(trial, "activations").get("activations") or {}).get("zeros") or [])


def _cached_share(trial: Trial) -> float:
    """Time of a classifier on features that are there, as a share of the time with computing them, minus one half."""
    classifier, features = (_number(trial["time"].get(key)) for key in ("classifier_s", "features_s"))
    return classifier / (classifier + features) - 0.5 if classifier + features else math.nan


def _value(trial: Trial, probe: str, *path: str | int) -> float:
    return _number(at(_probe(trial, probe), path))


def at(value: Any, path: Sequence[str | int]) -> Any:
    """What stands in a measurement under keys and indices; None where there is nothing."""
    for step in path:
        try:
            value = value[step]
        except (LookupError, TypeError):
            return None
    return value


def _mean(values: Sequence[float | None]) -> float:
    numbers = [_number(value) for value in values]
    return math.fsum(numbers) / len(numbers) if numbers else math.nan


def _mean_train_error(trial: Trial) -> float:
    """Running training error, mean over the epochs: the less, the faster it learned."""
    return _mean([row.get("train_error") for row in trial.get("curves") or []])


def _imbalance_training(trial: Trial) -> float:
    return gradients.mean_imbalance((trial.get("gradients") or {}).get("epochs") or [])


def _number(value: float | None) -> float:
    return float(value) if value is not None and math.isfinite(value) else math.nan


METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("train_error", "training error", FRACTION, _measured("metrics", "train_error")),
        Metric("validation_error", "validation error", FRACTION, _measured("metrics", "validation_error")),
        Metric("test_error", "test error", FRACTION, _measured("metrics", "test_error")),
        Metric("mean_train_error", "training error, mean over the epochs", FRACTION, _mean_train_error),
        Metric("train_loss", "training loss", "nats", _measured("metrics", "train_loss")),
        Metric("validation_loss", "validation loss", "nats", _measured("metrics", "validation_loss")),
        Metric("test_loss", "test loss", "nats", _measured("metrics", "test_loss")),
        Metric("generalisation_gap", "test minus training error", FRACTION, _gap),
        Metric("gradient_imbalance_start", "gradient imbalance at the start", DECADES, _imbalance_start),
        Metric("gradient_imbalance_training", "gradient imbalance in training", DECADES, _imbalance_training),
        Metric("gradient_signal_start", "signal in early gradients, at the start", FRACTION, _signal_start),
        Metric("lesion_increase", "rise of the error without one block", FRACTION, _lesion),
        Metric("early_gradient", "gradient of the early layers in training", DECADES, _early_training),
        Metric("early_gradient_start", "gradient of the early layers at the start", DECADES, _early_start),
        Metric("column_excess_deepest", "deepest column's error over the whole network's", FRACTION, _excess(-1)),
        Metric("column_excess_shallowest", "shallowest column's error over the whole network's", FRACTION, _excess(0)),
        Metric("averaging_heads_gain", "gain of all heads over the main one", FRACTION, _heads_gain),
        Metric("zero_activations", "zeros after activations", FRACTION, _zeros),
        Metric("averaging_gain", "gain over the mean network", FRACTION, _gain("members_error")),
        Metric("gain_over_best", "gain over the best network", FRACTION, _gain("best_member_error")),
        Metric("cached_share", "time with the cache as a share of that without, minus a half", FRACTION, _cached_share),
        Metric("train_s", "training time", "s", _measured("time", "train_s")),
        Metric("images_per_s", "training speed", "images/s", _measured("time", "images_per_s")),
        Metric("step_ms", "time of a training step", "ms", lambda trial: _value(trial, "step_time", "step_ms")),
        Metric(
            "eval_ms_per_image",
            "time of an evaluated image",
            "ms",
            lambda trial: _value(trial, "step_time", "eval_ms_per_image"),
        ),
        Metric("params", "parameters", "parameters", _measured("cost", "params")),
        Metric("macs", "multiply-adds", "multiply-adds", _measured("cost", "macs")),
        Metric("activation_bytes", "activation memory", "bytes", _measured("cost", "activation_bytes")),
    )
}
