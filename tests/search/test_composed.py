"""Where a search is written, and what does not take whose place."""

import json

import pytest
from omegaconf import OmegaConf

from deeper.errors import DeeperError
from deeper.paths import ROOT
from deeper.schema.search import SearchCost, SearchedNetwork, SearchResult, SearchSettings, read_as, read_study
from deeper.search import composed, known, studied

SETTINGS = SearchSettings(networks=1, trial_seeds=(100,), batch=1)


def result(finished, data="d"):
    facts = {"space": {}, "searcher": {}, "search": SETTINGS, "profile": "full"}
    return SearchResult(name="s", data=data, finished=finished, **facts)


def test_a_finished_search_is_not_replaced_by_one_on_its_way(tmp_path):
    path = tmp_path / "s.json"
    composed.keep(path, result(False, "first"))
    composed.keep(path, result(True, "second"))
    composed.keep(path, result(False, "third"))
    assert json.loads(path.read_text())["data"] == "second"
    composed.keep(path, result(True, "fourth"))
    assert json.loads(path.read_text())["data"] == "fourth"


def network(number):
    facts = {"choices": (number,), "words": "", "settings": {}, "trials": (str(number),), "seconds": 1.0}
    return SearchedNetwork(error=0.1, loss=0.1, cost=SearchCost(params=1, macs=1, activation_bytes=1), **facts)


def test_a_search_that_goes_on_keeps_what_its_file_tells(tmp_path):
    """A clone has the file alone: killed while it takes its networks from there, it must not have lost the others."""
    path = tmp_path / "s.json"
    networks = tuple(map(network, range(3)))

    def kept(count):
        composed.keep(path, result(False).model_copy(update={"networks": networks[:count]}))
        return len(json.loads(path.read_text())["networks"])

    assert [kept(2), kept(1), kept(2), kept(3)] == [2, 2, 2, 3]
    path.write_text("{")
    assert kept(1) == 1


@pytest.mark.parametrize(("profile", "folder"), [("smoke", "smoke/"), ("record", "record/"), ("full", "")])
def test_toy_runs_and_those_of_record_stand_apart(tmp_path, profile, folder):
    cfg = OmegaConf.create({"results": str(tmp_path), "profile": profile})
    assert composed.file_of(cfg, "s") == tmp_path / f"{folder}search" / "s.json"


@pytest.mark.parametrize(
    ("profile", "data", "words"),
    [("pocket", "d", "is of profile full"), ("full", "e", "is of another data set than mnist as it is prepared here")],
)
def test_a_search_of_another_profile_or_data_set_is_not_replaced(tmp_path, profile, data, words):
    path = tmp_path / "s.json"
    composed.keep(path, result(True))
    composed.check_place(OmegaConf.create({"profile": "full", "data": {"name": "mnist"}}), path, "d")
    with pytest.raises(DeeperError, match=words):
        composed.check_place(OmegaConf.create({"profile": profile, "data": {"name": "mnist"}}), path, data)


@pytest.mark.parametrize("content", ["<<<<<<< HEAD\n{}\n", "", "[]"])
def test_a_damaged_file_is_not_searched_over(tmp_path, content):
    path = tmp_path / "s.json"
    path.write_text(content)
    with pytest.raises(DeeperError, match=r"s\.json is damaged \(.*git checkout brings it back"):
        composed.check_place(OmegaConf.create({"profile": "full", "data": {"name": "mnist"}}), path, "d")


def test_an_edited_number_is_not_believed(tmp_path):
    path, asked = tmp_path / "s.json", OmegaConf.create({"profile": "full", "data": {"name": "mnist"}})
    composed.keep(path, result(True).model_copy(update={"networks": (network(0),)}))
    assert read_as(SearchResult, path).networks[0].error == 0.1
    content = json.loads(path.read_text())
    content["networks"][0]["error"] = 0.01
    path.write_text(json.dumps(content))
    words = r"s\.json is damaged \(it was changed after it was written and is not believed\); git checkout"
    for use in (
        lambda: composed.check_place(asked, path, "d"),
        lambda: known.trust(None, OmegaConf.create({"trust_table": True, "reuse": "x"}), SearchResult, path),
    ):
        with pytest.raises(DeeperError, match=words):
            use()


def test_a_file_from_before_digests_were_kept_is_read():
    """The committed table has none yet, or one that fits."""
    assert read_study(ROOT / "results" / "search_table.json").cells


@pytest.mark.parametrize(
    ("made", "where", "target", "key", "value", "words"),
    [
        (composed.searcher_of, "searcher", "evolution.RegularisedEvolution", "population", 2.5, "a whole number"),
        (composed.searcher_of, "searcher", "evolution.RegularisedEvolution", "sample", 1.5, "a whole number"),
        (composed.searcher_of, "searcher", "reinforce.Reinforce", "lr", "much", "a number"),
        (composed.space_of, "space", "cell_space.CellSpace", "pairs", True, "a whole number"),
        (composed.space_of, "space", "cell_space.CellSpace", "states", 3, "a list of lists of lists of whole numbers"),
        (composed.space_of, "space", "bit_space.BitSpace", "nodes", 3, "a list of whole numbers"),
    ],
)
def test_an_argument_of_another_kind_is_one_line_before_anything_is_trained(made, where, target, key, value, words):
    more = (None, 0) if where == "searcher" else ()
    with pytest.raises(DeeperError, match=rf"^{where}\.{key}={value}: it must be {words}$"):
        made({"_target_": f"deeper.search.{target}", key: value}, *more)


@pytest.mark.parametrize("word", ["searcher=random", "searcher.lr=0.1", "+searcher.lr=0.1"])
def test_a_searcher_on_the_line_of_a_study_is_refused(word):
    with pytest.raises(DeeperError, match="the study names its searchers"):
        studied.check_line(["searches=cells", word])
    studied.check_line(["searches=cells", "search.networks=4"])


def test_a_finished_search_of_other_settings_stays(tmp_path):
    path = tmp_path / "a.json"
    made = {"name": "a", "space": {"x": 1}, "searcher": {"y": 2}, "profile": "full", "data": "d"}

    def start(networks=24, seed=0, **more):
        return SearchResult(**{**made, **more}, search=SearchSettings(networks=networks, seed=seed, trial_seeds=(0,)))

    composed._check_same(path, start())
    composed.keep(path, start().model_copy(update={"finished": True}))
    for same in (start(), start(networks=40)):
        composed._check_same(path, same)
    for other, what in (
        (start(networks=6), "24 networks, and not 6"),
        (start(seed=1), r"\(search\)"),
        (start(searcher={"y": 3}), "searcher"),
    ):
        with pytest.raises(DeeperError, match=f"finished search with other settings .*{what}"):
            composed._check_same(path, other)
