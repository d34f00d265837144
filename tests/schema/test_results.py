"""What a table of results may hold; one that holds anything else is refused in one line."""

import json

import pytest
import synthetic

from deeper.errors import DeeperError
from deeper.paths import ROOT
from deeper.reporting import load
from deeper.schema.results import Environment, as_json, differing_facts, read_table, sealed


@pytest.fixture(scope="module")
def whole():
    return json.dumps(sealed(synthetic.results(seeds=2, epochs=2)))


@pytest.fixture
def content(whole):
    return json.loads(whole)


def read(folder, content):
    path = folder / "residual_vs_plain.json"
    path.write_text(content if isinstance(content, str) else json.dumps(sealed(content)), encoding="utf-8")
    return read_table(path)


def refuse(folder, content):
    with pytest.raises(DeeperError, match=r"residual_vs_plain\.json") as caught:
        read(folder, content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_every_committed_table_is_read_and_says_the_same_when_written():
    folders = (ROOT / "results", ROOT / "results" / "record")
    tables = {one.path: one.table for folder in folders for one in load.load(folder)}
    assert len(tables) >= 34
    for path, table in tables.items():
        assert as_json(table) == json.loads(path.read_bytes())


def changed_profile(content):
    content["profile"] = "full"


def changed_data(content):
    content["data"]["train"] += 1


def changed_claim(content):
    content["study"]["claims"]["degradation"][0]["expect"] = "lower"


def left_out(content):
    content["trials"].pop()


def without_its_digest(content):
    del content["digest"]


@pytest.mark.parametrize("change", [changed_profile, changed_data, changed_claim, left_out, without_its_digest])
def test_what_stands_beside_the_rows_cannot_be_changed_by_hand(tmp_path, content, change):
    change(content)
    words = refuse(tmp_path, json.dumps(content))
    assert "was changed after it was written and is not believed; git checkout brings it back" in words


def test_a_whole_file_is_read_in_the_study_s_order(tmp_path, content):
    content["trials"].reverse()
    table = read(tmp_path, content)
    assert list(table.arms) == ["plain20", "plain56", "resnet20", "resnet56"]
    assert [row.seed for row in table.rows("plain56")] == [0, 1]
    assert table.study.label("resnet20") == "ResNet-20"


def test_a_diverged_trial_may_lack_losses_gradients_and_epochs(tmp_path, content):
    synthetic.diverge(content["trials"][0])
    assert read(tmp_path, content).rows("plain20")[0].status == "diverged"


def test_an_environment_may_say_more(tmp_path, content):
    content["environments"][0]["note"] = "on the train"
    assert as_json(read(tmp_path, content))["environments"][0]["note"] == "on the train"


@pytest.mark.parametrize("length", [0, 1, 1000, -1])
def test_a_file_cut_short_is_damaged(tmp_path, whole, length):
    assert "is damaged" in refuse(tmp_path, whole[:length])


def test_a_file_nested_deeper_than_any_table_is_damaged(tmp_path):
    assert "is damaged (not JSON: it is nested too deeply)" in refuse(tmp_path, "[" * 100_000)


def test_nan_is_no_number(tmp_path, whole, content):
    assert "nan" in refuse(tmp_path, whole.replace("0.9", "NaN", 1))
    content["trials"][0]["probes"]["lesion"]["value"] = {"deleted": [0.1, float("inf")]}
    assert "trials.0.probes.lesion.value: a number is not finite" in refuse(tmp_path, content)


@pytest.mark.parametrize("schema", [None, 0, 1, 3, "2"])
def test_another_schema_is_refused(tmp_path, content, schema):
    assert f"schema {schema!r}" in refuse(tmp_path, content | {"schema": schema, "new": 1})


def test_a_file_without_a_schema_or_without_keys_is_refused(tmp_path, content):
    del content["schema"]
    assert "schema None" in refuse(tmp_path, content)
    assert "it must be a mapping with schema, study" in refuse(tmp_path, "[]")


@pytest.mark.parametrize(
    "path",
    [
        ("profile",),
        ("study", "title"),
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
    words = "it has no arms" if last == "arms" else "it is missing"
    assert f"{'.'.join(map(str, path))}: {words}" in refuse(tmp_path, content)


@pytest.mark.parametrize("value", ["0.1", 1.2, -0.1, True])
def test_an_error_is_a_fraction(tmp_path, content, value):
    content["trials"][1]["metrics"]["test_error"] = value
    words = f"trials.1.metrics.test_error: it must be a number from 0 to 1, or null, not {value!r}; run the study again"
    assert words in refuse(tmp_path, content)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"arm": "plain21"}, "'plain21'"),
        ({"seed": 1}, "two trials with seed 1"),
        ({"id": "00010001000100010001000100010001"[:16]}, "has trial 0001000100010001 twice"),
        ({"status": "running"}, "'running'"),
        ({"environment": 1}, "environment 1"),
        ({"probes": ["lesion"]}, "probes: it must be a mapping"),
        ({"settings": 5}, "settings: it must be a mapping"),
        ({"gradients": {"layers": ["a"], "start": [1.0], "epochs": [[1.0, 2.0]]}}, "do not match the 1 layers"),
        ({"epoch": 1}, "trials.0.epoch: there is no such key"),
        ({"members": ["x"]}, "members that do not make a group"),
    ],
)
def test_a_trial_that_contradicts_the_file(tmp_path, content, change, says):
    content["trials"][1]["id"] = "0001000100010001"
    content["trials"][0] |= change
    assert says in refuse(tmp_path, content)


def test_a_group_is_of_as_many_rows_as_its_arm_averages(tmp_path, content):
    synthetic.average(content, "plain20", [2])
    assert read(tmp_path, content).rows("plain20_2")[0].members
    content["trials"][-1]["members"].pop()
    assert "members that do not make a group" in refuse(tmp_path, content)


def test_a_file_named_after_another_study(tmp_path, content):
    content["study"]["name"] = "other"
    assert "'other'" in refuse(tmp_path, content)


def environment(**changed):
    facts = {"commit": None, "versions": {"python": "3.11", "torch": "2.14.1", "wandb": "0.31"}}
    return Environment(**{**facts, "machine": {"cpu": "Some CPU", "os": "Debian 12"}, **changed})


def test_what_computes_is_told_and_nothing_else():
    told = environment(instruction_set={"torch": "AVX512", "onednn": "AVX512"}).facts
    assert told == {"torch": "2.14.1", "processor": "Some CPU", "instruction set": "AVX512"}


def test_what_was_not_recorded_differs_in_nothing():
    old = environment()
    new = environment(versions={"torch": "2.14.1", "scipy": "1.17"}, machine={"cpu": "Some CPU", "family": 25})
    assert differing_facts([old, new]) == {}
    other = environment(versions={"torch": "2.13.0"}, machine={"cpu": "Some CPU", "gpus": ["Some GPU"]})
    assert differing_facts([old, other]) == {
        "torch": ["2.14.1", "2.13.0"],
        "processor": ["Some CPU", "Some GPU"],
    }


def test_a_study_of_another_form(tmp_path, content):
    content["study"]["arms"]["plain20"] = 5
    assert "study.arms.plain20: it must be a mapping" in refuse(tmp_path, content)


@pytest.mark.parametrize("members", [[], ["0" * 16] * 2])
def test_members_that_make_no_group_are_refused(tmp_path, content, members):
    synthetic.average(content, "resnet20", (2,))
    read(tmp_path, content)
    content["trials"][-1]["members"] = members
    assert "do not make a group" in refuse(tmp_path, content)


def test_a_trained_trial_has_no_members(tmp_path, content):
    content["trials"][0]["members"] = [content["trials"][1]["id"]]
    assert "do not make a group" in refuse(tmp_path, content)


def test_a_budget_that_is_none_is_named(tmp_path, content):
    content["study"]["budgets"] = [{"metric": "params", "arms": ["plain2", "resnet20"]}]
    assert "did you mean 'plain20'" in refuse(tmp_path, content)
