"""The networks of the end: at one cost, at the best of some values, and long where a claim compares them."""

import pytest

from deeper.errors import DeeperError
from deeper.schema.search import SearchCost, Searches, SearchResult, SearchSettings, checked
from deeper.search import compared
from deeper.search.trainings import Trained

CLAIM = {"claimed": "c", "predicted": "p", "why": "w"} | {
    "comparisons": [{"metric": "test_error", "of": "best", "against": "hand", "expect": "not_higher", "margin": 0.005}]
}


def study(**changed):
    compare = {
        "searchers": ["one", "two"],
        "seeds": [0],
        "fit": {"setting": "width", "step": 1, "target": 1000},
        "tried": {"setting": "rate", "values": [1, 2]},
        "beside": {"hand": {"label": "by hand", "set": {"cell": 3}}},
        "others": 1,
        "final": {"seeds": [7, 8, 9], "set": {"long": True}},
    } | changed
    facts = {"name": "search_s", "title": "T", "question": "Q", "compare": compare}
    return Searches.model_validate(facts | {"claims": {"search-vs-hand": CLAIM}})


class MadeUp:
    """A cell's error is a tenth of its number, and one more tenth at the rate that does not suit it; seeds vary it."""

    def __init__(self):
        self.asked = []

    def train(self, networks, seeds):
        self.asked += [(settings, tuple(seeds)) for _, settings in networks]
        return [self._train(settings, seeds) for _, settings in networks]

    def _train(self, settings, seeds):
        suits = 2 if settings["cell"] == 3 else 1
        error = settings["cell"] / 10 + 0.1 * (settings.get("rate", suits) != suits)
        names = tuple(f"{sorted(settings.items())} {seed}" for seed in seeds)
        return Trained(names, (error,) * len(seeds), (error,) * len(seeds), 1.0)

    def cost(self, settings):
        return SearchCost(params=1, macs=300 * settings.get("width", 1), activation_bytes=None)


def searched(*errors):
    """A search whose networks have cells 1, 2, … and these errors."""
    networks = [
        {"choices": [n], "words": f"cell {n}", "settings": {"cell": n}, "trials": [f"t{n}"], "error": error,
         "loss": error, "cost": {"params": 1, "macs": 1, "activation_bytes": None}, "seconds": 1.0}
        for n, error in enumerate(errors, 1)
    ]  # fmt: skip
    settings = SearchSettings(networks=len(errors), trial_seeds=(100,), batch=1)
    facts = {"name": "s", "space": {}, "searcher": {}, "search": settings, "profile": "p", "data": "d"}
    return SearchResult.model_validate(facts | {"networks": networks, "winner": errors.index(min(errors))})


def found(**changed):
    trainings = MadeUp()
    results = [("one", searched(0.5, 0.2)), ("two", searched(0.3, 0.4)), ("two", searched(0.25, 0.2))]
    return list(compared.finals(study(**changed), results, (100,), trainings)), trainings


def test_every_network_costs_the_same_and_has_the_value_that_suits_it():
    networks, trainings = found()
    assert [(one.name, one.fitted, one.short.value) for one in networks] == [
        ("one", 3, 1),
        ("two", 3, 1),
        ("hand", 3, 2),
    ]
    assert networks[2].final.settings == {"cell": 3, "width": 3, "rate": 2}
    assert {settings["width"] for settings, _ in trainings.asked} == {3}
    assert all(seeds == (100,) for settings, seeds in trainings.asked if "long" not in settings)


def test_a_network_that_no_claim_compares_has_few_seeds():
    """The best is chosen by the short trainings, which are all made before any long one."""
    networks, trainings = found()
    assert [one.final.seeds for one in networks] == [(7, 8, 9), (7,), (7, 8, 9)]
    assert ["long" in settings for settings, _ in trainings.asked] == [False] * 6 + [True] * 3
    assert [one.final.seeds for one in found(others=None)[0]] == [(7, 8, 9)] * 3


def test_without_a_fit_and_values_a_network_stays_as_it_is():
    networks, _ = found(fit=None, tried=None)
    assert [(one.fitted, one.short.value) for one in networks] == [(None, None)] * 3
    assert networks[0].final.settings == {"cell": 2}


@pytest.mark.parametrize(
    ("compare", "words"),
    [
        ({"searchers": ["one", "one"]}, "compare.searchers: each must be there once"),
        ({"beside": {"two": {"label": "l", "set": {}}}}, "beside.two: it is the name of a network that is found"),
        ({"beside": {"best": {"label": "l", "set": {}}}}, "beside.best: it is the name of a network that is found"),
    ],
)
def test_each_network_of_the_end_has_a_name_of_its_own(compare, words):
    facts = {"name": "search_s", "title": "T", "question": "Q"}
    whole = {"searchers": ["one", "two"], "seeds": [0], "final": {"seeds": [7]}} | compare
    with pytest.raises(DeeperError, match=words):
        checked(Searches, facts | {"compare": whole}, "searches")


def test_a_setting_that_changes_no_cost_is_told():
    fit = study(fit={"setting": "rate", "step": 1, "target": 1000}).compare.fit
    with pytest.raises(DeeperError, match=r"fit\.setting=rate: the cost does not change with it$"):
        compared.fitted({}, fit, MadeUp())
