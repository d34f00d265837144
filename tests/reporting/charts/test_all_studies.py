"""Figures of several studies at once: the same as one by one, mistakes as such."""

import os
import signal
from typing import get_args

import pytest
import synthetic
from reported import results_of

from deeper.errors import DeeperError
from deeper.reporting.arm_results import arm_results
from deeper.reporting.charts import all_studies, theme
from deeper.reporting.charts.all_studies import ChartData
from deeper.schema.study import Page


def sheet(name="residual_vs_plain", **study):
    content = synthetic.results()
    content["study"] |= {"name": name} | study
    results = results_of(content)
    return ChartData(results, arm_results(results.table), [])


@pytest.fixture
def two_processors(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def test_each_study_in_its_place_and_in_another_process(monkeypatch, two_processors):
    def stand_in(charts, arms):
        return {"who": str(os.getpid()).encode()} | {arm.name: b"" for arm in arms if charts}

    monkeypatch.setattr(theme, "draw", stand_in)
    one, two = all_studies.draw([sheet("one"), sheet("two", page="calibration")])
    assert one.keys() > {"who"}
    assert two.keys() <= {"who"}
    assert str(os.getpid()).encode() not in {one["who"]}


def test_the_same_bytes_as_one_by_one(two_processors):
    sheets = [sheet("one"), sheet("two")]
    together = all_studies.draw(sheets)
    assert together == [*all_studies.draw(sheets[:1]), *all_studies.draw(sheets[1:])]
    assert "errors-by-epoch-light.svg" in together[0]


def test_a_mistake_in_a_worker_is_the_users(monkeypatch, two_processors):
    def mistaken(*_):
        raise DeeperError("arm x is not there")

    monkeypatch.setattr(theme, "draw", mistaken)
    with pytest.raises(DeeperError, match="arm x is not there"):
        all_studies.draw([sheet("one"), sheet("two")])


def test_a_worker_that_is_killed_is_one_line(monkeypatch, two_processors):
    monkeypatch.setattr(theme, "draw", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(DeeperError, match="killed"):
        all_studies.draw([sheet("one"), sheet("two")])


def test_there_is_a_list_of_charts_and_a_template_for_every_kind_of_page():
    kinds = set(get_args(Page))
    assert set(all_studies.CHARTS) == kinds
    folder = synthetic.ROOT / "src" / "deeper" / "reporting" / "templates"
    assert all((folder / f"{kind}.md.j2").is_file() for kind in kinds)
