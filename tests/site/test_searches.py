"""Studies of searches on the site."""

import json

import pytest
import searched as made

from deeper.claims import searched
from deeper.reporting.pages.search import SearchPage
from deeper.schema.baselines import Baselines
from deeper.site import build, searches


@pytest.fixture(scope="module")
def shown():
    study, runs = made.study()
    baselines = Baselines.model_construct(rows=())
    table = made.table()
    return [
        SearchPage(table, searched.judge(table, baselines)),
        SearchPage(study, searched.judge(study, baselines), runs),
    ]


def test_the_best_so_far_has_a_line_a_searcher(shown):
    chart = json.loads(searches.best_so_far(shown[1]))
    [head, *lines] = next(iter(chart["datasets"].values())).splitlines()
    assert head == "searcher,networks,error,low,high"
    assert len(lines) == 2 * 4
    assert lines[3] == "random,4,0.17,0.17,0.17"


def test_pages_and_rows_stand_where_the_ledger_leads(shown):
    pages = build.pages([], [], None, shown)
    for page, claim in zip(shown, ("search-vs-random", "search-vs-hand"), strict=True):
        text = pages[f"searches/{page.name}"]
        assert f'<span id="{claim}">' in text
        assert "data:image/svg+xml;base64," in text
        assert f"searches/{page.name}.html#{claim}" in pages["index"]
        assert f"searches/{page.name}.html" in pages["studies/index"]
