"""A trial of the store trained again from its frozen settings: what is asked for, and what is refused."""

import shutil
import sys

import pytest
from trials import job, train

import deeper.train  # noqa: F401 - the module, which is replaced in part
from deeper.errors import DeeperError
from deeper.run.again import BESIDE
from deeper.run.store import Home


@pytest.fixture(scope="module")
def finished(root, tmp_path_factory):
    return train(job(root, tmp_path_factory.mktemp("again"), "training.epochs=1"))


@pytest.fixture
def command(in_process, monkeypatch):
    """The command in an empty folder, which trains nothing: → status, the job that would be trained, what it says."""
    verb = sys.modules["deeper.train"]
    jobs = []

    def stop(job, label):
        jobs.append(job)
        raise DeeperError("asked for")

    monkeypatch.setattr(verb, "run", stop)
    run = in_process(verb.train)

    def call(*arguments):
        jobs.clear()
        status, _, err = run(*arguments)
        return status, jobs[0] if jobs else None, err

    return call


def test_a_finished_trial_is_trained_beside_the_store(finished, command):
    status, asked, err = command(f"trial={finished.trial}", f"store={finished.path.parent}")
    assert (status, err) == (2, "error: asked for\n")
    assert (asked["id"], asked["config"]["store"]) == (finished.trial, BESIDE)


@pytest.mark.parametrize("link", [False, True])
def test_a_trial_that_lies_where_it_would_be_trained_is_left_alone(finished, command, tmp_path, link):
    store, lies = ("trials", tmp_path / "trials") if link else (BESIDE, tmp_path / BESIDE)
    shutil.copytree(finished.path, lies / finished.trial)
    if link:
        (tmp_path / "own").mkdir()
        (tmp_path / BESIDE).symlink_to(lies)
    status, asked, err = command(f"trial={finished.trial}", f"store={store}")
    assert (status, asked) == (2, None)
    assert "it lies where it would be trained again, in own/trials" in err
    assert Home(lies, finished.trial).record() is not None


def test_one_that_is_being_trained_again_is_left_alone(finished, command, tmp_path):
    beside = Home(tmp_path / BESIDE, finished.trial)
    shutil.copytree(finished.path, beside.path)
    line = (f"trial={finished.trial}", f"store={finished.path.parent}")
    with beside.lock():
        status, asked, err = command(*line)
    assert (status, asked) == (2, None)
    assert "another process trains it again in own/trials" in err
    assert beside.record() is not None
    assert command(*line)[1] is not None
    assert not beside.path.exists()
