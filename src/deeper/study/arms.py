"""The arms of a study: the settings that make them, and the jobs that are in them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from omegaconf import DictConfig, OmegaConf

from deeper.errors import DeeperError, hint
from deeper.schema.study import Settings, Study, read_study

FREE = (
    *("study", "profile", "data", "logger", "store", "results", "reuse", "trust_table", "dry_run", "runtime", "hydra"),
    *("blocks", "name", "sweeps"),
    *("data.root", "data.folder"),
)


def study_of(cfg: DictConfig, where: str | None = None) -> Study | None:
    """The study of a composed configuration, as its profile runs it; None where there is none.

    Args:
        cfg: the configuration of one of its jobs.
        where: the file that an error names; the study's name where it is not known.

    Raises:
        DeeperError: its block says something that cannot be.
    """
    if not OmegaConf.is_dict(cfg.study):
        raise DeeperError(f"{where or 'study'}: study: it must be a mapping with name, arms, claims and more")
    block = OmegaConf.to_container(cfg.study, resolve=True)
    block.pop("arm", None)  # the mark of a job
    if block.get("name") == "none":
        return None
    return as_run(read_study(block, where or f"study {block.get('name')}"), cfg.profile)


def is_whole(cfg: DictConfig, arguments: Iterable[str]) -> bool:
    """Whether a sweep with these overrides of the command line is that of its study, and no other sweep of it."""
    study = study_of(cfg)
    return study is not None and all(is_free(argument, study) for argument in arguments)


def settings(study: Study, profile: str) -> dict[str, Settings]:
    """The overrides that make each arm of a study, where its arms name any (``set``; ``paper`` in that profile)."""
    made = {name: arm for name, arm in study.arms.items() if "set" in arm.model_fields_set}
    if profile != "paper":
        return {name: {**_rate(study, name), **(arm.set or {})} for name, arm in made.items()}
    common = study.paper or {}
    own = {name: arm.paper if "paper" in arm.model_fields_set else arm.set for name, arm in made.items()}
    return {name: {**common, **(overrides or {})} for name, overrides in own.items()}


def _rate(study: Study, arm: str) -> Settings:
    """The learning rate that was found for an arm (``tune=true``); its own ``recipe.lr`` replaces it."""
    return {"recipe.lr": study.rates[arm].rate} if arm in study.rates else {}


def as_run(study: Study, profile: str) -> Study:
    """A study as a profile runs it.

    Where arms run by their papers' settings, ``paper_label`` is the label of an arm that has one, and there are no
    budgets: those were made for the settings in ``set``.
    """
    if profile != "paper" or not settings(study, profile):
        return study
    block = study.model_dump(exclude_unset=True, exclude={"budgets"})
    for name, arm in study.arms.items():
        if arm.paper_label:
            block["arms"][name]["label"] = arm.paper_label
    return Study.model_validate(block)


def with_arms(study: Study, configs: Sequence[DictConfig]) -> Study:
    """The study with all its arms: where it says ``by: [setting, …]``, one for each combination that the grid has.

    Raises:
        DeeperError: there is no such setting, or the study names an arm that the grid does not make.
    """
    if not study.by:
        return study
    arms: dict[str, Any] = {}
    for cfg in configs:
        where = {key: OmegaConf.select(cfg, key) for key in study.by}
        missing = [key for key, value in where.items() if value is None]
        if missing:
            raise DeeperError(f"study {study.name}: there is no setting {missing[0]}, which `by` names")
        arms[" ".join(map(str, where.values()))] = {"where": where}
    return read_study(study.model_dump(exclude_unset=True) | {"arms": arms}, f"study {study.name}")


def placed(study: Study, configs: Sequence[DictConfig]) -> list[str | None]:
    """The arm of every job; None for one that is in no arm or in several."""
    arms = [candidates(study, cfg) for cfg in configs]
    return [names[0] if len(names) == 1 else None for names in arms]


def of_job(study: Study, cfg: DictConfig) -> str:
    """The one arm that a job is in.

    Raises:
        DeeperError: it is in none or in several.
    """
    arms = candidates(study, cfg)
    if len(arms) != 1:
        raise DeeperError(
            f"study {study.name}: {cfg.model.name} seed {cfg.seed} must be in one arm, is in: "
            f"{', '.join(arms) or 'none'}"
        )
    return arms[0]


def candidates(study: Study, cfg: DictConfig) -> list[str]:
    """The arms that a job belongs to: the one it is marked with, or all whose ``where`` it meets."""
    if "arm" in cfg.study:
        return [str(cfg.study.arm)]
    return [
        name
        for name, arm in study.arms.items()
        if arm.where is not None and all(OmegaConf.select(cfg, key) == value for key, value in arm.where.items())
    ]


def probes(study: Study, cfg: DictConfig) -> dict[str, Settings]:
    """What the study's file says of the probes that are for a trial's arm; of all arms where it is in none."""
    [arm] = placed(study, [cfg])
    return probes_of(study, arm)


def probes_of(study: Study, arm: str | None) -> dict[str, Settings]:
    """What the study's file says of the probes that are for an arm."""
    return {name: probe.spec for name, probe in study.probes.items() if probe.is_for(arm)}


def is_free(argument: str, study: Study) -> bool:
    """Whether an override leaves a study what it is: surroundings, and what the study says is the user's (``free``)."""
    key = argument.lstrip("+~").partition("=")[0]
    if any(key == name or key.startswith(f"{name}.") for name in study.free):
        return True
    return key in FREE or key.partition("/")[0] == "hydra" or key.partition(".")[0] in ("hydra", "logger", "runtime")


def names_of_settings(value: Mapping[str, Any], above: str = "") -> list[str]:
    """Every setting of a configuration by its dotted name, those that have settings below them too."""
    names = []
    for key, part in value.items():
        names.append(f"{above}{key}")
        if isinstance(part, Mapping):
            names += names_of_settings(part, f"{above}{key}.")
    return names


def check_named_settings(study: Study, cfg: DictConfig, groups: Sequence[str], where: str) -> None:
    """See that what ``by`` and ``free`` name are settings of a job, or groups of options.

    Raises:
        DeeperError: one is neither.
    """
    names = names_of_settings(OmegaConf.to_container(cfg, resolve=False))
    for key, wanted, there in (("by", study.by, names), ("free", study.free, [*names, *groups])):
        for index, name in enumerate(wanted):
            if name not in there:
                close = hint(name, there) if len(hint(name, there)) < 60 else "--cfg job prints every setting"
                raise DeeperError(f"{where}: study.{key}.{index}: there is no setting {name!r}; {close}")
