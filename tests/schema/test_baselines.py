import json

import pytest

from deeper.errors import DeeperError
from deeper.schema.baselines import Baselines, read_baselines

ROW = {"data": "fashion_mnist", "digest": "d", "image_size": 12, "train": 4000, "subset_seed": 0}
ROW |= {"method": "logistic", "train_error": 0.1, "test_error": 0.2, "versions": {"scikit-learn": "1.7"}}
ROW |= {"setting": "C=0.01", "validation_error": 0.2, "seconds": 2.5}


def read(folder, content):
    path = folder / "baselines.json"
    path.write_text(json.dumps(content))
    return read_baselines(path)


def test_subsets_are_averaged_and_places_kept_apart(tmp_path):
    others = [ROW | {"subset_seed": 1, "test_error": 0.24}, ROW | {"train": 500, "test_error": 0.5}]
    found = read(tmp_path, {"schema": 1, "rows": [ROW, *others]})
    assert found.test_error("logistic", "d", 12, 4000) == pytest.approx(0.22)
    assert found.test_error("logistic", "d", 12, 500) == 0.5
    assert found.test_error("forest", "d", 12, 4000) is None
    assert found.test_error("logistic", "e", 12, 4000) is None


def test_another_file_fills_in_for_pictures_that_are_not_told(tmp_path):
    own = read(tmp_path, {"schema": 1, "rows": [ROW]})
    other = read(tmp_path, {"schema": 1, "rows": [ROW | {"test_error": 0.9}, ROW | {"train": 500, "test_error": 0.5}]})
    assert own.filled_from(other).test_error("logistic", "d", 12, 4000) == 0.2
    assert own.filled_from(other).test_error("logistic", "d", 12, 500) == 0.5
    assert Baselines().filled_from(other) == other
    assert own.filled_from(Baselines()) == own


def test_no_file_is_no_baseline(tmp_path):
    assert read_baselines(tmp_path / "baselines.json") == Baselines()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ({"schema": 2, "rows": []}, "schema: it must be 1"),
        ({"schema": 1, "rows": [ROW | {"method": "trees"}]}, "rows.0.method: it must be one of logistic, forest"),
        ({"schema": 1, "rows": [ROW | {"test_error": 20}]}, "rows.0.test_error: it must be a number from 0 to 1"),
    ],
)
def test_a_mistake_is_named(tmp_path, content, words):
    with pytest.raises(DeeperError) as caught:
        read(tmp_path, content)
    assert words in str(caught.value)
