"""From a composed configuration to a job: resolved, checked, frozen and identified. Nothing heavy is imported here."""

import os
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from deeper.data.listing import is_listing, open_listing
from deeper.data.prepared import open_set, read_meta
from deeper.errors import DeeperError
from deeper.models import bounds
from deeper.run import transfer_jobs
from deeper.run.arguments import with_kinds
from deeper.run.identity import semantic, trial_id
from deeper.run.provenance import check_visible, environment, gpus, origins
from deeper.run.seeded import plain
from deeper.schema.trial import check_settings, declared

A_CORE = 8  # processes or threads; more are a slip of the keys


def cores() -> int:
    return len(os.sched_getaffinity(0))


def make_job(cfg: DictConfig, slots: int | None = None, prepare: bool = True) -> dict[str, Any]:
    """The frozen job of a composed configuration: what ``deeper.run.trial.train`` takes.

    Args:
        cfg: a whole ``train`` configuration.
        slots: trials that run side by side, for ``trainer.threads=auto``.
        prepare: whether a target set that is not there is prepared.

    Raises:
        DeeperError: a value that cannot be, or data that is not prepared.
    """
    config = plain(cfg)
    config = with_kinds(declared(config, check_settings(config)))
    _resolve(config, slots or 1)
    meta = transfer_jobs.complete(config, prepare) if "transfer" in config else None
    if config["data"].get("streamed") and config["data"]["classes"] is None:
        _count_classes(config)
    if config["data"].get("streamed") and "pad" in config["augment"]:
        raise DeeperError(
            f"data={config['data']['name']} is read from disk, and this augment is for sets in memory; say "
            "augment=resized_crop, or take a +recipe of ImageNet"
        )
    bounds.check(config["model"])
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
    decoder = {"simplejpeg": version("simplejpeg")} if config["data"].get("streamed") else {}
    return {**here, "versions": {**here["versions"], **decoder, **origins(semantic(config))}}


def check_images(config: dict[str, Any]) -> None:
    """See that a job's prepared set has the images that it wants; a target set was looked at when the job was made.

    Raises:
        DeeperError: it has too few, or others.
    """
    if "transfer" in config:
        return
    data, recipe = config["data"], config["training"]
    meta = _prepared(data)
    of_set = {"classes": len(meta["classes"])}
    if not is_listing(meta):
        of_set |= {"size": meta["image_shape"][0], "channels": meta["image_shape"][2]}
    for key, value in of_set.items():
        if data.get(key, value) != value:
            advice = "; data.image_size is what a network sees" if key == "size" else ""
            raise DeeperError(f"data.{key}={data[key]}: {data['name']} has {value}{advice}")
    for split in ("train", "validation"):
        start, stop = meta["splits"][split]
        if data[f"{split}_size"] > stop - start:
            raise DeeperError(f"data.{split}_size={data[f'{split}_size']}: {data['name']} has {stop - start} of them")
    batch_size, together = recipe["batch_size"], recipe.get("accumulate", 1)
    for key, images in (("batch_size", batch_size), ("accumulate", batch_size * together)):
        if images > data["train_size"]:
            raise DeeperError(f"training.{key}={recipe[key]}: there are {data['train_size']} training images")


def default_slots(cfg: DictConfig) -> int:
    """Trials side by side: one a GPU, or on the CPU as many as there are cores for their threads."""
    if cfg.trainer.accelerator != "cpu" and gpus():
        return len(gpus())
    threads = cfg.trainer.threads
    return max(1, cores() // (threads if isinstance(threads, int) else 1))


def _prepared(data: dict[str, Any]) -> dict[str, Any]:
    return _verified(Path(data["root"]) / data["name"], data.get("folder") if data.get("streamed") else None)


@cache
def _verified(folder: Path, place: str | None = None) -> dict[str, Any]:
    """The meta of a prepared set whose every byte is what it was; looked at once a command."""
    try:
        return open_listing(folder, place).meta if is_listing(read_meta(folder)) else open_set(folder).meta
    except DeeperError as error:
        advice = f"deeper.prepare data={folder.name}"
        elsewhere = folder.parent.resolve() != Path("data").resolve() and str(error).endswith(advice)
        raise DeeperError(f"{error} data.root={folder.parent}" if elsewhere else str(error)) from error


def _resolve(config: dict[str, Any], slots: int) -> None:
    trainer = config["trainer"]
    if trainer["accelerator"] == "auto":
        check_visible()
        trainer["accelerator"] = "gpu" if gpus() else "cpu"
    if trainer["threads"] == "auto":
        trainer["threads"] = max(1, cores() // (slots * trainer["devices"]))
    if config["runtime"].get("workers") == "auto":
        config["runtime"]["workers"] = max(1, cores() // (slots * trainer["devices"]))
    config["study"] = {"name": config["study"]["name"]}


def _count_classes(config: dict[str, Any]) -> None:
    """Give network and data the classes of a folder, which nothing else knows."""
    config["data"]["classes"] = len(_prepared(config["data"])["classes"])
    if config["model"].get("num_classes", 0) is None:
        config["model"]["num_classes"] = config["data"]["classes"]


def _fit_to_data(data: dict[str, Any], meta: dict[str, Any]) -> None:
    for name in ("train", "validation"):
        start, stop = meta["splits"][name]
        if data[f"{name}_size"] is None:
            data[f"{name}_size"] = stop - start


def check_machine(config: dict[str, Any]) -> None:
    """See that this machine has what a trial is to be trained with: GPUs, and cores for its threads and processes.

    A job is made without them too: to submit it, to plan it, to collect it.

    Raises:
        DeeperError: it has fewer.
    """
    trainer, workers = config["trainer"], config["runtime"].get("workers", 0)
    if trainer["accelerator"] == "gpu" and len(gpus()) < trainer["devices"]:
        raise DeeperError(
            f"trainer.devices={trainer['devices']} on GPUs, but {len(gpus())} are visible; use trainer.accelerator=cpu"
        )
    for setting, number in (("trainer.devices", trainer["devices"]), ("trainer.threads", trainer["threads"])):
        check_processes(setting, number)
    check_processes("runtime.workers", workers)


def check_processes(setting: str, number: int) -> None:
    """See that a number of processes or threads is within reason for this machine.

    Raises:
        DeeperError: it is more than eight a core.
    """
    most = A_CORE * cores()
    if number > most:
        raise DeeperError(f"{setting}={number}: this machine has {cores()} cores; say {most} at most")
