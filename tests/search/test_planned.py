"""What a dry run says is left of searches, with a store that is made up."""

import pytest
from omegaconf import OmegaConf

from deeper.errors import DeeperError
from deeper.schema.search import SearchCost, Searches, SearchResult, SearchSettings
from deeper.search import composed, engine, planned, studied, table
from deeper.search.trainings import Trained

SPACE = {"_target_": "deeper.search.settings_space.SettingsSpace", "over": {"a": [0, 1, 2, 3], "b": [0, 1, 2]}}
EVOLUTION = {"_target_": "deeper.search.evolution.RegularisedEvolution", "population": 2, "sample": 2}
SCALE = {"data": {"train_size": 10, "image_size": 8}, "training": {"epochs": 1}}
CFG = OmegaConf.create(
    {"space": SPACE, "searcher": EVOLUTION, "trust_table": False, "reuse": "same", "results": "r", "profile": "full"}
    | SCALE
)
ERROR = {"a": 0.1, "b": 0.2, "long": -0.01}


class MadeUp:
    """Trainings with a store; each long trial takes ten hours, each other one. ``most``: trials that it can take."""

    def __init__(self, most=999):
        self.store, self.most, self.known, self.digest, self.kind = set(), most, {}, "d", "k"

    def train(self, networks, seeds):
        for _, settings in networks:
            for seed in seeds:
                if self.key(settings, seed) not in self.store:
                    if len(self.store) == self.most:
                        raise InterruptedError
                    self.store.add(self.key(settings, seed))
        return self.there(networks, seeds)

    def there(self, networks, seeds):
        assert not self.left(networks, seeds)
        return [self.trained(settings, seeds) for _, settings in networks]

    def trained(self, settings, seeds):
        error = sum(ERROR[name] * value for name, value in settings.items()) + 0.05
        return Trained(tuple(self.key(settings, s) for s in seeds), (error,) * len(seeds), (error,) * len(seeds), 1.0)

    def left(self, networks, seeds):
        return sum(self.key(settings, seed) not in self.store for _, settings in networks for seed in seeds)

    def key(self, settings, seed):
        return f"{sorted(settings.items())} {seed}"

    def cost(self, settings):
        return SearchCost(params=1, macs=100 * (1 + settings["a"]), activation_bytes=None)

    def hours(self, tasks):
        return sum(count * (10 if "long" in settings else 1) for settings, count in tasks)

    def whole(self, overrides):
        return CFG


def begun(**settings):
    asked = {"networks": 6, "trial_seeds": (100, 101), "batch": 2, "final": {"seeds": (7, 8, 9), "set": {"long": 1}}}
    search = SearchSettings.model_validate(asked | settings)
    facts = {"name": "s", "space": {}, "searcher": {}, "profile": "full", "data": "d"}
    return SearchResult(search=search, **facts)


def searched(trainings, start):
    searcher = composed.searcher_of(EVOLUTION, composed.space_of(SPACE), start.search.seed)
    return engine.run(start, searcher, trainings, lambda result: None)


def told(left):
    return left.trials, left.to_train, left.hours


def test_of_a_search_that_has_not_begun_everything_is_left():
    assert told(planned.of_search(CFG, begun(), MadeUp())) == (15, 15, 12 + 30)


@pytest.mark.parametrize(("trained", "left"), [(4, 8), (8, 4), (12, 0)])
def test_what_the_store_has_is_not_left(trained, left):
    """Batches of two networks, each with two seeds; then three final trials."""
    trainings = MadeUp(most=trained)
    with pytest.raises(InterruptedError):
        searched(trainings, begun())
    assert told(planned.of_search(CFG, begun(), trainings)) == (15, left + 3, left + 30)


def test_of_a_search_that_is_finished_nothing_is_left():
    trainings = MadeUp()
    searched(trainings, begun())
    assert told(planned.of_search(CFG, begun(), trainings)) == (15, 0, 0)


def test_networks_outside_the_window_tell_nothing_of_time():
    seen = []

    class Seen(MadeUp):
        def hours(self, tasks):
            seen.extend(settings for settings, _ in tasks)

    planned.of_search(CFG, begun(window={"most": 200}, final=None), Seen())
    assert {settings["a"] for settings in seen} == {0, 1}
    with pytest.raises(DeeperError, match="would train no network"):
        planned.of_search(CFG, begun(window={"most": 50}), MadeUp())


TEXT = {"name": "search_s", "title": "T", "question": "Q"}
REPLAY = {"replays": 1, "networks": 2, "after": 1, "batch": 1, "within": 0.1, "searchers": ["random"]}


def test_a_table_counts_its_cells_and_then_the_long_ones():
    long = {"cells": 4, "seeds": [9], "set": {"long": 1}}
    study = Searches.model_validate(TEXT | {"table": {"seeds": [1, 2, 3], "long": long}, "replay": REPLAY})
    trainings, space = MadeUp(), composed.space_of(SPACE)
    named = [("", space.settings(point)) for point in space.distinct()]
    plan = lambda: told(planned.of_study(CFG, study, begun().search, trainings))  # noqa: E731
    assert plan() == (40, 40, 36 + 40)
    trainings.train(named[:5], (1, 2, 3))
    assert plan() == (40, 25, 21 + 40)
    cells = trainings.train(named, (1, 2, 3))
    places = table.evenly(cells, 4)
    trainings.train([("", {**named[place][1], "long": 1}) for place in places[:3]], (9,))
    assert plan() == (40, 1, 10)


def test_compared_searches_count_what_is_left_of_each_and_of_the_networks_of_the_end():
    """Two searches of six networks, three networks of the end short with two seeds, and long with three."""
    beside = {"hand": {"label": "h", "set": {"a": 0, "b": 0}}, "other": {"label": "o", "set": {"a": 3, "b": 2}}}
    compare = {"searchers": ["evolution"], "seeds": [0, 1], "beside": beside}
    compare |= {"final": {"seeds": [7, 8, 9], "set": {"long": 1}}}
    study = Searches.model_validate(TEXT | {"compare": compare})
    trainings, settings = MadeUp(), begun(final=None).search
    plan = lambda: planned.of_study(CFG, study, settings, trainings)  # noqa: E731
    left = plan()
    assert (left.trials, left.to_train) == (2 * 12 + 3 * 2 + 3 * 3, left.trials)
    searched(trainings, begun(final=None))
    assert plan().to_train <= left.to_train - 12


def test_what_would_be_refused_is_refused_by_a_dry_run(tmp_path):
    """A finished search of another training, and a table whose file is of another profile."""
    cfg = OmegaConf.merge(CFG, {"results": str(tmp_path)})
    finished = {"finished": True, "space": SPACE, "searcher": EVOLUTION, "kind": "other"}
    composed.keep(composed.file_of(cfg, "s"), begun().model_copy(update=finished))
    same = begun().model_copy(update={"space": SPACE, "searcher": EVOLUTION, "kind": "k"})
    with pytest.raises(DeeperError, match=r"finished search with other settings \(model or training\)"):
        planned.of_search(cfg, same, MadeUp())
    long = {"cells": 4, "seeds": [9], "set": {"long": 1}}
    study = Searches.model_validate(TEXT | {"table": {"seeds": [1, 2, 3], "long": long}, "replay": REPLAY})
    found = studied.started(cfg, study, begun().search, MadeUp())
    composed.keep(composed.study_file(cfg, study), found.model_copy(update={"profile": "other"}))
    with pytest.raises(DeeperError, match=r"search_s\.json is of profile other"):
        planned.of_study(cfg, study, begun().search, MadeUp())
