"""What a job of transfer learning needs before it has an identity: its backbone known, its target set prepared."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from deeper.errors import DeeperError
from deeper.schema.results import read_table

SEVERAL = "map_voc2007"


def complete(config: dict[str, Any], prepare: bool = True) -> dict[str, Any]:
    """Fill in what the backbone and the target set say, in place, and return the meta of the prepared target set.

    Its ``digest`` is that of the set's content, which does not tell where it came from.

    Args:
        config: resolved.
        prepare: whether a target set that is not there is prepared; else it must be there.

    Raises:
        DeeperError: a value that cannot be, no such trial, or a target set that cannot be prepared.
    """
    target = config["transfer"]["target"]
    _resolve_trial(config)
    _check_layer(config)
    meta = _ready(json.dumps(target, sort_keys=True)) if prepare else _there(target)
    _check_several(meta, target)
    config["data"]["classes"] = config["model"]["num_classes"] = len(meta["classes"])
    return {**meta, "digest": _content(meta)}


def _check_layer(config: dict[str, Any]) -> None:
    if config["transfer"]["layer"] == "pre_logits":
        return  # without seconds of imports
    from deeper.fit.features import check_layer

    check_layer(_without_weights(json.dumps(config["model"])), config["transfer"]["layer"])


@cache
def _without_weights(model: str) -> Any:
    from deeper.cost.count import build_on_meta

    return build_on_meta(json.loads(model))


def _content(meta: dict[str, Any]) -> str:
    from deeper.data.targets.target_arrays import content_digest

    return content_digest(meta)


@cache
def _ready(target: str) -> dict[str, Any]:
    from deeper.data.targets.prepare import ready

    return ready(json.loads(target))


def _there(target: dict[str, Any]) -> dict[str, Any]:
    from deeper.data.prepared import open_set

    folder = Path(target["root"]) / target["name"]
    try:
        return open_set(folder).meta
    except DeeperError as error:
        raise DeeperError(
            f"there is no whole set {target['name']} in {folder.parent}; data.root=FOLDER names another place, and "
            f"python -m deeper.transfer transfer/target={target['name']} dry_run=true prepares it"
        ) from error


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
    frozen = settings(config["model"]["store"], trial)
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
        table = read_table(path)
    except OSError as error:
        raise DeeperError(f"{path} cannot be read; train the study first: --multirun study={study}") from error
    rows = [row for row in table.trials if row.arm == arm and not row.members and seed in (None, row.seed)]
    if not rows:
        arms = ", ".join(sorted({row.arm for row in table.trials}))
        raise DeeperError(f"{path} has no trial of arm {arm} and seed {seed}; its arms are {arms}")
    return rows[0].id
