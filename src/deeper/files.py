"""Files that are written whole or not at all, folders that take their place in one step, locks, digests."""

import contextlib
import ctypes
import errno
import fcntl
import glob
import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

import yaml

from deeper.errors import DeeperError

LEFT_BEHIND = ".tmp"
DEAD_AFTER_S = 3600  # a file that is being written is much younger
NO_LOCKS = {errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOTSUP, 524}  # 524: NFS's own
WITHOUT = "DEEPER_LOCKS"
TOO_DEEP, DEEPEST = "it is nested too deeply", 200
DEEP_LINE = re.compile(rb"(?:[-?] +){%d}|^ {%d}" % (DEEPEST, DEEPEST), re.MULTILINE)
TRIES = 1000  # to open a file in a folder that others remove


def digest(value: Any) -> str:
    """SHA-256 of a value's canonical JSON: keys sorted, no spaces."""
    return hashlib.sha256(json.dumps(value, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_bytes(path: Path, content: bytes) -> None:
    """Write a file whole or not at all, also when the machine stops in between; its folder is made.

    Raises:
        DeeperError: what stands there is no ordinary file, such as a device, whose place a file would take.
        OSError: it cannot be written; names the file, also where the disk is full.
    """
    if path.exists() and not (path.is_file() or path.is_dir()):
        raise DeeperError(f"{path} is no ordinary file, and one would take its place; name another")
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.uname().nodename}.{os.getpid()}{LEFT_BEHIND}")
    try:
        write_synced(beside, content)
        os.replace(beside, path)
        sync_folder(path.parent)
        clear_leftovers(path.parent, f".{path.name}.*{LEFT_BEHIND}", DEAD_AFTER_S)
    except BaseException as error:
        with contextlib.suppress(OSError):
            beside.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename in (None, str(beside)):
            error.filename, error.filename2 = str(path), None
        raise


def clear_leftovers(folder: Path, pattern: str = f".*{LEFT_BEHIND}", age: float = 0.0) -> None:
    """Remove what dead writers left in a folder: temporary files that are ``age`` seconds old or more."""
    for leftover in folder.glob(pattern):
        with contextlib.suppress(OSError):
            if time.time() - leftover.stat().st_mtime >= age:
                leftover.unlink()


def write_changed(path: Path, content: bytes) -> None:
    """As ``write_bytes``; a file that has this content already is left alone.

    Raises:
        OSError: as of ``write_bytes``.
    """
    with contextlib.suppress(OSError):
        if path.stat().st_size == len(content) and path.read_bytes() == content:
            return
    write_bytes(path, content)


def json_bytes(value: Any) -> bytes:
    """A value as indented JSON, with a newline at its end."""
    return (json.dumps(value, indent=1, allow_nan=False) + "\n").encode()


def json_value(text: str | bytes) -> Any:
    """What JSON says.

    Raises:
        ValueError: it is none, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError:
        raise ValueError(TOO_DEEP) from None


def yaml_value(text: str | bytes) -> Any:
    """What YAML says; read by libyaml where PyYAML has it, ten times as fast.

    Raises:
        yaml.YAMLError: it is none, or nested too deeply.
    """
    if _is_deep(text.encode() if isinstance(text, str) else text):
        raise yaml.YAMLError(TOO_DEEP)
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _is_deep(text: bytes) -> bool:
    """Whether YAML may be nested so deeply that libyaml's stack ends, and the process with it."""
    signs = re.findall(rb"[\[{\]}]", text)
    deepest = max(accumulate(1 if sign in (b"[", b"{") else -1 for sign in signs), default=0)
    return deepest > DEEPEST or DEEP_LINE.search(text) is not None


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, whole or not at all."""
    write_bytes(path, json_bytes(value))


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """A mapping with the digest of all else in it."""
    whole = {key: value for key, value in content.items() if key != "digest"}
    return {**whole, "digest": digest(whole)}


def fits(content: Mapping[str, Any]) -> bool:
    """Whether a mapping fits its digest; one from before digests were kept has none."""
    return content.get("digest") is None or sealed(content) == content


def read_sealed(path: Path) -> dict[str, Any] | None:
    """What was written of ``sealed``, without its digest.

    None where there is no such file, or it is not what was written; then a line says so, once.
    """
    try:
        content = json_value(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError):
        content = None
    if not isinstance(content, dict) or not fits(content):
        warn_once(f"{shown(path)} is not what was written and is not believed")
        return None
    return {key: value for key, value in content.items() if key != "digest"}


@cache
def warn_once(line: str) -> None:
    """Say a warning on standard error, each one once."""
    print(f"warning: {line}", file=sys.stderr)


def write_synced(path: Path, content: bytes) -> None:
    """Write a file and wait until the disk has it; a kill in between leaves a part of it."""
    with open(path, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Wait until the disk has the names in a folder: a rename is safe from a power cut only after this."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def below(folder: Path) -> list[Path]:
    """All below a folder but folders, sorted; links are followed, and one that leads nowhere is there too.

    Raises:
        DeeperError: a link leads back to a folder that it lies in.
        OSError: a folder cannot be read.
    """
    return sorted(_walk(folder, ()))


def _walk(folder: Path, above: tuple[tuple[int, int], ...]) -> Iterator[Path]:
    facts = folder.stat()
    here = (facts.st_dev, facts.st_ino)
    if here in above:
        raise DeeperError(f"{shown(folder)} is a link that leads back to a folder above it; take it out")
    for entry in os.scandir(folder):
        if os.path.isdir(entry.path):  # entry.is_dir() raises on a link that leads to itself
            yield from _walk(folder / entry.name, (*above, here))
        else:
            yield folder / entry.name


def facts_below(folder: Path) -> list[os.stat_result]:
    """Of every file below a folder; links are not followed, and what another process removes meanwhile is left out."""
    found = []
    for above, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                found.append(os.lstat(os.path.join(above, name)))
    return found


def changed_at(facts: os.stat_result) -> int:
    """When a file was last written: the lower 63 bits of the nanoseconds, which an array holds in any year."""
    return facts.st_mtime_ns % 2**63


def shown(path: Path | str) -> str:
    """A path as text for people and files: what of it is not UTF-8 stands there as ``\\xff``."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def writable(folder: Path, what: str = "trial store", setting: str = "store") -> None:
    """Make sure that ``folder``, which is ``what`` and is named by ``setting``, can be written, and a store be locked.

    A folder that is not there yet is not made: it is tried in the one that it will be made in.

    Raises:
        DeeperError: the folder cannot be made or written, its disk is full, or its file system has no locks.
    """
    there = next(place for place in (folder, *folder.absolute().parents) if os.path.lexists(place))
    probe = there / f".probe.{os.getpid()}"
    try:
        probe.write_bytes(b"\0" * 4096)
        if setting == "store":
            with open(probe, "wb") as file:
                _flock(file, wait=True)
    except OSError as error:
        raise DeeperError(
            f"{what} {folder} cannot be written ({error.strerror}): free it, or choose another with {setting}=FOLDER"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            probe.unlink()


@contextlib.contextmanager
def none_left_empty(folder: Path) -> Iterator[None]:
    """Remove ``folder``, and those above it, if they were made meanwhile and nothing is in them."""
    absent = [place for place in (folder.absolute(), *folder.absolute().parents) if not place.exists()]
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            for place in absent:
                place.rmdir()


@contextlib.contextmanager
def lock(path: Path, wait: bool = True) -> Iterator[bool]:
    """Hold the file ``path`` against other processes; the kernel releases it when the process dies.

    Who held it removes it, with the folders that were made for it if nothing else came into them.

    Yields:
        whether it is held (always, with ``wait``).
    """
    file = None
    with none_left_empty(path.parent):
        try:
            while (file := _locked(path, wait)) is not None and not _is(file, path):
                file.close()  # who held it before has removed it: another one may hold what stands there now
            yield file is not None
        finally:
            if file is not None:
                with contextlib.suppress(OSError):
                    path.unlink()
                file.close()


def _locked(path: Path, wait: bool) -> BinaryIO | None:
    """The file, opened and locked; None where another process holds it and nobody waits."""
    tries = 0
    while True:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            file = open(path, "wb")  # noqa: SIM115 - the caller closes it
        except (FileNotFoundError, FileExistsError):  # who held it has just removed the folder, or none can be made
            tries += 1
            if tries == TRIES:
                raise
            continue
        try:
            _flock(file, wait)
        except BlockingIOError:
            file.close()
            return None
        except DeeperError:  # no locks here: nobody can hold it
            file.close()
            path.unlink(missing_ok=True)
            raise
        return file


def _is(file: BinaryIO, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _flock(file: BinaryIO, wait: bool) -> None:
    """Lock a file. Raises ``DeeperError`` where its file system has no locks."""
    if os.environ.get(WITHOUT, "").lower() == "off":
        return
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        raise DeeperError(
            f"the file system of {Path(file.name).parent} has no locks ({error.strerror}); name a folder on another "
            f"one, or set {WITHOUT}=off and see to it that one process at a time writes there"
        ) from error


@contextlib.contextmanager
def folder_lock(folder: Path) -> Iterator[None]:
    """Let one process at a time make ``folder``, and clear away what a killed one left beside it."""
    with lock(folder.parent / f".{folder.name}.lock"):
        for leftover in folder.parent.glob(f".{glob.escape(folder.name)}.tmp-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        yield


@contextlib.contextmanager
def scratch_folder(folder: Path) -> Iterator[Path]:
    """A folder beside ``folder``, on the same file system, that is gone afterwards."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}.tmp-", dir=folder.parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def take_place(new: Path, place: Path) -> None:
    """Move the folder ``new`` to ``place``, in one step where the file system can exchange two names.

    What was there before ends up at ``new``.
    """
    try:
        os.rename(new, place)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR):
            raise
        _exchange(new, place)
    sync_folder(place.parent)


def _exchange(one: Path, other: Path) -> None:
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    here, exchange = -100, 2
    if rename is None or rename(here, os.fsencode(one), here, os.fsencode(other), exchange) != 0:
        aside = one.with_name(f"{one.name}.before")
        os.rename(other, aside)
        try:
            os.rename(one, other)
        except OSError:
            os.rename(aside, other)  # or it went with the scratch folder
            raise
