"""What stands in conf/ and in docs/search.md works."""

import re

import pytest
import yaml
from hydra import compose, initialize_config_dir

from deeper.models.nasnet import NASNet
from deeper.paths import CONF, ROOT
from deeper.schema.search import Searches, checked, search_settings
from deeper.search.composed import searcher_of, space_of
from deeper.search.searcher import Searcher, Told
from deeper.search.space import Space
from deeper.search.trainings import plain


def names(group):
    return sorted(path.stem for path in (CONF / group).glob("*.yaml"))


def composed(*overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return compose("search", list(overrides))


@pytest.mark.parametrize("name", [name for name in names("searches") if name != "none"])
def test_a_study_of_searches_is_one(name):
    cfg = composed(f"searches={name}")
    study = checked(Searches, plain(cfg.searches), name)
    settings, space = search_settings(plain(cfg.search)), space_of(cfg.space)
    searchers = study.compare.searchers if study.compare else study.replay.searchers
    assert set(searchers) <= set(names("searcher"))
    assert cfg.model.name == "cells_small"
    if study.table:
        assert 100 <= len(space.distinct()) <= 300
        return
    assert settings.networks >= 24
    assert not set(settings.trial_seeds) & set(study.compare.final.seeds)
    for made in study.compare.beside.values():
        cells = {key.removeprefix("model."): cell for key, cell in made.set.items() if key.startswith("model.")}
        assert NASNet(filters=4, repeats=1, stem_channels=4, in_chans=1, **cells).num_features


def test_every_searcher_proposes_in_every_space():
    for space_name in names("space"):
        cfg = composed(f"space={space_name}", "search.over={optimizer.lr:[0.1,0.2]}")
        space = space_of(cfg.space)
        for name in names("searcher"):
            searcher = searcher_of(yaml.safe_load((CONF / "searcher" / f"{name}.yaml").read_text()), space, 0)
            points = searcher.ask(2)
            searcher.tell([Told(point, 0.5) for point in points])
            assert all(space.settings(space.canonical(point)) for point in points)


def blocks():
    return re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "search.md").read_text(), re.DOTALL)


def test_the_space_and_the_searcher_of_the_docs_work():
    known = {}
    for block in blocks():
        exec(block, known)
    space = known["Widths"](3, [4, 8, 16])
    assert isinstance(space, Space)
    assert space.settings((0, 1, 2)) == {"model.widths": [4, 8, 16]}
    searcher = known["Climber"](space, 0)
    assert isinstance(searcher, Searcher)
    for _ in range(40):
        searcher.tell([Told(point, sum(point) / 10) for point in searcher.ask(2)])
    assert min(told.loss for told in searcher.history) == 0.0
