import json

import pytest
import synthetic

from deeper.errors import DeeperError
from deeper.reporting import records


@pytest.fixture(scope="module")
def whole():
    return json.dumps(synthetic.results(seeds=2, epochs=2))


@pytest.fixture
def content(whole):
    return json.loads(whole)


def read(folder, content):
    path = folder / "residual_vs_plain.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return records.read(path)


def refuse(folder, content):
    with pytest.raises(DeeperError, match=r"residual_vs_plain\.json") as caught:
        read(folder, content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_whole_file_is_read_in_the_study_s_order(tmp_path, content):
    content["trials"].reverse()
    results = read(tmp_path, content)
    assert list(results.arms) == ["plain20", "plain56", "resnet20", "resnet56"]
    assert [trial["seed"] for trial in results.trials("plain56")] == [0, 1]
    assert results.label("resnet20") == "ResNet-20"


def test_a_diverged_trial_may_lack_losses_gradients_and_epochs(tmp_path, content):
    synthetic.diverge(content["trials"][0])
    assert read(tmp_path, content).trials("plain20")[0]["status"] == "diverged"


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert records.load(tmp_path / "nowhere") == []


@pytest.mark.parametrize("length", [0, 1, 1000, -1])
def test_a_file_cut_short_is_damaged(tmp_path, whole, length):
    assert "is damaged" in refuse(tmp_path, whole[:length])


def test_nan_is_not_json(tmp_path, whole):
    assert "NaN" in refuse(tmp_path, whole.replace("0.9", "NaN", 1))


@pytest.mark.parametrize("schema", [None, 0, 2, "1"])
def test_another_schema_is_refused(tmp_path, content, schema):
    assert f"schema {schema!r}" in refuse(tmp_path, content | {"schema": schema})


def test_something_else_than_an_object_is_refused(tmp_path):
    assert "schema None" in refuse(tmp_path, "[]")


@pytest.mark.parametrize(
    "path",
    [
        ("profile",),
        ("study", "arms"),
        ("data", "digest"),
        ("trials", 1, "metrics", "test_error"),
        ("trials", 1, "cost", "macs"),
        ("trials", 0, "gradients", "start"),
    ],
)
def test_what_is_missing_is_named(tmp_path, content, path):
    *parents, last = path
    inner = content
    for key in parents:
        inner = inner[key]
    del inner[last]
    assert f"{last} is missing" in refuse(tmp_path, content)


def test_a_text_where_a_number_belongs(tmp_path, content):
    content["trials"][1]["metrics"]["test_error"] = "0.1"
    assert "trials 1 metrics test_error has an unexpected value '0.1'" in refuse(tmp_path, content)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"arm": "plain21"}, "'plain21'"),
        ({"seed": 1}, "two trials with seed 1"),
        ({"status": "running"}, "'running'"),
        ({"environment": 1}, "environment 1"),
        ({"probes": ["lesion"]}, "probes that are no mapping"),
        ({"gradients": {"layers": ["a"], "start": [1.0], "epochs": [[1.0, 2.0]]}}, "do not match its 1 layers"),
    ],
)
def test_a_trial_that_contradicts_the_file(tmp_path, content, change, says):
    content["trials"][0] |= change
    assert says in refuse(tmp_path, content)


def test_a_study_of_another_form(tmp_path, content):
    content["study"]["arms"]["plain20"] = 5
    assert "arm plain20 must be a mapping" in refuse(tmp_path, content)


def test_a_file_named_after_another_study(tmp_path, content):
    content["study"]["name"] = "other"
    assert "'other'" in refuse(tmp_path, content)
