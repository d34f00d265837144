"""Features are kept for all trials that would compute the same ones."""

import json

import numpy as np
import pytest

from deeper.run.feature_store import FACTS, of_set

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
