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
from deeper.errors import DeeperError
from deeper.reporting import text
from deeper.reporting.summary import Arm

Trial = Mapping[str, Any]
KEYS = {"title", "says", "probe", "columns", "unit", "metrics"}


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


def tables(study: Mapping[str, Any], arms: Sequence[Arm], where: str) -> list[Table]:
    """The tables of a study that have any rows, in its order.

    Raises:
        DeeperError: one is not as above, or names a probe or a metric that is none; the message names ``where``.
    """
    asked = study.get("tables") or []
    if not isinstance(asked, Sequence) or isinstance(asked, str):
        raise DeeperError(f"{where}: study.tables must be a list of tables")
    made = [_table(spec, study.get("probes") or {}, arms, f"{where}: a table") for spec in asked]
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


def _table(spec: Any, probes: Mapping[str, Any], arms: Sequence[Arm], where: str) -> Table:
    if not isinstance(spec, Mapping) or "title" not in spec or not set(spec) <= KEYS:
        raise DeeperError(f"{where} has title, says and either metrics or probe, columns and unit; not {spec!r}")
    if ("metrics" in spec) == ("probe" in spec and "columns" in spec):
        raise DeeperError(f"{where} ({spec['title']}) needs either metrics or both probe and columns")
    if not isinstance(spec.get("metrics", []), list) or not isinstance(spec.get("columns", {}), Mapping):
        raise DeeperError(f"{where} ({spec['title']}): metrics are a list, columns a mapping")
    columns = _of_metrics(spec, where) if "metrics" in spec else _of_probe(spec, probes, where)
    rows = [(arm.label, [column.cell(arm.trials) for column in columns]) for arm in arms]
    known = [(label, cells) for label, cells in rows if any(cell != text.number(None) for cell in cells)]
    return Table(str(spec["title"]), str(spec.get("says") or ""), [column.head for column in columns], known)


def _of_metrics(spec: Mapping[str, Any], where: str) -> list[Column]:
    unknown = [name for name in spec["metrics"] if name not in METRICS]
    if unknown:
        raise DeeperError(f"{where} ({spec['title']}) names the metric {unknown[0]!r}; there are: {', '.join(METRICS)}")
    metrics = [METRICS[name] for name in spec["metrics"]]
    return [Column(metric.label, metric.unit, metric) for metric in metrics]


def _of_probe(spec: Mapping[str, Any], probes: Mapping[str, Any], where: str) -> list[Column]:
    name = spec["probe"]
    if name not in probes:
        there = ", ".join(probes) or "none"
        raise DeeperError(f"{where} ({spec['title']}) names the probe {name!r}; the study's probes: {there}")
    unit = str(spec.get("unit") or "")
    return [Column(str(head), unit, _reader(name, str(path))) for path, head in spec["columns"].items()]


def _reader(probe: str, path: str) -> Callable[[Trial], Any]:
    steps = [int(step) if step.lstrip("-").isdigit() else step for step in path.split(".")]
    return lambda trial: at((trial.get("probes") or {}).get(probe), ["value", *steps])


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
