"""What a claim can be about: the numbers of one trial, by name. To add one: a line here and in ``MetricName``.

A metric is a function of a row of ``results/<study>.json``; it gives NaN where the row has no such number. Those of a
probe (docs/formats.md) ask the study for one of the probe's usual name: ``noise_start``, ``lesion``, ``columns``,
``auxiliary``, ``activations``, ``step_time``.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.claims import gradient_norms as gradients
from deeper.claims.statistics import NO_LIMITS, PERCENTAGE
from deeper.schema.results import TrialRow
from deeper.schema.study import SCORES, MetricName

FRACTION = "fraction"
DECADES = "decades"
GAP = (-1.0, 1.0)  # between two percentages
RATIO = "ratio"
LEVEL = 0.15  # the training error that `epochs_to_15` waits for
LEARNED = (
    *("train_error", "validation_error", "test_error", "mean_train_error"),
    *("train_loss", "validation_loss", "test_loss", "generalisation_gap", "averaging_gain", "gain_over_best"),
    "epochs_to_15",
    *SCORES,
)
"""What tells how well a network learned, so that it means nothing of one that did not."""

FACTS = ("params", "macs", "activation_bytes")
"""What is counted and the same for every seed."""


def _never(row: TrialRow) -> bool:
    return False


@dataclass(frozen=True)
class Metric:
    """A number of a trial; ``unit`` is ``fraction`` (shown in percent), ``decades`` (log10 of a ratio), ``ratio``
    (natural logarithm: a difference is shown as so many per cent more or less) or plain.

    ``limits`` are the least and the greatest value there can be: 0 and 1 of a percentage. ``is_least`` tells of a
    trial whether its number is a lower bound alone: what was waited for had not come when it ended.
    """

    name: MetricName
    label: str
    unit: str
    of: Callable[[TrialRow], float | None]
    limits: tuple[float, float] = NO_LIMITS
    is_least: Callable[[TrialRow], bool] = _never

    def __call__(self, row: TrialRow) -> float:
        return _number(self.of(row))

    def shown(self, difference: float) -> float:
        """A difference as it is written and drawn: fractions and ratios in per cent."""
        if self.unit == RATIO:
            return 100 * math.expm1(difference)
        return 100 * difference if self.unit == FRACTION else difference


def _minus(more: float | None, less: float | None) -> float:
    return _number(more) - _number(less)


def _probe(row: TrialRow, name: str) -> Mapping[str, Any]:
    return row.probes[name].value if name in row.probes else {}


def _signal_start(row: TrialRow) -> float:
    """Mean over the first third of the layers of the signal's share of the gradient."""
    shares = _probe(row, "noise_start").get("signal_share") or []
    return _mean(shares[: max(1, len(shares) // 3)])


def _lesion(row: TrialRow) -> float:
    """Mean rise of the error when one block is taken out."""
    measured = _probe(row, "lesion")
    return _minus(_mean(measured.get("deleted") or []), measured.get("whole"))


def _early_start(row: TrialRow) -> float:
    norms = row.gradients.start
    return gradients.early(row.gradients.layers, norms) if norms else math.nan


def _excess(column: int) -> Callable[[TrialRow], float]:
    """What one column alone errs more than the whole fractal network, the shallowest being column 0."""
    return lambda row: _minus(_value(row, "columns", "columns", column), _value(row, "columns", "whole"))


def _heads_gain(row: TrialRow) -> float:
    """What the mean of all heads errs less than the main head."""
    return _minus(_value(row, "auxiliary", "main", "error"), _value(row, "auxiliary", "averaged", "error"))


def _zeros(row: TrialRow) -> float:
    """Mean over activations of their share of zeros."""
    return _mean((_probe(row, "activations").get("activations") or {}).get("zeros") or [])


def _score(name: str) -> Callable[[TrialRow], float | None]:
    return lambda row: getattr(row.scores, name) if row.scores else None


def _worst_class(row: TrialRow) -> float:
    """Test error of the class that is told worst."""
    errors = [error for error in row.scores.class_errors.values() if error is not None] if row.scores else []
    return max(errors, default=math.nan)


def _cached_share(row: TrialRow) -> float:
    """Time of a classifier on features that are there, as a share of the time with computing them, minus one half."""
    classifier, features = _number(row.time.classifier_s), _number(row.time.features_s)
    return classifier / (classifier + features) - 0.5 if classifier + features else math.nan


def _log_step(row: TrialRow) -> float:
    step_ms = _number(_value(row, "step_time", "step_ms"))
    return math.log(step_ms) if step_ms > 0 else math.nan


def _mean_train_error(row: TrialRow) -> float:
    """Running training error, mean over the epochs: the less, the faster it learned.

    NaN of a training so long that its table has some epochs alone.
    """
    whole = [epoch.epoch for epoch in row.curves] == list(range(1, len(row.curves) + 1))
    return _mean([epoch.train_error for epoch in row.curves]) if whole else math.nan


def _epochs_to_15(row: TrialRow) -> float:
    """Epochs until the running training error has fallen to 15 %, linear between the epochs that the table has.

    A network that never gets there counts with one epoch more than it had, which is less than it would have needed, and
    so does one that stays at chance; one whose loss was not finite at the end has no number.
    """
    before, reached = 1.0, 0
    for epoch in row.curves:
        error = _number(epoch.train_error)
        if error <= LEVEL:
            return reached + (epoch.epoch - reached) * (before - LEVEL) / (before - error)
        before, reached = error, epoch.epoch
    broke = row.status == "diverged" and math.isnan(_number(row.metrics.train_loss))
    return math.nan if broke or not row.curves else reached + 1.0


def _never_at_15(row: TrialRow) -> bool:
    """Whether the running training error never fell to 15 %."""
    return not any(_number(epoch.train_error) <= LEVEL for epoch in row.curves)


def _value(row: TrialRow, probe: str, *path: str | int) -> Any:
    return at(_probe(row, probe), path)


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


def _number(value: float | None) -> float:
    return float(value) if value is not None and math.isfinite(value) else math.nan


_TABLE = (
    Metric("train_error", "training error", FRACTION, lambda row: row.metrics.train_error, PERCENTAGE),
    Metric("validation_error", "validation error", FRACTION, lambda row: row.metrics.validation_error, PERCENTAGE),
    Metric("test_error", "test error", FRACTION, lambda row: row.metrics.test_error, PERCENTAGE),
    Metric("mean_train_error", "training error, mean over the epochs", FRACTION, _mean_train_error, PERCENTAGE),
    Metric("epochs_to_15", "epochs to a training error of 15 %", "epochs", _epochs_to_15, is_least=_never_at_15),
    Metric("train_loss", "training loss", "nats", lambda row: row.metrics.train_loss),
    Metric("validation_loss", "validation loss", "nats", lambda row: row.metrics.validation_loss),
    Metric("test_loss", "test loss", "nats", lambda row: row.metrics.test_loss),
    Metric(
        "generalisation_gap",
        "test minus training error",
        FRACTION,
        lambda row: _minus(row.metrics.test_error, row.metrics.train_error),
        GAP,
    ),
    Metric(
        "gradient_imbalance_start",
        "gradient imbalance at the start",
        DECADES,
        lambda row: gradients.imbalance(row.gradients.start),
    ),
    Metric(
        "gradient_imbalance_training",
        "gradient imbalance in training",
        DECADES,
        lambda row: gradients.mean_imbalance(row.gradients.epochs),
    ),
    Metric("gradient_signal_start", "signal in early gradients, at the start", FRACTION, _signal_start, PERCENTAGE),
    Metric("lesion_increase", "rise of the error without one block", FRACTION, _lesion, GAP),
    Metric(
        "early_gradient",
        "gradient of the early layers in training",
        DECADES,
        lambda row: gradients.mean_early(row.gradients.layers, row.gradients.epochs),
    ),
    Metric("early_gradient_start", "gradient of the early layers at the start", DECADES, _early_start),
    Metric("column_excess_deepest", "deepest column's error over the whole network's", FRACTION, _excess(-1), GAP),
    Metric(
        "column_excess_shallowest",
        "shallowest column's error over the whole network's",
        FRACTION,
        _excess(0),
        GAP,
    ),
    Metric("averaging_heads_gain", "gain of all heads over the main one", FRACTION, _heads_gain, GAP),
    Metric("zero_activations", "zeros after activations", FRACTION, _zeros, PERCENTAGE),
    Metric(
        "averaging_gain",
        "gain over the mean network",
        FRACTION,
        lambda row: _minus(row.metrics.members_error, row.metrics.test_error),
        GAP,
    ),
    Metric(
        "gain_over_best",
        "gain over the best network",
        FRACTION,
        lambda row: _minus(row.metrics.best_member_error, row.metrics.test_error),
        GAP,
    ),
    Metric("top5_error", "top-5 error", FRACTION, _score("top5_error"), PERCENTAGE),
    Metric("calibration_error", "calibration error", FRACTION, _score("calibration_error"), PERCENTAGE),
    Metric("macro_f1", "macro F1", FRACTION, _score("macro_f1"), PERCENTAGE),
    Metric("worst_class_error", "error of the worst class", FRACTION, _worst_class, PERCENTAGE),
    Metric(
        "cached_share",
        "time with the cache in % of that without, minus 50",
        FRACTION,
        _cached_share,
        (-0.5, 0.5),
    ),
    Metric("train_s", "training time", "s", lambda row: row.time.train_s),
    Metric("images_per_s", "training speed", "images/s", lambda row: row.time.images_per_s),
    Metric("step_ms", "time of a training step", "ms", lambda row: _value(row, "step_time", "step_ms")),
    Metric("step_ratio", "time of a training step, as a ratio", RATIO, _log_step),
    Metric(
        "eval_ms_per_image",
        "time of an evaluated image",
        "ms",
        lambda row: _value(row, "step_time", "eval_ms_per_image"),
    ),
    Metric("params", "parameters", "parameters", lambda row: row.cost.params),
    Metric("macs", "multiply-adds", "multiply-adds", lambda row: row.cost.macs),
    Metric("activation_bytes", "activation memory", "bytes", lambda row: row.cost.activation_bytes),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _TABLE}
