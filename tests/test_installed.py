"""A wheel holds all that the verbs read, and make takes what it is told as words."""

import os
import shutil
import subprocess
import sys
import zipfile

import pytest

from deeper.paths import ROOT


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The folder of an unpacked wheel."""
    folder = tmp_path_factory.mktemp("built")
    for name in ("src", "conf", "published"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE", "MANIFEST.in"):
        shutil.copy(ROOT / name, folder)
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", "wheels", "."]
    done = subprocess.run(build, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    [built] = (folder / "wheels").glob("deeper-*.whl")
    zipfile.ZipFile(built).extractall(folder / "unpacked")
    return folder / "unpacked"


def test_every_file_that_is_read_is_in_the_wheel(wheel):
    for name in ("conf", "published"):
        files = {path.relative_to(ROOT) for path in (ROOT / name).rglob("*") if path.is_file()}
        assert all((wheel / "deeper" / "installed" / file).is_file() for file in files)


@pytest.mark.parametrize(
    ("verb", "arguments", "words"),
    [
        ("cost", ("model=lenet5", "input=paper"), '"params": 61706'),
        ("train", ("--cfg", "job"), "name: resnet20"),
        ("trials", (), "error: there is no folder trials"),
        ("report", (), "error: there is no folder results"),
    ],
)
def test_verbs_work_from_an_empty_folder(wheel, tmp_path, verb, arguments, words):
    command = [sys.executable, "-m", f"deeper.{verb}", *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(wheel)}
    )
    assert words in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("verb", "arguments", "page"),
    [("report", (), "reports/lrn.md"), ("site", ("networks=[lenet5]",), "site/networks/lenet5.html")],
)
def test_a_table_has_its_pages_outside_the_checkout(wheel, tmp_path, verb, arguments, page):
    (tmp_path / "results").mkdir()
    shutil.copy(ROOT / "results" / "lrn.json", tmp_path / "results")
    command = [sys.executable, "-m", f"deeper.{verb}", "exact=false", "figures=null", *arguments]
    done = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(wheel)}
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / page).is_file()


@pytest.mark.parametrize("study", ["zoo;touch X", "$(touch X)", "../zoo", "", "zoo'; touch X; '"])
def test_make_takes_a_study_s_name_as_a_word(tmp_path, study):
    for name in ("Makefile", "params.yaml"):
        shutil.copy(ROOT / name, tmp_path)
    done = subprocess.run(["make", "named", f"STUDY={study}"], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode != 0
    assert not (tmp_path / "X").exists()


@pytest.fixture
def copied(tmp_path):
    """A copy of the project whose installed commands only say what they were called with."""
    for name in ("Makefile", "params.yaml", "requirements.txt", "pyproject.toml", "setup.py"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "conf" / "study", tmp_path / "conf" / "study")
    commands = tmp_path / ".venv" / "bin"
    commands.mkdir(parents=True)
    for name in ("python", "dvc"):
        (commands / name).write_text('#!/bin/sh\nprintf "<%s>" "$@"\n')
        (commands / name).chmod(0o755)
    (tmp_path / ".venv" / ".installed").touch()
    return tmp_path


@pytest.mark.parametrize("own", ["mine", "my own; touch X", "o'\"wn", "mine, too"])
def test_make_takes_the_folder_of_own_results_as_a_word(copied, own):
    done = subprocess.run(["make", "study", "STUDY=lrn", f"OWN={own}"], cwd=copied, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    said = own.replace("'", "\\'")  # as Hydra reads it between quotes
    assert f"<results='{said}/results'><trust_table=false>" in done.stdout
    assert f"<reports='{said}/reports'>" in done.stdout
    assert "<compare=results>" in done.stdout, "there is no repository here"


@pytest.mark.parametrize("own", ["", ".", "own/..", "/dev/null"])
def test_make_keeps_own_results_from_the_committed_ones(copied, own):
    done = subprocess.run(["make", "study", "STUDY=lrn", f"OWN={own}"], cwd=copied, capture_output=True, text=True)
    assert done.returncode == 2
    assert f"error: OWN={own} must be a folder that can be made" in done.stderr
    assert "deeper.train" not in done.stdout


def test_make_s_own_recipes_quote_the_folder():
    """``make setup`` in a folder with a space: no word of a recipe is the bare folder."""
    recipes = [line for line in (ROOT / "Makefile").read_text().splitlines() if line.startswith("\t")]
    assert not [line for line in recipes if "$(BIN)" in line.replace('"$(BIN)', "").replace("$(RUN)", "")]
