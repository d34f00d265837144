"""Arms that average the trained networks of another arm; nothing is trained for them.

A study names them ``averaged4: {label: Four averaged, average: {of: single, size: 4}}``. The seeds of arm ``single``,
in order, are cut into groups of four: 0 to 3, 4 to 7 and so on; a rest that fills no group is left out. So no network
is in two groups, the groups of four are pairs of the groups of two, and further seeds make further groups and leave
the others as they are. Each group is a row of the study's table, made from the predictions that its trials keep.
"""

import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from deeper.errors import DeeperError
from deeper.run import identity
from deeper.run.store import PREDICTIONS, Home
from deeper.schema.study import Average, Study
from deeper.study.ensembles import measure

Row = Mapping[str, Any]

NOT_MEASURED = ("train_error", "train_loss", "validation_error", "validation_loss")
MEASURED = ("test_error", "test_loss")


def averaged(study: Study) -> dict[str, Average]:
    """The arms that have no networks of their own, and what they average."""
    return {name: arm.average for name, arm in study.arms.items() if arm.average}


def tell_empty(study: Study, jobs: Iterable[tuple[str, int]]) -> None:
    """Say of every averaged arm whose seeds are too few for a group that it stays empty.

    Args:
        study: with all its arms.
        jobs: arm and seed of every job.
    """
    jobs = list(jobs)
    for name, average in averaged(study).items():
        if len({seed for arm, seed in jobs if arm == average.of}) < average.size:
            words = f"arm {name} stays empty, arm {average.of} has fewer than {average.size} seeds"
            print(f"{study.name}: {words}", file=sys.stderr)


def groups(seeds: Iterable[int], size: int) -> list[tuple[int, ...]]:
    """Seeds in order, ``size`` to a group, without the rest that fills none."""
    ordered = sorted(set(seeds))
    return [tuple(ordered[start : start + size]) for start in range(0, len(ordered) - size + 1, size)]


def key(members: Sequence[str]) -> str:
    """The id of a group: the digest of its trials' ids and of the results version of averaging."""
    return identity.group_id(members)


def rows(study: Study, table: Sequence[Row], store: Path | str, before: Mapping[str, Row]) -> list[dict[str, Any]]:
    """Rows of the averaged arms of a study (docs/formats.md).

    Args:
        study: with all its arms.
        table: rows of its trained arms.
        store: the folder of all trials.
        before: earlier rows by id, which stand for groups whose trials are not in the store.

    Raises:
        DeeperError: a group's predictions are not in the store and it has no earlier row.
    """
    predictions = cache(lambda trial: _predictions(Home(store, trial)))
    made = []
    for name, average in averaged(study).items():
        by_seed = {row["seed"]: row for row in table if row["arm"] == average.of}
        for group in groups(by_seed, average.size):
            made.append(_row(name, [by_seed[seed] for seed in group], predictions, before))
    return made


def _row(
    arm: str,
    members: Sequence[Row],
    predictions: Callable[[str], tuple[np.ndarray, np.ndarray] | None],
    before: Mapping[str, Row],
) -> dict[str, Any]:
    ids = [member["id"] for member in members]
    last = max(members, key=lambda member: member["finished_at"] or "")
    diverged = [member["seed"] for member in members if member["status"] == "diverged"]
    return {
        "arm": arm,
        "seed": members[0]["seed"],
        **({"settings": members[0]["settings"]} if "settings" in members[0] else {}),
        "id": key(ids),
        "status": "diverged" if diverged else "finished",
        "reason": f"diverged in the group: seed {', '.join(map(str, diverged))}" if diverged else None,
        "metrics": {**dict.fromkeys(NOT_MEASURED), **_together(arm, ids, predictions, before), **_alone(members)},
        "cost": {**members[0]["cost"], **_summed(members, "cost", ("params", "macs", "activation_bytes"))},
        "time": {**_summed(members, "time", ("train_s",)), "total_s": None, "images_per_s": None},
        "gradients": {"layers": [], "start": [], "epochs": []},
        "finished_at": last["finished_at"],
        "curves": [],
        "environment": last["environment"],
        "members": ids,
    }


def _together(arm: str, ids: Sequence[str], predictions: Callable, before: Mapping[str, Row]) -> dict[str, float]:
    kept = {trial: predictions(trial) for trial in ids}
    missing = [trial for trial, found in kept.items() if found is None]
    if not missing:
        return measure([logits for logits, _ in kept.values()], kept[ids[0]][1])
    if (earlier := before.get(key(ids))) is None:
        raise DeeperError(
            f"arm {arm} averages trial {missing[0]}, whose predictions are not in the store; "
            "trust_table=false trains it again"
        )
    return {name: earlier["metrics"][name] for name in MEASURED}


def _alone(members: Sequence[Row]) -> dict[str, float | None]:
    errors = [member["metrics"]["test_error"] for member in members]
    known = None not in errors
    return {
        "members_error": math.fsum(errors) / len(errors) if known else None,
        "best_member_error": min(errors) if known else None,
    }


def _summed(members: Sequence[Row], block: str, names: Sequence[str]) -> dict[str, Any]:
    values = {name: [member[block].get(name) for member in members] for name in names}
    return {name: None if None in every else sum(every) for name, every in values.items()}


def _predictions(home: Home) -> tuple[np.ndarray, np.ndarray] | None:
    """A finished trial's test logits (images × classes) and labels; None where it is not in the store."""
    if home.record() is None:
        return None
    with np.load(home / PREDICTIONS) as kept:
        return kept["logits"], kept["labels"]
