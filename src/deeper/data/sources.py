"""Ways to get the files of a data set: torchvision's download, a package of the Debian distribution.

A route puts files into a scratch folder and says where they lie; it knows nothing of their format.
"""

import contextlib
import io
import os
import shutil
import socket
import subprocess
import threading
import urllib.parse
import urllib.request
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from deeper import parents
from deeper.data.archives import BROKEN
from deeper.errors import reason

PROBE_SECONDS = 5.0
SOCKET_SECONDS = 20.0
APT_SECONDS = 1800.0


class Unavailable(Exception):
    """A route cannot deliver on this machine, now; the next one may."""


class Route(Protocol):
    """One way to get a data set's files."""

    title: str

    def fetch(self, scratch: Path) -> Path:
        """Return the folder that holds the files, written into ``scratch`` where need be; raise ``Unavailable``."""


@dataclass(frozen=True)
class Torchvision:
    """torchvision's own download of ``dataset`` (dotted name of a class with a ``download`` argument)."""

    dataset: str

    @property
    def title(self) -> str:
        return f"torchvision's download ({self.dataset.rpartition('.')[2]})"

    def fetch(self, scratch: Path) -> Path:
        module, _, name = self.dataset.rpartition(".")
        try:
            dataset = getattr(import_module(module), name)
        except (ImportError, AttributeError) as error:
            raise Unavailable(f"torchvision is not usable here: {error}") from error
        probe(dataset.url if hasattr(dataset, "url") else dataset.mirrors[0])
        noise = io.StringIO()
        try:
            with contextlib.redirect_stdout(noise), contextlib.redirect_stderr(noise), _socket_timeout(SOCKET_SECONDS):
                dataset(root=str(scratch), train=True, download=True)
        except (RuntimeError, *BROKEN) as error:
            raise Unavailable(reason(error)) from error
        return scratch


@dataclass(frozen=True)
class DebianPackage:
    """The files that the Debian package ``package`` keeps in ``folder``, a path from the root of the file system.

    Read in place where the package is installed; otherwise fetched by apt and unpacked into the scratch folder, which
    needs no privileges and installs nothing.
    """

    package: str
    folder: str
    system: str = "/"

    @property
    def title(self) -> str:
        return f"Debian package {self.package}"

    def fetch(self, scratch: Path) -> Path:
        installed = Path(self.system) / self.folder
        if installed.is_dir():
            return installed
        (archive,) = apt_download([self.package], scratch)
        call(["dpkg-deb", "-x", archive.name, "unpacked"], scratch)
        return scratch / "unpacked" / self.folder


def apt_download(packages: Sequence[str], folder: Path) -> list[Path]:
    """Fetch the archives of Debian packages, all in one call of apt, into ``folder``; nothing is installed.

    Raises:
        Unavailable: apt or dpkg-deb is not there, apt knows no such package or cannot fetch it.
    """
    for tool in ("apt-get", "dpkg-deb"):
        if shutil.which(tool) is None:
            raise Unavailable(f"there is no {tool} on this machine")
    options = ["-qq"]
    for option in ("Acquire::Retries=1", "Acquire::http::Timeout=20", "Acquire::https::Timeout=20"):
        options += ["-o", option]
    if os.geteuid() == 0:
        options += ["-o", "APT::Sandbox::User=root"]
    try:
        call(["apt-get", *options, "download", *packages], folder)
    except Unavailable as error:
        if "Unable to locate package" in str(error) or "No packages found" in str(error):
            raise Unavailable(f"{error}; run `apt-get update` as root and try again") from error
        raise
    archives = {package: sorted(folder.glob(f"{package}_*.deb")) for package in packages}
    for package, files in archives.items():
        if not files:
            raise Unavailable(f"apt-get brought no package {package}")
    return [files[-1] for files in archives.values()]


def call(command: list[str], folder: Path) -> str:
    """What a program that asks nothing and speaks English prints when run in ``folder``.

    Raises:
        Unavailable: it is not there, fails (with the first error it names) or takes too long.
    """
    try:
        quiet = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
        done = parents.run(command, APT_SECONDS, cwd=folder, env=quiet, errors="replace")
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} did not finish in {APT_SECONDS:g} s") from error
    except OSError as error:
        raise Unavailable(f"{command[0]}: {reason(error)}") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit status {done.returncode}"]
        errors = [line for line in lines if line.startswith("E:")]
        raise Unavailable(f"{command[0]}: {(errors or lines)[0].removeprefix('E:').strip()}")
    return done.stdout


def probe(url: str, seconds: float = PROBE_SECONDS) -> None:
    """Raise ``Unavailable`` unless the host of ``url`` (or the proxy in front of it) takes a connection in time.

    Name resolution has no time limit of its own, so the attempt runs in a thread that is left behind.
    """
    host, port = _endpoint(url)
    outcome: list[str] = []
    attempt = threading.Thread(target=_connect, args=(host, port, seconds, outcome), daemon=True)
    attempt.start()
    attempt.join(seconds)
    if outcome != ["connected"]:
        raise Unavailable(f"cannot reach {host} ({outcome[0] if outcome else f'no answer in {seconds:g} s'})")


def _endpoint(url: str) -> tuple[str, int]:
    parts = urllib.parse.urlsplit(url)
    proxy = urllib.request.getproxies().get(parts.scheme)
    if proxy and not urllib.request.proxy_bypass(parts.hostname or ""):
        parts = urllib.parse.urlsplit(proxy if "://" in proxy else f"http://{proxy}")
    return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _connect(host: str, port: int, seconds: float, outcome: list[str]) -> None:
    try:
        socket.create_connection((host, port), timeout=seconds).close()
        outcome.append("connected")
    except OSError as error:
        outcome.append(reason(error))


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)
