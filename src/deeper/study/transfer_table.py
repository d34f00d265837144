"""What a study of transfer learning adds to its table: target sets, modes, confusions, pictures of confused classes."""

import io
import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from omegaconf import DictConfig

from deeper.data import prepared as arrays
from deeper.files import write_bytes
from deeper.run.store import PREDICTIONS, Home
from deeper.study.confusion import confusion, most_confused

PAIRS, EXAMPLES = 6, 4


def settings(transfer: DictConfig) -> dict[str, Any]:
    """What a report needs to know of a trial: target set and its metric, mode, pictures a class, layer, backbone."""
    own = {key: transfer.target[key] for key in ("name", "title", "metric", "grain")}
    rest = {"mode": transfer.mode.name, "per_class": transfer.per_class, "layer": transfer.layer}
    rest["pretrained"] = bool(transfer.backbone.model.get("pretrained", False))
    return {"target": own, **rest, "backbone": transfer.backbone.name}


def targets(configs: Sequence[DictConfig]) -> dict[str, Any]:
    """The target sets of a study by name: classes, pictures of the training pool and for test, what was left out."""
    folders = {cfg.data.name: Path(cfg.data.root) / cfg.data.name for cfg in configs}
    return {name: _target(arrays.read_meta(folder)) for name, folder in folders.items()}


def _target(meta: Mapping[str, Any]) -> dict[str, Any]:
    from deeper.data.targets.target_arrays import content_digest

    start, stop = meta["splits"]["test"]
    return {
        "classes": meta["classes"],
        "train": start,
        "test": stop - start,
        "size": meta["image_shape"][0],
        "left_out": len(meta["left_out"]),
        "dropped": len(meta["dropped"]),
        "digest": content_digest(meta),
        "source": meta["source"],
    }


def confused(home: Home, several: bool) -> dict[str, Any]:
    """``confusion`` of a finished trial on the test part; nothing where a picture has several labels."""
    if several:
        return {}
    with np.load(home / PREDICTIONS) as kept:
        return confusion(kept["logits"], kept["labels"])


def several(cfg: DictConfig) -> bool:
    """Whether the pictures of a job's target set have several labels."""
    return arrays.read_meta(Path(cfg.data.root) / cfg.data.name)["several"]


def draw_pictures(folder: Path, table: Mapping[str, Any], configs: Sequence[DictConfig]) -> None:
    """Write ``<folder>/<target>.json`` and a strip of test pictures for each class in it.

    They are of the classes that frozen networks confuse most, in arms with the most training pictures. Of a target set
    that names a licence no picture is written: what is in ``folder`` is passed on.
    """
    for cfg in {cfg.data.name: cfg for cfg in configs if not cfg.transfer.target.get("licence")}.values():
        rows = [row for row in table["trials"] if row["transfer"]["target"]["name"] == cfg.data.name]
        frozen = [
            row for row in rows if row["transfer"]["mode"] == "frozen" and row["transfer"]["layer"] == "pre_logits"
        ]
        if not frozen or not all(row.get("confusion") for row in frozen):
            continue
        sizes = [row["transfer"]["per_class"] or math.inf for row in frozen]
        full = [row["confusion"] for row, size in zip(frozen, sizes, strict=True) if size == max(sizes)]
        pairs = [pair for pair, _ in most_confused(full, PAIRS)]
        prepared = arrays.open_set(Path(cfg.data.root) / cfg.data.name)
        for label in sorted({label for pair in pairs for label in pair}):
            write_bytes(folder / f"{cfg.data.name}-{label}.png", _strip(prepared, label))
        write_bytes(folder / f"{cfg.data.name}.json", (json.dumps(pairs) + "\n").encode())


def _strip(prepared: arrays.ArraySet, label: int) -> bytes:
    from PIL import Image

    start, stop = prepared.meta["splits"]["test"]
    rows = start + np.flatnonzero(prepared.labels[start:stop] == label)[:EXAMPLES]
    side = prepared.images.shape[1]
    strip = Image.new("RGB", ((side + 4) * EXAMPLES - 4, side), "white")
    for place, row in enumerate(rows):
        strip.paste(Image.fromarray(np.array(prepared.images[row])), ((side + 4) * place, 0))
    content = io.BytesIO()
    strip.save(content, "PNG", optimize=True)
    return content.getvalue()
