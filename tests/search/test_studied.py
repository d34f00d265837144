"""A study of searches: what is wrong with it is told first, and a table that goes on loses no replay."""

import pytest
from omegaconf import OmegaConf
from trials import SMALL

from deeper.schema.search import Searches, SearchTable, read_as
from deeper.search import composed, replay, studied
from deeper.search.__main__ import search
from deeper.search.trainings import Trained

OVER = {"a": [0, 1, 2], "b": [0, 1]}
RANDOM = {"_target_": "deeper.search.searcher.RandomSearch"}
BLOCKS = {
    "random": RANDOM,
    "grid": {"_target_": "deeper.search.searcher.GridSearch"},
    "evolution": {"_target_": "deeper.search.evolution.RegularisedEvolution", "population": 2, "sample": 2},
}


class MadeUp:
    """Trainings by formula."""

    digest, kind, slots, made_with = "d", "k", 1, {}

    def train(self, networks, seeds):
        return [self._train(settings, seeds) for _, settings in networks]

    def _train(self, settings, seeds):
        error = 0.1 + 0.1 * settings["a"] + 0.05 * settings["b"]
        names = tuple(f"{sorted(settings.items())} {seed}" for seed in seeds)
        return Trained(names, (error,) * len(seeds), (error,) * len(seeds), 1.0)

    def cost(self, settings):
        return {"params": 1, "macs": 1, "activation_bytes": None}

    def whole(self, overrides):
        [name] = [word.removeprefix("searcher=") for word in overrides]
        return OmegaConf.create({"searcher": BLOCKS.get(name, RANDOM)})


def tabulated(folder, *searchers):
    space = {"_target_": "deeper.search.settings_space.SettingsSpace", "over": OVER}
    cfg = {"space": space, "results": str(folder), "profile": "full", "trust_table": False, "reuse": "id"}
    cfg |= {"data": {"name": "mnist", "train_size": 10, "image_size": 8}, "training": {"epochs": 1}}
    table = {"seeds": [1, 2, 3], "long": {"cells": 3, "seeds": [9], "set": {}}}
    replays = {"replays": 2, "networks": 4, "after": 2, "batch": 1, "within": 0.1, "searchers": searchers}
    facts = {"name": "search_s", "title": "T", "question": "Q", "table": table, "replay": replays}
    return studied.tabulate(OmegaConf.create(cfg), Searches.model_validate(facts), None, MadeUp())


def replayed(folder):
    return [one.searcher for one in read_as(SearchTable, folder / "search_s.json").replays]


def unfinish(folder):
    path = folder / "search_s.json"
    there = read_as(SearchTable, path)
    path.unlink()
    composed.keep(path, there.model_copy(update={"finished": False}))


def test_a_table_that_is_killed_among_its_replays_keeps_those_that_hold(tmp_path, monkeypatch):
    tabulated(tmp_path, "random", "evolution")
    unfinish(tmp_path)
    made = replay.replay

    def killed(table, how, name, *more):
        if name == "grid":
            raise KeyboardInterrupt
        return made(table, how, name, *more)

    monkeypatch.setattr(replay, "replay", killed)
    with pytest.raises(KeyboardInterrupt):
        tabulated(tmp_path, "random", "grid", "evolution")
    assert replayed(tmp_path) == ["random", "evolution"]
    monkeypatch.setattr(replay, "replay", lambda table, how, name, *more: made(table, how, {"grid": name}[name], *more))
    tabulated(tmp_path, "random", "grid", "evolution")
    assert replayed(tmp_path) == ["random", "grid", "evolution"]


def test_kept_replays_have_the_name_that_is_asked(tmp_path):
    tabulated(tmp_path, "random")
    unfinish(tmp_path)
    found = tabulated(tmp_path, "mine", "random")  # the same searcher under another name
    assert [one.searcher for one in found.replays] == ["mine", "random"]
    assert found.replays[0].key == found.replays[1].key


SIZES = "={data.train_size: 120, training.validate_every: 1}"  # of what is trained long; the small set has no more
LINE = (*(word for word in SMALL if not word.startswith("model")), "training.validate_every=1", "slots=1")
TABLE = ("searches=table", "model.filters=4", f"searches.table.long.set{SIZES}")
CELLS = ("searches=cells", "model.filters=4", f"searches.compare.final.set{SIZES}")
MOBILE = ("searches=mobile", f"searches.compare.final.set{SIZES}")
ALL = "random,grid,evolution,genetic,reinforce,tpe"


@pytest.mark.parametrize("dry", [(), ("dry_run=true",)], ids=["", "dry"])
@pytest.mark.parametrize(
    ("study", "word", "told"),
    [
        (TABLE, f"searches.replay.searchers=[{ALL},evolve]", "searches.replay.searchers: there is no searcher=evolve"),
        (TABLE, f"searches.replay.searchers=[{ALL},random]", "searches: replay.searchers: each must be there once"),
        (TABLE, "searches.table.long.set={augment: oops}", "searches.table.long.set: there is no augment=oops"),
        (TABLE, "search.networks=3", "search.networks=3: the study does not read it"),
        (CELLS, "search.seed=3", "search.seed=3: the study does not read it"),
        (CELLS, "searches.compare.searchers=[evolve]", "searches.compare.searchers: there is no searcher=evolve"),
        (CELLS, "searches.compare.final.set={augment: oops}", "searches.compare.final.set: there is no augment=oops"),
        (CELLS, "search.trial_seeds=[7,203]", "searches.compare.final.seeds: 203 is one of search.trial_seeds"),
        (CELLS, "searches.compare.fit.setting=model.wide", "searches.compare.fit.setting: model=cells_small has no"),
        (CELLS, "searches.compare.tried.setting=recipe.oops", "searches.compare.tried: unknown setting 'recipe.oops'"),
        (CELLS, "searches.compare.tried={setting: optimizer.lr, values: [-1]}", "searches.compare.tried: optimizer.lr"),
        (MOBILE, "searches.compare.beside.mobilenet_v2.set={model: oops}", "beside.mobilenet_v2.set: there is no mod"),
    ],
)
def test_what_is_wrong_with_a_study_is_told_before_anything_is_trained(root, in_process, study, word, told, dry):
    """Each was found after hours of trainings, or not at all."""
    place = (f"data.root={root}", f"store={root / 'counted'}")  # where costs are kept for all of these
    status, _, err = in_process(search)(*LINE, *study, *place, word, *dry)
    assert status == 2, err
    [line] = err.strip().splitlines()
    assert line.startswith("error: ")
    assert told in line
