"""From trials to what a page shows: an arm's means, its curves by epoch, its gradients by layer."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.claims import gradient_norms as gradients
from deeper.claims import statistics
from deeper.claims.metrics import METRICS
from deeper.reporting.records import Results

Trial = Mapping[str, Any]


@dataclass(frozen=True)
class Arm:
    """One row of the table of arms; ``means`` by metric, None where no seed has the number.

    ``average`` is None but where the arm averages the networks of another: ``of`` that arm, ``size`` of them at a time.
    """

    name: str
    label: str
    group: str | None
    trials: Sequence[Trial]
    means: Mapping[str, statistics.Mean | None]
    values: Mapping[str, Sequence[float]]
    average: Mapping[str, Any] | None = None

    @property
    def diverged(self) -> list[Trial]:
        return [trial for trial in self.trials if trial["status"] == "diverged"]

    @property
    def cost(self) -> Mapping[str, Any]:
        return self.trials[0]["cost"]


def arms(results: Results) -> list[Arm]:
    """The arms that have trials, in the study's order."""
    return [_arm(results, name, spec or {}) for name, spec in results.arms.items()]


def curve(trials: Sequence[Trial], key: str) -> list[tuple[int, statistics.Mean]]:
    """Mean over seeds of ``train_error`` or ``validation_error`` by epoch, as (epoch, mean).

    A diverged trial keeps its recorded error in the epochs it did not reach, so that the mean stays one over all seeds.
    """
    last = max((row["epoch"] for trial in trials for row in trial["curves"]), default=0)
    by_seed = [_by_epoch(trial, key, last) for trial in trials]
    points = []
    for epoch in range(1, last + 1):
        values = _finite(row.get(epoch) for row in by_seed)
        if values:
            points.append((epoch, statistics.mean(values)))
    return points


def profile(trials: Sequence[Trial], when: str) -> list[statistics.Mean | None]:
    """log10 of the gradient norm by layer, mean over seeds; ``when`` is ``start`` or ``training`` (all epochs)."""
    return [_mean(layer) for layer in zip(*(_log10_norms(trial, when) for trial in trials), strict=True)]


def _arm(results: Results, name: str, spec: Mapping[str, Any]) -> Arm:
    trials = results.trials(name)
    values = {key: _finite(map(metric, results.table.rows(name))) for key, metric in METRICS.items()}
    means = {key: _mean(numbers) for key, numbers in values.items()}
    return Arm(name, results.label(name), spec.get("group"), trials, means, values, spec.get("average"))


def _by_epoch(trial: Trial, key: str, last: int) -> dict[int, float | None]:
    rows = {row["epoch"]: row[key] for row in trial["curves"]}
    if trial["status"] == "diverged":
        held = trial["metrics"][key]
        return {epoch: held if rows.get(epoch) is None else rows[epoch] for epoch in range(1, last + 1)}
    return rows


def _log10_norms(trial: Trial, when: str) -> list[float]:
    block = trial["gradients"]
    rows = [block["start"]] if when == "start" else block["epochs"]
    norms = gradients.geometric_mean(rows) if rows else [math.nan] * len(block["layers"])
    return [math.log10(max(norm, gradients.SMALLEST)) if norm == norm else math.nan for norm in norms]


def _mean(values: Iterable[float | None]) -> statistics.Mean | None:
    numbers = _finite(values)
    return statistics.mean(numbers) if numbers else None


def _finite(values: Iterable[float | None]) -> list[float]:
    return [value for value in values if value is not None and math.isfinite(value)]
