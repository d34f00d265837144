"""Make a target set ready: from a folder of the user's or from Debian packages, once."""

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hydra.utils import instantiate

from deeper.data.packages import unpacked
from deeper.data.pictures import Collection
from deeper.data.prepared import open_set, preparing
from deeper.data.targets.target_arrays import is_current, write
from deeper.errors import DeeperError
from deeper.files import scratch_folder

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
            print(f"preparing {settings['name']} (once)", file=sys.stderr, flush=True)
            meta = _prepare(folder, settings)
            print(_summary(meta, folder), file=sys.stderr)
            return meta
    return open_set(folder).meta


def _with_listing(settings: Mapping[str, Any]) -> dict[str, Any]:
    """With the folder's path written one way, and the digest of its files' names, sizes and times."""
    if settings["path"] is None:
        return dict(settings)
    source = Path(settings["path"]).expanduser()
    listing = hashlib.sha256()
    for file in sorted(path for path in source.rglob("*") if path.is_file()):
        facts = file.stat()
        listing.update(f"{file.relative_to(source)}\0{facts.st_size}\0{facts.st_mtime_ns}\n".encode(errors="replace"))
    return {**settings, "path": str(source), "listing": listing.hexdigest()}


def _prepare(folder: Path, settings: Mapping[str, Any]) -> dict[str, Any]:
    read = _reader(settings)
    if settings["path"] is not None:
        source = Path(settings["path"]).expanduser()
        if not source.is_dir():
            raise DeeperError(f"transfer.target.path={settings['path']} is not a folder; name the one that holds it")
        return write(folder, settings, read(source), {"folder": str(settings["path"])})
    if not settings["packages"]:
        raise DeeperError(
            f"{settings['title']} cannot be fetched by a program; put the release into a folder and give "
            f"transfer.target.path=FOLDER (see conf/transfer/target/{settings['name']}.yaml)"
        )
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
    text = f"{meta['name']}: {counted} in {folder}"
    if meta["dropped"]:
        text += f"; {len(meta['dropped'])} are none of them (meta.json says why)"
    if meta["left_out"]:
        named = [f"{name} ({why})" for name, why in meta["left_out"].items()]
        more = f" and {len(named) - NAMED_LEFT_OUT} more" if len(named) > NAMED_LEFT_OUT else ""
        text += f"; left out {len(named)} that cannot be read: {', '.join(named[:NAMED_LEFT_OUT])}{more}"
    return text
