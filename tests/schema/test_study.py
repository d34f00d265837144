"""What a study may say; anything else is one line that names the file and the key."""

import copy
import json
from typing import get_args

import pytest
import yaml

from deeper.claims.metrics import METRICS
from deeper.errors import DeeperError
from deeper.paths import CONF, PUBLISHED, ROOT
from deeper.schema.study import Comparison, MetricName, PublishedFile, Study, read_study

FILES = sorted(path for path in (CONF / "study").glob("*.yaml") if path.stem not in ("none", "transfer_target"))
FILE = "conf/study/tiny.yaml"
BLOCK = {
    "name": "tiny",
    "title": "Tiny",
    "question": "Is it?",
    "arms": {
        "a": {"label": "A", "set": {"model": "lenet5"}},
        "b": {"set": {"model": "nin_small"}},
        "pair": {"average": {"of": "a", "size": 2}},
    },
    "budgets": [{"metric": "params", "arms": ["a", "b"]}],
    "claims": {"degradation": [{"metric": "test_error", "of": "a", "against": "b", "expect": "lower"}]},
    "probes": {"lesion": {"of": "deeper.probes.lesion.probe", "draws": 2, "arms": ["a"]}},
    "tables": [
        {"title": "Time", "metrics": ["step_ms"]},
        {"title": "Blocks", "probe": "lesion", "columns": {"whole": "whole network"}},
    ],
    "published": [{"file": "fashion_mnist.csv", "arm": "a", "claim": "degradation", "where": {"depth": 8}}],
}


def put(path, value):
    """A block that has ``value`` at a dotted path."""
    block = copy.deepcopy(BLOCK)
    *above, last = path.split(".")
    inner = block
    for key in above:
        inner = inner[int(key)] if isinstance(inner, list) else inner[key]
    inner[int(last) if isinstance(inner, list) else last] = value
    return block


def refused(block):
    with pytest.raises(DeeperError) as caught:
        read_study(block, FILE)
    line = str(caught.value)
    assert line.startswith(f"{FILE}: study")
    assert "\n" not in line
    return line.removeprefix(f"{FILE}: study").removeprefix(".")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_study_of_the_project_is_read_and_says_the_same_when_written(path):
    block = yaml.safe_load(path.read_text())["study"]
    assert read_study(block, path.stem).model_dump(mode="json", exclude_unset=True) == block


def test_what_it_names_is_what_there_is():
    assert set(get_args(MetricName)) == set(METRICS)
    assert {path.name for path in PUBLISHED.glob("*.csv")} - {
        "structure.csv",
        "transfer.csv",
        "search.csv",
        "pairs.csv",
    } == set(get_args(PublishedFile))
    assert all((ROOT / "published" / name).exists() for name in get_args(PublishedFile))


def test_nothing_behind_a_key_is_nothing():
    block = BLOCK | {"arms": {"a": None, "b": None}, "budgets": None, "probes": None, "tables": None, "claims": {}}
    study = read_study(block | {"published": None}, FILE)
    assert (study.arms["a"].label, study.label("a"), study.budgets, study.probes) == (None, "a", (), {})


def test_arms_that_a_sweep_makes_need_no_names():
    block = {key: BLOCK[key] for key in ("name", "title", "question")}
    assert read_study(block | {"by": ["model.name"], "claims": {}}, FILE).arms == {}


def test_a_study_may_have_claims_of_its_own():
    rows = BLOCK["claims"]["degradation"]
    words = "LeNet-5 beats network in network"
    block = BLOCK | {"statements": {"lenet-wins": words}, "claims": {"lenet-wins": rows}, "published": []}
    study = read_study(block, FILE)
    assert (study.claim("lenet-wins").statement, study.claim("lenet-wins").paper) == (words, None)
    assert read_study(BLOCK, FILE).claim("degradation").arxiv == "1512.03385"
    assert "statements.lenet-wins: no comparison" in refused(block | {"claims": {}})
    assert "did you mean 'lenet-wins'?" in refused(block | {"claims": {"lenet-win": rows}})
    both = {"degradation": words}
    assert "statements.degradation: the ledger has a claim of this name" in refused(BLOCK | {"statements": both})


def test_a_probe_has_arguments_of_its_own():
    probe = read_study(BLOCK, FILE).probes["lesion"]
    assert (probe.arguments, probe.weights, probe.validation) == ({"draws": 2}, "final", None)
    assert probe.spec == BLOCK["probes"]["lesion"]
    assert (probe.is_for("a"), probe.is_for("b"), probe.is_for(None)) == (True, False, False)


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        ("title", None, "title: it must be text, not None"),
        ("question", 5, "question: it must be text, not 5; a number needs quotes"),
        ("name", None, "name: it must be text, not None"),
        ("page", "zo", "page: it cannot be 'zo'; did you mean 'zoo'?"),
        ("page", "wall", "page: it must be one of study, zoo, transfer, calibration, not 'wall'"),
        ("clams", {}, "clams: there is no such key; did you mean 'claims'?"),
        ("gradients", "no", "gradients: it must be true or false, not 'no'"),
        ("by", "model.name", "by: it must be a list, not 'model.name'"),
        ("remarks", [5], "remarks.0: it must be text, not 5"),
        ("claims", "x", "claims: it must be a mapping"),
        ("claims", None, "claims: it must be a mapping"),
        ("claims", ["degradation"], "claims: it must be a mapping"),
        ("claims", {"degredation": []}, "claims.degredation: 'degredation' is not among the ledger and the study's"),
        ("claims.degradation", [], "claims.degradation: it has no comparison"),
        ("claims.degradation.0.metric", "train_eror", "did you mean 'train_error'?"),
        ("claims.degradation.0.of", "c", "claims.degradation.0.of: 'c' is not among the study's arms"),
        ("claims.degradation.0.against", "a", "claims.degradation.0.against: 'a' is compared with itself"),
        (
            "claims.degradation.0.expect",
            "equal",
            "expect: it must be one of higher, lower, not_higher, not_lower, alike",
        ),
        ("claims.degradation.0.expect", "not_lowr", "expect: it cannot be 'not_lowr'; did you mean 'not_lower'?"),
        ("claims.degradation.0.expect", "not_higher", "margin: not_higher needs a margin"),
        ("claims.degradation.0.expect", "alike", "claims.degradation.0.region: alike needs a region"),
        ("claims.degradation.0.region", 0, "claims.degradation.0.region: it must be a number above 0"),
        ("claims.degradation.0.minus", {"of": "a"}, "claims.degradation.0.minus.against: it is missing"),
        ("claims.degradation.0.minus", {"of": "a", "against": "a"}, "minus.against: 'a' is compared with itself"),
        ("claims.degradation.0.minus", {"of": "a", "against": "z"}, "0.minus.against: 'z' is not among the study's"),
        ("claims.degradation.0.minus", {"of": "a", "against": "b", "share": 0}, "share: it must be a number above 0"),
        ("claims.degradation", "x", "claims.degradation: it must be a list of comparisons, or a mapping with claimed"),
        ("claims.degradation.0.margin", 5, "margin: errors are fractions, so it must be a number from 0 to 1"),
        ("claims.degradation.0.margin", -0.1, "margin: it must be a number of at least 0, or null, not -0.1"),
        ("claims.degradation.0.margin", float("nan"), "margin: it must be a number of at least 0"),
        ("claims.degradation.0.margin", True, "margin: it must be a number of at least 0"),
        ("claims.degradation.0.beats", "x", "claims.degradation.0.beats: there is no such key"),
        ("arms", 5, "arms: it must be a mapping (`name: value`), not 5"),
        ("arms", [1, 2], "arms: it must be a mapping"),
        ("arms", {}, "arms: it has no arms; name them here, or under `by`"),
        ("arms.a", 5, "arms.a: it must be a mapping"),
        ("arms.a.set", 5, "arms.a.set: it must be a mapping"),
        ("arms.a.where", "model", "arms.a.where: it must be a mapping"),
        ("arms.a.label", 20, "arms.a.label: it must be text, or null, not 20; a number needs quotes"),
        ("arms.a.group", " ", "arms.a.group: it must be text"),
        ("arms.b.sett", {}, "arms.b.sett: there is no such key; did you mean 'set'?"),
        ("arms.b", {"label": "B"}, "arms.b: it has no `set`, which other arms have"),
        ("arms.pair.average", 4, "arms.pair.average: it must be a mapping with of, size, or null, not 4"),
        ("arms.pair.average", {"of": "a"}, "arms.pair.average.size: it is missing"),
        ("arms.pair.average.of", "c", "arms.pair.average.of: 'c' is not among the study's trained arms"),
        ("arms.pair.average.of", "pair", "arms.pair.average.of: 'pair' is not among the study's trained arms"),
        ("arms.pair.average.size", 1, "arms.pair.average.size: it must be a whole number of at least 2, not 1"),
        ("arms.pair.average.size", "2", "arms.pair.average.size: it must be a whole number of at least 2"),
        ("arms.pair.set", {"model": "resnet20"}, "arms.pair.set: an arm that averages others trains nothing"),
        ("budgets.0.metric", "parms", "budgets.0.metric: it cannot be 'parms'; did you mean 'params'?"),
        ("budgets.0.metric", "test_error", "budgets.0.metric: it must be one of params, macs, activation_bytes"),
        ("budgets.0.arms", ["a", "bb"], "budgets.0.arms.1: 'bb' is not among the study's arms; did you mean 'b'?"),
        ("budgets.0.arms", ["a"], "budgets.0.arms: it must be a list of 2 or more"),
        ("budgets.0.arms", "a", "budgets.0.arms: it must be a list of 2 or more"),
        ("budgets.0.arms", ["a", "a"], "budgets.0.arms.1: arm 'a' is named twice"),
        ("budgets.0.within", -0.1, "budgets.0.within: it must be a number of at least 0"),
        ("budgets.0.within", "2%", "budgets.0.within: it must be a number of at least 0"),
        ("budgets.0.of", "a", "budgets.0.of: there is no such key"),
        ("budgets", {"metric": "params"}, "budgets: it must be a list"),
        ("probes.lesion", 5, "probes.lesion: it must be a mapping"),
        ("probes.lesion", None, "probes.lesion: it must be a mapping"),
        ("probes.lesion.weights", "last", "probes.lesion.weights: it must be one of final, start, not 'last'"),
        ("probes.lesion.validation", 0, "validation: it must be a whole number of at least 1, or null, not 0"),
        ("probes.lesion.arms", "a", "probes.lesion.arms: it must be a list"),
        ("probes.lesion.arms", ["c"], "probes.lesion.arms.0: 'c' is not among the study's arms"),
        ("probes.lesion.alone", "yes", "probes.lesion.alone: it must be true or false"),
        ("tables", "columns", "tables: it must be a list"),
        ("tables.0", "columns", "tables.0: it must be a mapping"),
        ("tables.0.colums", {}, "tables.0.colums: there is no such key; did you mean 'columns'?"),
        ("tables.0", {"title": "Time"}, "tables.0: a table has either metrics, or probe and columns"),
        ("tables.1.metrics", ["step_ms"], "tables.1: a table has either metrics, or probe and columns"),
        ("tables.1.probe", "rows", "tables.1.probe: 'rows' is not among the study's probes; there are: lesion"),
        ("tables.0.metrics", 5, "tables.0.metrics: it must be a list"),
        ("tables.0.metrics", ["step_s"], "tables.0.metrics.0: it cannot be 'step_s'; did you mean 'step_ms'?"),
        ("tables.1.columns", ["whole"], "tables.1.columns: it must be a mapping"),
        ("published", {"file": "cifar.csv"}, "published: it must be a list"),
        ("published.0", {"file": "cifar.csv"}, "published.0.where: it is missing"),
        ("published.0.file", "nope.csv", "published.0.file: it must be one of cifar.csv, ablations.csv"),
        ("published.0.arm", "z", "published.0.arm: 'z' is not among the study's arms"),
        ("published.0.claim", "lrn", "published.0.claim: 'lrn' is not among the study's claims"),
    ],
)
def test_a_mistake_is_one_line_that_names_file_and_key(path, value, words):
    read_study(BLOCK, FILE)
    assert words in refused(put(path, value))


def test_something_else_than_a_mapping_is_refused():
    assert "it must be a mapping with name, title" in refused(5)


def test_json_and_yaml_are_read_alike():
    assert Study.model_validate_json(json.dumps(BLOCK)) == Study.model_validate(BLOCK)


ROW = {"metric": "test_error", "of": "a", "against": "b", "expect": "alike", "region": 0.005}
TEST = {"claimed": "A is B", "predicted": "so it is", "why": "half a point", "comparisons": [ROW], "overfit": ["a"]}
SEARCH = {"rate": 0.1, "tried": {"0.05": 0.2, "0.1": 0.18, "0.2": None}, "epochs": 5, "train": 100, "validation": 50}
SEARCH |= {"profile": "record", "kind": "k"}
RATES = {"a": SEARCH | {"seeds": [100, 101]}}


def declared(**changed):
    return BLOCK | {"claims": {"degradation": TEST | changed}, "rates": RATES}


def test_a_claim_may_say_what_is_claimed_and_predicted():
    study = read_study(declared(may_fail=["b"]), FILE)
    test = study.claims["degradation"]
    assert (test.is_declared, test.predicted, test.may_fail, test.overfit) == (True, "so it is", ("b",), ("a",))
    assert study.comparisons == list(test.comparisons)
    bare = read_study(BLOCK, FILE).claims["degradation"]
    assert (bare.is_declared, bare.claimed, bare.comparisons[0].metric) == (False, None, "test_error")


@pytest.mark.parametrize("block", [BLOCK, declared()])
def test_a_study_is_written_as_it_was(block):
    written = read_study(block, FILE).model_dump(mode="json", exclude_unset=True)
    assert written == block
    assert read_study(read_study(block, FILE).model_dump(exclude_unset=True), FILE) == read_study(block, FILE)
    assert Study.model_validate_json(json.dumps(block)) == read_study(block, FILE)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"predicted": None}, "claims.degradation.predicted: it is missing"),
        ({"why": " "}, "claims.degradation.why: it must be text"),
        ({"comparisons": []}, "claims.degradation: it has no comparison"),
        ({"comparisons": [ROW | {"of": "c"}]}, "claims.degradation.comparisons.0.of: 'c' is not among the study's"),
        ({"comparisons": [ROW | {"metric": "tst_error"}]}, "claims.degradation.comparisons.0.metric: it cannot be"),
        ({"comparisons": [ROW | {"margin": 1}]}, "comparisons.0.margin: alike has a region and no margin"),
        ({"may_fail": ["c"]}, "claims.degradation.may_fail.0: 'c' is not among the study's arms"),
        ({"overfit": "a"}, "claims.degradation.overfit: it must be a list"),
        ({"claim": "x"}, "claims.degradation.claim: there is no such key; did you mean 'claimed'?"),
    ],
)
def test_a_mistake_in_a_declared_claim_is_named(changed, words):
    assert words in refused(declared(**changed))


@pytest.mark.parametrize(
    ("rates", "words"),
    [
        ({"z": RATES["a"]}, "rates.z: 'z' is not among the study's arms"),
        ({"a": RATES["a"] | {"rate": 0.3}}, "rates.a.rate: 0.3 is not among the rates that were tried"),
        ({"a": RATES["a"] | {"tried": {"low": 0.1}}}, "rates.a.tried.low: 'low' is not a number"),
        ({"a": RATES["a"] | {"tried": {"0.1": None}}}, "rates.a.tried: no rate that was tried has an error"),
        ({"a": SEARCH}, "rates.a.seeds: it is missing"),
    ],
)
def test_a_search_of_rates_that_cannot_be(rates, words):
    assert words in refused(declared() | {"rates": rates})


@pytest.mark.parametrize(
    ("expect", "border"), [("higher", 0.2), ("lower", -0.2), ("not_higher", 0.2), ("not_lower", -0.2)]
)
def test_the_border_is_on_the_side_that_is_expected_or_excluded(expect, border):
    assert Comparison(metric="test_error", of="a", against="b", expect=expect, margin=0.2).border == border
    assert Comparison(metric="test_error", of="a", expect="alike", region=0.2).border == 0


def test_a_value_takes_a_share_of_another_difference():
    minus = {"of": "c", "against": "d", "share": 0.5}
    one = Comparison(metric="test_error", of="a", against="b", expect="lower", minus=minus)
    assert one.value({"a": 8.0, "b": 3.0, "c": 7.0, "d": 1.0}) == 5 - 0.5 * 6
    assert (one.arms, one.pair, one.differences) == (("a", "b", "c", "d"), ("a", "b"), [("a", "b"), ("c", "d")])
    alone = Comparison(metric="test_error", of="a", expect="lower")
    assert (alone.value({"a": 8.0}), alone.arms, alone.differences) == (8.0, ("a",), [])


MAP = {"rows": {"setting": "model.width", "label": "width"}, "columns": {"setting": "model.depth", "label": "layers"}}


def mapped(**arms):
    block = put("map", MAP)
    block["arms"]["a"]["set"] = {"model": "resnet20", "model.width": 8, "model.depth": 20}
    block["arms"]["b"]["set"] = {"model": "resnet20", "model.width": 16, "model.depth": 20}
    for name, settings in arms.items():
        block["arms"][name]["set"] = settings
    return block


def test_a_map_places_every_trained_arm_and_no_average():
    study = read_study(mapped(), FILE)
    assert [study.map.place(study.arms[name].set) for name in "ab"] == [(8, 20), (16, 20)]


def test_an_arm_without_a_place_on_the_map_is_named():
    said = refused(mapped(b={"model": "resnet20", "model.width": 16}))
    assert said == "arms.b.set: it has no model.depth, which places it on the study's map"


def test_two_arms_at_one_place_of_the_map_are_named():
    said = refused(mapped(b={"model": "plain20", "model.width": 8, "model.depth": 20}))
    assert said == "arms.b.set: it has the same place on the map as a"
