"""Make the listing of a folder of class folders: which files, which parts, and on demand every file's digest."""

import hashlib
import io
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from deeper.data.class_folders import ClassFile, class_folders
from deeper.data.examined_files import NAMED, examined
from deeper.data.listing import DIGESTS, ENDS, NAMES, PLACE, SIZES, TIMES, listed_place, open_listing
from deeper.data.pictures import said_of
from deeper.data.prepared import LABELS, split_ranges, write_files
from deeper.data.splits import SPLITS, stratified
from deeper.errors import DeeperError
from deeper.files import json_bytes, shown, write_changed

RULE = "of the training pictures, each class by its share, those with the smallest SHA-256 of their names"
HELD_OUT = 0.1  # of the training pictures, where nothing else is said
DIGESTED = 2_000_000_000  # bytes of pictures that are read and decoded once if nothing else is said: about a minute


def prepare_listing(folder: Path, settings: Mapping[str, Any]) -> str:
    """List ``data.folder`` as the prepared set ``folder``, unless that is what it holds, and say what was done.

    Args:
        settings: of a composed ``data``: ``name``, ``folder``, ``classes``, ``held_out``, ``test_share``, ``digests``.

    Raises:
        DeeperError: no folder is named, it cannot be read, the set would be written into it, a class has no picture in
            a part, a picture cannot be decoded (a deep one, or any with ``digests``), or there are other classes than
            the configuration says.
    """
    if settings["folder"] is None:
        raise DeeperError(f"{settings['name']}: name the folder of class folders with data.folder=FOLDER")
    place = Path(settings["folder"]).expanduser().absolute()
    if not place.is_dir():
        raise DeeperError(
            f"data.folder={settings['folder']} is not a folder; name the one that holds the class folders"
        )
    if folder.resolve().is_relative_to(place.resolve()):
        raise DeeperError(
            f"{folder}, where the set would be written, lies in the folder of its pictures, {shown(place)}; choose "
            "another place with data.root=FOLDER"
        )
    found = class_folders(place)
    for part, category in found.empty:
        where = f"{part}/{category}" if part else category
        raise DeeperError(f"{shown(place)}: class folder {where} has no picture; put some there, or take it out")
    classes = sorted({file.category for file in found.files})
    _check_classes(place, settings, classes)
    labels = np.array([classes.index(file.category) for file in found.files], np.int64)
    total = sum(file.size for file in found.files)
    digests, white = examined(found.files, total <= DIGESTED if settings["digests"] is None else settings["digests"])
    copies = np.arange(len(labels)) if digests is None else np.unique(digests, axis=0, return_inverse=True)[1].ravel()
    parts = _parts(found.files, labels, copies, settings)
    _check_parts(place, classes, labels, parts)
    order = np.concatenate([parts[name] for name in SPLITS])
    files = [found.files[row] for row in order]
    content = _content(place, files, labels[order], digests if digests is None else digests[order])
    meta = {
        "name": settings["name"],
        "classes": classes,
        "splits": split_ranges(*(len(parts[name]) for name in SPLITS)),
        "validation": {"rule": RULE if not any(file.part == "val" for file in files) else "the folder's own"},
        "bytes": total,
        **({"white": white} if white else {}),
    }
    dropped = (
        f"; {len(found.dropped)} files and folders are none of them: {_by_reason(found.dropped)}"
        if found.dropped
        else ""
    )
    why = _why_listed(folder, meta, content)
    if why is not None:
        meta = write_files(folder, meta, content)
    _keep_place(folder, place, files)
    counts = ", ".join(f"{len(parts[name])} {name}" for name in SPLITS)
    told = f"{folder}: {counts} pictures of {len(classes)} classes in {shown(place)}{said_of(white)}{dropped}"
    told += _said_of_copies(copies, labels, parts)
    return f"{told}: already listed, nothing to do" if why is None else f"{why}{told}"


def _keep_place(folder: Path, place: Path, files: Sequence[ClassFile]) -> None:
    """Write where the pictures lie and when each was last written: no part of the set, which may move."""
    times = io.BytesIO()
    np.save(times, np.array([file.changed for file in files], "<i8"))
    write_changed(folder / TIMES, times.getvalue())
    write_changed(folder / PLACE, json_bytes({"folder": str(place)}))


def _why_listed(folder: Path, meta: Mapping[str, Any], content: Mapping[str, np.ndarray]) -> str | None:
    """The line that says why a folder is listed again, "" the first time, None where nothing has changed."""
    if not folder.exists():
        return ""
    try:
        kept = open_listing(folder, place=str(folder))
        listed_place(folder)
    except (DeeperError, LookupError) as error:
        return f"listed again, because {str(error).partition(';')[0]}\n"
    same = {key: kept.meta.get(key) for key in {*meta, "white"}} == {
        "white": None,
        **meta,
    } and content.keys() == kept.meta["files"].keys()
    if same and all(np.array_equal(array, getattr(kept, name.removesuffix(".npy"))) for name, array in content.items()):
        return None
    return "listed again, because the folder or the settings have changed\n"


def _check_classes(place: Path, settings: Mapping[str, Any], classes: Sequence[str]) -> None:
    if len(classes) < 2:
        raise DeeperError(
            f"{shown(place)} holds pictures of {len(classes)} classes; it must have a folder for each of two or more"
        )
    if settings["classes"] not in (None, len(classes)):
        raise DeeperError(
            f"{shown(place)} has {len(classes)} classes, {settings['classes']} expected; name the folder that holds "
            f"the whole set, or say data.classes={len(classes)}"
        )


def _parts(
    files: Sequence[ClassFile], labels: np.ndarray, copies: np.ndarray, settings: Mapping[str, Any]
) -> dict[str, np.ndarray]:
    """Rows (int64, ascending) of each part: the folder's own parts, and what it has not is drawn.

    Files with the same number in ``copies`` have the same bytes, and are drawn together.
    """
    named = np.array([file.part or "train" for file in files])
    train, validation, test = (np.flatnonzero(named == part) for part in ("train", "val", "test"))
    draw = np.array(
        [int.from_bytes(hashlib.sha256(file.name.encode()).digest()[:8], "big") for file in files], np.uint64
    )
    if len(validation) and not len(test):
        validation, test = test, validation  # ImageNet's val/ is what papers report
    if not len(test):
        train, test = _drawn(train, labels, copies, draw, round(settings["test_share"] * len(train)))
    if not len(validation):
        wanted = settings["held_out"] if settings["held_out"] is not None else round(HELD_OUT * len(train))
        train, validation = _drawn(train, labels, copies, draw, wanted)
    return {"train": train, "validation": validation, "test": test}


def _drawn(
    rows: np.ndarray, labels: np.ndarray, copies: np.ndarray, draw: np.ndarray, size: int
) -> tuple[np.ndarray, np.ndarray]:
    """What stays and what is taken: ``size`` of ``rows``, about so many where there are copies, one a class."""
    one = rows[np.sort(np.unique(copies[rows], return_index=True)[1])]  # a row of each picture
    wanted = max(round(size * len(one) / len(rows)), len(np.unique(labels[one])))
    taken = np.isin(copies[rows], copies[one[stratified(labels[one], wanted, draw[one])]])
    return rows[~taken], rows[taken]


def _said_of_copies(copies: np.ndarray, labels: np.ndarray, parts: Mapping[str, np.ndarray]) -> str:
    """How many pictures of the folder's own parts are in another part too, and how many are in two classes."""
    learned = np.concatenate([parts["train"], parts["validation"]])
    tested = int(np.isin(copies[parts["test"]], copies[learned]).sum())
    order = np.argsort(copies, kind="stable")
    pairs = (copies[order][1:] == copies[order][:-1]) & (labels[order][1:] != labels[order][:-1])
    said = f"; {tested} test pictures are training or validation pictures too, byte for byte" if tested else ""
    return said + (f"; {int(pairs.sum())} pictures are in another class too, byte for byte" if pairs.any() else "")


def _check_parts(place: Path, classes: Sequence[str], labels: np.ndarray, parts: Mapping[str, np.ndarray]) -> None:
    for name, rows in parts.items():
        lacking = sorted(set(range(len(classes))) - set(labels[rows].tolist()))
        if lacking:
            said = ", ".join(classes[label] for label in lacking[:NAMED])
            raise DeeperError(
                f"{shown(place)} has no {name} pictures of {said}; every part needs every class: add some, take the "
                "class out, or hold out fewer (data.held_out)"
            )


def _content(
    place: Path, files: Sequence[ClassFile], labels: np.ndarray, digests: np.ndarray | None
) -> dict[str, np.ndarray]:
    names = [os.fsencode(file.path.relative_to(place)) for file in files]
    content = {
        NAMES: np.frombuffer(b"".join(names), np.uint8),
        ENDS: np.cumsum([len(name) for name in names], dtype=np.int64),
        SIZES: np.array([file.size for file in files], np.int64),
        LABELS: labels,
    }
    return content if digests is None else {**content, DIGESTS: digests}


def _by_reason(dropped: Mapping[str, str]) -> str:
    """Each reason with the number of names that have it and the first of them, the most frequent reasons first."""
    names: dict[str, list[str]] = {}
    for name, why in dropped.items():
        names.setdefault(why, []).append(name)
    frequent = sorted(names, key=lambda why: -len(names[why]))
    parts = [f"{len(names[why])} such as {names[why][0]} ({why})" for why in frequent[:NAMED]]
    rest = sum(len(names[why]) for why in frequent[NAMED:])
    return ", ".join(parts) + (f" and {rest} for other reasons" if rest else "")
