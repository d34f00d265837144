"""A linear classifier on frozen features, as a trial."""

import json

import numpy as np
import pytest
import torch
from transfers import TIMM, draw, job
from trials import train

from deeper.errors import DeeperError
from deeper.fit.scores import METRICS
from deeper.run.feature_store import FACTS, FOLDER, KEPT
from deeper.run.store import CURVES, PREDICTIONS, WEIGHTS

FROZEN = (*TIMM, "transfer/mode=frozen")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("place")


def test_a_probe_keeps_what_every_trial_keeps(place, folder):
    home = train(job(place, folder, *FROZEN))
    record = home.record()
    kept = np.load(home / PREDICTIONS)
    assert record["metrics"]["test_error"] == 1 - METRICS["accuracy"](kept["logits"], kept["labels"])
    assert record["metrics"]["pictures"] == 28
    assert record["metrics"]["strength"] in (1e-4, 1e-3, 0.01, 0.1, 1, 10)
    assert record["metrics"]["test_error"] < 0.3
    assert (home / CURVES).read_text() == ""
    assert record["time"]["features_s"] > 0
    weights = torch.load(home / WEIGHTS)
    assert weights["weight"].shape == (96, 4)


def test_features_are_computed_once_for_all_sizes(place, folder):
    first = train(job(place, folder, *FROZEN, "transfer.layer=network.layer2")).record()["time"]
    other = train(job(place, folder, *FROZEN, "transfer.layer=network.layer2", "transfer.per_class=2"))
    record = other.record()
    assert not first["cached"]
    assert record["time"]["cached"]
    assert record["time"]["features_s"] == first["features_s"]
    assert record["metrics"]["pictures"] == 8


def test_features_that_are_damaged_are_computed_again(tmp_path, folder):
    one = train(job(tmp_path, folder, *FROZEN))
    kept = next((tmp_path / "trials" / FOLDER).glob("*"))
    (kept / KEPT).write_bytes((kept / KEPT).read_bytes()[:-1])
    other = train(job(tmp_path, folder, *FROZEN, "transfer.mode.strengths=[0.5]"))
    assert not one.record()["time"]["cached"]
    assert not other.record()["time"]["cached"]
    assert json.loads((kept / FACTS).read_bytes())["seconds"] == other.record()["time"]["features_s"]


def test_random_features_are_those_of_the_seed(tmp_path, folder):
    settings = (*FROZEN, "transfer.mode.strengths=[0.5]")
    train(job(tmp_path / "both", folder, *settings))
    both = train(job(tmp_path / "both", folder, *settings, "seed=1"))
    alone = train(job(tmp_path / "alone", folder, *settings, "seed=1"))
    one, other = (np.load(home / PREDICTIONS)["logits"] for home in (both, alone))
    assert np.array_equal(one, other)


def test_a_linear_classifier_is_no_backbone(place, folder):
    probe = train(job(place, folder, *FROZEN))
    with pytest.raises(DeeperError, match="is a linear classifier on a frozen network"):
        job(place, folder, "transfer/backbone=trial", f"transfer.backbone.trial={probe.trial}")


def test_a_layer_that_is_not_there_says_which_are(place, folder):
    with pytest.raises(DeeperError, match=r"transfer\.layer=network\.layer9: the network has pre_logits, network"):
        job(place, folder, *FROZEN, "transfer.layer=network.layer9")
