"""The table of a study: everything a report needs of its trials, in one file small enough for git."""

import json
import math
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from deeper.data.prepared import read_meta
from deeper.errors import DeeperError
from deeper.files import json_value, warn_once, write_json
from deeper.run import measurements as probing
from deeper.run.identity import OPEN
from deeper.run.jobs import make_job
from deeper.run.seeded import plain
from deeper.run.store import CURVES, Home
from deeper.schema.results import SCHEMA, changed_rows, damaged, folder_of, read_content, sealed
from deeper.schema.study import Study
from deeper.study import arms as study_arms
from deeper.study import averaging, scores
from deeper.study import transfer_table as transfer_tables

NO_GRADIENTS: dict[str, list[Any]] = {"layers": [], "start": [], "epochs": []}
MOST_EPOCHS = 32
VARIED = ("data", "optimizer", "schedule", "augment", "training", "trainer", *OPEN)
KEPT = ("id", "status", "reason", "metrics", "cost", "time", "gradients", "finished_at", "record")


def export(configs: Sequence[DictConfig], trials: Sequence[str], arguments: Sequence[str]) -> Path | None:
    """Write ``results/<study>.json`` from finished trials.

    A sweep that belongs to no study, or whose command line changes more of it than its size and surroundings, is
    not the study: nothing is written, and a line says so; nor is a table of more blocks replaced by one of fewer.

    Args:
        configs: the composed configuration of every job.
        trials: the trials' ids, as the jobs returned them.
        arguments: the overrides of the command line.

    Raises:
        DeeperError: a trial is in no arm or in several, or an arm has no trial.
    """
    study = study_arms.study_of(configs[0])
    if study is None:
        return None
    changed = [a for a in arguments if not study_arms.is_free(a, study)]
    path = place(configs[0])
    if changed:
        print(f"no table is written to {path}: {' '.join(changed)} makes this another sweep", file=sys.stderr)
        return None
    if other := of_another(configs[0]):
        what = " ".join(other)
        print(f"{path} is left as it is: it is of {what}; results=FOLDER names another place", file=sys.stderr)
        return None
    content = table(study, configs, trials)
    if configs[0].get("blocks") is not None and (more := _left_out(path, content)):
        what = f"{more} trial{'s' if more > 1 else ''} more than these blocks"
        print(f"{path} is left as it is: it has {what}; results=FOLDER names another place", file=sys.stderr)
        return None
    write_json(path, content)
    if "targets" in content:
        transfer_tables.draw_pictures(path.parent / study.name, content, configs)
    print(f"{study.name}: table written to {path}", file=sys.stderr)
    return path


def _left_out(path: Path, content: Mapping[str, Any]) -> int:
    """How many trials of the same arms the table that stands there has and this one has not."""
    old = _standing(path) or {"trials": []}
    there, here = ({(row["arm"], row["seed"]) for row in one["trials"]} for one in (old, content))
    return sum(arm in content["study"]["arms"] for arm, _ in there - here)


def place(cfg: DictConfig) -> Path:
    """Where the table of a study is: a toy run's and those of record apart, so that none replaces another."""
    return folder_of(cfg.results, cfg.profile) / f"{cfg.study.name}.json"


def known(cfg: DictConfig) -> dict[str, dict[str, Any]]:
    """Rows of the study's table by trial, where ``trust_table`` says that they stand for trials that are not here.

    A row that does not fit its digest was changed after it was measured: it is named and not believed.

    Raises:
        DeeperError: the file that stands there is damaged.
    """
    if not cfg.trust_table or cfg.reuse == "exact":
        return {}
    path = place(cfg)
    old = _standing(path)
    if old is None:
        return {}
    try:
        changed = changed_rows(old)
        believed = [row for place, row in enumerate(old["trials"]) if place not in changed]
        rows = {row["id"]: {**row, "environment": old["environments"][row["environment"]]} for row in believed}
    except (LookupError, TypeError, AttributeError):
        raise damaged(path, "its rows are none") from None
    for line in changed.values():
        warn_once(f"{path}: {line}; it is measured again")
    study = study_arms.study_of(cfg) if rows else None
    return {trial: row for trial, row in rows.items() if _measured(row, study)}


def _standing(path: Path) -> dict[str, Any] | None:
    """The value of the table that stands at a place; None: there is none, or it is of another schema.

    Raises:
        DeeperError: it is damaged.
    """
    if not path.exists():
        return None
    content = read_content(path)
    if not isinstance(content, dict) or "schema" not in content:
        raise damaged(path, "no table")
    return content if content["schema"] == SCHEMA else None


def _measured(row: Mapping[str, Any], study: Study | None) -> bool:
    if study is not None and study.is_scored and "members" not in row and "scores" not in row:
        return False
    kept = row.get("probes", {})
    wanted = {} if "members" in row or study is None else study_arms.probes_of(study, row["arm"])
    return all(kept.get(name, {}).get("key") == probing.key(row["id"], spec) for name, spec in wanted.items())


def table(
    study: Study, configs: Sequence[DictConfig], trials: Sequence[str], arms: Sequence[str] | None = None
) -> dict[str, Any]:
    """The value of ``results/<study>.json`` (docs/formats.md); ``arms`` are the jobs', where they do not say it."""
    study = study_arms.with_arms(study, configs)
    arms = [study_arms.of_job(study, cfg) for cfg in configs] if arms is None else arms
    environments: list[Any] = []
    rows = []
    before, measured_here = known(configs[0]), False
    varying = iter(_varying(configs))
    for cfg, arm, trial in zip(configs, arms, trials, strict=True):
        here = _finished(Home(cfg.store, trial), study_arms.probes_of(study, arm))
        found = here or before.get(trial)
        measured_here = measured_here or here is not None
        if found is None:
            raise DeeperError(f"trial {trial} of study {study.name} is not finished; run the study again")
        if found["environment"] not in environments:
            environments.append(found["environment"])
        rows.append(
            {
                "arm": arm,
                "seed": cfg.seed,
                **({"settings": own} if (own := next(varying)) else {}),
                **(_transferred(cfg, found, trial) if "transfer" in cfg else {}),
                **{key: found[key] for key in (*KEPT, "curves", "probes") if key in found},
                **(_scored(cfg, found, trial) if study.is_scored else {}),
                **({} if study.gradients else {"gradients": NO_GRADIENTS}),
                "environment": environments.index(found["environment"]),
            }
        )
    empty = {name for name, arm in study.arms.items() if arm.trained} - {row["arm"] for row in rows}
    if empty:
        raise DeeperError(f"study {study.name}: no trial is in arm {', '.join(sorted(empty))}; mend its `where`")
    rows += averaging.rows(study, rows, configs[0].store, before)
    first = make_job(configs[0])["config"]
    content = {
        "schema": SCHEMA,
        "study": study.model_dump(mode="json", exclude_unset=True),
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
    return sealed(content if measured_here else {**content, **_as_prepared(configs[0])})


def _as_prepared(cfg: DictConfig) -> dict[str, Any]:
    """What the earlier table says of its sets, for one of whose trials none is here: how a set was prepared on this
    machine, from whatever packages are installed, is no part of what others measured on the same pictures.
    """
    earlier = json_value(place(cfg).read_bytes())
    return {key: earlier[key] for key in ("data", "targets") if key in earlier}


def _transferred(cfg: DictConfig, found: Mapping[str, Any], trial: str) -> dict[str, Any]:
    """What the row of a transfer has more than others."""
    told = found.get("confusion")
    if told is None:
        told = transfer_tables.confused(Home(cfg.store, trial), transfer_tables.several(cfg))
    return {"transfer": transfer_tables.settings(cfg.transfer), "confusion": told}


def _scored(cfg: DictConfig, found: Mapping[str, Any], trial: str) -> dict[str, Any]:
    """What the trial's stored logits tell, or its row of the earlier table."""
    if "scores" in found:
        return {"scores": found["scores"]}
    classes = list(map(str, read_meta(Path(cfg.data.root) / cfg.data.name)["classes"]))
    return {"scores": scores.of_trial(Home(cfg.store, trial), classes)}


def whole(configs: Sequence[DictConfig], trials: Sequence[str]) -> list[bool]:
    """Which trials a table could have a row of at once: finished and measured, here or in the study's table."""
    before, study = known(configs[0]), study_arms.study_of(configs[0])
    study = study_arms.with_arms(study, configs) if study and study.probes else None
    found = []
    for cfg, trial in zip(configs, trials, strict=True):
        probes = study_arms.probes(study, cfg) if study else {}
        home = Home(cfg.store, trial)
        here = home.record() is not None and probing.found(home, probes).keys() == probes.keys()
        found.append(here or trial in before)
    return found


def measure(configs: Sequence[DictConfig], trials: Sequence[str], slots: int) -> None:
    """Make the measurements that the study's ``probes`` name on all trials that are here.

    In another sweep of the study, a trial that is in no arm has those that are for all arms.

    Raises:
        DeeperError: a probe is not one, or cannot measure a network.
    """
    study = study_arms.study_of(configs[0])
    if study and study.probes:
        study = study_arms.with_arms(study, configs)
        pairs = [
            (Home(cfg.store, trial), study_arms.probes(study, cfg)) for cfg, trial in zip(configs, trials, strict=True)
        ]
        roots = {trial: cfg.data.root for cfg, trial in zip(configs, trials, strict=True)}
        probing.run([(home, probes) for home, probes in pairs if home.record() is not None], slots, roots=roots)


def _finished(home: Home, probes: Mapping[str, Any]) -> dict[str, Any] | None:
    record = home.record()
    if record is None:
        return None
    curves = thinned([json_value(line) for line in (home / CURVES).read_text().splitlines()])
    return {
        **record,
        "record": record["digest"],
        "curves": curves,
        **({"probes": probing.found(home, probes)} if probes else {}),
    }


def thinned(curves: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Some ``MOST_EPOCHS`` epochs of a training, evenly, and the last: a table stays small, the trial has them all."""
    step = math.ceil(len(curves) / MOST_EPOCHS) or 1
    return [row for number, row in enumerate(curves, 1) if number % step == 0 or number == len(curves)]


def of_another(cfg: DictConfig) -> tuple[str, str] | None:
    """What the table that stands where the study's would be written is of, if that is another profile or data set.

    A study of transfer learning names its target sets in its arms, or says that they are the user's to choose.

    Returns:
        ``profile`` or ``data``, and the table's.

    Raises:
        DeeperError: what stands there is damaged.
    """
    path = place(cfg)
    other = _standing(path)
    if other is None:
        return None
    try:
        there = {"profile": other["profile"], "data": other["data"]["name"]}
    except (LookupError, TypeError):
        raise damaged(path, "it does not say of which profile and data it is") from None
    here = {"profile": cfg.profile, "data": there["data"] if "transfer" in cfg else cfg.data.name}
    return next((one for one in there.items() if one not in here.items()), None)


def _varying(configs: Sequence[DictConfig]) -> list[dict[str, Any]]:
    """Of every job what it has another value of than some other job: of the data and the recipe, by dotted name."""
    said = []
    for cfg in configs:
        own = {key: value for key, value in plain(cfg).items() if key in VARIED}
        if own["data"].get("subset_seed") == cfg.seed:
            del own["data"]["subset_seed"]  # drawn by the trial's seed, which a row has
        said.append((json.dumps(own), own))
    flat = {words: dict(_flat(own)) for words, own in dict(said).items()}  # most jobs say what another says
    keys = sorted(set().union(*flat.values()))
    differ = [key for key in keys if len({json.dumps(one.get(key)) for one in flat.values()}) > 1]
    varying = {words: {key: one[key] for key in differ if key in one} for words, one in flat.items()}
    return [varying[words] for words, _ in said]


def _flat(value: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, part in value.items():
        if isinstance(part, Mapping):
            yield from _flat(part, f"{above}{key}.")
        else:
            yield f"{above}{key}", part


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
