"""What a run or a sweep will take and what it can show, before anything is spent: ``dry_run=true``.

Nothing is trained, measured or exported. Torch is imported only where a network's cost has never been counted.
"""

import functools
import math
import re
import shutil
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from omegaconf import DictConfig
from pydantic import BaseModel

from deeper.claims.power import Prospect, prospects
from deeper.data.prepared import read_meta
from deeper.errors import DeeperError
from deeper.run import costs as costing
from deeper.run import forecast, step_times
from deeper.run import measurements as probing
from deeper.run.forecast import Forecast
from deeper.run.store import CONFIG, RECORD, Home
from deeper.schema.results import StudyTable, read_table
from deeper.schema.study import Study
from deeper.study import arms as study_arms
from deeper.study import averaging
from deeper.study import table as study_table

TRAINED_BY = re.compile(r"^study:\n +name: (\S+)$", re.MULTILINE)

Job = Mapping[str, Any]


@dataclass(frozen=True)
class ArmPlan:
    """A row of the plan: of ``jobs``, one a seed, those finished here and those that the study's table knows.

    ``average`` is the arm it averages and how many networks at a time; ``jobs`` are its groups then.
    """

    name: str
    seeds: tuple[int, ...]
    jobs: int
    finished: int = 0
    known: int = 0
    average: tuple[str, int] | None = None

    @property
    def missing(self) -> int:
        return self.jobs - self.finished - self.known


@dataclass(frozen=True)
class Time:
    """Seconds until the last trial ends, what they rest on, and how many trials nothing is known of.

    ``basis`` counts trials by what their time is told from (``deeper.run.forecast``); ``here`` says whether that
    ran on this machine.
    """

    seconds: float
    slots: int
    basis: Mapping[str, int]
    unknown: int
    here: bool


@dataclass(frozen=True)
class Plan:
    """What a run or a sweep takes.

    ``trials`` are different ones, ``jobs`` all; ``elsewhere`` counts finished trials by the other study that trained
    them, ``disk`` is what the trials to come will keep and ``free`` what there is, in bytes. ``family`` is the number
    of comparisons of all tables of this profile and this study together.
    """

    study: str
    profile: str
    store: str
    arms: Sequence[ArmPlan]
    jobs: int
    trials: int
    to_train: int
    elsewhere: Mapping[str, int]
    time: Time
    disk: int
    free: int
    probes: Mapping[str, int]
    prospects: Sequence[Prospect]
    family: int


def make(configs: Sequence[DictConfig], jobs: Sequence[Job], slots: int) -> Plan:
    """The plan of jobs.

    Args:
        configs: the composed configuration of every job.
        jobs: the same, resolved (``deeper.run.jobs.make_job``).
        slots: trials side by side.

    Raises:
        DeeperError: a network cannot be made, or a claim names something that does not exist.
    """
    study = study_arms.study_of(configs[0])
    study = study and study_arms.with_arms(study, configs)
    arms = study_arms.placed(study, configs) if study else [None] * len(configs)
    ids = [job["id"] for job in jobs]
    homes = {trial: Home(configs[0].store, trial) for trial in ids}
    finished = {trial for trial, home in homes.items() if (home / RECORD).exists() and home.record() is not None}
    known = study_table.known(configs[0]).keys() - finished
    there = finished | known
    missing = {job["id"]: job["config"] for job in jobs if job["id"] not in there}
    costs = {trial: costing.cost(config) for trial, config in missing.items()}
    names = [arm or cfg.model.name for arm, cfg in zip(arms, configs, strict=True)]
    rows = _arms(study, names, jobs, finished, known)
    store = Path(configs[0].store)
    seen, family = _prospects(study, rows, study_table.place(configs[0]).parent, configs[0].profile)
    return Plan(
        study=study.name if study else "none",
        profile=configs[0].profile,
        store=str(store),
        arms=rows,
        jobs=len(jobs),
        trials=len(homes),
        to_train=len(missing),
        elsewhere=_elsewhere([homes[trial] for trial in finished], study.name if study else "none"),
        time=_time(missing, costs, store, slots, jobs[0]["environment"]["machine"]),
        disk=sum(_kept(config, costs[trial]["params"]) for trial, config in missing.items()),
        free=_free(store),
        probes=_probes(
            study, [(arm, homes[trial]) for arm, trial in zip(arms, ids, strict=True) if trial not in known]
        ),
        prospects=seen,
        family=family,
    )


def as_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON has it: numbers that are not known are null."""
    return _plain(asdict(plan))


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return _plain(value.model_dump(mode="json", exclude_unset=True))
    if isinstance(value, Mapping):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _arms(
    study: Study | None, names: Sequence[str], jobs: Sequence[Job], finished: set[str], known: set[str]
) -> list[ArmPlan]:
    rows = []
    for name in dict.fromkeys(names):
        own = [job for job, arm in zip(jobs, names, strict=True) if arm == name]
        states = [(job["id"] in finished, job["id"] in known) for job in own]
        seeds = tuple(dict.fromkeys(job["config"]["seed"] for job in own))
        rows.append(ArmPlan(name, seeds, len(own), sum(f for f, _ in states), sum(k for _, k in states)))
    seeds = {row.name: row.seeds for row in rows}
    for name, average in (averaging.averaged(study) if study else {}).items():
        groups = averaging.groups(seeds.get(average.of, ()), average.size)
        firsts = tuple(group[0] for group in groups)
        rows.append(ArmPlan(name, firsts, len(groups), average=(average.of, average.size)))
    return rows


def _elsewhere(homes: Iterable[Home], own: str) -> dict[str, int]:
    found = [TRAINED_BY.search((home / CONFIG).read_text()) for home in homes]
    return dict(Counter(match[1] for match in found if match and match[1] != own).most_common())


def _time(
    missing: Mapping[str, Mapping[str, Any]],
    costs: Mapping[str, Mapping[str, int]],
    store: Path,
    slots: int,
    machine: Mapping[str, Any],
) -> Time:
    """Of the configurations, and the costs of their networks, by trial."""
    if not missing:
        return Time(0.0, slots, {}, 0, True)
    timed = functools.partial(step_times.seconds_per_image, machine=machine)
    told = Forecast(store, machine, _tested(next(iter(missing.values()))["data"]), timed)
    guesses = [
        (told.seconds(config, costs[trial]["macs"]), config["trainer"]["devices"]) for trial, config in missing.items()
    ]
    tasks = [(guess.seconds, devices) for guess, devices in guesses if guess]
    basis = dict(Counter(guess.basis for guess, _ in guesses if guess))
    here = all(guess.here for guess, _ in guesses if guess)
    return Time(forecast.makespan(tasks, slots), slots, basis, len(guesses) - len(tasks), here)


def _kept(config: Mapping[str, Any], params: int) -> int:
    return forecast.kept_bytes(params, _tested(config["data"]), config["data"]["classes"])


def _tested(data: Mapping[str, Any]) -> int:
    start, stop = read_meta(Path(data["root"]) / data["name"])["splits"]["test"]
    return stop - start


def _free(store: Path) -> int:
    place = next(folder for folder in (store, *store.absolute().parents) if folder.exists())
    return shutil.disk_usage(place).free


def _probes(study: Study | None, homes: Iterable[tuple[str | None, Home]]) -> dict[str, int]:
    """How many measurements of each probe are not made yet, of trials with their arms."""
    if study is None:
        return {}
    wanted = {
        (name, probing.place(home, name, spec))
        for arm, home in homes
        for name, spec in study_arms.probes_of(study, arm).items()
    }
    lacking = Counter(name for name, place in wanted if not place.exists())
    return {name: lacking[name] for name in study.probes if name in lacking}


def _prospects(study: Study | None, rows: Sequence[ArmPlan], results: Path, profile: str) -> tuple[list[Prospect], int]:
    if study is None or not study.claims:
        return [], 0
    tables = [table for path in sorted(results.glob("*.json")) if (table := _table(path))]
    alike = [table for table in tables if table.profile == profile]
    return prospects(study, profile, {row.name: row.seeds for row in rows}, alike)


def _table(path: Path) -> StudyTable | None:
    """A study's table; None for any other file."""
    try:
        return read_table(path)
    except (OSError, DeeperError):
        return None
