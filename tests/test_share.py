"""Trials that an author shares and a colleague loads in a clone."""

import json
import os
import shutil
import subprocess
import sys
import threading

import numpy as np
import pytest
from trials import job, train

from deeper.errors import DeeperError
from deeper.paths import ROOT
from deeper.run import shared
from deeper.run.store import CHECKPOINT, PREDICTIONS, WEIGHTS, Home

AUTHOR = {f"GIT_{who}_{what}": "author@example.org" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
LOAD = """
import sys, deeper, numpy
from deeper.data.prepared import open_set
found = deeper.load(sys.argv[1])
pictures = open_set(found.config["data"]["root"] + "/fashion_mnist").split("test")[0]
numpy.save("said.npy", found.predict(numpy.array(pictures)))
"""


LACKING = """
import sys, deeper
from deeper.errors import DeeperError
for trial in sys.argv[1:]:
    try:
        deeper.load(trial)
    except DeeperError as error:
        print(error)
"""


def call(folder, *words, status=0):
    """Run a command in ``folder``; what it printed and said."""
    done = subprocess.run(words, cwd=folder, capture_output=True, text=True, env={**os.environ, **AUTHOR})
    assert done.returncode == status, done.stderr
    return done.stdout, done.stderr


def share(folder, *words, status=0):
    return call(folder, sys.executable, "-m", "deeper.share", *words, status=status)


@pytest.fixture(scope="module")
def author(root, tmp_path_factory):
    """A repository with a finished trial that a table names, and one that none names."""
    folder = tmp_path_factory.mktemp("author")
    homes = [train(job(root, folder / "trials", f"seed={seed}", "training.epochs=1")) for seed in (0, 1)]
    (folder / "results").mkdir()
    (folder / "results" / "own.json").write_text(json.dumps({"trials": [{"id": homes[0].trial}]}))
    (folder / ".gitignore").write_text("/trials\n")
    call(folder, "git", "init", "-q")
    call(folder, "git", "add", "-A")
    call(folder, "git", "commit", "-qm", "Results")
    return folder, homes


def check_colleague(author, tmp_path, home):
    call(tmp_path, "git", "clone", "-q", str(author), "clone")
    call(tmp_path / "clone", sys.executable, "-c", LOAD, home.trial)
    with np.load(home / PREDICTIONS) as kept:
        assert (np.load(tmp_path / "clone" / "said.npy") == kept["logits"]).all()
    assert (tmp_path / "clone" / "trials" / home.trial / "record.json").exists()


def test_a_clone_loads_what_was_put_into_a_remote(author, tmp_path):
    folder, (named, other) = author
    remote = tmp_path / "remote"
    found = json.loads(share(folder, f"remote={remote}", "--json")[0])
    assert (found["trials"], found["new"]) == ([named.trial], 1)
    call(folder, "git", "add", "shared")
    call(folder, "git", "commit", "-qm", "Share")
    assert not any(name.endswith((".pt", ".npz")) for name in call(folder, "git", "ls-files")[0].split())
    check_colleague(folder, tmp_path, named)
    assert json.loads(share(folder, f"remote={remote}", "--json")[0])["new"] == 0
    shutil.rmtree(remote)
    call(tmp_path, "git", "clone", "-q", str(folder), "late")
    said = call(tmp_path / "late", sys.executable, "-c", LACKING, named.trial, other.trial)[0].splitlines()
    assert said[0].startswith("dvc pull in shared: ")
    assert not [path for path in (tmp_path / "late" / "shared").iterdir() if path.is_dir() and path.name != ".dvc"]
    assert said[1].startswith(f"there is no finished trial {other.trial}")


def test_a_clone_loads_a_network_that_git_has(author, tmp_path):
    folder, (_, other) = author
    found = json.loads(share(folder, f"networks=['{other.trial}']", "--json")[0])
    assert found["bytes"] == sum(path.stat().st_size for path in (folder / "networks" / other.trial).iterdir())
    call(folder, "git", "add", "networks")
    call(folder, "git", "commit", "-qm", "A network")
    check_colleague(folder, tmp_path, other)


def test_a_push_that_fails_leaves_no_copy(author, tmp_path, monkeypatch):
    _, (named, _) = author
    monkeypatch.chdir(tmp_path)

    def fail(word, *more):
        if word == "push":
            raise DeeperError("no room")

    monkeypatch.setattr(shared, "dvc", fail)
    with pytest.raises(DeeperError, match="no room"):
        shared.push([named], str(tmp_path / "remote"))
    assert not (tmp_path / "shared" / named.trial).exists()


def test_a_damaged_trial_is_fetched_anew_and_one_that_somebody_trains_is_waited_for(author, tmp_path, monkeypatch):
    _, (named, _) = author
    monkeypatch.chdir(tmp_path)
    shutil.copytree(named.path, tmp_path / "networks" / named.trial)
    home = Home("trials", named.trial)
    home.path.mkdir(parents=True)
    (home / CHECKPOINT).write_text("of a training that was stopped")
    assert shared.fetch(named.trial, "trials")
    assert (home / CHECKPOINT).exists()
    (home / WEIGHTS).write_text("damaged")
    fetching = threading.Thread(target=shared.fetch, args=(named.trial, "trials"))
    with home.lock():
        fetching.start()
        fetching.join(0.5)
        assert fetching.is_alive()
        assert (home / WEIGHTS).read_text() == "damaged"
    fetching.join(20)
    assert home.record() == named.record()
    assert [path.read_text() for path in home.path.glob(f"damaged-*/{WEIGHTS}")] == ["damaged"]


def test_what_cannot_be_shared_is_one_line(author):
    folder, _ = author
    assert share(folder, status=2)[1].startswith("error: name one of two: remote=FOLDER")
    of_scp = share(folder, "remote='host:/path'", status=2)[1]
    assert of_scp.startswith("error: remote=host:/path is no URL: say ssh://host/path, or ./host:/path for a folder")
    assert not (folder / "host:").exists()
    assert "no finished trial 0123" in share(folder, "networks=['0123']", status=2)[1]
    seed = share(folder, "networks=[residual_vs_plain/resnet56]", "seed=99", f"results={ROOT}/results", status=2)[1]
    assert seed.startswith("error: study residual_vs_plain, arm resnet56 has no seed 99; it has 0, 1, ")
    assert "is a trial's id, which has its seed" in share(folder, "networks=['0123']", "seed=1", status=2)[1]
    assert "no table in nowhere names" in share(folder, "remote=r", "results=nowhere", status=2)[1]
