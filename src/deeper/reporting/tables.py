"""Tables that a study asks for: an arm a row, means over seeds with their intervals, of probes' values or of metrics.

Under ``study.tables``, a list; each has a ``title`` and what a reader must know of it (``says``), and either

- ``metrics``: names of metrics, a column each; or
- ``probe``, the name of one of the study's probes, and ``columns``, a mapping from where a number stands in what the
  probe found (keys and indices with dots between: ``columns.0``, ``main.error``) to the column's head, and ``unit``:
  ``fraction`` (shown in percent), ``ms``, ``nats`` … or nothing.

Arms that have none of the numbers are left out, and so is a table without arms.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.claims import statistics
from deeper.claims.metrics import DECADES, FRACTION, METRICS, at
from deeper.claims.statistics import Mean
from deeper.reporting import text
from deeper.reporting.summary import Arm
from deeper.schema.results import TrialRow
from deeper.schema.study import ArmTable, MetricName, Study

Trial = Mapping[str, Any]


@dataclass(frozen=True)
class Table:
    """A table as it is printed; ``rows`` are pairs of an arm's label and its cells."""

    title: str
    says: str
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]


@dataclass(frozen=True)
class Column:
    """A column: its head, its unit, and the number of a trial that stands in it."""

    head: str
    unit: str
    of: Callable[[Trial], float | None]

    def cell(self, trials: Iterable[Trial]) -> str:
        values = [value for value in map(self.of, trials) if _is_number(value)]
        unit = "" if self.unit == self.head else self.unit
        return amount(statistics.mean(values), unit) if values else text.number(None)


def tables(study: Study, arms: Sequence[Arm]) -> list[Table]:
    """The tables of a study that have any rows, in its order."""
    made = [_table(asked, arms) for asked in study.tables]
    return [table for table in made if table.rows]


def amount(mean: Mean, unit: str) -> str:
    """A mean with the half of its interval in three figures: ``27.1 ± 1.2 %`` for a fraction, ``3.42 ± 0.05 ms``.

    A count that is the same for every seed (``853 k``) has no interval.
    """
    if unit == FRACTION:
        return text.percent(mean)
    size = abs(mean.mean)
    if size >= 1000 and not mean.sd > 0:
        return f"{text.count(mean.mean)} {unit}".rstrip()
    decimals = min(6, max(0, 2 - math.floor(math.log10(size)))) if size else 2
    spread = f" ± {text.number(mean.upper - mean.mean, decimals)}" if mean.n > 1 else ""
    return f"{text.number(mean.mean, decimals)}{spread} {'decades' if unit == DECADES else unit}".rstrip()


def _table(asked: ArmTable, arms: Sequence[Arm]) -> Table:
    columns = _of_metrics(asked.metrics) if asked.metrics is not None else _of_probe(asked)
    rows = [(arm.label, [column.cell(arm.trials) for column in columns]) for arm in arms]
    known = [(label, cells) for label, cells in rows if any(cell != text.number(None) for cell in cells)]
    return Table(asked.title, asked.says or "", [column.head for column in columns], known)


def _of_metrics(names: Sequence[MetricName]) -> list[Column]:
    metrics = [METRICS[name] for name in names]
    return [
        Column(metric.label, metric.unit, lambda trial, of=metric: of(TrialRow.model_validate(trial)))
        for metric in metrics
    ]


def _of_probe(asked: ArmTable) -> list[Column]:
    return [Column(head, asked.unit or "", _reader(asked.probe, path)) for path, head in asked.columns.items()]


def _reader(probe: str, path: str) -> Callable[[Trial], Any]:
    steps = [int(step) if step.lstrip("-").isdigit() else step for step in path.split(".")]
    return lambda trial: at((trial.get("probes") or {}).get(probe), ["value", *steps])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
