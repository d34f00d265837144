"""`python -m deeper.report compare=OLD`: what moved, through the command line."""

import copy
import json
import subprocess
import sys
from pathlib import Path

import pytest
import synthetic

from deeper.errors import DeeperError
from deeper.reporting import agreement
from deeper.schema.results import sealed


def put(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{content['study']['name']}.json").write_text(json.dumps(sealed(copy.deepcopy(content))))


def compare(folder, old, *overrides, code=0):
    command = [sys.executable, "-m", "deeper.report", f"compare={old}", *overrides]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == code, done.stderr
    return done.stdout or done.stderr


@pytest.fixture
def content():
    return synthetic.results(seeds=5, epochs=1)


@pytest.fixture
def folder(tmp_path, content):
    """A repository whose table is committed, and another study's, which is in the family alone."""
    put(tmp_path / "results", content)
    put(tmp_path / "results", synthetic.results(seeds=2, epochs=1, name="other"))
    for command in (("init", "-q"), ("add", "."), ("-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "a")):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    return tmp_path


def rows(text):
    return {line.split()[0]: line for line in text.splitlines() if line.startswith(tuple(synthetic.study()["claims"]))}


def test_the_same_numbers_are_said_to_be_the_same(folder, content):
    put(folder / "own" / "results", content)
    text = compare(folder, "HEAD", "results=own/results")
    assert all(line.endswith("the same") for line in rows(text).values())
    assert len(rows(text)) == 5
    assert "5 of 5 effects within the interval told before; no verdict changed" in text
    assert "residual_vs_plain: 20 of 20 trials have the settings of before, 20 of them the same numbers" in text
    assert "other" not in text


def test_an_effect_that_left_its_interval_stands_first_and_trials_say_how_far(folder, content):
    for trial in content["trials"]:
        trial["metrics"]["train_error"] -= 0.2 * (trial["arm"] == "plain56")
        trial["metrics"]["test_error"] += 0.0123 * (trial["id"] == content["trials"][0]["id"])
    put(folder / "own" / "results", content)
    text = compare(folder, "HEAD~0", "results=own/results")
    found = rows(text)
    assert next(iter(found)) == "degradation"
    assert found["degradation"].endswith("OUTSIDE the interval")
    before, now = (float(part.split()[0]) for part in found["degradation"].split("Plain-20")[1].split("]")[:2])
    assert before - now == pytest.approx(20, abs=0.02)
    assert "test errors differ by at most 1.23 points" in text
    assert "14 of them the same numbers" in text or "15 of them the same numbers" in text


def test_of_a_whole_ledger_only_what_moved_is_told(folder, content):
    put(folder / "own" / "results", content)
    put(folder / "own" / "results", synthetic.results(seeds=2, epochs=1, name="other"))
    same = compare(folder, "HEAD", "results=own/results")
    assert not rows(same)
    assert "10 of 10 effects within the interval told before; no verdict changed" in same
    assert "2 tables as before: 28 trials, the same settings and numbers" in same
    for trial in content["trials"]:
        trial["metrics"]["train_error"] -= 0.2 * (trial["arm"] == "plain56")
    put(folder / "own" / "results", content)
    moved = compare(folder, "HEAD", "results=own/results")
    assert 0 < len(moved.split("so\n")[1].split("\n\n")[0].splitlines()) - 1 < 10
    assert "degradation" in rows(moved)
    assert "1 table as before: 8 trials" in moved
    assert "residual_vs_plain: 20 of 20 trials have the settings of before, 15 of them the same numbers" in moved


def test_a_folder_does_as_well_and_intervals_are_of_one_family(folder, content):
    put(folder / "own" / "results", content)
    of_commit = compare(folder, "HEAD", "results=own/results")
    of_folder = compare(folder, "results", "results=own/results")
    assert rows(of_commit) == rows(of_folder)
    alone = folder / "alone"
    put(alone, content)
    assert rows(compare(folder, "alone", "results=own/results")) != rows(of_commit)


def test_committed_baselines_stand_for_those_that_a_run_of_ones_own_lacks(folder):
    content, baselines = synthetic.declared()
    put(folder / "results", content)
    put(folder / "own" / "results", content)
    (folder / "results" / "baselines.json").write_text(json.dumps(baselines))
    text = compare(folder, "results", "results=own/results")
    assert "1 of 1 effect within the interval told before; no verdict changed" in text
    assert "supported" in rows(text)["residual-fixes"]
    command = [sys.executable, "-m", "deeper.report", "results=own/results", "reports=own/reports", "family=results"]
    subprocess.run([*command, "exact=false", "figures=null"], cwd=folder, check=True, capture_output=True, timeout=120)
    page = (folder / "own" / "reports" / "residual_vs_plain.md").read_text(encoding="utf-8")
    assert "**✓ Supported.**" in page
    assert "on the same pixels logistic regression 40.0 %" in page


@pytest.mark.parametrize(
    ("old", "words"),
    [
        ("nonsense", "compare=nonsense: neither a folder nor a commit with results"),
        ("empty", "empty has no table to compare with"),
    ],
)
def test_a_mistake_is_one_line(folder, old, words):
    (folder / "empty").mkdir()
    said = compare(folder, old, code=2).splitlines()
    assert len(said) == 1
    assert words in said[0]


def test_a_word_that_git_would_take_for_a_flag_is_no_commit(folder):
    kept = folder / "kept.txt"
    kept.write_text("the user's")
    with pytest.raises(DeeperError, match=r"compare=--output=.*: neither a folder nor a commit with results"):
        agreement.read(f"--output={kept}", Path("results"))
    assert kept.read_text() == "the user's"


def test_nothing_is_written(folder):
    compare(folder, "HEAD", "only=other")
    assert not (folder / "reports").exists()


def test_the_commit_is_of_the_repository_around_and_git_must_be_there(folder, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(folder)
    with monkeypatch.context() as patched:
        patched.setenv("GIT_DIR", str(tmp_path_factory.mktemp("other")))
        assert [one.name for one in agreement.read("HEAD", Path("results")).studies] == ["other", "residual_vs_plain"]
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeeperError, match="compare=HEAD: git is not installed; install it, or name a folder"):
        agreement.read("HEAD", Path("results"))
