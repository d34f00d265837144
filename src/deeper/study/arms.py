"""The arms of a study: the settings that make them, the jobs that are in them, what must hold before any is trained."""

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from omegaconf import DictConfig, OmegaConf

from deeper.errors import DeeperError
from deeper.run import costs as costing
from deeper.run import measurements as probing
from deeper.study import averaging, budgets

FREE = (
    *("study", "profile", "data", "logger", "store", "results", "trust_table", "dry_run", "runtime", "hydra"),
    *("data.root", "data.folder"),
)


def check(configs: Sequence[DictConfig], arguments: Sequence[str]) -> bool:
    """See, before anything is trained, that every job of a study is in one arm, that its probes are some and that its
    arms keep their budgets (but for the profile ``smoke``, whose sizes mean nothing, and for arms that run by their
    papers' settings).

    A command line that makes another sweep of the study has no table and need not have its arms.

    Returns:
        whether it is the study that is swept.

    Raises:
        DeeperError: it is in none or in several, a setting or a probe does not exist, or an arm is off its budget.
    """
    study = as_run(OmegaConf.to_container(configs[0].study, resolve=True), configs[0].profile)
    if study["name"] == "none" or not all(is_free(argument, study) for argument in arguments):
        return False
    study = {**study, "arms": all_of(study, configs)}
    averaging.check(study, [(of_job(study, cfg), cfg.seed) for cfg in configs])
    _check_probes(study)
    _check_budgets(study, configs)
    return True


def check_compared(configs: Sequence[DictConfig], trials: Sequence[str]) -> None:
    """See that no claim compares a trial with itself, which would be found level.

    Args:
        configs: the composed configuration of every job of a study.
        trials: the jobs' ids.

    Raises:
        DeeperError: two arms of a comparison share one.
    """
    study, arms = placed(configs)
    own: dict[str | None, set[str]] = {}
    for arm, trial in zip(arms, trials, strict=True):
        own.setdefault(arm, set()).add(trial)
    for row in chain.from_iterable((study.get("claims") or {}).values()):
        if own.get(row["of"], set()) & own.get(row.get("against"), set()):
            raise DeeperError(
                f"study {study['name']}: arms {row['of']} and {row['against']}, which a claim compares, are the same "
                "trials; mend the settings of one"
            )


def settings(study: Mapping[str, Any], profile: str) -> dict[str, dict[str, Any]]:
    """The overrides that make each arm of a study, where its arms name any (``set``; ``paper`` in that profile).

    Raises:
        DeeperError: some of the study's trained arms name settings and others none.
    """
    arms = {name: arm or {} for name, arm in (study.get("arms") or {}).items()}
    trained = averaging.trained(arms)
    named = {name: arm for name, arm in trained.items() if "set" in arm}
    if not named:
        return {}
    if missing := sorted(trained.keys() - named.keys()):
        raise DeeperError(f"study {study['name']}: arm {missing[0]} has no `set`, which other arms have")
    if profile != "paper":
        return {name: dict(arm["set"] or {}) for name, arm in named.items()}
    common = study.get("paper") or {}
    return {name: {**common, **(arm.get("paper", arm["set"]) or {})} for name, arm in named.items()}


def as_run(study: Mapping[str, Any], profile: str) -> dict[str, Any]:
    """A study's block as a profile runs it.

    Where arms run by their papers' settings, ``paper_label`` is the label of an arm that has one, and there are no
    budgets: those were made for the settings in ``set``.
    """
    if profile != "paper" or not settings(study, profile):
        return dict(study)
    arms = {name: arm or {} for name, arm in study["arms"].items()}
    named = {name: {**arm, "label": arm["paper_label"]} for name, arm in arms.items() if "paper_label" in arm}
    return {**{key: value for key, value in study.items() if key != "budgets"}, "arms": {**arms, **named}}


def placed(configs: Sequence[DictConfig]) -> tuple[dict[str, Any], list[str | None]]:
    """A study's block with all its arms, and the arm of every job; None for one that is in no arm or in several."""
    study = as_run(OmegaConf.to_container(configs[0].study, resolve=True), configs[0].profile)
    study = {**study, "arms": all_of(study, configs) if {"arms", "by"} & set(study) else {}}
    arms = [candidates(study, cfg) for cfg in configs]
    return study, [found[0] if len(found) == 1 else None for found in arms]


def all_of(study: dict[str, Any], configs: Sequence[DictConfig]) -> dict[str, Any]:
    """The study's arms; where it says ``by: [setting, …]``, one for each combination of values that the grid has."""
    if "by" not in study:
        return study["arms"]
    arms = {}
    for cfg in configs:
        where = {key: OmegaConf.select(cfg, key) for key in study["by"]}
        missing = [key for key, value in where.items() if value is None]
        if missing:
            raise DeeperError(f"study {study['name']}: there is no setting {missing[0]}, which `by` names")
        arms[" ".join(map(str, where.values()))] = {"where": where}
    return arms


def of_job(study: Mapping[str, Any], config: DictConfig) -> str:
    """The one arm that a job is in.

    Raises:
        DeeperError: it is in none or in several.
    """
    arms = candidates(study, config)
    if len(arms) != 1:
        found = ", ".join(arms) or "none"
        raise DeeperError(
            f"study {study['name']}: {config.model.name} seed {config.seed} must be in one arm, is in: {found}"
        )
    return arms[0]


def candidates(study: Mapping[str, Any], config: DictConfig) -> list[str]:
    """The arms that a job belongs to: the one it is marked with, or all whose ``where`` it meets."""
    if "arm" in config.study:
        return [str(config.study.arm)]
    return [
        name
        for name, arm in study["arms"].items()
        if "where" in arm and all(OmegaConf.select(config, key) == value for key, value in arm["where"].items())
    ]


def probes(study: Mapping[str, Any], config: DictConfig) -> dict[str, Any]:
    """The probes that are for a trial's arm."""
    arms = candidates(study, config)
    return probing.of_arm(study.get("probes") or {}, arms[0] if len(arms) == 1 else None)


def is_free(argument: str, study: Mapping[str, Any]) -> bool:
    """Whether an override leaves a study what it is: surroundings, and what the study says is the user's (``free``)."""
    key = argument.lstrip("+~").partition("=")[0]
    if any(key == name or key.startswith(f"{name}.") for name in study.get("free", ())):
        return True
    return key in FREE or key.partition("/")[0] == "hydra" or key.partition(".")[0] in ("hydra", "logger", "runtime")


def _check_probes(study: Mapping[str, Any]) -> None:
    for name, spec in (study.get("probes") or {}).items():
        probing.key("", spec)
        if unknown := [arm for arm in spec.get("arms", []) if arm not in study["arms"]]:
            raise DeeperError(f"study {study['name']}: probe {name} is for arm {unknown[0]}, which it does not have")


def _check_budgets(study: Mapping[str, Any], configs: Sequence[DictConfig]) -> None:
    where = f"study {study['name']}"
    named = budgets.read_budgets(study, where)
    if not named or configs[0].profile == "smoke":
        return
    jobs, costs = {of_job(study, cfg): cfg for cfg in configs}, {}
    for arm in {arm for budget in named for arm in budget.arms}:
        average = (study["arms"][arm] or {}).get("average") or {"of": arm, "size": 1}
        if average["of"] not in jobs:
            raise DeeperError(f"{where}: no trial is in arm {average['of']}, which a budget names; mend its `where`")
        own = costing.of(jobs[average["of"]])
        costs[arm] = {name: average["size"] * own[name] for name in budgets.COSTS}
    budgets.check(named, costs, where)
