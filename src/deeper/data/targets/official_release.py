"""Find an official release in a folder that a user filled, unpacking its archives where only those are there.

Links to these sets break often, so nothing is downloaded: the user's folder holds the released folder, or is it, or
holds the released archives.
"""

import hashlib
import os
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from deeper.data.archives import BROKEN, TooLong, opened_tar
from deeper.errors import DeeperError, reason
from deeper.files import folder_lock, scratch_folder, sync_folder


@dataclass(frozen=True)
class Packed:
    """Tar archives that together unpack to ``folder``; with ``member``, each is a zip that holds the tar archive."""

    folder: str
    archives: tuple[str, ...]
    member: str | None = None


@dataclass(frozen=True)
class Release:
    """What a release looks like on disk.

    Attributes:
        title: its name, for messages.
        roots: where it may lie below the user's folder, "." for the folder itself, the released path first.
        holds: what must be there, as patterns below the root.
        packed: its archives, looked for in the user's folder.
        source: where it is to be had, in words.
    """

    title: str
    roots: tuple[str, ...]
    holds: tuple[str, ...]
    packed: tuple[Packed, ...]
    source: str


def locate(folder: str | Path, release: Release, archives: Mapping[str, str | None]) -> Path:
    """The folder, ``folder`` or one inside it, that holds the whole of ``release``.

    Where none does, archives that lie in ``folder`` are compared with their MD5 (``archives``, by file name; null
    leaves one unchecked) and unpacked beside themselves, each folder appearing in one step.

    Raises:
        DeeperError: the release is not there or not whole, or an archive is damaged or cannot be unpacked.
    """
    folder = Path(folder).expanduser()
    lacking = _lacking(folder, release)
    if all(lacking.values()):
        for packed in release.packed:
            _unpack(folder, packed, archives)
        lacking = _lacking(folder, release)
    root = min(lacking, key=lambda root: len(lacking[root]))
    if not lacking[root]:
        return root
    names = _archives(release)
    if len(lacking[root]) == len(release.holds):
        raise DeeperError(
            f"{folder} {'holds no' if folder.is_dir() else 'is no folder that holds'} {release.title}; put there "
            f"{_contents(release)}, or its archives as released ({names}); {release.source}"
        )
    raise DeeperError(
        f"{root} lacks {', '.join(lacking[root])}: it is not the whole of {release.title}; complete it from its "
        f"archives as released ({names}); {release.source}"
    )


def damaged(file: Path, what: str, line: int | None = None) -> DeeperError:
    """The error that says what is wrong with a file of a release, and where in it."""
    where = file if line is None else f"{file}, line {line}"
    return DeeperError(f"{where}: {what}; put the file as released in its place")


def lines(file: Path) -> list[tuple[int, str]]:
    """Number (from 1) and text of every line of ``file`` that is not blank, without the white space around it.

    Raises:
        DeeperError: it is missing, empty or not text.
    """
    try:
        text = file.read_text(encoding="utf-8")
    except OSError as error:
        raise damaged(file, f"it cannot be read ({error.strerror})") from error
    except UnicodeDecodeError as error:
        raise damaged(file, "it is not text") from error
    numbered = [(number, line.strip()) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    if not numbered:
        raise damaged(file, "it is empty")
    return numbered


def _lacking(folder: Path, release: Release) -> dict[Path, list[str]]:
    """Of each folder where the release may lie the patterns that nothing in it fits."""
    roots = (folder / root for root in release.roots)
    return {root: [pattern for pattern in release.holds if not any(root.glob(pattern))] for root in roots}


def _contents(release: Release) -> str:
    root = release.roots[0]
    return f"{'' if root == '.' else f'{root}/ with '}{', '.join(release.holds)}"


def _archives(release: Release) -> str:
    routes: dict[str, list[str]] = {}
    for packed in release.packed:
        routes.setdefault(packed.folder, []).append(" with ".join(Path(name).name for name in packed.archives))
    return ", ".join(" or ".join(dict.fromkeys(routes[folder])) for folder in routes)


def _unpack(folder: Path, packed: Packed, archives: Mapping[str, str | None]) -> None:
    target, files = folder / packed.folder, [folder / name for name in packed.archives]
    if target.exists() or not all(file.is_file() for file in files):
        return
    for file in files:
        _check(file, archives.get(file.name))
    with _room_to_unpack(folder, files[0]), folder_lock(target):
        if not target.exists():  # another process may have unpacked it meanwhile
            _unpack_locked(target, packed, files)


def _unpack_locked(target: Path, packed: Packed, files: Sequence[Path]) -> None:
    with scratch_folder(target) as scratch:
        for file in files:
            _extract(file, packed.member, scratch)
        if not (scratch / packed.folder).is_dir():
            raise DeeperError(f"{files[0]} holds no folder {packed.folder}: it is not the archive as released")
        os.sync()  # of thousands of files: after a power cut the folder is whole or not there
        (scratch / packed.folder).rename(target)
        sync_folder(target.parent)


@contextmanager
def _room_to_unpack(folder: Path, archive: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DeeperError(
            f"{archive} cannot be unpacked into {folder} ({reason(error)}); unpack it yourself where there is room, "
            "and name that folder"
        ) from error


def _check(file: Path, expected: str | None) -> None:
    if expected is None:
        return
    try:
        with file.open("rb") as content:
            actual = hashlib.file_digest(content, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    except OSError as error:
        raise DeeperError(f"{file} cannot be read ({error.strerror}); fetch it again") from error
    if actual != expected:
        raise DeeperError(f"{file} is not the released file: md5 expected {expected}, found {actual}; fetch it again")


def _extract(file: Path, member: str | None, scratch: Path) -> None:
    try:
        with _content(file, member) as content, opened_tar(content) as archive:
            archive.extractall(scratch, filter="data")
    except TooLong as error:
        raise DeeperError(f"{file}: {error} and is not the released file; fetch it again") from error
    except BROKEN as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DeeperError(f"{file} is truncated or damaged ({error}); fetch it again") from error


@contextmanager
def _content(file: Path, member: str | None) -> Iterator[BinaryIO]:
    if member is None:
        with file.open("rb") as content:
            yield content
    else:
        with zipfile.ZipFile(file) as outer, outer.open(member) as content:
            yield content
