"""Trials as rows: those of a store, and comparisons of them with the ledger's statistics."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from deeper.claims import statistics
from deeper.claims.metrics import METRICS
from deeper.claims.statistics import Mean
from deeper.errors import DeeperError, hint, known, reason
from deeper.files import json_value, shown, warn_once, yaml_value
from deeper.run.store import CONFIG, RECORD, Home
from deeper.schema.results import StudyTable, read_table
from deeper.schema.study import SCORES
from deeper.study import own_sweep

if TYPE_CHECKING:
    import pandas as pd

SETTINGS = {
    "seed": ("seed",),
    "model": ("model", "name"),
    "data": ("data", "name"),
    "image_size": ("data", "image_size"),
    "train_size": ("data", "train_size"),
    "epochs": ("training", "epochs"),
    "batch_size": ("training", "batch_size"),
    "lr": ("optimizer", "lr"),
    "target": ("transfer", "target", "name"),
    "mode": ("transfer", "mode", "name"),
}


def trials(store: str | Path = "trials") -> "pd.DataFrame":
    """The finished trials of a store, a row each, by id: settings, metrics, cost, time.

    The files of a trial are not looked at, its record alone; ``deeper.load`` sees whether they are whole. Trials whose
    record is damaged are left out, and named on standard error.

    Raises:
        DeeperError: there is no such folder.
    """
    import pandas as pd

    folder = Path(store)
    if not folder.is_dir():
        raise DeeperError(f"{folder} is no folder of trials; train one, or name it: deeper.trials(store=…)")
    found = {path.parent.name: _row(path) for path in sorted(folder.glob(f"*/{RECORD}"))}
    if damaged := [trial for trial, row in found.items() if row is None]:
        warn_once(
            f"{shown(folder)}: left out, as their records or configurations are damaged: {', '.join(damaged)}; "
            f"python -m deeper.trials show={damaged[0]} says what is"
        )
    rows = [row for row in found.values() if row is not None]
    return pd.DataFrame(rows).set_index("id") if rows else pd.DataFrame()


def compare(
    of: str | Sequence[str],
    against: str | Sequence[str],
    metric: str = "test_error",
    *,
    store: str | Path = "trials",
    results: str | Path = "results",
    sweeps: str | Path = "reports/sweeps",
) -> Mean:
    """The mean of ``of - against``, paired by seed, with its 95 % interval.

    Args:
        of, against: ``study/arm`` of a study's table, such as ``residual_vs_plain/resnet20``; ``sweep/setting`` of a
            sweep of one's own, such as ``rates/recipe.lr=0.1``, with as many words as tell it apart; or ids of trials.
        metric: one of the metrics of the ledger; of ids one of the trial's own, such as ``test_error``.
        store: where the ids' trials are.
        results: where the tables are.
        sweeps: where those of sweeps are.

    Raises:
        DeeperError: no such arm, setting, trial or metric, no seed that both have, one that a side has twice, or the
            same trial on both sides.
    """
    return with_diverged(of, against, metric, store=store, results=results, sweeps=sweeps)[0]


def with_diverged(
    of: str | Sequence[str],
    against: str | Sequence[str],
    metric: str,
    *,
    store: str | Path,
    results: str | Path,
    sweeps: str | Path,
) -> tuple[Mean, int]:
    """``compare``, and how many of the compared trials diverged: their errors count like any other's."""
    left, right = (_values(side, metric, store, results, sweeps) for side in (of, against))
    seeds = sorted(left.keys() & right.keys())
    if not seeds:
        raise DeeperError(f"{of} and {against} have no seed in common: {sorted(left)} and {sorted(right)}")
    if same := [seed for seed in seeds if left[seed].trial == right[seed].trial]:
        raise DeeperError(f"{of} and {against} are the same trial of seed {same[0]}; name two that differ")
    sides = [[side[seed] for seed in seeds] for side in (left, right)]
    found = statistics.difference(*([one.value for one in side] for side in sides))
    return found, sum(one.diverged for side in sides for one in side)


@dataclass(frozen=True)
class _Measured:
    """What one trial has of a metric."""

    trial: str
    value: float
    diverged: bool


def table_of(study: str, results: str | Path, others: Sequence[str] = ()) -> StudyTable:
    """The table of a study by its name, such as ``dense`` or ``record/dense``.

    Args:
        study: its name.
        results: where the tables are.
        others: further names that may have been meant.

    Raises:
        DeeperError: there is none, or it is none.
    """
    path = Path(results) / f"{study}.json"
    try:
        return read_table(path)
    except OSError as error:
        there = sorted(str(p.relative_to(results).with_suffix("")) for p in Path(results).glob("**/*.json"))
        raise DeeperError(f"{path} cannot be read ({reason(error)}); {hint(study, [*others, *there])}") from error


def trial_of(study: str, arm: str, seed: int | None, results: str | Path) -> str:
    """The id of an arm's trial, as the study's table has it.

    Args:
        study, arm: their names.
        seed: of the trial; None: the arm's first.
        results: where the tables are.

    Raises:
        DeeperError: no such study, arm or seed.
    """
    table = table_of(study, results)
    known(arm, table.arms, "arm", f"the arms of {study}")
    rows = {row.seed: row.id for row in table.rows(arm) if not row.members}
    if not rows:
        raise DeeperError(f"study {study}, arm {arm} averages networks of others and has no trial of its own")
    if seed is not None and seed not in rows:
        raise DeeperError(f"study {study}, arm {arm} has no seed {seed}; it has {', '.join(map(str, sorted(rows)))}")
    return rows[min(rows) if seed is None else seed]


def _values(
    side: str | Sequence[str], metric: str, store: str | Path, results: str | Path, sweeps: str | Path
) -> dict[int, _Measured]:
    """What every seed has; not one that has no number."""
    if isinstance(side, str) and "/" in side:
        known(metric, METRICS, "metric", "the metrics of the ledger")
        table, arm = _arm(side, results, sweeps)
        rows = [row for row in table.rows(arm) if not row.members]
        found = {row.seed: _Measured(row.id, METRICS[metric](row), row.status == "diverged") for row in rows}
    else:
        found = {}
        for one in [side] if isinstance(side, str) else side:
            seed, measured = _value(one, metric, store)
            if seed in found:
                raise DeeperError(
                    f"trials {found[seed].trial} and {one} are both of seed {seed}; take one of each seed"
                )
            found[seed] = measured
    told = {seed: one for seed, one in found.items() if math.isfinite(one.value)}
    if found and not told:
        asked = "; a study has it whose `tables` or `claims` ask for it (docs/formats.md)" if metric in SCORES else ""
        raise DeeperError(f"{side} has no {metric}: it was not measured{asked}")
    return told


def _arm(side: str, results: str | Path, sweeps: str | Path) -> tuple[StudyTable, str]:
    """The table and the arm of ``sweep/setting`` or ``study/arm``; the values of a setting may have slashes too."""
    name, _, words = side.partition("/")
    if (path := Path(sweeps) / f"{name}.json").exists():
        table = read_table(path)
        return table, own_sweep.arm_of(table, words)
    study, _, arm = side.rpartition("/")
    table = table_of(study, results, sorted(path.stem for path in Path(sweeps).glob("*.json")))
    known(arm, table.arms, "arm", f"the arms of {study}")
    return table, arm


def _value(trial: str, metric: str, store: str | Path) -> tuple[int, _Measured]:
    home = Home(store, trial)
    record = home.finished("arms are study/arm, settings sweep/setting")
    known(metric, record["metrics"], "metric", f"the metrics of trial {trial}")
    value = record["metrics"][metric]
    try:
        seed = yaml_value((home / CONFIG).read_bytes())["seed"]
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError) as error:
        raise DeeperError(f"{home / CONFIG} is damaged; python -m deeper.trials show={trial} says what is") from error
    return seed, _Measured(trial, math.nan if value is None else value, record["status"] == "diverged")


def _row(path: Path) -> dict[str, Any] | None:
    try:
        record, config = json_value(path.read_bytes()), yaml_value((path.parent / CONFIG).read_bytes())
        settings = {name: _at(config, keys) for name, keys in SETTINGS.items()}
        numbers = {**record["metrics"], **record["cost"], **record["time"]}
        return {
            "id": record["id"],
            "study": config["study"]["name"],
            **{name: value for name, value in settings.items() if value is not None},
            "status": record["status"],
            **numbers,
            "finished_at": record["finished_at"],
        }
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError):
        return None


def _at(config: Any, keys: Sequence[str]) -> Any:
    for key in keys:
        config = config.get(key) if isinstance(config, dict) else None
    return config
