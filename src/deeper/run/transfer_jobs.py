"""What a job of transfer learning needs before it has an identity: its backbone known, its target set prepared."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from deeper.errors import DeeperError
from deeper.fit.scores import METRICS

MODES = ("frozen", "finetune", "scratch")
SEVERAL = "map_voc2007"


def complete(config: dict[str, Any]) -> dict[str, Any]:
    """Fill in what the backbone and the target set say, in place, and return the meta of the prepared target set.

    Its ``digest`` is that of the set's content, which does not tell where it came from.

    Raises:
        DeeperError: a value that cannot be, no such trial, or a target set that cannot be prepared.
    """
    transfer = config["transfer"]
    _check(transfer)
    _check_set(transfer["target"])
    _check_layers(transfer["mode"].get("layers", {}))
    _resolve_trial(config)
    _check_normalisation(transfer["backbone"])
    meta = _ready(json.dumps(transfer["target"], sort_keys=True))
    _check_several(meta, transfer["target"])
    config["data"]["classes"] = config["model"]["num_classes"] = len(meta["classes"])
    return {**meta, "digest": _content(meta)}


def _content(meta: dict[str, Any]) -> str:
    from deeper.data.targets.target_arrays import content_digest

    return content_digest(meta)


@cache
def _ready(target: str) -> dict[str, Any]:
    from deeper.data.targets.prepare import ready

    return ready(json.loads(target))


def _check(transfer: dict[str, Any]) -> None:
    mode = transfer["mode"]
    if mode["name"] not in MODES:
        raise DeeperError(f"transfer.mode.name={mode['name']}: it must be one of {', '.join(MODES)}")
    share, each = transfer["held_out"], transfer["per_class"]
    if not isinstance(share, int | float) or not 0 < share < 1:
        raise DeeperError(f"transfer.held_out={share}: it must be a share between 0 and 1")
    if each is not None and (not isinstance(each, int) or isinstance(each, bool) or each < 1):
        raise DeeperError(f"transfer.per_class={each}: it must be a whole number of at least 1, or null for all")
    if mode["name"] == "frozen":
        strengths = mode["strengths"]
        if not strengths or not all(isinstance(s, int | float) and s > 0 for s in strengths):
            raise DeeperError(f"transfer.mode.strengths={strengths}: it must be a list of numbers above 0")
    elif transfer["layer"] != "pre_logits":
        raise DeeperError(
            f"transfer.layer={transfer['layer']} is for transfer/mode=frozen; others train the whole network"
        )


def _check_set(target: dict[str, Any]) -> None:
    size, metric = target["size"], target["metric"]
    if not isinstance(size, int) or isinstance(size, bool) or size < 1:
        raise DeeperError(f"transfer.target.size={size}: it must be a whole number of at least 1")
    if metric not in METRICS:
        raise DeeperError(f"transfer.target.metric={metric}: it must be one of {', '.join(METRICS)}")
    for part in set(target["counts"] or {}) - {"train", "test"}:
        raise DeeperError(f"there is no setting transfer.target.counts.{part}; there are: train, test")


def _check_layers(layers: dict[str, Any]) -> None:
    for key, value in layers.items():
        if key not in ("body", "decay"):
            raise DeeperError(f"there is no setting transfer.mode.layers.{key}; there are: body, decay")
        if not isinstance(value, int | float) or isinstance(value, bool) or value < 0:
            raise DeeperError(f"transfer.mode.layers.{key}={value}: it must be a number of at least 0")


def _check_normalisation(backbone: dict[str, Any]) -> None:
    channels = backbone["channels"]
    if channels not in (1, 3):
        raise DeeperError(f"transfer.backbone.channels={channels}: it must be 3, or 1 for grey pictures")
    for key in ("mean", "std"):
        values = backbone[key]
        fits = isinstance(values, list) and len(values) == channels
        if not fits or not all(isinstance(v, int | float) and (key == "mean" or v > 0) for v in values):
            above = " above 0" if key == "std" else ""
            raise DeeperError(f"transfer.backbone.{key}={values}: it must be a list of {channels} numbers{above}")


def _check_several(meta: dict[str, Any], target: dict[str, Any]) -> None:
    if meta["several"] != (target["metric"] == SEVERAL):
        told = f"several labels a picture: transfer.target.metric must be {SEVERAL}"
        raise DeeperError(
            f"{target['name']} has {told if meta['several'] else f'one label a picture, not for {SEVERAL}'}"
        )


def _resolve_trial(config: dict[str, Any]) -> None:
    backbone, data = config["transfer"]["backbone"], config["data"]
    if "trial" not in backbone:
        return
    from deeper.data.prepared import read_meta
    from deeper.run.backbones import settings

    trial = backbone["trial"] or _trial_of_arm(config["results"], backbone)
    frozen = settings(config["store"], trial)
    own = frozen["data"]
    if frozen.get("transfer", {}).get("mode", {}).get("name") == "frozen":
        raise DeeperError(f"trial {trial} is a linear classifier on a frozen network; name that network instead")
    seen = frozen["transfer"]["backbone"] if "transfer" in frozen else read_meta(Path(own["root"]) / own["name"])
    backbone |= {"trial": trial, "channels": own["channels"], "mean": seen["mean"], "std": seen["std"]}
    config["model"] |= {"trial": trial, "in_chans": own["channels"]}
    data |= {"channels": own["channels"], "image_size": own["image_size"]}


def _trial_of_arm(results: str, backbone: dict[str, Any]) -> str:
    study, arm, seed = (backbone[key] for key in ("study", "arm", "seed"))
    if study is None or arm is None:
        raise DeeperError("transfer/backbone=trial: name transfer.backbone.trial, or .study and .arm (and .seed)")
    path = Path(results) / f"{study}.json"
    try:
        rows = json.loads(path.read_bytes())["trials"]
    except (OSError, ValueError, LookupError) as error:
        raise DeeperError(f"{path} cannot be read; train the study first: --multirun study={study}") from error
    found = [row for row in rows if row["arm"] == arm and "members" not in row and seed in (None, row["seed"])]
    if not found:
        arms = ", ".join(sorted({row["arm"] for row in rows}))
        raise DeeperError(f"{path} has no trial of arm {arm} and seed {seed}; its arms are {arms}")
    return found[0]["id"]
