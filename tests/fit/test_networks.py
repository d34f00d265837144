"""Every network and every open place of the fit goes through the trainer: resumed to the bit, and on two ranks."""

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
def composed(name, root, *overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return compose("train", [*SETTINGS, f"model={name}", f"data.root={root}", *overrides])


def fitted(root, tmp_path, name, devices, *overrides):
    config = copy.deepcopy(composed(name, root, *overrides))
    config.store, config.trainer.devices = str(tmp_path), devices
    job = make_job(config)
    running = processes.start(job, devices, tmp_path / "log.txt", entry="fitting_twice")
    assert finish(running) == 0, running.error
    return running.epoch


OPEN = {
    "mixup": ("batch=mixup", "batch.cutmix_alpha=1"),
    "erased and mixed": ("batch=erased_and_mixed",),
    "operations": ("augment=rand_augment",),
    "binary": ("loss=binary", "training.label_smoothing=0.1", "batch=mixup_cutmix"),
    "lamb": ("optimizer=lamb",),
    "adamw": ("optimizer=adamw",),
    "snapshots": ("average=swa", "average.start=0.2", "average.every=0.5"),
    "groups": ("parameters=decay_weights",),
    "layers": ("parameters=by_layer",),
    "average": ("average=ema", "average.decay=0.9"),
    "callback": ("callbacks=adaptive_clipping",),
    "clipped": ("training.clip_norm=0.5", "training.accumulate=2", "training.batch_size=10"),
}


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


@pytest.mark.parametrize("devices", [1, 2])
@pytest.mark.parametrize("place", OPEN)
def test_an_open_place_is_resumed_to_the_bit_and_agrees_on_two_ranks(root, tmp_path, place, devices):
    """On a network that drops out and drops blocks."""
    network = ("model.depth=8", "model.width=4", "model.dropout=0.2")
    outcome = fitted(root, tmp_path, "stochastic_depth20", devices, *network, *OPEN[place])
    assert outcome["finite"]
    assert outcome["equal"]
