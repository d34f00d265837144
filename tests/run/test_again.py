"""A trial of the store trained again from its frozen settings: what is asked for, and what is refused."""

import shutil
import sys

import pytest
import transfers
import yaml
from trials import job, train

import deeper.train  # noqa: F401 - the module, which is replaced in part
from deeper.errors import DeeperError
from deeper.run.again import BESIDE
from deeper.run.store import CONFIG, Home


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


@pytest.mark.parametrize("word", ["study=lrn", "optimizer.lr=0.2", "data.image_size=20", "data=cifar10"])
def test_its_settings_are_its_own(finished, command, word):
    status, asked, err = command(f"trial={finished.trial}", f"store={finished.path.parent}", word)
    assert (status, asked) == (2, None)
    assert f"error: {word}: trial={finished.trial} has its own settings" in err


def test_its_pictures_may_be_elsewhere(finished, command, root, tmp_path):
    shutil.copytree(root / "fashion_mnist", tmp_path / "moved" / "fashion_mnist")
    line = (f"trial={finished.trial}", f"store={finished.path.parent}")
    _, asked, _ = command(*line, "data.root=moved")
    assert (asked["id"], asked["config"]["data"]["root"]) == (finished.trial, "moved")
    status, asked, err = command(*line, "data.root=nowhere")
    assert (status, asked) == (2, None)
    assert "no prepared data in nowhere/fashion_mnist" in err


@pytest.fixture(scope="module")
def transferred(finished, tmp_path_factory):
    """A trial that started from the other one, in a folder of its own with its store and its set."""
    place = tmp_path_factory.mktemp("transfer")
    shutil.copytree(finished.path, place / "trials" / finished.trial)
    folder = transfers.draw(place / "pictures")
    backbone = ("transfer/backbone=trial", f"transfer.backbone.trial={finished.trial}", "augment.pad=1")
    return train(transfers.job(place, folder, *backbone, "transfer/mode=finetune", "training.epochs=1"))


def test_one_that_started_from_another_finds_it_in_the_store(transferred, finished, command):
    status, asked, err = command(f"trial={transferred.trial}", f"store={transferred.path.parent}")
    assert (status, err) == (2, "error: asked for\n")
    assert (asked["id"], asked["config"]["store"]) == (transferred.trial, BESIDE)
    assert asked["config"]["model"]["store"] == str(transferred.path.parent)


@pytest.mark.parametrize("whole", [True, False])
def test_nothing_is_prepared_by_a_stored_configuration(transferred, command, tmp_path, whole):
    home = Home(shutil.copytree(transferred.path.parent, tmp_path / "trials"), transferred.trial)
    config = yaml.safe_load((home / CONFIG).read_text())
    config["transfer"]["target"]["root"] = config["data"]["root"] = str(tmp_path / "written")
    (home / CONFIG).write_text(yaml.safe_dump(config))
    if whole:
        record = home._examined()[0]
        home.finish({key: value for key, value in record.items() if key not in ("id", "files", "digest")})
    status, asked, err = command(f"trial={home.trial}")
    assert (status, asked) == (2, None)
    assert "there is no whole set folder in" in err
    assert not (tmp_path / "written").exists()


def test_a_reader_that_is_none_is_not_called(transferred, command, tmp_path):
    home = Home(shutil.copytree(transferred.path.parent, tmp_path / "trials"), transferred.trial)
    config = yaml.safe_load((home / CONFIG).read_text())
    config["transfer"]["target"] |= {"size": 31, "reader": {"_target_": "os.mkdir", "path": str(tmp_path / "made")}}
    (home / CONFIG).write_text(yaml.safe_dump(config))
    status, asked, err = command(f"trial={home.trial}")
    assert (status, asked) == (2, None)
    assert "a stored configuration calls os.mkdir, which is no part of Deeper" in err
    assert not (tmp_path / "made").exists()
