"""Trials that travel: in git (``networks/``), or through a DVC remote (``shared/``, a DVC repository of its own).

``shared/<id>.dvc`` is in git and says what the remote keeps of a trial. The folder is a DVC repository below the
project's, so that ``dvc status`` and ``dvc repro`` of the project know nothing of it.
"""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from yaml import YAMLError

from deeper import parents
from deeper.errors import DeeperError
from deeper.files import facts_below, folder_lock, write_bytes, yaml_value
from deeper.run.store import NAMED, RECORD, Home

SHARED, NETWORKS = Path("shared"), Path("networks")
REMOTE = "shared"
IGNORED = "/*/\n!/.dvc/\n"
AT_ONCE = 500  # targets of one command
OF_SCP = re.compile(r"[^/:]+:(?!//)")


def fetch(trial: str, store: Path | str) -> bool:
    """Bring a trial that the store lacks from ``networks/`` or from the DVC remote; whether it is there now.

    Raises:
        DeeperError: the remote cannot be read, or what it has is not what the record says.
    """
    home = Home(store, trial)
    if home.record() is not None:
        return True
    if Home(NETWORKS, trial).record() is not None:
        _copy(Home(NETWORKS, trial), Path(store))
        return True
    if not (SHARED / f"{trial}.dvc").exists():
        return False
    with folder_lock(SHARED / trial), _gone_afterwards([SHARED / trial]):
        dvc("pull", "--force", f"{trial}.dvc")
        if Home(SHARED, trial).record() is None:
            raise DeeperError(f"trial {trial} came from the remote and is not what its record says; share it again")
        _copy(Home(SHARED, trial), Path(store))
    return True


@contextmanager
def _gone_afterwards(folders: Iterable[Path]) -> Iterator[None]:
    """Remove what is checked out of the DVC repository, whose cache keeps it, however the block ends."""
    try:
        yield
    finally:
        for folder in folders:
            shutil.rmtree(folder, ignore_errors=True)


def push(homes: Sequence[Home], remote: str) -> int:
    """Put finished trials into a DVC remote: a folder, ``s3://…``, ``ssh://…``; how many were not shared before.

    Raises:
        DeeperError: DVC cannot write there; its last line says why.
    """
    _repository(remote)
    new = [home for home in homes if not (SHARED / f"{home.trial}.dvc").exists()]
    absent = [home for home in homes if not _is_cached(home.trial)]
    with _gone_afterwards([SHARED / home.trial for home in absent]):
        for home in absent:
            _copy(home, SHARED)
        for start in range(0, len(absent), AT_ONCE):
            dvc("add", "--quiet", *(home.trial for home in absent[start : start + AT_ONCE]))
        for start in range(0, len(homes), AT_ONCE):
            dvc("push", "--quiet", *(f"{home.trial}.dvc" for home in homes[start : start + AT_ONCE]))
    return len(new)


def _is_cached(trial: str) -> bool:
    """Whether DVC's cache has a trial, as that of a clone has not: of what is not there a push says nothing."""
    try:
        (out,) = yaml_value((SHARED / f"{trial}.dvc").read_bytes())["outs"]
        return (SHARED / ".dvc" / "cache" / "files" / "md5" / out["md5"][:2] / out["md5"][2:]).exists()
    except (OSError, LookupError, TypeError, ValueError, YAMLError):
        return False


def keep(homes: Sequence[Home], folder: Path) -> int:
    """Copy finished trials into a folder that git has; their bytes together."""
    for home in homes:
        if Home(folder, home.trial).record() is None:
            _copy(home, folder)
    return sum(one.st_size for home in homes for one in facts_below(folder / home.trial))


def dvc(*words: str) -> None:
    """Run a command of DVC's in ``shared/``.

    Raises:
        DeeperError: it failed.
    """
    command = [sys.executable, "-m", "dvc", *words]
    done = parents.run(command, cwd=SHARED)
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or done.stderr.splitlines()
        said = lines[0].removeprefix("ERROR: ") if lines else f"ended with {done.returncode}"
        raise DeeperError(f"dvc {words[0]} in {SHARED}: {said}")


def _repository(remote: str) -> None:
    """Make ``shared/`` a DVC repository whose remote is ``remote``.

    Raises:
        DeeperError: it is a host and a path as scp writes them, which DVC does not read.
    """
    if OF_SCP.match(remote):
        host, _, path = remote.partition(":")
        raise DeeperError(
            f"remote={remote} is no URL: say ssh://{host}/{path.lstrip('/')}, or ./{remote} for a folder of that name"
        )
    SHARED.mkdir(exist_ok=True)
    if not (SHARED / ".dvc").is_dir():
        in_git = subprocess.run(["git", "rev-parse", "--git-dir"], capture_output=True).returncode == 0
        dvc("init", "--quiet", "--subdir" if in_git else "--no-scm")
        dvc("config", "core.analytics", "false")
    (SHARED / ".gitignore").write_text(IGNORED)
    dvc("remote", "add", "--quiet", "--force", "--default", REMOTE, remote if "://" in remote else _folder(remote))


def _folder(remote: str) -> str:
    Path(remote).mkdir(parents=True, exist_ok=True)
    return str(Path(remote).resolve())


def _copy(home: Home, store: Path) -> None:
    """What makes a trial finished, and its measurements, into its home of another store; the record comes last.

    One that is finished there is left alone, one that is damaged is set aside, and a training that was stopped stays
    until the record stands for it.
    """
    there = Home(store, home.trial)
    with there.lock():
        if there.record() is not None:
            return
        if there.damaged():
            there.set_aside()
        probes = [path for path in (home / "probes").glob("[!.]*") if path.is_file()]
        for path in (*(home / name for name in NAMED), *probes, home / RECORD):
            write_bytes(there / str(path.relative_to(home.path)), path.read_bytes())
