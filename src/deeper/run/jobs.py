"""From a composed configuration to a job: resolved, checked, frozen and identified. Nothing heavy is imported here."""

import math
import os
from functools import cache
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf

from deeper.data.prepared import open_set
from deeper.errors import DeeperError
from deeper.models import bounds
from deeper.paths import folder
from deeper.run import transfer_jobs
from deeper.run.identity import semantic, trial_id
from deeper.run.provenance import environment, gpus, origins

KEYS = {
    "training": (
        "epochs",
        "batch_size",
        "evaluation_batch_size",
        "label_smoothing",
        "gradient_every",
        "accumulate",
        "clip_norm",
    ),
    "runtime": ("checkpoint_every",),
    "trainer": (
        "accelerator",
        "devices",
        "threads",
        "precision",
        "channels_last",
        "compile",
        "deterministic",
        "sync_batchnorm",
        "find_unused_parameters",
    ),
}
PRECISIONS = ("32-true", "64-true", "bf16-mixed", "16-mixed", "bf16-true", "16-true")


def cores() -> int:
    return len(os.sched_getaffinity(0))


def make_job(cfg: DictConfig, slots: int | None = None) -> dict[str, Any]:
    """The frozen job of a composed configuration: what ``deeper.run.trial.train`` takes.

    Args:
        cfg: a whole ``train`` configuration.
        slots: trials that run side by side, for ``trainer.threads=auto``.

    Raises:
        DeeperError: a value that cannot be, or data that is not prepared.
    """
    config = OmegaConf.to_container(cfg, resolve=True, throw_on_missing=True)
    _check_places(config)
    _resolve(config, slots or 1)
    meta = transfer_jobs.complete(config) if "transfer" in config else None
    _check(config)
    meta = meta or _prepared(config["data"])
    _fit_to_data(config["data"], meta)
    return {
        "id": trial_id(config, meta["digest"]),
        "config": config,
        "data": meta["digest"],
        "study": config["study"]["name"],
        "environment": _environment(config),
    }


def _environment(config: dict[str, Any]) -> dict[str, Any]:
    """What runs here, with the packages that this trial's own targets come from."""
    here = environment()
    return {**here, "versions": {**here["versions"], **origins(semantic(config))}}


def check_images(config: dict[str, Any]) -> None:
    """See that a job's prepared set has the images that it wants; a target set was looked at when the job was made.

    Raises:
        DeeperError: it has too few, or others.
    """
    if "transfer" in config:
        return
    data, batch_size = config["data"], config["training"]["batch_size"]
    meta = _prepared(data)
    for key, value in (("channels", meta["image_shape"][2]), ("classes", len(meta["classes"]))):
        if data[key] != value:
            raise DeeperError(f"data.{key}={data[key]}: {data['name']} has {value}")
    for split in ("train", "validation"):
        start, stop = meta["splits"][split]
        if data[f"{split}_size"] > stop - start:
            raise DeeperError(f"data.{split}_size={data[f'{split}_size']}: {data['name']} has {stop - start} of them")
    if batch_size > data["train_size"]:
        raise DeeperError(f"training.batch_size={batch_size}: there are {data['train_size']} training images")


def default_slots(cfg: DictConfig) -> int:
    """Trials side by side: one a GPU, or on the CPU as many as there are cores for their threads."""
    if cfg.trainer.accelerator != "cpu" and gpus():
        return len(gpus())
    threads = cfg.trainer.threads
    return max(1, cores() // (threads if isinstance(threads, int) else 1))


def _prepared(data: dict[str, Any]) -> dict[str, Any]:
    folder = Path(data["root"]) / data["name"]
    if data.get("reader", "") is None and not folder.exists():
        raise DeeperError(
            f"{data['name']} serves to count networks (python -m deeper.cost): Deeper does not prepare it, and trains "
            "on what it has prepared"
        )
    return _verified(folder)


@cache
def _verified(folder: Path) -> dict[str, Any]:
    """The meta of a prepared set whose every byte is what it was; looked at once a command."""
    try:
        return open_set(folder).meta
    except DeeperError as error:
        advice = f"deeper.prepare data={folder.name}"
        elsewhere = folder.parent.resolve() != Path("data").resolve() and str(error).endswith(advice)
        raise DeeperError(f"{error} data.root={folder.parent}" if elsewhere else str(error)) from error


def _resolve(config: dict[str, Any], slots: int) -> None:
    trainer = config["trainer"]
    if trainer["accelerator"] == "auto":
        trainer["accelerator"] = "gpu" if gpus() else "cpu"
    if trainer["threads"] == "auto":
        trainer["threads"] = max(1, cores() // (slots * trainer["devices"]))
    config["study"] = {"name": config["study"]["name"]}


def _fit_to_data(data: dict[str, Any], meta: dict[str, Any]) -> None:
    for name in ("train", "validation"):
        start, stop = meta["splits"][name]
        if data[f"{name}_size"] is None:
            data[f"{name}_size"] = stop - start


def _check_places(config: dict[str, Any]) -> None:
    places = {key: config[key] for key in ("store", "results")}
    for key, value in {**places, "data.root": config["data"]["root"], "data.name": config["data"]["name"]}.items():
        folder(key, value)


def _check(config: dict[str, Any]) -> None:
    for group, known in KEYS.items():
        for key in set(config[group]) - set(known):
            raise DeeperError(f"there is no setting {group}.{key}; there are: {', '.join(known)}")
    training, trainer = config["training"], config["trainer"]
    positive = {
        "training.epochs": training["epochs"],
        "training.batch_size": training["batch_size"],
        "training.evaluation_batch_size": training["evaluation_batch_size"],
        "training.gradient_every": training["gradient_every"],
        "training.accumulate": training["accumulate"],
        "trainer.devices": trainer["devices"],
        "trainer.threads": trainer["threads"],
        "data.image_size": config["data"]["image_size"],
        "runtime.checkpoint_every": config["runtime"]["checkpoint_every"],
    }
    for key, value in positive.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise DeeperError(f"{key}={value}: it must be a whole number of at least 1")
    _check_values(config)
    if type(config["seed"]) is not int or config["seed"] < 0:
        raise DeeperError(f"seed={config['seed']}: it must be a whole number from 0; several: --multirun seed=0,1")
    if trainer["precision"] not in PRECISIONS:
        raise DeeperError(f"trainer.precision={trainer['precision']}: it must be one of {', '.join(PRECISIONS)}")
    if trainer["accelerator"] not in ("cpu", "gpu"):
        raise DeeperError(f"trainer.accelerator={trainer['accelerator']}: it must be auto, cpu or gpu")
    if trainer["accelerator"] == "gpu" and len(gpus()) < trainer["devices"]:
        raise DeeperError(
            f"trainer.devices={trainer['devices']} on GPUs, but {len(gpus())} are visible; use trainer.accelerator=cpu"
        )


def _check_numbers(config: dict[str, Any]) -> None:
    numbers = {f"optimizer.{key}": config["optimizer"].get(key, 0.0) for key in ("lr", "weight_decay", "momentum")}
    smoothing = config["training"]["label_smoothing"]
    for key, value in {**numbers, "training.label_smoothing": smoothing}.items():
        if type(value) not in (int, float) or not math.isfinite(value) or value < 0:
            raise DeeperError(f"{key}={value}: it must be a number of at least 0")
    clip = config["training"]["clip_norm"]
    if clip is not None and (type(clip) not in (int, float) or not math.isfinite(clip) or clip <= 0):
        raise DeeperError(f"training.clip_norm={clip}: it must be a number above 0, or null for none")
    if smoothing > 1:
        raise DeeperError(f"training.label_smoothing={smoothing}: it must be a number from 0 to 1")


def _check_values(config: dict[str, Any]) -> None:
    data, trainer, model = config["data"], config["trainer"], config["model"]
    for key in ("channels_last", "compile", "deterministic", "sync_batchnorm", "find_unused_parameters"):
        if not isinstance(trainer[key], bool):
            raise DeeperError(f"trainer.{key}={trainer[key]}: it must be true or false")
    if not isinstance(config["dry_run"], bool):
        raise DeeperError(f"dry_run={config['dry_run']}: it must be true or false")
    counts = {f"data.{key}": data[key] for key in ("train_size", "validation_size") if data[key] is not None}
    for key, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise DeeperError(f"{key}={value}: it must be a whole number of at least 1")
    bounds.check(model)
    if "transfer" not in config and model.get("num_classes", data["classes"]) != data["classes"]:
        raise DeeperError(f"model.num_classes={model['num_classes']}: {data['name']} has {data['classes']} classes")
    pad = config["augment"].get("pad", 0)
    if type(pad) is not int or not 0 <= pad <= data["image_size"]:
        raise DeeperError(f"augment.pad={pad}: it must be a whole number from 0 to data.image_size")
    _check_numbers(config)
    if type(data["subset_seed"]) is not int:
        raise DeeperError(f"data.subset_seed={data['subset_seed']}: it must be a whole number")
    if config["training"]["batch_size"] % trainer["devices"]:
        raise DeeperError(
            f"training.batch_size={config['training']['batch_size']} is not a multiple of "
            f"trainer.devices={trainer['devices']}"
        )
