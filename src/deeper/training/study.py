"""The table of a study: everything a report needs of its trials, in one file small enough for git."""

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from deeper.analysis import budgets
from deeper.data.arrays import read_meta
from deeper.errors import DeeperError
from deeper.training import averaging, costing, probing, transfer_tables
from deeper.training.jobs import make_job
from deeper.training.store import CURVES, Home, write_json

SCHEMA = 1
FREE = (
    *("study", "profile", "data", "logger", "store", "results", "trust_table", "dry_run", "runtime", "hydra"),
    *("data.root", "data.folder"),
)
NO_GRADIENTS: dict[str, list[Any]] = {"layers": [], "start": [], "epochs": []}
VARIED = ("data", "optimizer", "schedule", "augment", "training", "trainer")
KEPT = ("id", "status", "reason", "metrics", "cost", "time", "gradients", "finished_at")


def export(configs: Sequence[DictConfig], trials: Sequence[str], arguments: Sequence[str]) -> Path | None:
    """Write ``results/<study>.json`` from finished trials.

    A sweep that belongs to no study, or whose command line changes more of it than its size and surroundings, is
    not the study: nothing is written, and a line says so.

    Args:
        configs: the composed configuration of every job.
        trials: the trials' ids, as the jobs returned them.
        arguments: the overrides of the command line.

    Raises:
        DeeperError: a trial is in no arm or in several, or an arm has no trial.
    """
    study = OmegaConf.to_container(configs[0].study, resolve=True)
    if study["name"] == "none":
        return None
    changed = [a for a in arguments if not _free(a, study)]
    path = Path(configs[0].results) / f"{study['name']}.json"
    if changed:
        print(f"no table is written to {path}: {' '.join(changed)} makes this another sweep", file=sys.stderr)
        return None
    other = _profile_of(path)
    if other not in (None, configs[0].profile) and not any(a.startswith("results=") for a in arguments):
        print(f"{path} is left as it is: it is of profile {other}; results=FOLDER names another place", file=sys.stderr)
        return None
    content = table(study, configs, trials)
    write_json(path, content)
    if "targets" in content:
        transfer_tables.draw_pictures(path.parent / study["name"], content, configs)
    print(f"{study['name']}: table written to {path}", file=sys.stderr)
    return path


def check(configs: Sequence[DictConfig], arguments: Sequence[str]) -> None:
    """See, before anything is trained, that every job of a study is in one arm, that its probes are some and that its
    arms keep their budgets (but for the profile ``smoke``, whose sizes mean nothing, and for arms that run by their
    papers' settings).

    A command line that makes another sweep of the study has no table and need not have its arms.

    Raises:
        DeeperError: it is in none or in several, a setting or a probe does not exist, or an arm is off its budget.
    """
    study = as_run(OmegaConf.to_container(configs[0].study, resolve=True), configs[0].profile)
    if study["name"] == "none" or not all(_free(argument, study) for argument in arguments):
        return
    study = {**study, "arms": _arms(study, configs)}
    averaging.check(study, [(_arm(study, cfg), cfg.seed) for cfg in configs])
    _check_probes(study)
    _check_budgets(study, configs)


def placed(configs: Sequence[DictConfig]) -> tuple[dict[str, Any], list[str | None]]:
    """A study's block with all its arms, and the arm of every job; None for one that is in no arm or in several."""
    study = as_run(OmegaConf.to_container(configs[0].study, resolve=True), configs[0].profile)
    study = {**study, "arms": _arms(study, configs) if {"arms", "by"} & set(study) else {}}
    arms = [_candidates(study, cfg) for cfg in configs]
    return study, [found[0] if len(found) == 1 else None for found in arms]


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
    jobs, costs = {_arm(study, cfg): cfg for cfg in configs}, {}
    for arm in {arm for budget in named for arm in budget.arms}:
        average = (study["arms"][arm] or {}).get("average") or {"of": arm, "size": 1}
        if average["of"] not in jobs:
            raise DeeperError(f"{where}: no trial is in arm {average['of']}, which a budget names; mend its `where`")
        own = costing.of(jobs[average["of"]])
        costs[arm] = {name: average["size"] * own[name] for name in budgets.COSTS}
    budgets.check(named, costs, where)


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


def known(cfg: DictConfig) -> dict[str, dict[str, Any]]:
    """Rows of the study's table by trial, where ``trust_table`` says that they stand for trials that are not here.

    A trial's id is the digest of all that can change its result, so a row that bears it is that trial's result.
    """
    if not cfg.trust_table:
        return {}
    try:
        old = json.loads((Path(cfg.results) / f"{cfg.study.name}.json").read_bytes())
        places = old["environments"]
        rows = {row["id"]: {**row, "environment": places[row["environment"]]} for row in old["trials"]}
    except (OSError, ValueError, LookupError, TypeError):
        return {}
    probes = (OmegaConf.to_container(cfg.study, resolve=True).get("probes") or {}) if rows else {}
    return {trial: row for trial, row in rows.items() if old["schema"] == SCHEMA and _measured(row, probes)}


def _measured(row: Mapping[str, Any], probes: Mapping[str, Any]) -> bool:
    kept = row.get("probes", {})
    wanted = {} if "members" in row else probing.of_arm(probes, row["arm"])
    return all(kept.get(name, {}).get("key") == probing.key(row["id"], spec) for name, spec in wanted.items())


def table(study: dict[str, Any], configs: Sequence[DictConfig], trials: Sequence[str]) -> dict[str, Any]:
    """The value of ``results/<study>.json`` (docs/formats.md)."""
    study = as_run(study, configs[0].profile)
    study = {key: value for key, value in study.items() if key != "arm"} | {"arms": _arms(study, configs)}
    environments: list[Any] = []
    rows = []
    before = known(configs[0])
    varying = iter(_varying(configs))
    for cfg, trial in zip(configs, trials, strict=True):
        found = _finished(Home(cfg.store, trial), _probes(study, cfg)) or before.get(trial)
        if found is None:
            raise DeeperError(f"trial {trial} of study {study['name']} is not finished; run the study again")
        if found["environment"] not in environments:
            environments.append(found["environment"])
        rows.append(
            {
                "arm": _arm(study, cfg),
                "seed": cfg.seed,
                **({"settings": own} if (own := next(varying)) else {}),
                **(_transferred(cfg, found, trial) if "transfer" in cfg else {}),
                **{key: found[key] for key in (*KEPT, "curves", "probes") if key in found},
                **({} if study.get("gradients", True) else {"gradients": NO_GRADIENTS}),
                "environment": environments.index(found["environment"]),
            }
        )
    empty = averaging.trained(study["arms"]).keys() - {row["arm"] for row in rows}
    if empty:
        raise DeeperError(f"study {study['name']}: no trial is in arm {', '.join(sorted(empty))}; mend its `where`")
    rows += averaging.rows(study, rows, configs[0].store, before)
    first = make_job(configs[0])["config"]
    return {
        "schema": SCHEMA,
        "study": study,
        "profile": configs[0].profile,
        "data": _data(first["data"]),
        "recipe": {
            **first["training"],
            "optimizer": first["optimizer"],
            "schedule": first["schedule"],
            "augment": first["augment"],
            "trainer": first["trainer"],
        },
        "environments": environments,
        **({"targets": transfer_tables.targets(configs)} if "transfer" in configs[0] else {}),
        "trials": rows,
    }


def _transferred(cfg: DictConfig, found: Mapping[str, Any], trial: str) -> dict[str, Any]:
    """What the row of a transfer has more than others."""
    told = found.get("confusion")
    if told is None:
        told = transfer_tables.confused(Home(cfg.store, trial), transfer_tables.several(cfg))
    return {"transfer": transfer_tables.settings(cfg.transfer), "confusion": told}


def measure(configs: Sequence[DictConfig], trials: Sequence[str], slots: int) -> None:
    """Make the measurements that the study's ``probes`` name on all trials that are here.

    In another sweep of the study, a trial that is in no arm has those that are for all arms.

    Raises:
        DeeperError: a probe is not one, or cannot measure a network.
    """
    study = OmegaConf.to_container(configs[0].study, resolve=True)
    if study.get("probes"):
        study = {**study, "arms": _arms(study, configs)}
        pairs = [(Home(cfg.store, trial), _probes(study, cfg)) for cfg, trial in zip(configs, trials, strict=True)]
        probing.run([(home, probes) for home, probes in pairs if home.record() is not None], slots)


def _probes(study: Mapping[str, Any], config: DictConfig) -> dict[str, Any]:
    """The probes that are for a trial's arm."""
    arms = _candidates(study, config)
    return probing.of_arm(study.get("probes") or {}, arms[0] if len(arms) == 1 else None)


def _finished(home: Home, probes: Mapping[str, Any]) -> dict[str, Any] | None:
    record = home.record()
    if record is None:
        return None
    curves = [json.loads(line) for line in (home / CURVES).read_text().splitlines()]
    return {**record, "curves": curves, **({"probes": probing.found(home, probes)} if probes else {})}


def _profile_of(path: Path) -> str | None:
    try:
        return json.loads(path.read_bytes())["profile"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _free(argument: str, study: Mapping[str, Any]) -> bool:
    """Whether an override leaves a study what it is: surroundings, and what the study says is the user's (``free``)."""
    key = argument.lstrip("+~").partition("=")[0]
    if any(key == name or key.startswith(f"{name}.") for name in study.get("free", ())):
        return True
    return key in FREE or key.partition("/")[0] == "hydra" or key.partition(".")[0] in ("hydra", "logger", "runtime")


def _arms(study: dict[str, Any], configs: Sequence[DictConfig]) -> dict[str, Any]:
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


def _arm(study: Mapping[str, Any], config: DictConfig) -> str:
    arms = _candidates(study, config)
    if len(arms) != 1:
        found = ", ".join(arms) or "none"
        raise DeeperError(
            f"study {study['name']}: {config.model.name} seed {config.seed} must be in one arm, is in: {found}"
        )
    return arms[0]


def _candidates(study: Mapping[str, Any], config: DictConfig) -> list[str]:
    """The arms that a job belongs to: the one it is marked with, or all whose ``where`` it meets."""
    if "arm" in config.study:
        return [str(config.study.arm)]
    return [
        name
        for name, arm in study["arms"].items()
        if "where" in arm and all(OmegaConf.select(config, key) == value for key, value in arm["where"].items())
    ]


def _varying(configs: Sequence[DictConfig]) -> list[dict[str, Any]]:
    """Of every job what it has another value of than some other job: of the data and the recipe, by dotted name."""
    flat = [dict(_flat({key: cfg[key] for key in VARIED})) for cfg in configs]
    keys = sorted(set().union(*flat))
    differ = [key for key in keys if len({json.dumps(one.get(key)) for one in flat}) > 1]
    return [{key: one[key] for key in differ if key in one} for one in flat]


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, part in value.items():
        if isinstance(part, Mapping | DictConfig):
            yield from _flat(part, f"{above}{key}.")
        else:
            yield f"{above}{key}", OmegaConf.to_container(part) if OmegaConf.is_config(part) else part


def _data(data: dict[str, Any]) -> dict[str, Any]:
    meta = read_meta(Path(data["root"]) / data["name"])
    start, stop = meta["splits"]["test"]
    return {
        "name": data["name"],
        "digest": meta["digest"],
        "train": data["train_size"],
        "validation": data["validation_size"],
        "test": stop - start,
        "image_size": data["image_size"],
        "channels": data["channels"],
        "classes": data["classes"],
    }
