"""One function fits scratch, fine-tuning and transfer, and what is open in it."""

import json

import numpy as np
import pytest
import torch
import trials
from transfers import TIMM, draw, job
from trials import finish, start, train

from deeper.errors import DeeperError
from deeper.run.store import PREDICTIONS, WEIGHTS

FROZEN = (*TIMM, "transfer/mode=frozen")
TUNED = (*TIMM, "transfer/mode=finetune")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def backbone(place, root):
    """The id of a trial of ours that has no batch normalisation, in double precision."""
    settings = ("trainer.precision=64-true", "model.norm=false", "optimizer.lr=0.01")
    return train(trials.job(root, place / "trials", *settings)).trial


@pytest.mark.parametrize("mode", ["finetune", "scratch"])
def test_killed_and_resumed_ends_in_the_same_bits(tmp_path, folder, mode):
    settings = (*TIMM, f"transfer/mode={mode}", "training.epochs=4")
    whole = train(job(tmp_path / "whole", folder, *settings))
    a_job = job(tmp_path / "killed", folder, *settings)
    running, home = start({**a_job, "kill": ("os.replace", 4)}, "killing")
    assert finish(running) != 0
    assert home.record() is None
    resumed = train(a_job)
    assert a_job["id"] == whole.trial
    one, two = (torch.load(h / WEIGHTS) for h in (whole, resumed))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert whole.record()["metrics"] == resumed.record()["metrics"]


def test_two_ranks_end_in_the_weights_of_one(place, folder, backbone):
    settings = ("transfer/backbone=trial", f"transfer.backbone.trial={backbone}", "trainer.precision=64-true")
    settings += ("transfer/mode=finetune", "augment.pad=1", "transfer.mode.layers.decay=0.9")
    homes = [
        train(job(place, folder, *settings)),
        train(job(place, folder, *settings, "trainer=ddp", "trainer.accelerator=cpu", "trainer.precision=64-true")),
    ]
    one, two = (torch.load(home / WEIGHTS) for home in homes)
    assert max((one[key] - two[key]).abs().max().item() for key in one) < 1e-10
    kept = [np.load(home / PREDICTIONS) for home in homes]
    assert len(kept[0]["labels"]) == len(kept[1]["labels"]) == 12
    assert np.allclose(kept[0]["logits"], kept[1]["logits"], atol=1e-5)


def test_a_trial_of_ours_lends_channels_size_and_weights(place, folder, backbone):
    settings = ("transfer/backbone=trial", f"transfer.backbone.trial={backbone}", "trainer.precision=64-true")
    a_job = job(place, folder, *settings, "transfer/mode=finetune", "training.epochs=1", "recipe.lr=0", "augment.pad=1")
    assert a_job["config"]["data"]["channels"] == 1
    assert a_job["config"]["data"]["image_size"] == 14
    tuned = torch.load(train(a_job) / WEIGHTS)
    own = torch.load(place / "trials" / backbone / WEIGHTS)
    body = [key for key in own if not key.startswith("head")]
    assert body
    assert all(torch.equal(own[key].float(), tuned[key].float()) for key in body)


def test_a_trial_is_found_by_study_and_arm(place, folder, backbone):
    rows = [{"arm": "plain", "seed": 1, "id": "0" * 16}, {"arm": "ours", "seed": 4, "id": backbone}]
    (place / "results").mkdir(exist_ok=True)
    (place / "results/some.json").write_text(json.dumps({"trials": rows}))
    named = ("transfer/backbone=trial", "transfer.backbone.study=some", "augment.pad=1")
    found = job(place, folder, *named, "transfer.backbone.arm=ours")
    direct = job(place, folder, "transfer/backbone=trial", f"transfer.backbone.trial={backbone}", "augment.pad=1")
    assert found["id"] == direct["id"]
    with pytest.raises(DeeperError, match="no trial of arm theirs and seed None; its arms are ours, plain"):
        job(place, folder, *named, "transfer.backbone.arm=theirs")
    with pytest.raises(DeeperError, match="no finished trial 0000000000000000"):
        job(place, folder, *named, "transfer.backbone.arm=plain")


def test_what_a_probe_does_not_use_is_not_part_of_it(place, folder):
    def ids(*settings):
        return job(place, folder, *settings)["id"]

    assert ids(*FROZEN) == ids(*FROZEN, "training.epochs=9", "augment.pad=3", "study=none")
    assert ids(*TUNED) != ids(*TUNED, "training.epochs=9")
    different = {ids(*FROZEN), ids(*FROZEN, "transfer.layer=network.layer1"), ids(*FROZEN, "transfer.per_class=1")}
    different |= {ids(*FROZEN, "seed=1"), ids(*FROZEN, "transfer.mode.classifier=ridge"), ids(*TUNED)}
    assert len(different) == 6


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("transfer.held_out=1",), "a share between 0 and 1"),
        (("transfer.per_class=0",), "at least 1, or null for all"),
        (("transfer.mode.strengths=[]",), "a list of numbers above 0"),
        (("transfer/mode=finetune", "transfer.layer=network.layer1"), "is for transfer/mode=frozen; others train"),
        (("transfer/backbone=trial",), "name transfer.backbone.trial, or .study and .arm"),
        (("transfer.target.path=/no/such/folder",), "is not a folder"),
        (("transfer.target.path=null",), "transfer.target.path=FOLDER"),
        (("transfer.target.size=0",), "transfer.target.size=0: it must be a whole number"),
        (("transfer.target.metric=acc",), "one of accuracy, mean_per_class, map_voc2007"),
        (("transfer.target.metric=map_voc2007",), "has one label a picture"),
        (("+transfer.target.counts.tain=3",), "no setting transfer.target.counts.tain"),
        (("+transfer.target.reader.tset=0.3",), "its settings are test, seed"),
        (("transfer.backbone.channels=2",), "must be 3, or 1 for grey"),
        (("transfer.backbone.std=[0,0,0]",), "a list of 3 numbers above 0"),
        (("transfer.backbone.mean=[0.5]",), "a list of 3 numbers"),
        (("transfer/mode=finetune", "transfer.mode.layers.body=-1"), "a number of at least 0"),
        (("transfer/mode=finetune", "+transfer.mode.layers.bdy=1"), "there are: body, decay"),
    ],
)
def test_a_mistake_is_one_line(place, folder, settings, words):
    with pytest.raises(DeeperError, match=words):
        job(place, folder, *(FROZEN if settings[0] != "transfer/backbone=trial" else ()), *settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("transfer.mode.layers.body=0.5", "parameters=decay_weights"), "both make the optimizer's groups"),
        (("training.batch_size=64",), "more than the 28 training images"),
        (("training.accumulate=4",), "training.accumulate=4 batches of 8 are more than the 28 training images"),
        (("average=ema", "trainer.precision=bf16-true"), "too coarse for it"),
    ],
)
def test_a_trial_that_cannot_run_says_why(place, folder, settings, words):
    running, _ = start(job(place, folder, *TUNED, *settings))
    assert finish(running) != 0
    assert words in running.error
