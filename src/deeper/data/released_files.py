"""The released files of a data set, uncompressed and checked, whichever way they came.

``gather`` looks in the folder that the user names, or tries the routes of the configuration in turn; whatever reads the
files' format sees the same bytes either way.
"""

import contextlib
import gzip
import hashlib
import tarfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deeper.data.sources import BROKEN_ARCHIVE, Route, Unavailable
from deeper.errors import DeeperError, reason

DIGESTS = ("sha256", "md5")


@dataclass(frozen=True)
class Layout:
    """Where a data set's files lie inside a folder, and what each must contain.

    ``files`` maps a file's name to what is known of its uncompressed content: ``bytes``, ``sha256``, ``md5`` (any of
    them). A file may lie in the folder itself or one of ``subfolders``, plain or as ``.gz``, or inside ``archive``.
    """

    files: Mapping[str, Mapping[str, str | int]]
    subfolders: Sequence[str] = ()
    archive: str | None = None


@dataclass(frozen=True)
class Gathered:
    """``content`` by file name, ``facts`` (bytes and digests) by file name, and the words for the route taken."""

    content: dict[str, bytes]
    facts: dict[str, dict[str, str | int]]
    route: str


def gather(name: str, layout: Layout, routes: Sequence[Route], scratch: Path, folder: str | None = None) -> Gathered:
    """Return the checked content of every file of ``layout``.

    A ``folder`` that the user names is the only place looked at; without one the ``routes`` are tried in turn.

    Raises:
        DeeperError: no route delivers, or a file is missing, broken or not what the configuration says it must be.
    """
    if folder is not None:
        path = Path(folder).expanduser()
        if not path.is_dir():
            raise DeeperError(f"data.folder={folder} is not a folder; name the one that holds {_listing(layout)}")
        return _read_all(layout, path, f"folder {path}")
    failures = []
    for number, route in enumerate(routes):
        own_scratch = scratch / str(number)
        own_scratch.mkdir()
        try:
            fetched = route.fetch(own_scratch)
        except Unavailable as error:
            failures.append(f"{route.title}: {error}")
            continue
        return _read_all(layout, fetched, route.title + _aside(failures))
    raise DeeperError(
        f"no source for {name}: {'; '.join(failures) or 'no route is configured'}. "
        f"Put {_listing(layout)} into a folder and give data.folder=FOLDER"
    )


def _read_all(layout: Layout, folder: Path, route: str) -> Gathered:
    folders = [folder, *(folder / sub for sub in layout.subfolders)]
    content = {name: data for name in layout.files if (data := _read(folders, name)) is not None}
    archive = next((p / layout.archive for p in folders if layout.archive and (p / layout.archive).is_file()), None)
    if archive and len(content) < len(layout.files):
        content = _read_archive(archive, set(layout.files) - set(content)) | content
    missing = [name for name in layout.files if name not in content]
    if missing:
        raise DeeperError(f"{', '.join(missing)} missing in {archive or folder}; it must hold {_listing(layout)}")
    facts = {name: _check(name, content[name], expected, route) for name, expected in layout.files.items()}
    return Gathered(content, facts, route)


def _read(folders: Sequence[Path], name: str) -> bytes | None:
    """The content of the first file of that name, plain or compressed; None where no folder has one."""
    for folder in folders:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                with _reading(path):
                    data = path.read_bytes()
                    return gzip.decompress(data) if path.suffix == ".gz" else data
    return None


def _read_archive(path: Path, names: set[str]) -> dict[str, bytes]:
    content = {}
    with _reading(path), tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            if member.isfile() and name in names:
                content[name] = archive.extractfile(member).read()
    return content


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except BROKEN_ARCHIVE as error:
        raise DeeperError(f"{path} is truncated or damaged ({reason(error)}); fetch it again") from error
    except OSError as error:
        raise DeeperError(f"{path} cannot be read: {reason(error)}") from error


def _check(name: str, data: bytes, expected: Mapping[str, str | int], route: str) -> dict[str, str | int]:
    kinds = [kind for kind in DIGESTS if kind == "sha256" or kind in expected]
    facts = {"bytes": len(data)} | {kind: hashlib.new(kind, data).hexdigest() for kind in kinds}
    for kind in reversed(facts):
        if kind in expected and expected[kind] != facts[kind]:
            raise DeeperError(
                f"{name} ({route}) is not the released file: {kind} expected {expected[kind]}, found {facts[kind]}; "
                "fetch it again"
            )
    return facts


def _listing(layout: Layout) -> str:
    names = ", ".join(layout.files)
    return f"{names} (or {layout.archive})" if layout.archive else f"{names} (plain or .gz)"


def _aside(failures: list[str]) -> str:
    return f" (before it: {'; '.join(failures)})" if failures else ""
