import json

import pytest
import synthetic
from reported import results_of

from deeper.errors import DeeperError
from deeper.reporting import load
from deeper.schema.results import Environment, sealed


@pytest.fixture(scope="module")
def whole():
    return json.dumps(sealed(synthetic.results(seeds=2, epochs=2)))


@pytest.fixture
def content(whole):
    return json.loads(whole)


def read(folder, content):
    path = folder / "residual_vs_plain.json"
    path.write_text(content if isinstance(content, str) else json.dumps(sealed(content)), encoding="utf-8")
    (results,) = load.load(folder)
    return results


def refuse(folder, content):
    with pytest.raises(DeeperError, match=r"residual_vs_plain\.json") as caught:
        read(folder, content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_whole_file_is_read_in_the_study_s_order(tmp_path, content):
    content["trials"].reverse()
    results = read(tmp_path, content)
    assert list(results.table.arms) == ["plain20", "plain56", "resnet20", "resnet56"]
    assert [row.seed for row in results.table.rows("plain56")] == [0, 1]
    assert results.label("resnet20") == "ResNet-20"


def test_a_diverged_trial_may_lack_losses_gradients_and_epochs(tmp_path, content):
    synthetic.diverge(content["trials"][0])
    assert read(tmp_path, content).table.rows("plain20")[0].status == "diverged"


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert load.load(tmp_path / "nowhere") == []


@pytest.mark.parametrize("length", [0, 1, 1000, -1])
def test_a_file_cut_short_is_damaged(tmp_path, whole, length):
    assert "is damaged" in refuse(tmp_path, whole[:length])


def test_nan_is_not_json(tmp_path, whole):
    assert "it must be a number" in refuse(tmp_path, whole.replace('"seconds": 2.0', '"seconds": NaN', 1))


@pytest.mark.parametrize("schema", [None, 0, 3, "2"])
def test_another_schema_is_refused(tmp_path, content, schema):
    assert f"it has schema {schema!r}, this version reads 2" in refuse(tmp_path, content | {"schema": schema})


def test_something_else_than_an_object_is_refused(tmp_path):
    refuse(tmp_path, "[]")


@pytest.mark.parametrize(
    "path",
    [
        ("profile",),
        ("study", "title"),
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
    assert f"{'.'.join(map(str, path))}: it is missing" in refuse(tmp_path, content)


def test_a_text_where_a_number_belongs(tmp_path, content):
    content["trials"][1]["metrics"]["test_error"] = "0.1"
    assert "trials.1.metrics.test_error: it must be a number" in refuse(tmp_path, content)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"arm": "plain21"}, "'plain21'"),
        ({"seed": 1}, "two trials with seed 1"),
        ({"status": "running"}, "'running'"),
        ({"environment": 1}, "environment 1"),
        ({"probes": ["lesion"]}, "probes: it must be a mapping"),
        ({"gradients": {"layers": ["a"], "start": [1.0], "epochs": [[1.0, 2.0]]}}, "do not match the 1 layers"),
    ],
)
def test_a_trial_that_contradicts_the_file(tmp_path, content, change, says):
    content["trials"][0] |= change
    assert says in refuse(tmp_path, content)


def test_a_study_of_another_form(tmp_path, content):
    content["study"]["arms"]["plain20"] = 5
    assert "study.arms.plain20: it must be a mapping" in refuse(tmp_path, content)


def test_a_file_named_after_another_study(tmp_path, content):
    content["study"]["name"] = "other"
    assert "'other'" in refuse(tmp_path, content)


@pytest.mark.parametrize("members", [[], ["0" * 16] * 2])
def test_members_that_make_no_group_are_refused(tmp_path, content, members):
    synthetic.average(content, "resnet20", (2,))
    read(tmp_path, content)
    content["trials"][-1]["members"] = members
    assert "do not make a group" in refuse(tmp_path, content)


def test_a_trained_trial_has_no_members(tmp_path, content):
    content["trials"][0]["members"] = [content["trials"][1]["id"]]
    assert "do not make a group" in refuse(tmp_path, content)


def test_settings_that_are_none_are_refused(tmp_path, content):
    content["trials"][0]["settings"] = ["optimizer.lr"]
    assert "trials.0.settings: it must be a mapping" in refuse(tmp_path, content)


def test_a_budget_that_is_none_is_named(tmp_path, content):
    content["study"]["budgets"] = [{"metric": "params", "arms": ["plain2", "resnet20"]}]
    assert "did you mean 'plain20'" in refuse(tmp_path, content)


def test_only_a_smoke_run_measures_nothing(content):
    assert results_of(content).measures
    assert not results_of(content | {"profile": "smoke"}).measures


def environment(**changed):
    facts = {"commit": None, "versions": {"python": "3.11", "torch": "2.14.1", "wandb": "0.31"}}
    return Environment(**{**facts, "machine": {"cpu": "Some CPU", "os": "Debian 12"}, **changed})


def test_what_computes_is_told_and_nothing_else():
    told = load.measured_with(environment(instruction_set={"torch": "AVX512", "onednn": "AVX512"}))
    assert told == {"torch": "2.14.1", "processor": "Some CPU", "instruction set": "AVX512"}


def test_what_was_not_recorded_differs_in_nothing():
    old = environment()
    new = environment(versions={"torch": "2.14.1", "scipy": "1.17"}, machine={"cpu": "Some CPU", "family": 25})
    assert load.measured_differently([old, new]) == {}
    other = environment(versions={"torch": "2.13.0"}, machine={"cpu": "Some CPU", "gpus": ["Some GPU"]})
    assert load.measured_differently([old, other]) == {
        "torch": ["2.14.1", "2.13.0"],
        "processor": ["Some CPU", "Some GPU"],
    }
