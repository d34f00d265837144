"""What took long to compute, kept in files whose names end in the digest of all that it hangs on.

So nothing that is kept is ever out of date, and a folder of such files may be deleted at any time.
"""

import functools
import hashlib
import sys
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

from deeper import files

HOME = Path(__file__).parent
TEXTS = (".py", ".yaml", ".csv")
MOST = 3  # files of one name: those of its last tables or texts of the code


@functools.cache
def code(folders: tuple[Path, ...], libraries: tuple[str, ...]) -> str:
    """Digest of the texts (Python, YAML, CSV) below some folders, and of the libraries that they use."""
    found = ((folder, path) for folder in folders for path in sorted(folder.rglob("*")) if path.suffix in TEXTS)
    known = [[folder.name, path.relative_to(folder).as_posix(), files.file_digest(path)] for folder, path in found]
    return files.digest([known, [version(name) for name in libraries], sys.version])


def place(folder: Path, name: str, *hangs_on: str) -> Path:
    """The file in ``folder`` of something called ``name`` that hangs on these texts."""
    return folder / f"{name}-{files.digest(hangs_on)[:32]}"


def read(place: Path) -> bytes | None:
    """What was kept; None where it is not there or not what was written."""
    try:
        told, _, content = place.read_bytes().partition(b"\n")
    except OSError:
        return None
    return content if hashlib.sha256(content).hexdigest().encode() == told else None


def write(place: Path, content: bytes) -> None:
    """Keep a file, and remove those of its name but for the newest few.

    A place that cannot be written keeps nothing, and nobody needs it.
    """
    name = place.name.rpartition("-")[0]
    with suppress(OSError):
        files.write_bytes(place, hashlib.sha256(content).hexdigest().encode() + b"\n" + content)
        alike = [path for path in place.parent.glob("*-*") if path.name.rpartition("-")[0] == name]
        for path in sorted(alike, key=lambda path: path.stat().st_mtime)[:-MOST]:
            path.unlink(missing_ok=True)
