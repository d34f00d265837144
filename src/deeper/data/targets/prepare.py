"""Make a target set ready: from a folder of the user's or from Debian packages, once."""

import hashlib
import inspect
import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from deeper.data.packages import installed, unpacked
from deeper.data.pictures import Collection, said_of
from deeper.data.prepared import open_set, preparing
from deeper.data.targets.target_arrays import is_current, write
from deeper.errors import DeeperError
from deeper.files import below, scratch_folder

NAMED_LEFT_OUT = 5


def ready(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The meta of the prepared target set that a resolved ``transfer.target`` describes; it is prepared if need be.

    A set that is there, whole, and made with the same settings is left alone.

    Raises:
        DeeperError: nothing says where the set is, the packages cannot be had, the release is not whole, or it cannot
            be written.
    """
    folder = Path(settings["root"]) / settings["name"]
    settings = _with_listing(settings)
    with preparing(folder, "transfer.target.root"):
        if not is_current(folder, settings):
            _check_place(settings)
            print(f"preparing {settings['name']} (once)", file=sys.stderr, flush=True)
            meta = _prepare(folder, settings)
            print(_summary(meta, folder), file=sys.stderr)
            if settings.get("licence"):
                print(f"{settings['title']}: {settings['licence']}", file=sys.stderr)
            return meta
    return open_set(folder).meta


def _with_listing(settings: Mapping[str, Any]) -> dict[str, Any]:
    """With the folder's path written one way, and the digest of the names, sizes and times of what is read there."""
    if settings["path"] is None:
        return dict(settings)
    source = Path(settings["path"]).expanduser()
    listing = hashlib.sha256()
    for file in below(source) if source.is_dir() else []:
        facts = file.stat() if file.exists() else file.lstat()
        listing.update(os.fsencode(f"{file.relative_to(source)}\0{facts.st_size}\0{facts.st_mtime_ns}\n"))
    return {**settings, "path": str(source), "listing": listing.hexdigest()}


def _check_place(settings: Mapping[str, Any]) -> None:
    """See that something says where the set comes from.

    Raises:
        DeeperError: nothing does, or what does is no folder.
    """
    place = settings["path"]
    if place is not None and not Path(place).is_dir():
        raise DeeperError(f"transfer.target.path={place} is not a folder; name the one that holds the set")
    if place is None and not settings.get("python_package") and not settings["packages"]:
        raise DeeperError(
            f"{settings['title']} cannot be fetched by a program; put the release into a folder and give "
            f"transfer.target.path=FOLDER (see conf/transfer/target/{settings['name']}.yaml)"
        )


def _prepare(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    read = _reader(settings)
    if settings["path"] is not None:
        return write(folder, settings, read(Path(settings["path"])), {"folder": settings["path"]})
    if settings.get("python_package"):
        source, facts = installed(settings["python_package"])
        return write(folder, settings, read(source), facts)
    with scratch_folder(folder) as scratch:
        source, facts = unpacked(settings["packages"], scratch)
        return write(folder, settings, read(source), facts)


def _reader(settings: Mapping[str, Any]) -> Callable[[Path], Collection]:
    """The reader with its settings.

    Raises:
        DeeperError: it has no such setting.
    """
    read = instantiate(settings["reader"], _partial_=True, _convert_="all")
    signature = inspect.signature(read.func)
    try:
        signature.bind(Path(), *read.args, **read.keywords)
    except TypeError as error:
        names = ", ".join(list(signature.parameters)[1:]) or "none"
        raise DeeperError(f"transfer.target.reader: {error}; its settings are {names}") from error
    return read


def _summary(meta: Mapping[str, Any], folder: Path) -> str:
    pool, test = meta["splits"]["train"][1], meta["splits"]["test"]
    counted = f"{pool} training and {test[1] - test[0]} test pictures of {len(meta['classes'])} classes"
    text = f"{meta['name']}: {counted} in {folder}{said_of(meta.get('white', {}))}"
    if meta["dropped"]:
        text += f"; {len(meta['dropped'])} are none of them: {_named(meta['dropped'])} (meta.json names all)"
    if meta["left_out"]:
        text += f"; left out {len(meta['left_out'])} that cannot be read: {_named(meta['left_out'])}"
    return text


def _named(why: Mapping[str, str]) -> str:
    """The first names of each reason: of many files with one reason the others must not be hidden."""
    by_reason: dict[str, list[str]] = {}
    for name, reason in why.items():
        by_reason.setdefault(reason, []).append(name)
    first = sorted(by_reason.items(), key=lambda item: len(item[1]))[:NAMED_LEFT_OUT]
    parts = [
        f"{names[0]} and {len(names) - 1} more ({reason})" if len(names) > 1 else f"{names[0]} ({reason})"
        for reason, names in first
    ]
    more = f" and {len(by_reason) - len(first)} other reasons" if len(by_reason) > len(first) else ""
    return ", ".join(parts) + more
