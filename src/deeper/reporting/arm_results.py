"""From rows to what a page shows of an arm: its means, its curves by epoch, its gradients by layer, its lesions."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.claims import gradient_norms as gradients
from deeper.claims import statistics
from deeper.claims.metrics import METRICS
from deeper.claims.statistics import NO_LIMITS, Mean
from deeper.schema.results import StudyTable, TrialRow
from deeper.schema.study import ArmMap, Average, Study


@dataclass(frozen=True)
class MapCell:
    """Where an arm stands on its study's map."""

    map: ArmMap
    row: Any
    column: Any


@dataclass(frozen=True)
class ArmResults:
    """An arm with its rows.

    Attributes:
        network: configuration of its networks, ``resnet20``; None where the study does not name one.
        means: by metric, None where no seed has the number.
        values: by metric, those of the seeds that have the number.
        average: which arm's networks it averages, and how many at a time; None where it has its own.
        cell: its place on the study's map; None where there is no map.
    """

    name: str
    label: str
    group: str | None
    network: str | None
    rows: Sequence[TrialRow]
    means: Mapping[str, Mean | None]
    values: Mapping[str, Sequence[float]]
    average: Average | None = None
    cell: MapCell | None = None

    @property
    def diverged(self) -> list[TrialRow]:
        return [row for row in self.rows if row.status == "diverged"]

    @property
    def failed_words(self) -> str:
        """``5 did not learn``, ``1 diverged``, ``1 diverged, 2 did not learn``; empty where every trial learned."""
        stuck = sum(is_stuck(row) for row in self.diverged)
        counts = {"diverged": len(self.diverged) - stuck, "did not learn": stuck}
        return ", ".join(f"{count} {what}" for what, count in counts.items() if count)


def is_stuck(row: TrialRow) -> bool:
    """Whether a trial counts as diverged since its error stayed at chance, and its loss was a number to the end."""
    return row.status == "diverged" and "chance" in (row.reason or "")


def arm_results(table: StudyTable) -> list[ArmResults]:
    """The arms that have rows, in the study's order."""
    return [_arm(table, name) for name in table.arms]


def network_of(study: Study, arm: str) -> str | None:
    """The configuration of an arm's networks, of those that it averages; None where the study does not name one."""
    average = study.arms[arm].average
    of = study.arms[average.of if average else arm]
    return (of.set or {}).get("model") or (of.where or {}).get("model.name")


def curve(rows: Sequence[TrialRow], key: str) -> list[tuple[int, Mean]]:
    """Mean over seeds of ``train_error`` or ``validation_error`` by epoch, as (epoch, mean).

    A diverged trial keeps its recorded error in the epochs it did not reach, so that the mean stays one over all seeds;
    epochs after which only such trials have an error are left out.
    """
    last = max((epoch.epoch for row in rows for epoch in row.curves), default=0)
    by_seed = [_by_epoch(row, key, last) for row in rows]
    learned = [row for row in rows if row.status != "diverged"] or rows
    asked = sorted({one.epoch for row in learned for one in row.curves if getattr(one, key) is not None})
    points = ((epoch, mean_of((seed.get(epoch) for seed in by_seed), statistics.PERCENTAGE)) for epoch in asked)
    return [(epoch, mean) for epoch, mean in points if mean]


def gradient_profile(rows: Sequence[TrialRow], when: str) -> list[Mean | None]:
    """log10 of the gradient's norm by layer, mean over seeds; ``when`` is ``start`` or ``training`` (all epochs)."""
    return [mean_of(layer) for layer in zip(*(_log10_norms(row, when) for row in rows), strict=True)]


def lesions(arm: ArmResults) -> list[dict[str, Any]]:
    """What the lesion probe measured, a seed each, without seeds whose network has other blocks than the first's."""
    values = [row.probes["lesion"].value for row in arm.rows if "lesion" in row.probes]
    values = [value for value in values if value["deleted"]]
    return [value for value in values if value["units"] == values[0]["units"]]


def best_single_error(arm: ArmResults) -> float:
    """Mean over groups of the best network's test error, over networks where they are not averaged; NaN if unknown."""
    key = "best_member_error" if arm.average else "test_error"
    mean = mean_of(getattr(row.metrics, key) for row in arm.rows)
    return mean.mean if mean else math.nan


def _arm(table: StudyTable, name: str) -> ArmResults:
    spec, rows = table.study.arms[name], table.rows(name)
    values = {key: _finite(metric(row) for row in rows) for key, metric in METRICS.items()}
    means = {key: mean_of(numbers, METRICS[key].limits) for key, numbers in values.items()}
    network = network_of(table.study, name)
    cell = (
        MapCell(table.study.map, *table.study.map.place(spec.set or {})) if table.study.map and spec.trained else None
    )
    return ArmResults(name, table.study.label(name), spec.group, network, rows, means, values, spec.average, cell)


def _by_epoch(row: TrialRow, key: str, last: int) -> dict[int, float | None]:
    epochs = {epoch.epoch: getattr(epoch, key) for epoch in row.curves}
    if row.status == "diverged":
        held = getattr(row.metrics, key)
        return {epoch: held if epochs.get(epoch) is None else epochs[epoch] for epoch in range(1, last + 1)}
    return epochs


def _log10_norms(row: TrialRow, when: str) -> list[float]:
    epochs = [row.gradients.start] if when == "start" else row.gradients.epochs
    norms = gradients.geometric_mean(epochs) if epochs else [math.nan] * len(row.gradients.layers)
    return [math.log10(max(norm, gradients.SMALLEST)) if norm == norm else math.nan for norm in norms]


def mean_of(values: Iterable[Any], limits: tuple[float, float] = NO_LIMITS) -> Mean | None:
    """Mean of those values that are finite numbers, which lie within ``limits``; None where none is."""
    numbers = _finite(values)
    return statistics.mean(numbers, limits=limits) if numbers else None


def _finite(values: Iterable[Any]) -> list[float]:
    return [v for v in values if isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v)]
