"""The released files of a data set, uncompressed and checked, whichever way they came.

``gather`` looks in the folder that the user names, or tries the routes of the configuration in turn; whatever reads the
files' format sees the same bytes either way.
"""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deeper.data.archives import BROKEN, TooLong, opened_tar, read_gzip
from deeper.data.sources import Route, Unavailable
from deeper.errors import DeeperError, reason

DIGESTS = ("sha256", "md5")
MOST_BYTES = 2**30  # of a file whose length the configuration does not tell


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
    most = {name: int(facts.get("bytes", MOST_BYTES)) for name, facts in layout.files.items()}
    content = {name: data for name in layout.files if (data := _read(folders, name, most[name])) is not None}
    archive = next((p / layout.archive for p in folders if layout.archive and (p / layout.archive).is_file()), None)
    if archive and len(content) < len(layout.files):
        content = _read_archive(archive, {name: most[name] for name in most.keys() - content.keys()}) | content
    missing = [name for name in layout.files if name not in content]
    if missing:
        raise DeeperError(f"{', '.join(missing)} missing in {archive or folder}; it must hold {_listing(layout)}")
    facts = {name: _check(name, content[name], expected, route) for name, expected in layout.files.items()}
    return Gathered(content, facts, route)


def _read(folders: Sequence[Path], name: str, most: int) -> bytes | None:
    """The content of the first file of that name, plain or compressed; None where no folder has one."""
    for folder in folders:
        for path in (folder / name, folder / f"{name}.gz"):
            if path.is_file():
                with _reading(path):
                    if path.suffix == ".gz":
                        return read_gzip(path, most)
                    _not_longer(path.stat().st_size, most)
                    return path.read_bytes()
    return None


def _read_archive(path: Path, most: Mapping[str, int]) -> dict[str, bytes]:
    """The content of the files of an archive that ``most`` names, which may be so long."""
    content = {}
    with _reading(path), path.open("rb") as packed, opened_tar(packed) as archive:
        for member in archive:
            name = Path(member.name).name
            if member.isfile() and name in most:
                _not_longer(member.size, most[name])
                content[name] = archive.extractfile(member).read()
    return content


def _not_longer(length: int, most: int) -> None:
    if length > most:
        raise TooLong(f"it holds more than {most:,} bytes")


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except TooLong as error:
        raise DeeperError(f"{path}: {error} and is not the released file; fetch it again") from error
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise DeeperError(f"{path} cannot be read: {reason(error)}") from error
        raise DeeperError(f"{path} is truncated or damaged ({reason(error)}); fetch it again") from error


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
