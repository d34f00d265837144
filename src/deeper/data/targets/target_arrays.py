"""From the listing of a target set's pictures to the arrays of a prepared set.

The common form (see ``deeper.data.prepared``) with a pool of training pictures and a fixed test part; ``groups.npy``
says which pictures are variants of each other, ``names.json`` what each is called.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from deeper.data.pictures import Collection, Depth, Picture, Unreadable, depth, in_eight_bits, whites
from deeper.data.prepared import IMAGES, LABELS, meta_digest, open_set, write_files
from deeper.data.splits import statistics
from deeper.errors import DeeperError

NAMES, GROUPS = "names.json", "groups.npy"
MOST_LEFT_OUT = 0.2


def write(folder: Path, target: Mapping[str, Any], listed: Collection, source: Mapping[str, Any]) -> dict[str, Any]:
    """Decode a listing, write it as the prepared set ``folder`` and return its meta.

    A picture that cannot be decoded is left out, counted and named in the meta (``left_out``).

    Args:
        target: ``name``, ``size``, ``fit``, ``classes``, ``counts`` of the configuration, ``listing`` of the folder.
        source: facts about where it came from, kept in the meta.

    Raises:
        DeeperError: classes or counts are not those of the configuration, or more than a fifth cannot be decoded.
    """
    _check_listing(target, listed)
    kept, images, left_out, white = _decoded(listed.pictures, target["size"], target["fit"])
    if len(left_out) > MOST_LEFT_OUT * len(listed.pictures):
        name, why = next(iter(left_out.items()))
        raise DeeperError(
            f"{target['name']}: {len(left_out)} of {len(listed.pictures)} pictures cannot be read, the first {name} "
            f"({why}); see that the folder holds the whole release"
        )
    if not listed.several:
        _check_classes(target["name"], listed.classes, kept, left_out)
    order = sorted(range(len(kept)), key=lambda row: kept[row].part != "train")
    kept, images = [kept[row] for row in order], images[order]
    pool = sum(picture.part == "train" for picture in kept)
    groups = np.unique([picture.group for picture in kept], return_inverse=True)[1].astype(np.int64)
    mean, std = statistics(images[:pool])
    meta = {
        "name": target["name"],
        "classes": list(listed.classes),
        "several": listed.several,
        "image_shape": list(images.shape[1:]),
        "splits": {"train": [0, pool], "validation": [pool, pool], "test": [pool, len(kept)]},
        "mean": mean,
        "std": std,
        "made": _made(target),
        "left_out": left_out,
        "dropped": dict(listed.dropped),
        **({"white": white} if white else {}),
        "source": dict(source),
    }
    content = {
        IMAGES: images,
        LABELS: np.array([picture.label for picture in kept], np.int64),
        GROUPS: groups,
        NAMES: [picture.name for picture in kept],
    }
    return write_files(folder, meta, content)


def content_digest(meta: Mapping[str, Any]) -> str:
    """SHA-256 of a prepared target set's pictures, labels, groups and classes, wherever they came from."""
    files = {name: meta["files"][name]["sha256"] for name in (IMAGES, LABELS, GROUPS)}
    return meta_digest({"files": files, "classes": meta["classes"], "several": meta["several"]})


def is_current(folder: Path, target: Mapping[str, Any]) -> bool:
    """Whether a whole prepared set is there that was made with these settings; where the reader's code lies is none."""
    try:
        made = open_set(folder).meta.get("made")
    except DeeperError:
        return False
    return made is not None and _without_package(made) == _made(target)


def _check_listing(target: Mapping[str, Any], listed: Collection) -> None:
    if target["classes"] is not None and len(listed.classes) != target["classes"]:
        raise DeeperError(
            f"{target['name']}: {len(listed.classes)} classes found, {target['classes']} expected; see that the folder "
            f"holds the whole release, or say transfer.target.classes={len(listed.classes)}"
        )
    for part, expected in (target["counts"] or {}).items():
        number = sum(picture.part == part for picture in listed.pictures)
        if expected is not None and number != expected:
            raise DeeperError(
                f"{target['name']}: {number} pictures in the {part} part, {expected} expected; see that the folder "
                f"holds the whole release, or say transfer.target.counts.{part}={number}"
            )
    for part in ("train", "test"):
        if not any(picture.part == part for picture in listed.pictures):
            raise DeeperError(f"{target['name']}: no picture in the {part} part; see what transfer.target.path holds")


def _check_classes(name: str, classes: Sequence[str], kept: Sequence[Picture], left_out: Mapping[str, str]) -> None:
    """See that every class has a picture for test, and two groups for training and validation."""
    for label, title in enumerate(classes):
        of_class = [picture for picture in kept if picture.label == label]
        tested = sum(picture.part == "test" for picture in of_class)
        groups = len({picture.group for picture in of_class if picture.part == "train"})
        if not tested or groups < 2:
            lacking = f"{groups} training pictures that differ, two are the least" if tested else "no picture for test"
            more = f" ({len(left_out)} of the set cannot be read)" if left_out else ""
            raise DeeperError(f"{name}: class {title} has {lacking}{more}; add some to the folder, or take it out")


def _decoded(
    pictures: Sequence[Picture], size: int, fit: str
) -> tuple[list[Picture], np.ndarray, dict[str, str], dict[str, int]]:
    """Pictures that can be decoded, their arrays, why others cannot, and what is white in deep ones.

    Deep pictures are decoded twice: what is white is known when all have been seen.
    """
    shaped = FITS[fit]
    kept: list[Picture] = []
    left_out: dict[str, str] = {}
    deep: dict[int, Depth] = {}
    images = np.empty((len(pictures), size, size, 3), np.uint8)
    for picture in pictures:
        try:
            opened = picture.open()
        except Unreadable as error:
            left_out[picture.name] = str(error)
            continue
        found = depth(opened)
        if found is not None:
            deep[len(kept)] = found
        else:
            images[len(kept)] = np.asarray(shaped(opened, size))
        kept.append(picture)
    white = whites(deep.values())
    for row in deep:
        images[row] = np.asarray(shaped(in_eight_bits(kept[row].open(), white), size))
    return kept, images[: len(kept)], left_out, white


def _crop(picture: Image.Image, size: int) -> Image.Image:
    return ImageOps.fit(picture, (size, size), Image.Resampling.BICUBIC)


def _pad(picture: Image.Image, size: int) -> Image.Image:
    return ImageOps.pad(picture, (size, size), Image.Resampling.BICUBIC, color="white")


FITS: Mapping[str, Callable[[Image.Image, int], Image.Image]] = {"crop": _crop, "pad": _pad}
"""How an RGB picture becomes a square of so many pixels a side: its middle, or the whole of it on white."""


def _made(target: Mapping[str, Any]) -> dict[str, Any]:
    """The settings that a set is made with, as JSON keeps them."""
    settings = {key: target[key] for key in ("size", "fit", "classes", "counts", "reader", "packages", "path")}
    settings["listing"] = target.get("listing")
    return _without_package(json.loads(json.dumps(settings)))


def _without_package(made: Mapping[str, Any]) -> dict[str, Any]:
    """``made`` with only module and function of the reader's ``_target_``: a reader that moves makes no set anew."""
    reader = dict(made["reader"])
    reader["_target_"] = ".".join(str(reader["_target_"]).split(".")[-2:])
    return {**made, "reader": reader}
