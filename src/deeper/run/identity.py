"""What a trial is: the hash of its meaning.

That is the semantic part of its configuration, the digest of its data, and the results versions of the parts that
compute (``deeper.results_versions``). The text of the code, libraries and processors are no part of it: they are
provenance (``deeper.run.provenance``). Nothing heavy is imported here: ids are computed before any worker starts.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from deeper.files import digest
from deeper.results_versions import named, parts, version

FORMAT = 2
LENGTH = 16
DATA_KEYS = ("name", "image_size", "train_size", "validation_size", "subset_seed", "channels", "classes")
TRAINED = ("optimizer", "schedule", "augment", "training")
OPEN = ("batch", "parameters", "average", "callbacks", "loss")  # groups that are off unless they say something
FROZEN_PARTS = ("transfer", "features", "linear")


def semantic(config: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a resolved configuration that can change a trial's result, without what is off.

    Of a frozen network that is nothing of how others are trained. Of a target set it is the metric; the rest is in the
    digest of its data.
    """
    model = {key: value for key, value in config["model"].items() if key not in ("name", "form")}
    data = {key: config["data"].get(key) for key in DATA_KEYS}
    trained = {key: config[key] for key in TRAINED} | {key: config[key] for key in OPEN if config.get(key)}
    if "callbacks" in trained:
        trained["callbacks"] = list(trained["callbacks"].values())  # their order counts, their names do not
    trained["training"] = _without(config["training"], parts()["fit"].added)
    same = {key: config[key] for key in ("trainer", "seed")}
    if "transfer" not in config:
        return {"model": model, "data": data, **trained, **same}
    transfer = config["transfer"]
    settings = {key: transfer[key] for key in ("mode", "per_class", "held_out", "layer")}
    settings |= {key: transfer["backbone"][key] for key in ("mean", "std")} | {"metric": transfer["target"]["metric"]}
    model.pop("store", None)
    if transfer["mode"]["name"] == "frozen":
        trained = {"batch": config["training"]["evaluation_batch_size"]}
    return {"model": model, "data": data, "transfer": settings, **trained, **same}


def trial_id(config: Mapping[str, Any], data_digest: str) -> str:
    """The id of the trial that a resolved configuration describes: 16 hexadecimal digits.

    Raises:
        DeeperError: a ``_target_`` of this package has no results version.
    """
    return digest(
        {
            "format": FORMAT,
            "settings": by_meaning(semantic(config)),
            "data": data_digest,
            "versions": {part: version(part) for part in _parts(config)},
        }
    )[:LENGTH]


def kind(config: Mapping[str, Any]) -> str:
    """What trials have in common that differ in their seed alone, and in the pictures that it draws."""
    settings = semantic({**config, "data": {**config.get("data", {}), "subset_seed": None}})
    return digest(by_meaning({key: value for key, value in settings.items() if key != "seed"}))


def measurement_key(trial: str, spec: Mapping[str, Any]) -> str:
    """What a measurement on a finished trial depends on: the trial, its settings, its function's results version.

    Raises:
        DeeperError: the function has no results version.
    """
    settings = {name: value for name, value in spec.items() if name != "arms"}
    return digest([trial, {**settings, "of": named(str(spec.get("of")))[0]}])[:LENGTH]


def group_id(members: Sequence[str]) -> str:
    """The id of a group of trials whose predictions are averaged."""
    return digest(["average", list(members), version("averaging")])[:LENGTH]


def by_meaning(value: Any) -> Any:
    """A configuration as ids hold it: targets by their short names and versions, nothing of what is off."""
    if isinstance(value, Mapping):
        settings = {key: by_meaning(part) for key, part in value.items()}
        if "_target_" in value:
            settings["_target_"], part = named(str(value["_target_"]))
            settings = _without(settings, part.added) if part else settings
        return settings
    return [by_meaning(part) for part in value] if isinstance(value, list | tuple) else value


def _parts(config: Mapping[str, Any]) -> tuple[str, ...]:
    if "transfer" not in config:
        return ("fit",)
    return FROZEN_PARTS if config["transfer"]["mode"]["name"] == "frozen" else ("fit", "transfer")


def _without(settings: Mapping[str, Any], off: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in settings.items() if key not in off or value != off[key]}
