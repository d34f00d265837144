import hashlib
import shutil

import pytest

from deeper.data import packages
from deeper.errors import DeeperError

APT = 'echo "$@" >> calls; for last; do case $last in font-*) echo $last > ${last}_1%3a2_all.deb;; esac; done'
DPKG = """case $1 in
  -x) mkdir -p $3/usr/share/fonts; cp $2 $3/usr/share/fonts/${2%%_*}.ttf;;
  -f) echo 1:2-3;;
esac"""
NOT_INSTALLED = 'echo "no packages found matching $4" >&2; exit 1'


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Put shell scripts in the place of apt-get, dpkg-deb and dpkg-query."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in ("sh", "mkdir", "cp"):
        (folder / name).symlink_to(shutil.which(name))
    monkeypatch.setenv("PATH", str(folder))

    def install(**scripts):
        for name, script in scripts.items():
            path = folder / name.replace("_", "-")
            path.write_text(f"#!{folder}/sh\n{script}\n")
            path.chmod(0o755)

    return install


def installed(name, *files, state="installed"):
    listed = "\\n".join(["/.", *map(str, files)])
    return f"""case "$1 $2 $4" in
  "-W -f {name}") printf '{state} 7-1';;
  "-L {name} ") printf '{listed}\\n';;
  *) {NOT_INSTALLED};;
esac"""


def files(root):
    return sorted(path.name for path in root.rglob("*") if path.is_file())


def test_packages_are_fetched_in_one_call_and_unpacked_into_one_folder(tools, tmp_path, capfd):
    tools(apt_get=APT, dpkg_deb=DPKG, dpkg_query=NOT_INSTALLED)
    root, facts = packages.unpacked(["font-b", "font-a"], tmp_path / "scratch")
    assert files(root) == ["font-a.ttf", "font-b.ttf"]
    calls = (tmp_path / "scratch/calls").read_text().splitlines()
    assert len(calls) == 1
    assert calls[0].endswith("download font-b font-a")
    digest = hashlib.sha256(b"font-a\n").hexdigest()
    assert list(facts) == ["font-b", "font-a"]
    assert facts["font-a"] == {"version": "1:2-3", "sha256": digest}
    assert capfd.readouterr() == ("", "")


def test_machine_without_a_package_database_fetches(tools, tmp_path):
    tools(apt_get=APT, dpkg_deb=DPKG)
    assert files(packages.unpacked(["font-a"], tmp_path / "scratch")[0]) == ["font-a.ttf"]


def test_relative_scratch_folder_will_do(tools, tmp_path, monkeypatch):
    tools(apt_get=APT, dpkg_deb=DPKG)
    monkeypatch.chdir(tmp_path)
    assert files(packages.unpacked(["font-a"], tmp_path.__class__("scratch"))[0]) == ["font-a.ttf"]


def test_installed_package_is_read_where_it_is_and_nothing_beside_it(tools, tmp_path):
    place = tmp_path / "system/fonts"
    place.mkdir(parents=True)
    for name in ("one.ttf", "other.ttf"):
        (place / name).write_text(name)
    tools(apt_get=APT, dpkg_deb=DPKG, dpkg_query=installed("font-a", place, place / "one.ttf", "/usr/share/doc/no/x"))
    root, facts = packages.unpacked(["font-a", "font-b"], tmp_path / "scratch")
    assert files(root) == ["font-b.ttf", "one.ttf"]
    assert next(root.rglob("one.ttf")).read_text() == "one.ttf"
    assert facts["font-a"] == {"version": "7-1", "installed": "yes"}
    assert (tmp_path / "scratch/calls").read_text().endswith("download font-b\n")


def test_an_installed_package_has_the_facts_that_a_fetched_one_has(tools, tmp_path):
    (tmp_path / "one.ttf").write_text("one.ttf")
    shows = f"""[ "$1 $2" = "show font-a=7-1" ] && printf 'Package: font-a\\nSHA256: {"ab" * 32}\\n'"""
    tools(apt_cache=shows, dpkg_query=installed("font-a", tmp_path / "one.ttf"))
    _, facts = packages.unpacked(["font-a"], tmp_path / "scratch")
    assert facts["font-a"] == {"version": "7-1", "sha256": "ab" * 32}


@pytest.mark.parametrize("state", ["installed", "config-files"])
def test_package_that_is_not_whole_is_fetched(tools, tmp_path, state):
    gone = tmp_path / "gone.ttf"
    if state != "installed":
        gone.write_text("left over")
    tools(apt_get=APT, dpkg_deb=DPKG, dpkg_query=installed("font-a", gone, state=state))
    root, facts = packages.unpacked(["font-a"], tmp_path / "scratch")
    assert files(root) == ["font-a.ttf"]
    assert "sha256" in facts["font-a"]


@pytest.mark.parametrize(
    ("scripts", "words"),
    [
        ({}, r"\(font-a, font-b\): there is no apt-get on this machine; if you have"),
        (
            {"apt_get": 'echo "E: Unable to locate package font-b" >&2; exit 100', "dpkg_deb": ""},
            "Unable to locate package font-b; run `apt-get update` as root",
        ),
        ({"apt_get": "echo x > font-a_1_all.deb", "dpkg_deb": DPKG}, "apt-get brought no package font-b"),
        ({"apt_get": APT, "dpkg_deb": 'echo "not an archive" >&2; exit 2'}, "dpkg-deb: not an archive"),
    ],
)
def test_package_that_cannot_be_had_is_one_line_that_says_what_to_do(tools, tmp_path, scripts, words):
    tools(**scripts)
    with pytest.raises(DeeperError, match=words) as caught:
        packages.unpacked(["font-a", "font-b"], tmp_path / "scratch")
    assert "transfer.target.path=FOLDER" in str(caught.value)
    assert "\n" not in str(caught.value)
