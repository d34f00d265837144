"""Kept figures: the same bytes as drawn ones, and none that is out of date."""

from dataclasses import replace

import pytest
import synthetic
from reported import results_of

from deeper import kept
from deeper.reporting.arm_results import arm_results
from deeper.reporting.charts import all_studies, kept_figures
from deeper.reporting.charts.all_studies import ChartData


def sheet(name="one", error=None):
    content = synthetic.results()
    content["study"] |= {"name": name}
    if error is not None:
        content["trials"][0]["metrics"]["test_error"] = error
    results = results_of(content)
    return ChartData(results, arm_results(results.table), [])


@pytest.fixture
def drawn(monkeypatch):
    """The names of the studies that were drawn, in order; the drawing itself is a stand-in that says the numbers."""
    names = []

    def draw(studies):
        names.extend(study.results.name for study in studies)
        return [{"errors-light.svg": str(study.arms).encode()} for study in studies]

    monkeypatch.setattr(all_studies, "draw", draw)
    return names


def test_what_is_kept_is_what_would_be_drawn(tmp_path, monkeypatch):
    forced = kept_figures.draw([sheet()], None)
    assert kept_figures.draw([sheet()], tmp_path) == forced
    monkeypatch.setattr(all_studies, "draw", lambda studies: pytest.fail("drawn again") if studies else [])
    assert kept_figures.draw([sheet()], tmp_path) == forced


def test_one_changed_table_draws_one_study(tmp_path, drawn):
    kept_figures.draw([sheet("one"), sheet("two")], tmp_path)
    drawn.clear()
    charts = kept_figures.draw([sheet("one"), sheet("two", error=0.5)], tmp_path)
    assert drawn == ["two"]
    assert charts == kept_figures.draw([sheet("one"), sheet("two", error=0.5)], None)


def test_other_verdicts_draw_anew(tmp_path, drawn):
    kept_figures.draw([sheet()], tmp_path)
    kept_figures.draw([replace(sheet(), verdicts=["another"])], tmp_path)
    assert drawn == ["one", "one"]


def test_other_code_draws_anew(tmp_path, drawn, monkeypatch):
    kept_figures.draw([sheet()], tmp_path)
    monkeypatch.setattr(kept_figures, "_code", lambda: "another chart")
    kept_figures.draw([sheet()], tmp_path)
    assert drawn == ["one", "one"]


def test_a_damaged_file_is_drawn_anew(tmp_path, drawn):
    first = kept_figures.draw([sheet()], tmp_path)
    [place] = tmp_path.iterdir()
    place.write_bytes(place.read_bytes()[:-5])
    assert kept_figures.draw([sheet()], tmp_path) == first
    assert drawn == ["one", "one"]
    assert kept_figures.draw([sheet()], tmp_path) == first
    assert drawn == ["one", "one"]


def test_a_folder_that_cannot_be_written_keeps_nothing(tmp_path, drawn):
    (tmp_path / "file").write_text("no folder")
    assert kept_figures.draw([sheet()], tmp_path / "file") == kept_figures.draw([sheet()], None)


def test_few_are_kept_of_a_study_and_none_of_another_is_lost(tmp_path, drawn):
    kept_figures.draw([sheet("one-more")], tmp_path)
    for error in (0.1, 0.2, 0.3, 0.4, 0.5):
        kept_figures.draw([sheet("one", error)], tmp_path)
    names = [path.name.rpartition("-")[0] for path in tmp_path.iterdir()]
    assert sorted(names) == ["one"] * kept.MOST + ["one-more"]
