"""Figures of several studies at once: the same as one by one, mistakes as such."""

import os
import signal

import pytest
import synthetic
from deeper.reporting.drawing import Sheet

from deeper.errors import DeeperError
from deeper.reporting import drawing, figures, records, summary


def sheet(name="residual_vs_plain", **study):
    content = synthetic.results()
    content["study"] |= {"name": name} | study
    results = records.Results(f"{name}.json", content)
    return Sheet(results, summary.arms(results), [])


@pytest.fixture
def two_processors(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1})


def test_each_study_in_its_place_and_in_another_process(monkeypatch, two_processors):
    def stand_in(arms, wanted):
        return {"who": str(os.getpid()).encode()} | {arm.name: b"" for arm in arms if wanted is drawing.PAGES["study"]}

    monkeypatch.setattr(figures, "draw", stand_in)
    one, two = drawing.draw([sheet("one"), sheet("two", page="calibration")])
    assert one.keys() > {"who"}
    assert two.keys() <= {"who"}
    assert str(os.getpid()).encode() not in {one["who"]}


def test_the_same_bytes_as_one_by_one(two_processors):
    sheets = [sheet("one"), sheet("two")]
    together = drawing.draw(sheets)
    assert together == [*drawing.draw(sheets[:1]), *drawing.draw(sheets[1:])]
    assert "errors-by-epoch-light.svg" in together[0]


def test_a_mistake_in_a_worker_is_the_users(monkeypatch, two_processors):
    def mistaken(*_):
        raise DeeperError("arm x is not there")

    monkeypatch.setattr(figures, "draw", mistaken)
    with pytest.raises(DeeperError, match="arm x is not there"):
        drawing.draw([sheet("one"), sheet("two")])


def test_a_worker_that_is_killed_is_one_line(monkeypatch, two_processors):
    monkeypatch.setattr(figures, "draw", lambda *_: os.kill(os.getpid(), signal.SIGKILL))
    with pytest.raises(DeeperError, match="killed"):
        drawing.draw([sheet("one"), sheet("two")])


def test_an_unknown_kind_of_page_is_refused_before_anything_is_drawn(monkeypatch):
    monkeypatch.setattr(figures, "draw", lambda *_: pytest.fail("drawn"))
    with pytest.raises(DeeperError, match="page 'wall' is not one of study, zoo"):
        drawing.draw([sheet("one"), sheet("two", page="wall")])
