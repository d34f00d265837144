"""A sweep of one's own as a study without claims: its settings are the arms, so that all that reads a table reads it.

A setting is what a job has another value of than some other job, but for the seed: ``model=resnet20 recipe.lr=0.1``.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from hydra.core.utils import JobReturn, filter_overrides
from omegaconf import DictConfig, open_dict

from deeper.errors import DeeperError
from deeper.files import digest, json_bytes, write_changed
from deeper.schema.results import StudyTable, read_table
from deeper.schema.study import Study
from deeper.study import arms as study_arms
from deeper.study import table as study_table

SEED = "seed"
AROUND = ("logger", "store", "results", "reuse", "trust_table", "dry_run", "runtime", "sweeps", "name", "zip")
ALL = "all trials"


@dataclass(frozen=True)
class OwnSweep:
    """A sweep that has ended.

    Attributes:
        path: of its table.
        varied: names of the settings that vary, in the order of the command line.
        settings: by arm, the value of each of them.
        command: the overrides of the command line.
        asked: how many different trials it has, finished or not.
    """

    path: Path
    table: StudyTable
    varied: Sequence[str]
    settings: Mapping[str, Mapping[str, str]]
    command: Sequence[str]
    asked: int


def is_own(cfg: DictConfig, arguments: Iterable[str], where: str | None) -> bool:
    """Whether a sweep is no whole study: it is of none, or its command line makes another sweep of one.

    Args:
        cfg: of the sweep.
        arguments: the overrides of the command line.
        where: the study's file, for errors.

    Raises:
        DeeperError: a whole study is given a name, or says something that cannot be.
    """
    study = study_arms.study_of(cfg, where)
    own = study is None or not all(study_arms.is_free(argument, study) for argument in arguments)
    if not own and cfg.get("name") is not None:
        raise DeeperError(f"name={cfg.name}: a study has its own name, {study.name}; name= is for a sweep of your own")
    return own


def check_place(sweeps: Path | str, name: str, trials: Iterable[str]) -> None:
    """See that the table which a sweep with a name would replace is its own: one that has grown has all of its trials.

    Args:
        sweeps: the folder of such tables.
        name: of the sweep.
        trials: ids of all its trials.

    Raises:
        DeeperError: there is one of another sweep, or of a study, or none that can be read.
    """
    path = Path(sweeps) / f"{name}.json"
    if not path.exists():
        return
    table = read_table(path)
    if table.study.title != _title(name) or not {row.id for row in table.trials} <= set(trials):
        raise DeeperError(f"name={name}: {path} is of other trials; choose another name, or move that file away")


def _title(name: str) -> str:
    return f"Sweep {name}"


def write(jobs: Sequence[JobReturn], arguments: Sequence[str], asked: Sequence[Sequence[str]]) -> OwnSweep:
    """Write the table of a sweep's finished jobs to ``<sweeps>/<name>.json``.

    Args:
        jobs: those that are finished, at least one.
        arguments: the overrides of the command line.
        asked: the overrides of all its jobs.

    Raises:
        DeeperError: the folder cannot be written.
    """
    said = [_said(overrides) for overrides in asked]
    varied = _varied(said)
    own = [{key: one[key] for key in varied if key in one} for one in (_said(job.overrides) for job in jobs)]
    names = [" ".join(f"{key}={value}" for key, value in one.items()) or ALL for one in own]
    first = jobs[0].cfg
    name = first.get("name") or _name(varied, said)
    once = {(arm, job.cfg.seed): job for job, arm in zip(jobs, names, strict=True)}
    arms, configs = [arm for arm, _ in once], [job.cfg for job in once.values()]
    configs[0] = _named(configs[0], name)
    study = Study(
        name=name,
        title=_title(name),
        question=f"What varies: {', '.join(varied) or 'the seed alone'}.",
        arms={arm: {"label": arm, "where": {}} for arm in dict.fromkeys(names)},
        claims={},
    )
    path = Path(first.sweeps) / f"{name}.json"
    trials = [job.return_value for job in once.values()]
    write_changed(path, json_bytes(study_table.table(study, configs, trials, arms)))
    different = {frozenset(one.items()) for one in said}
    return OwnSweep(path, read_table(path), varied, dict(zip(names, own, strict=True)), arguments, len(different))


def _said(overrides: Sequence[str]) -> dict[str, str]:
    """The values of a job's overrides by name, without those of surroundings, which change no trial."""
    pairs = (override.lstrip("+").partition("=") for override in filter_overrides(overrides))
    said = {("arm" if key == "study.arm" else key): value for key, _, value in pairs}
    return {key: value for key, value in said.items() if key.partition(".")[0] not in AROUND}


def _varied(said: Sequence[Mapping[str, str]]) -> list[str]:
    keys = dict.fromkeys(key for one in said for key in one if key != SEED)
    return [key for key in keys if len({one.get(key) for one in said}) > 1]


def _name(varied: Sequence[str], said: Sequence[Mapping[str, str]]) -> str:
    """Of the same command the same name, of another one another."""
    words = "-".join(key.rpartition(".")[2].rpartition("/")[2] for key in varied) or SEED
    return f"{words}-{digest(said)[:6]}"


def _named(cfg: DictConfig, name: str) -> DictConfig:
    """The job's configuration as one of the sweep."""
    with open_dict(cfg):
        cfg.study = {"name": name}
    return cfg


def arm_of(table: StudyTable, words: str) -> str:
    """The one setting of a sweep that has all the words, such as ``recipe.lr=0.1``.

    Raises:
        DeeperError: there is none, or there are several.
    """
    wanted = set(words.split())
    found = [arm for arm in table.arms if arm == words] or [arm for arm in table.arms if wanted <= set(arm.split())]
    if len(found) != 1:
        there = "; ".join(found or table.arms)
        which = "are several settings" if found else "is no setting"
        raise DeeperError(f"sweep {table.name}: there {which} {words!r}: {there}")
    return found[0]
