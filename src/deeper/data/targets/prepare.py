"""Make a target set ready: from a folder of the user's or from Debian packages, once."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from deeper import files
from deeper.data import packages
from deeper.data import prepared as arrays
from deeper.data.pictures import Collection
from deeper.data.targets import target_set as target
from deeper.errors import DeeperError


def ready(settings: Mapping[str, Any]) -> dict[str, Any]:
    """The meta of the prepared target set that a resolved ``transfer.target`` describes; it is prepared if need be.

    A set that is there, whole, and made with the same settings is left alone.

    Raises:
        DeeperError: nothing says where the set is, the packages cannot be had, the release is not whole, or there is
            no place to write.
    """
    folder = Path(settings["root"]) / settings["name"]
    settings = _with_listing(settings)
    try:
        with files.folder_lock(folder):
            if not target.is_current(folder, settings):
                print(_said(target_meta := _made(folder, settings), folder), file=sys.stderr)
                return target_meta
    except OSError as error:
        raise DeeperError(
            f"cannot prepare {settings['name']} in {folder.parent}: {error.strerror or error} "
            f"({error.filename or folder.parent}); free space or choose another folder with transfer.target.root=FOLDER"
        ) from error
    return arrays.open_set(folder).meta


def _with_listing(settings: Mapping[str, Any]) -> dict[str, Any]:
    """With the folder's path written one way, and the digest of its files' names, sizes and times."""
    if settings["path"] is None:
        return dict(settings)
    place = Path(settings["path"]).expanduser()
    found = hashlib.sha256()
    for file in sorted(path for path in place.rglob("*") if path.is_file()):
        facts = file.stat()
        found.update(f"{file.relative_to(place)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode(errors="replace"))
    return {**settings, "path": str(place), "listing": found.hexdigest()}


def _made(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    print(f"preparing {settings['name']} (once)", file=sys.stderr, flush=True)
    read = _reader(settings)
    with files.scratch_folder(folder) as scratch:
        if settings["path"] is not None:
            place = Path(settings["path"]).expanduser()
            if not place.is_dir():
                raise DeeperError(
                    f"transfer.target.path={settings['path']} is not a folder; name the one that holds it"
                )
            return target.write(folder, settings, read(place), {"folder": str(settings["path"])})
        if not settings["packages"]:
            raise DeeperError(
                f"{settings['title']} cannot be fetched by a program; put the release into a folder and give "
                f"transfer.target.path=FOLDER (see conf/transfer/target/{settings['name']}.yaml)"
            )
        place, facts = packages.unpacked(settings["packages"], scratch)
        return target.write(folder, settings, read(place), facts)


def _reader(settings: Mapping[str, Any]) -> Callable[[Path], Collection]:
    """The reader with its settings.

    Raises:
        DeeperError: it has no such setting.
    """
    read = instantiate(settings["reader"], _partial_=True, _convert_="all")
    asked = inspect.signature(read.func)
    try:
        asked.bind(Path(), *read.args, **read.keywords)
    except TypeError as error:
        known = ", ".join(list(asked.parameters)[1:]) or "none"
        raise DeeperError(f"transfer.target.reader: {error}; its settings are {known}") from error
    return read


def _said(meta: Mapping[str, Any], folder: Path) -> str:
    pool, test = meta["splits"]["train"][1], meta["splits"]["test"]
    counted = f"{pool} training and {test[1] - test[0]} test pictures of {len(meta['classes'])} classes"
    text = f"{meta['name']}: {counted} in {folder}"
    if meta["dropped"]:
        text += f"; {len(meta['dropped'])} are none of them (meta.json says why)"
    if meta["left_out"]:
        named = [f"{name} ({reason})" for name, reason in meta["left_out"].items()]
        more = f" and {len(named) - 5} more" if len(named) > 5 else ""
        text += f"; left out {len(named)} that cannot be read: {', '.join(named[:5])}{more}"
    return text
