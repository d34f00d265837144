"""Where a search is written, and what does not take whose place."""

import json

import pytest
import searched
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


TABLE, (STUDY, RUNS) = searched.table(replays=2), searched.study()


@pytest.mark.parametrize("word", ["searcher=random", "searcher.lr=0.1", "+searcher.lr=0.1"])
def test_a_searcher_on_the_line_of_a_study_is_refused(word):
    for study in (TABLE.searches, STUDY.study):
        with pytest.raises(DeeperError, match="the study names its searchers"):
            studied.check_line(["searches=cells", word], study)


@pytest.mark.parametrize(
    ("study", "word"),
    [
        (TABLE.searches, "search.networks=4"),
        (TABLE.searches, "search.trial_seeds=[3]"),
        (TABLE.searches, "++search.window.most=9"),
        (TABLE.searches, "~search.final"),
        (TABLE.searches, "search={batch: 2}"),
        (STUDY.study, "search.seed=3"),
        (STUDY.study, "+search.name=mine"),
        (STUDY.study, "search={networks: 4, seed: 3}"),
    ],
)
def test_what_a_study_would_ignore_is_refused(study, word):
    with pytest.raises(DeeperError, match="the study does not read it; searches") as caught:
        studied.check_line(["searches=x", word], study)
    assert str(caught.value).startswith(f"{word}: ")


def test_what_a_study_reads_may_be_said():
    studied.check_line(["searches=table", "search.over={lr: [0.1]}", "searches.name=search_x"], TABLE.searches)
    studied.check_line(["search.networks=4", "search.window=null", "search={networks: 4}", "slots=2"], STUDY.study)


def test_a_finished_search_of_other_settings_stays(tmp_path):
    path = tmp_path / "a.json"
    made = {"name": "a", "space": {"x": 1}, "searcher": {"y": 2}, "profile": "full", "data": "d"}

    def start(networks=24, seed=0, **more):
        return SearchResult(**{**made, **more}, search=SearchSettings(networks=networks, seed=seed, trial_seeds=(0,)))

    composed.check_same(path, start())
    composed.keep(path, start().model_copy(update={"finished": True}))
    for same in (start(), start(networks=40), start(kind="any")):
        composed.check_same(path, same)
    for other, what in (
        (start(networks=6), "24 networks, and not 6"),
        (start(seed=1), r"\(search\)"),
        (start(searcher={"y": 3}), "searcher"),
    ):
        with pytest.raises(DeeperError, match=f"finished search with other settings .*{what}.*search.name=NAME"):
            composed.check_same(path, other)


def test_a_finished_search_of_another_model_or_training_stays(tmp_path):
    path = tmp_path / "s.json"
    composed.keep(path, result(True).model_copy(update={"kind": "one"}))
    composed.check_same(path, result(False).model_copy(update={"kind": "one"}))
    with pytest.raises(DeeperError, match=r"finished search with other settings \(model or training\); search\.name"):
        composed.check_same(path, result(False).model_copy(update={"kind": "other"}))


def changed(found, name, **parts):
    """A study of searches with other settings under a name, such as ``table.seeds=(1, 2)``."""
    study = found.searches if found is TABLE else found.study
    inner = getattr(study, name)
    other = study.model_copy(update={name: inner.model_copy(update=parts) if parts else inner})
    return found.model_copy(update={"searches" if found is TABLE else "study": other})


@pytest.mark.parametrize(
    ("found", "other", "words"),
    [
        (TABLE, TABLE.model_copy(update={"kind": "other"}), "model or training"),
        (TABLE, TABLE.model_copy(update={"space": {"x": 1}}), "space"),
        (TABLE, changed(TABLE, "table", seeds=(4, 5, 6)), "searches"),
        (TABLE, changed(TABLE, "replay", networks=9), "searches"),
        (TABLE, changed(TABLE, "replay", searchers=("random",)), "searches"),
        (STUDY, STUDY.model_copy(update={"kind": "other"}), "model or training"),
        (STUDY, STUDY.model_copy(update={"search": SETTINGS}), "search"),
        (STUDY, changed(STUDY, "compare", seeds=(0, 1)), "searches"),
    ],
)
def test_a_finished_study_of_other_settings_stays(tmp_path, found, other, words):
    path = tmp_path / "search_made.json"
    begun = {"finished": False, "kind": "one"}
    composed.check_same(path, found)
    composed.keep(path, found.model_copy(update={"kind": "one"}))
    composed.check_same(path, found.model_copy(update=begun))
    with pytest.raises(DeeperError, match=rf"with other settings \({words}\); move it away, or results=FOLDER writes"):
        composed.check_same(path, other.model_copy(update=begun | ({"kind": other.kind} if other.kind else {})))
    composed.keep(path, found.model_copy(update={"finished": False, "kind": None}))
    assert read_study(path).finished


def test_words_of_a_finished_study_may_change_and_a_table_may_have_more_searchers(tmp_path):
    path = tmp_path / "search_made.json"
    composed.keep(path, TABLE)
    more = changed(TABLE, "replay", searchers=("grid", "random", "evolution"))
    words = more.searches.model_copy(update={"title": "Another", "claims": {}})
    composed.check_same(path, more.model_copy(update={"searches": words, "finished": False}))


def test_a_study_that_is_half_finished_goes_on_whatever_its_file_says(tmp_path):
    """The committed table is one, from before its kind was kept."""
    path = tmp_path / "search_made.json"
    composed.keep(path, TABLE.model_copy(update={"finished": False}))
    composed.check_same(path, TABLE.model_copy(update={"kind": "any", "finished": False}))


def test_a_study_that_goes_on_keeps_the_replays_and_the_searches_of_its_file(tmp_path):
    for found, name in ((TABLE, "replays"), (STUDY, "searches")):
        path = tmp_path / f"{name}.json"
        composed.keep(path, found.model_copy(update={"finished": False}))
        composed.keep(path, found.model_copy(update={"finished": False, name: getattr(found, name)[:1]}))
        assert len(json.loads(path.read_text())[name]) == 2
