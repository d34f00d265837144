"""Pages of studies of searches, and their rows of the ledger."""

import json

import pytest
import searched as made

from deeper.errors import DeeperError
from deeper.files import sealed
from deeper.paths import PUBLISHED
from deeper.reporting.pages import search, site
from deeper.schema.baselines import Baselines
from deeper.schema.search import as_json, read_study


@pytest.fixture
def folder(tmp_path):
    """Results with a table and a study of searches."""
    study, runs = made.study()
    for run in runs:
        path = tmp_path / "search" / f"{run.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(as_json(run)))
    (tmp_path / "search_cells.json").write_text(json.dumps(as_json(study)))
    (tmp_path / "search_made.json").write_text(json.dumps(as_json(made.table())))
    return tmp_path


def test_both_kinds_are_read_from_their_files(folder):
    assert [read_study(folder / f"search_{name}.json").finished for name in ("cells", "made")] == [True, True]
    (folder / "search_made.json").write_text("{")
    with pytest.raises(DeeperError, match=r"search_made\.json"):
        search.pages(folder, Baselines.model_construct(rows=()))


@pytest.mark.parametrize("name", ["search_made", "search_cells", "search/{run}"])
def test_no_page_is_made_from_a_file_that_was_changed(folder, name):
    path = folder / f"{name.format(run=made.study()[1][0].name)}.json"
    path.write_text(json.dumps(sealed(json.loads(path.read_text())) | {"data": "another"}))
    with pytest.raises(DeeperError, match=rf"{path.name} is damaged \(it was changed after it was written"):
        search.pages(folder, Baselines.model_construct(rows=()))


def test_a_page_counts_each_training_once(folder):
    cells, table = search.pages(folder, Baselines.model_construct(rows=()))
    assert (table.trainings, table.hours) == (10, pytest.approx((3 * 60 + 100) / 3600))
    assert cells.trainings == 18 + 8 + 3


def test_what_searchers_came_to_prefer_is_of_the_later_half(folder):
    cells, _ = search.pages(folder, Baselines.model_construct(rows=()))
    assert cells.preferred["random"] == {"conv_1x1": 0.5, "identity": 0.25, "max_3x3": 0.25}
    assert sum(cells.preferred["evolution"].values()) == pytest.approx(1)


def test_pages_have_figures_and_rows_and_stand_in_the_report(folder, tmp_path):
    reports = tmp_path / "reports"
    site.write(folder, reports, PUBLISHED)
    for name, heading in (("search_made", "Best so far"), ("search_cells", "What was found, trained long")):
        text = (reports / f"{name}.md").read_text()
        assert f"## {heading}" in text
        for figure in ("best-so-far", "cells"):
            assert (reports / "figures" / name / f"{figure}-dark.svg").exists()
            assert f"figures/{name}/{figure}-light.svg" in text
        assert "python -m deeper.search searches=" in text
    index = (reports / "README.md").read_text()
    assert "search_made.md#search-vs-random" in index
    assert "search_cells.md#search-vs-hand" in index
    leaves = json.loads((reports / "metrics" / "search_made" / "search-vs-random.json").read_text())
    assert leaves["seeds"] == 200


def test_baselines_of_record_stand_for_those_that_are_not_beside(folder):
    """Networks of the end are trained on more pictures than those of the first studies."""
    row = {"data": "d", "digest": "digest", "image_size": 14, "train": 20000, "subset_seed": 0, "setting": "s"}
    row |= {"train_error": 0.1, "validation_error": 0.2, "test_error": 0.2, "seconds": 1.0, "versions": {}}
    rows = [row | {"method": method} for method in ("logistic", "forest")]
    (folder / "record").mkdir()
    (folder / "record" / "baselines.json").write_text(json.dumps({"schema": 1, "rows": rows}))
    cells, _ = search.pages(folder, Baselines())
    assert [verdict.verdict for verdict in cells.verdicts] == ["supported"]
    assert cells.label("best") == "the best found (by evolution)"


def test_cells_that_are_alike_are_drawn_once(folder):
    cells, table = search.pages(folder, Baselines.model_construct(rows=()))
    assert [one.title for one in table._drawn()] == ["the best of all"]
    assert len(cells._drawn()) == 6
