"""Get the bytes of a data set: a folder of the user's, a download, a package of the distribution.

A route puts files into a scratch folder and says where they lie; it knows nothing of their format. ``gather`` tries the
routes in the order of the configuration and returns the content of every file, uncompressed and checked, so that
whatever stands behind it sees the same bytes whichever route they came by.
"""

import contextlib
import gzip
import hashlib
import io
import os
import shutil
import socket
import subprocess
import tarfile
import threading
import urllib.parse
import urllib.request
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Protocol

from deeper.errors import DeeperError

PROBE_SECONDS = 5.0
SOCKET_SECONDS = 20.0
APT_SECONDS = 1800.0
DIGESTS = ("sha256", "md5")
BROKEN_ARCHIVE = (EOFError, gzip.BadGzipFile, zlib.error, tarfile.TarError)


class Unavailable(Exception):
    """A route cannot deliver on this machine, now; the next one may."""


class Route(Protocol):
    """One way to get a data set's files."""

    title: str

    def fetch(self, scratch: Path) -> Path:
        """Return the folder that holds the files, written into ``scratch`` where need be; raise ``Unavailable``."""


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
        except (RuntimeError, OSError, EOFError, *BROKEN_ARCHIVE) as error:
            raise Unavailable(_words(error)) from error
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
    for package, found in archives.items():
        if not found:
            raise Unavailable(f"apt-get brought no package {package}")
    return [found[-1] for found in archives.values()]


@dataclass(frozen=True)
class _Folder:
    path: Path

    @property
    def title(self) -> str:
        return f"folder {self.path}"

    def fetch(self, scratch: Path) -> Path:
        return self.path


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
        return _read_all(layout, path, _Folder(path).title)
    failures = []
    for number, route in enumerate(routes):
        place = scratch / str(number)
        place.mkdir()
        try:
            found = route.fetch(place)
        except Unavailable as reason:
            failures.append(f"{route.title}: {reason}")
            continue
        return _read_all(layout, found, route.title + _aside(failures))
    raise DeeperError(
        f"no source for {name}: {'; '.join(failures) or 'no route is configured'}. "
        f"Put {_listing(layout)} into a folder and give data.folder=FOLDER"
    )


def call(command: list[str], folder: Path) -> str:
    """What a program that asks nothing and speaks English prints when run in ``folder``.

    Raises:
        Unavailable: it is not there, fails (with the first error it names) or takes too long.
    """
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env={**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=APT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise Unavailable(f"{command[0]} did not finish in {APT_SECONDS:g} s") from error
    except OSError as error:
        raise Unavailable(f"{command[0]}: {_words(error)}") from error
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()] or [f"exit status {done.returncode}"]
        errors = [line for line in said if line.startswith("E:")]
        raise Unavailable(f"{command[0]}: {(errors or said)[0].removeprefix('E:').strip()}")
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
        outcome.append(_words(error))


@contextlib.contextmanager
def _socket_timeout(seconds: float) -> Iterator[None]:
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _read_all(layout: Layout, folder: Path, route: str) -> Gathered:
    places = [folder, *(folder / sub for sub in layout.subfolders)]
    content = {name: data for name in layout.files if (data := _read(places, name)) is not None}
    archive = next((p / layout.archive for p in places if layout.archive and (p / layout.archive).is_file()), None)
    if archive and len(content) < len(layout.files):
        content = _read_archive(archive, set(layout.files) - set(content)) | content
    missing = [name for name in layout.files if name not in content]
    if missing:
        raise DeeperError(f"{', '.join(missing)} missing in {archive or folder}; it must hold {_listing(layout)}")
    facts = {name: _check(name, content[name], expected, route) for name, expected in layout.files.items()}
    return Gathered(content, facts, route)


def _read(places: Sequence[Path], name: str) -> bytes | None:
    for place in places:
        for path in (place / name, place / f"{name}.gz"):
            if path.is_file():
                with _reading(path):
                    data = path.read_bytes()
                    return gzip.decompress(data) if path.suffix == ".gz" else data
    return None


def _read_archive(path: Path, names: set[str]) -> dict[str, bytes]:
    found = {}
    with _reading(path), tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            if member.isfile() and name in names:
                found[name] = archive.extractfile(member).read()
    return found


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except BROKEN_ARCHIVE as error:
        raise DeeperError(f"{path} is truncated or damaged ({_words(error)}); fetch it again") from error
    except OSError as error:
        raise DeeperError(f"{path} cannot be read: {_words(error)}") from error


def _check(name: str, data: bytes, expected: Mapping[str, str | int], route: str) -> dict[str, str | int]:
    kinds = [kind for kind in DIGESTS if kind == "sha256" or kind in expected]
    found = {"bytes": len(data)} | {kind: hashlib.new(kind, data).hexdigest() for kind in kinds}
    for kind in reversed(found):
        if kind in expected and expected[kind] != found[kind]:
            raise DeeperError(
                f"{name} ({route}) is not the released file: {kind} expected {expected[kind]}, found {found[kind]}; "
                "fetch it again"
            )
    return found


def _listing(layout: Layout) -> str:
    names = ", ".join(layout.files)
    return f"{names} (or {layout.archive})" if layout.archive else f"{names} (plain or .gz)"


def _aside(failures: list[str]) -> str:
    return f" (before it: {'; '.join(failures)})" if failures else ""


def _words(error: BaseException) -> str:
    return " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split())
