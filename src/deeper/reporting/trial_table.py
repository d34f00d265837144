"""Every trial of every table, tidy: a row a trial, a column a setting, a cost or a metric (docs/formats.md)."""

import csv
import io
import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from deeper.claims.metrics import METRICS
from deeper.reporting.arm_results import network_of
from deeper.reporting.arm_settings import value_of
from deeper.reporting.load import StudyResults
from deeper.reporting.study_scale import trained_epochs
from deeper.schema.results import StudyTable, TrialRow

FILE = "trials.csv"
SAID = ("data.name", "data.train_size", "data.image_size", "training.epochs", "training.batch_size", "optimizer.lr")
"""Settings with columns of their own; the others stand together under ``settings``."""


def trial_table(studies: Iterable[StudyResults]) -> bytes:
    """The table as CSV, in the order of the studies and of their rows; what a trial does not have is empty."""
    rows = [_row(one.table, row) for one in studies for row in one.rows]
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    if rows:
        table.writerow(rows[0])
    table.writerows(map(_cell, row.values()) for row in rows)
    return buffer.getvalue().encode()


def _row(table: StudyTable, row: TrialRow) -> dict[str, Any]:
    return {
        "study": table.name,
        "arm": row.arm,
        "label": table.study.label(row.arm),
        "group": table.study.arms[row.arm].group,
        "network": network_of(table.study, row.arm),
        "seed": row.seed,
        "id": row.id,
        "status": row.status,
        "members": " ".join(row.members),
        **_settings(table, row),
        **{name: metric(row) for name, metric in METRICS.items()},
        "depth": row.cost.depth,
        "receptive_field": row.cost.receptive_field,
        "total_s": row.time.total_s,
        **_where(table, row),
    }


def _settings(table: StudyTable, row: TrialRow) -> dict[str, Any]:
    optimizer = table.recipe.get("optimizer")
    usual_rate = optimizer.get("lr") if isinstance(optimizer, Mapping) else table.recipe.get("lr")
    usual_epochs, own = table.recipe.get("epochs"), {k: v for k, v in row.settings.items() if k not in SAID}
    of = row.transfer
    return {
        "profile": table.profile,
        "data": of.target.name if of else value_of(row, "data.name", table.data.name),
        "images": row.metrics.pictures if of else value_of(row, "data.train_size", table.data.train),
        "pixels": value_of(row, "data.image_size", table.data.image_size),
        "epochs": trained_epochs(row, usual_epochs) if of else value_of(row, "training.epochs", usual_epochs),
        "batch_size": value_of(row, "training.batch_size", table.recipe.get("batch_size")),
        "lr": None if of and of.mode == "frozen" else value_of(row, "optimizer.lr", usual_rate),
        "mode": of and of.mode,
        "layer": of and of.layer,
        "settings": json.dumps(own, sort_keys=True) if own else None,
    }


def _where(table: StudyTable, row: TrialRow) -> dict[str, Any]:
    environment = table.environments[row.environment]
    return {
        "finished_at": row.finished_at,
        "commit": environment.commit,
        "dirty": environment.dirty,
        "processor": environment.processor,
    }


def _cell(value: Any) -> str:
    if value is None or (isinstance(value, float) and not math.isfinite(value)):
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    return str(value).lower() if isinstance(value, bool) else str(value)
