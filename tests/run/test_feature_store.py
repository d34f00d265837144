"""Features are kept for all trials that would compute the same ones."""

import json

import numpy as np
import pytest

from deeper.errors import DeeperError
from deeper.run import identity
from deeper.run.feature_store import FACTS, key, of_set
from deeper.run.store import NAMED, Home

HERE = {"torch": "2", "processor": "one"}
FEATURES = np.ones((3, 2), np.float32)


def given(folder, made_with):
    """Whether the features were there."""
    features, _, cached = of_set(folder, lambda: FEATURES, made_with)
    assert np.array_equal(features, FEATURES)
    return cached


def test_they_are_computed_once(tmp_path):
    assert [given(tmp_path / "key", HERE) for _ in range(2)] == [False, True]


@pytest.mark.parametrize("changed", [{"torch": "3"}, {"processor": "other"}, {"instruction set": "AVX2"}])
def test_what_something_else_computed_is_computed_anew(tmp_path, changed):
    asked = (HERE, HERE | changed, HERE | changed)
    assert [given(tmp_path / "key", made_with) for made_with in asked] == [False, False, True]


def test_features_that_do_not_tell_what_made_them_are_taken(tmp_path):
    given(tmp_path / "key", HERE)
    facts = json.loads((tmp_path / "key" / FACTS).read_bytes())
    del facts["made_with"]
    (tmp_path / "key" / FACTS).write_text(json.dumps(facts))
    assert given(tmp_path / "key", HERE)


def test_other_weights_of_the_same_trial_have_other_features(tmp_path, monkeypatch):
    monkeypatch.setattr(identity, "semantic", lambda config: {"model": {}})
    config = {
        "seed": 0,
        "store": str(tmp_path),
        "model": {"_target_": "deeper.run.backbones.trained", "trial": "0123456789abcdef", "store": str(tmp_path)},
        "data": {"image_size": 14, "channels": 1},
        "transfer": {"backbone": {"mean": [0.5], "std": [0.5]}, "layer": "pre_logits"},
        "trainer": {"accelerator": "cpu", "threads": 1},
        "training": {"evaluation_batch_size": 50},
    }
    home, keys = Home(tmp_path, "0123456789abcdef"), []
    with pytest.raises(DeeperError, match="there is no finished trial"):
        key(config, "data")
    home.path.mkdir()
    for weights in ("one", "one", "other"):
        for name in NAMED:
            (home / name).write_text(weights)
        home.finish({"status": "finished"})
        keys.append(key(config, "data"))
    assert keys[0] == keys[1] != keys[2]
