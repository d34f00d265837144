"""From composed configurations to jobs of which none will fail by a mistake that can be seen before the first trial.

Every entrance goes through here: the slots launcher, other launchers under the study sweeper, and a single run.
"""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from deeper.claims import budgets
from deeper.errors import DeeperError
from deeper.files import writable
from deeper.paths import PUBLISHED, ROOT
from deeper.run import costs as costing
from deeper.run.jobs import check_images, make_job
from deeper.schema.results import TOY
from deeper.schema.study import Study
from deeper.study import arms as study_arms
from deeper.study import averaging
from deeper.study import table as study_table
from deeper.study.probe_functions import check_functions
from deeper.study.published_rows import published_rows
from deeper.study.rates import check_rates, read_rates


def study_file(runtime: Mapping[str, Any]) -> str | None:
    """The file of the study that was chosen, as an error names it; None where there is none.

    Args:
        runtime: Hydra's (``hydra.runtime``): its choices by group, and the folders of configurations.
    """
    if (folder := study_folder(runtime)) is None:
        return None
    path = folder / "study" / f"{runtime['choices']['study']}.yaml"
    return str(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


def study_folder(runtime: Mapping[str, Any]) -> Path | None:
    """The folder of configurations from which the study was chosen; None where there is none."""
    folders = [Path(source["path"]) for source in runtime["config_sources"] if source["schema"] == "file"]
    file = Path("study") / f"{runtime['choices'].get('study')}.yaml"
    return next((folder for folder in folders if (folder / file).exists()), None)


def checked_study(cfg: DictConfig, runtime: Mapping[str, Any]) -> Study | None:
    """The study of a configuration, once everything that it names is there; None where there is none.

    Args:
        cfg: the configuration of one of its jobs.
        runtime: Hydra's (``hydra.runtime``).

    Raises:
        DeeperError: it says something that cannot be, or names a setting, a function or a published row that does not
            exist.
    """
    where = study_file(runtime)
    if (folder := study_folder(runtime)) is not None:
        rates = folder / "rates" / f"{Path(runtime['choices']['study']).name}.yaml"
        if rates.exists():  # a mistake there would be blamed on the study's file, which takes its rates from it
            read_rates(rates)
    study = study_arms.study_of(cfg, where)
    if study is None:
        return None
    _check_name(study, cfg, where)
    where = where or f"study {study.name}"
    study_arms.check_named_settings(study, cfg, list(runtime["choices"]), where)
    check_functions(study, where)
    published_rows(study, PUBLISHED, where)
    return study


def _check_name(study: Study, cfg: DictConfig, where: str | None) -> None:
    """See that a study has the name of its file, as its table and its page do: a copy may still have the other's."""
    if where is None or cfg.study._get_node("name")._is_interpolation():
        return
    if study.name != Path(where).stem:
        raise DeeperError(
            f"{where}: study.name={study.name}: it must be the file's, {Path(where).stem}; the table and the page are "
            "named after it"
        )


def checked_jobs(
    configs: Sequence[DictConfig], arguments: Iterable[str], runtime: Mapping[str, Any], slots: int | None = None
) -> list[dict[str, Any]]:
    """The jobs of a sweep.

    A command line that makes another sweep of the study has no table and need not have its arms, nor their budgets.

    Args:
        configs: the composed configuration of every job.
        arguments: overrides of the command line.
        runtime: Hydra's (``hydra.runtime``).
        slots: trials that run side by side.

    Raises:
        DeeperError: something that would fail, in a trial or on the study's page.
    """
    arguments = list(arguments)
    study = checked_study(configs[0], runtime)
    if study and not all(study_arms.is_free(argument, study) for argument in arguments):
        study = None
    if study:
        study = check_arms(study, configs)
        if not configs[0].dry_run:
            writable(Path(configs[0].results), "the table's folder", "results")
            _check_place(configs[0], arguments)
    if configs[0].runtime.get("ranks") == "given":
        raise DeeperError("runtime.ranks=given is for one trial; the trials of a sweep start their own ranks")
    jobs = [make_job(config, slots) for config in configs]
    for job in jobs:
        check_images(job["config"])
    if study:
        check_compared(study, configs, [job["id"] for job in jobs])
        arms = {study_arms.of_job(study, cfg): job["config"] for cfg, job in zip(configs, jobs, strict=True)}
        check_rates(study, arms, configs[0].profile)
    return jobs


def _check_place(cfg: DictConfig, arguments: Iterable[str]) -> None:
    """See that a place which the command line names (``results=``, as DVC does) has no table of something else."""
    other = study_table.of_another(cfg)
    if other and any(argument.startswith("results=") for argument in arguments):
        key, there = other
        here = cfg.profile if key == "profile" else cfg.data.name
        raise DeeperError(
            f"{study_table.place(cfg)} is of {key} {there}, and {key}={here} would take its place; name another folder "
            "with results=FOLDER, or move that table away"
        )


def check_arms(study: Study, configs: Sequence[DictConfig]) -> Study:
    """See that every job is in one arm and that arms keep their budgets; say which averaged arms stay empty.

    Args:
        study: as its file has it.
        configs: the composed configuration of every job.

    Returns:
        the study with all its arms.

    Raises:
        DeeperError: a job is in no arm or in several, an arm has a seed twice, or is off its budget.
    """
    study = study_arms.with_arms(study, configs)
    _check_seeds(study, configs)
    averaging.tell_empty(study, [(study_arms.of_job(study, cfg), cfg.seed) for cfg in configs])
    check_budgets(study, configs)
    return study


def _check_seeds(study: Study, configs: Sequence[DictConfig]) -> None:
    """See that an arm has a seed once: two values of a setting, such as two profiles, are two studies."""
    jobs: dict[tuple[str, int], DictConfig] = {}
    for cfg in configs:
        arm = study_arms.of_job(study, cfg)
        other = jobs.setdefault((arm, cfg.seed), cfg)
        if other is not cfg:
            differ = "" if other.profile == cfg.profile else f" (profile={other.profile} and profile={cfg.profile})"
            raise DeeperError(
                f"study {study.name}: arm {arm} has seed {cfg.seed} twice{differ}, and its table holds one trial for "
                "each; run what differs one after another"
            )


def check_compared(study: Study, configs: Sequence[DictConfig], trials: Sequence[str]) -> None:
    """See that no claim compares a trial with itself, which would be found level.

    Args:
        study: with all its arms.
        configs: the composed configuration of every job.
        trials: the jobs' ids.

    Raises:
        DeeperError: two arms of a comparison share one.
    """
    ids: dict[str | None, set[str]] = {}
    for arm, trial in zip(study_arms.placed(study, configs), trials, strict=True):
        ids.setdefault(arm, set()).add(trial)
    for of, against in chain.from_iterable(comparison.differences for comparison in study.comparisons):
        if ids.get(of, set()) & ids.get(against, set()):
            raise DeeperError(
                f"study {study.name}: arms {of} and {against}, which a claim compares, are the same trials; mend the "
                "settings of one"
            )


def check_budgets(study: Study, configs: Sequence[DictConfig]) -> None:
    """See that arms keep their budgets, but for the profile ``smoke``, whose sizes mean nothing.

    Raises:
        DeeperError: an arm does not, or no job is in it.
    """
    if not study.budgets or configs[0].profile == TOY:
        return
    jobs, costs = {study_arms.of_job(study, cfg): cfg for cfg in configs}, {}
    for arm in {arm for budget in study.budgets for arm in budget.arms}:
        average = study.arms[arm].average
        of, size = (average.of, average.size) if average else (arm, 1)
        if of not in jobs:
            raise DeeperError(f"study {study.name}: no trial is in arm {of}, which a budget names; mend its `where`")
        own = costing.of(jobs[of])
        costs[arm] = {name: size * own[name] for name in budgets.COSTS}
    budgets.check(study.budgets, costs, f"study {study.name}")
