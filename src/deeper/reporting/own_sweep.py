"""The end of a sweep of one's own: its table on the terminal, its page, its CSV files, its JSON."""

import csv
import io
import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeper.claims import statistics
from deeper.claims.metrics import METRICS
from deeper.claims.statistics import Mean
from deeper.files import write_changed
from deeper.reporting import trial_table, words
from deeper.reporting.arm_results import ArmResults, arm_results
from deeper.reporting.charts import kept_figures
from deeper.reporting.load import StudyResults
from deeper.reporting.study_scale import scale_of
from deeper.reporting.templating import environment
from deeper.reporting.terminal_table import aligned
from deeper.study.own_sweep import OwnSweep

SHOWN = ("test_error", "validation_error", "train_error")
WRITTEN = (*SHOWN, "test_loss", "params", "macs", "activation_bytes", "train_s")
CHART = "errors-by-epoch"
FIGURES = ".figures"


@dataclass(frozen=True)
class SettingRow:
    """A setting: its trials, and its test error minus the first setting's, paired by seed; None of the first."""

    arm: ArmResults
    varied: Mapping[str, str]
    difference: Mean | None


@dataclass(frozen=True)
class SweepPage:
    """What the page shows; ``left`` columns of the table are words."""

    name: str
    title: str
    says: str
    missing: str
    is_toy: bool
    head: Sequence[str]
    left: int
    rows: Sequence[Sequence[str]]
    first: str
    processors: str
    figures: Sequence[str]
    command: str
    example: str


def rows_of(sweep: OwnSweep) -> list[SettingRow]:
    """The settings of a sweep, in the order of its jobs."""
    arms = arm_results(sweep.table)
    confidence = statistics.family_confidence(len(arms) - 1)
    return [
        SettingRow(arm, sweep.settings[arm.name], _difference(arm, arms[0], confidence) if arm is not arms[0] else None)
        for arm in arms
    ]


def text(sweep: OwnSweep, rows: Sequence[SettingRow]) -> str:
    """For a terminal: the table, and where the page is."""
    head, left, cells = _cells(sweep, rows)
    return f"{aligned(head, cells, left)}\n\n{sweep.path.with_suffix('.md')}"


def facts(sweep: OwnSweep, rows: Sequence[SettingRow]) -> dict[str, Any]:
    """What ``--json`` prints (docs/formats.md)."""
    return {
        "sweep": sweep.table.name,
        "page": str(sweep.path.with_suffix(".md")),
        "table": str(sweep.path),
        "csv": str(sweep.path.with_suffix(".csv")),
        "trials": [{"id": row.id, "setting": row.arm, "seed": row.seed} for row in sweep.table.trials],
        "missing": sweep.asked - len(sweep.table.trials),
        "settings": [
            {
                "setting": row.arm.name,
                "values": dict(row.varied),
                "seeds": [one.seed for one in row.arm.rows],
                "metrics": {name: mean_facts(row.arm.means[name]) for name in WRITTEN},
                "difference": mean_facts(row.difference),
            }
            for row in rows
        ],
    }


def mean_facts(mean: Mean | None) -> dict[str, Any] | None:
    """A mean as JSON; bounds that are not known are null."""
    if mean is None:
        return None
    numbers = {key: getattr(mean, key) for key in ("mean", "lower", "upper", "sd")}
    return {"n": mean.n, **{key: value if math.isfinite(value) else None for key, value in numbers.items()}}


def write(sweep: OwnSweep, rows: Sequence[SettingRow]) -> Path:
    """Write the page, its figure and the CSV files beside the table; the page's path."""
    beside = sweep.path.parent
    figures = _draw(sweep, [row.arm for row in rows])
    for name, content in figures.items():
        write_changed(beside / name, content)
    results = StudyResults(sweep.path, sweep.table)
    write_changed(sweep.path.with_suffix(".csv"), _csv(sweep, rows))
    write_changed(beside / f"{sweep.table.name}-trials.csv", trial_table.trial_table([results]))
    page = sweep.path.with_suffix(".md")
    write_changed(page, _render(_page(sweep, rows, list(figures))))
    return page


def _difference(arm: ArmResults, first: ArmResults, confidence: float) -> Mean | None:
    metric = METRICS["test_error"]
    left, right = ({row.seed: metric(row) for row in one.rows if math.isfinite(metric(row))} for one in (arm, first))
    seeds = sorted(left.keys() & right.keys())
    return statistics.difference([left[s] for s in seeds], [right[s] for s in seeds], confidence) if seeds else None


def _cells(sweep: OwnSweep, rows: Sequence[SettingRow]) -> tuple[list[str], int, list[list[str]]]:
    """The head, how many columns are words, and the cells."""
    several = len(rows) > 1
    varied = list(sweep.varied) or ["network"]
    metrics = [METRICS[name].label for name in SHOWN]
    head = [
        *varied,
        "seeds",
        *metrics,
        *(["difference, points"] if several else []),
        "parameters",
        "multiply-adds",
        "time",
    ]
    return head, len(varied), [_cell_row(sweep, row, several) for row in rows]


def _cell_row(sweep: OwnSweep, row: SettingRow, several: bool) -> list[str]:
    arm = row.arm
    own = [row.varied.get(key, words.NONE) for key in sweep.varied] or [arm.name]
    failed = f" ({arm.failed_words})" if arm.diverged else ""
    return [
        *own,
        f"{len(arm.rows)}{failed}",
        *(words.percent(arm.means[name]) for name in SHOWN),
        *([words.points(row.difference)] if several else []),
        *(words.count(arm.means[name].mean) for name in ("params", "macs")),
        words.seconds(arm.means["train_s"]),
    ]


def _csv(sweep: OwnSweep, rows: Sequence[SettingRow]) -> bytes:
    buffer = io.StringIO()
    table = csv.writer(buffer, lineterminator="\n")
    bounds = [f"{name}{end}" for name in WRITTEN for end in ("", "_lower", "_upper")]
    table.writerow([*sweep.varied, "setting", "seeds", "diverged", *bounds, *_ends("difference")])
    for row in rows:
        numbers = [number for name in WRITTEN for number in _numbers(row.arm.means[name])]
        own = [row.varied.get(key, "") for key in sweep.varied]
        table.writerow(
            [*own, row.arm.name, len(row.arm.rows), len(row.arm.diverged), *numbers, *_numbers(row.difference)]
        )
    return buffer.getvalue().encode()


def _ends(name: str) -> list[str]:
    return [name, f"{name}_lower", f"{name}_upper"]


def _numbers(mean: Mean | None) -> list[str]:
    values = (mean.mean, mean.lower, mean.upper) if mean else (math.nan,) * 3
    return [f"{value:.10g}" if math.isfinite(value) else "" for value in values]


def _draw(sweep: OwnSweep, arms: Sequence[ArmResults]) -> dict[str, bytes]:
    def draw() -> dict[str, bytes]:
        from deeper.reporting.charts import epochs_and_layers, theme  # and matplotlib, which takes a second

        chart = next(chart for chart in epochs_and_layers.CHARTS if chart.name == CHART)
        if not chart.has_numbers(arms):
            return {}
        return {f"{sweep.table.name}.svg": theme.render(chart.draw, arms, theme.THEMES[0], painted=True)}

    return kept_figures.drawn_once(sweep.path.parent / FIGURES, sweep.table.name, [sweep.table], draw)


def _page(sweep: OwnSweep, rows: Sequence[SettingRow], figures: Sequence[str]) -> SweepPage:
    head, left, cells = _cells(sweep, rows)
    table, name = sweep.table, sweep.table.name
    seeds = sorted({row.seed for row in table.trials})
    missing = sweep.asked - len(table.trials)
    results = StudyResults(sweep.path, table)
    verb = "transfer" if table.targets else "train"
    of, against = (shlex.quote(f"{name}/{row.arm.name}") for row in (rows[-1], rows[0]))
    return SweepPage(
        name=name,
        title=table.study.title,
        says=f"{table.study.question} {scale_of(results).whole}, profile {table.profile}, {words.seeds(seeds)}.",
        missing=f"{missing} of {sweep.asked} trials are not there; the same command tries again." if missing else "",
        is_toy=not results.measures,
        head=list(map(words.cell, head)),
        left=left,
        rows=[list(map(words.cell, row)) for row in cells],
        first=rows[0].arm.name if len(rows) > 1 else "",
        processors=words.listed(results.processors()),
        figures=figures,
        command=f"python -m deeper.{verb} --multirun {shlex.join(sweep.command)}",
        example=f"of={of} against={against}" if len(rows) > 1 else "",
    )


def _render(page: SweepPage) -> bytes:
    filled = environment("deeper.reporting").get_template("sweep.md.j2").render(page=page)
    return (filled.strip() + "\n").encode()
