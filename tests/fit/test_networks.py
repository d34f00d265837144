"""Every network that trains on small images goes through the trainer: resumed to the bit, and on two ranks."""

import copy
import functools

import pytest
from forms import FORMS
from hydra import compose, initialize_config_dir
from trials import finish

from deeper.paths import CONF
from deeper.run import processes
from deeper.run.jobs import make_job

PAPERS = ["plain20", "resnet20", "preact_resnet20", "se_resnet20", "stochastic_depth20", "ror3_20"]
NAMES = [*PAPERS, *(name for name, (data, *_) in FORMS.items() if data == "small" and name not in PAPERS)]
SETTINGS = (
    "data.image_size=12",
    "data.train_size=40",
    "data.validation_size=10",
    "training.epochs=2",
    "training.batch_size=20",
    "training.evaluation_batch_size=60",
    "augment.pad=1",
    "optimizer.lr=0.01",
    "trainer.accelerator=cpu",
    "logger=none",
)


@functools.cache
def composed(name, root):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return compose("train", [*SETTINGS, f"model={name}", f"data.root={root}"])


def fitted(root, tmp_path, name, devices):
    config = copy.deepcopy(composed(name, root))
    config.store, config.trainer.devices = str(tmp_path), devices
    job = make_job(config)
    running = processes.start(job, devices, tmp_path / "log.txt", entry="fitting_twice")
    assert finish(running) == 0, running.error
    return running.epoch


@pytest.mark.parametrize("name", NAMES)
def test_resumed_equals_uninterrupted(root, tmp_path, name):
    found = fitted(root, tmp_path, name, devices=1)
    assert found["finite"]
    assert found["equal"]
    assert found["epochs"] == 2


@pytest.mark.parametrize("name", NAMES)
def test_two_ranks_agree(root, tmp_path, name):
    """Also where blocks are dropped and heads are not used: every rank ends with the same weights."""
    found = fitted(root, tmp_path, name, devices=2)
    assert found["finite"]
    assert found["equal"]
