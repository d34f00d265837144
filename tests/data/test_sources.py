import functools
import hashlib
import os
import shutil
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import released
import torchvision

from deeper.data import sources
from deeper.data.released_files import Layout, gather
from deeper.data.sources import DebianPackage, Torchvision, Unavailable

FILES = {"one": b"first file", "two": b"second file"}


def layout(files=FILES, **more):
    facts = {name: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for name, data in files.items()}
    return Layout(facts, **more)


# --- torchvision


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """A web server on this machine, and its folder."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    folder = tmp_path / "mirror"
    folder.mkdir()

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=folder))
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/", folder
    server.shutdown()
    server.server_close()


def md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def fashion(mirror, monkeypatch):
    """torchvision's FashionMNIST, its mirror moved to this machine and filled with a small set."""
    url, folder = mirror
    files = released.idx_files()
    released.write(folder, files, compress=True)
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "mirrors", [url])
    resources = [(path.name, md5(path)) for path in sorted(folder.iterdir())]
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "resources", resources)
    return files, folder


ROUTE = Torchvision("torchvision.datasets.FashionMNIST")


def test_torchvision_downloads_without_a_word(fashion, tmp_path, capfd):
    files, _ = fashion
    (tmp_path / "scratch").mkdir()
    got = gather("set", layout(files, subfolders=["FashionMNIST/raw"]), [ROUTE], tmp_path / "scratch")
    assert got.content == files
    assert got.route == "torchvision's download (FashionMNIST)"
    assert capfd.readouterr() == ("", "")


def test_torchvision_downloads_cifar(mirror, tmp_path, monkeypatch):
    url, folder = mirror
    files = released.cifar10_files()
    archive = released.tar(folder / "cifar-10-python.tar.gz", files, "cifar-10-batches-py")
    digests = {name: hashlib.md5(data).hexdigest() for name, data in files.items()}
    cifar = torchvision.datasets.CIFAR10
    monkeypatch.setattr(cifar, "url", url + archive.name)
    monkeypatch.setattr(cifar, "tgz_md5", md5(archive))
    monkeypatch.setattr(cifar, "train_list", [[name, digests[name]] for name in files if name.startswith("data")])
    monkeypatch.setattr(cifar, "test_list", [["test_batch", digests["test_batch"]]])
    monkeypatch.setattr(cifar, "meta", cifar.meta | {"md5": digests["batches.meta"]})
    (tmp_path / "scratch").mkdir()
    described = layout(files, subfolders=["cifar-10-batches-py"], archive=archive.name)
    route = Torchvision("torchvision.datasets.CIFAR10")
    assert gather("set", described, [route], tmp_path / "scratch").content == files


@pytest.mark.parametrize("damage", ["missing", "other", "truncated"])
def test_mirror_that_delivers_something_else_is_passed_over(fashion, tmp_path, damage, capfd):
    path = fashion[1] / "t10k-labels-idx1-ubyte.gz"
    if damage == "missing":
        path.unlink()
    else:
        path.write_bytes(b"<html>log in first</html>" if damage == "other" else path.read_bytes()[:-4])
    with pytest.raises(Unavailable, match=r"404|corrupted"):
        ROUTE.fetch(tmp_path)
    assert capfd.readouterr() == ("", "")


def test_closed_port_fails_at_once(tmp_path, monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(torchvision.datasets.FashionMNIST, "mirrors", ["http://127.0.0.1:1/"])
    with pytest.raises(Unavailable, match=r"^cannot reach 127\.0\.0\.1 \(Connection refused\)$"):
        ROUTE.fetch(tmp_path)


def test_name_service_that_never_answers_is_given_up(monkeypatch):
    answered = threading.Event()
    monkeypatch.setattr(sources, "_connect", lambda *args: answered.wait())
    try:
        with pytest.raises(Unavailable, match=r"cannot reach example\.invalid \(no answer in 0\.01 s\)"):
            sources.probe("http://example.invalid/", seconds=0.01)
    finally:
        answered.set()


def test_proxy_is_what_is_probed_where_there_is_one(monkeypatch):
    for name in ("no_proxy", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    with pytest.raises(Unavailable, match=r"cannot reach 127\.0\.0\.1"):
        sources.probe("http://example.invalid/")


def test_torchvision_without_the_set_is_passed_over(tmp_path):
    with pytest.raises(Unavailable, match="torchvision is not usable here"):
        Torchvision("torchvision.datasets.NoSuchSet").fetch(tmp_path)


# --- Debian package

PACKAGE = DebianPackage("dataset-small", "usr/share/datasets/small", system="/nonexistent")
APT_GOOD = 'echo "$@" > arguments; touch dataset-small_1_all.deb; echo chatter; echo "W: beware" >&2'
DPKG_GOOD = 'mkdir -p "$3/usr/share/datasets/small" && cp "$SMALL"/* "$3/usr/share/datasets/small"'


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Put shell scripts in the place of apt-get and dpkg-deb."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "touch", "mkdir", "cp"):
        (folder / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setenv("SMALL", str(released.write(tmp_path / "small", FILES, compress=True)))

    def install(**scripts):
        for name, script in scripts.items():
            path = folder / name.replace("_", "-")
            path.write_text(f"#!{folder}/sh\n{script}\n")
            path.chmod(0o755)

    return install


@pytest.mark.parametrize("user", [0, 1000])
def test_package_is_fetched_and_unpacked_in_the_scratch_folder(tools, tmp_path, monkeypatch, capfd, user):
    tools(apt_get=APT_GOOD, dpkg_deb=DPKG_GOOD)
    monkeypatch.setattr(os, "geteuid", lambda: user)
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    assert gather("small", layout(), [PACKAGE], scratch).content == FILES
    arguments = (scratch / "0" / "arguments").read_text()
    assert arguments.endswith("download dataset-small\n")
    assert ("APT::Sandbox::User=root" in arguments) == (user == 0)
    assert capfd.readouterr() == ("", "")


def test_relative_scratch_folder_will_do(tools, tmp_path, monkeypatch):
    tools(apt_get=APT_GOOD, dpkg_deb=DPKG_GOOD)
    monkeypatch.chdir(tmp_path)
    scratch = Path("scratch")
    scratch.mkdir()
    assert gather("small", layout(), [PACKAGE], scratch).content == FILES


def test_installed_package_is_read_in_place(tools, tmp_path):
    released.write(tmp_path / "usr/share/datasets/small", FILES, compress=True)
    package = DebianPackage("dataset-small", "usr/share/datasets/small", system=str(tmp_path))
    assert package.fetch(tmp_path / "never") == tmp_path / "usr/share/datasets/small"


@pytest.mark.parametrize(
    ("scripts", "words"),
    [
        ({}, "there is no apt-get on this machine"),
        ({"apt_get": "exit 0"}, "there is no dpkg-deb on this machine"),
        (
            {"apt_get": 'echo "E: Unable to locate package x" >&2; exit 100', "dpkg_deb": ""},
            "run `apt-get update` as root",
        ),
        (
            {"apt_get": 'echo "W: x" >&2; echo "E: Failed to fetch it" >&2; exit 100', "dpkg_deb": ""},
            "^apt-get: Failed to fetch it$",
        ),
        ({"apt_get": "exit 7", "dpkg_deb": ""}, "^apt-get: exit status 7$"),
        ({"apt_get": "exit 0", "dpkg_deb": ""}, "brought no package"),
        (
            {"apt_get": APT_GOOD, "dpkg_deb": 'echo "not a Debian archive" >&2; exit 2'},
            "^dpkg-deb: not a Debian archive$",
        ),
    ],
)
def test_package_that_cannot_be_had_says_why(tools, tmp_path, scripts, words):
    tools(**scripts)
    with pytest.raises(Unavailable, match=words):
        PACKAGE.fetch(tmp_path)


def test_apt_that_hangs_is_given_up(tools, tmp_path, monkeypatch):
    tools(apt_get="read line < pipe", dpkg_deb="")
    os.mkfifo(tmp_path / "pipe")
    monkeypatch.setattr(sources, "APT_SECONDS", 0.05)
    with pytest.raises(Unavailable, match=r"apt-get did not finish in 0\.05 s"):
        PACKAGE.fetch(tmp_path)
