import json

import pytest
import synthetic
from reported import results_of

from deeper.errors import DeeperError
from deeper.reporting import load
from deeper.schema.results import sealed


@pytest.fixture(scope="module")
def whole():
    return json.dumps(sealed(synthetic.results(seeds=2, epochs=2)))


@pytest.fixture
def content(whole):
    return json.loads(whole)


def read(folder, content):
    path = folder / "residual_vs_plain.json"
    path.write_text(content if isinstance(content, str) else json.dumps(sealed(content)), encoding="utf-8")
    (results,) = load.load(folder)
    return results


def refuse(folder, content):
    with pytest.raises(DeeperError, match=r"residual_vs_plain\.json") as caught:
        read(folder, content)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_a_whole_file_is_read_in_the_study_s_order(tmp_path, content):
    content["trials"].reverse()
    results = read(tmp_path, content)
    assert list(results.table.arms) == ["plain20", "plain56", "resnet20", "resnet56"]
    assert [row.seed for row in results.table.rows("plain56")] == [0, 1]
    assert results.label("resnet20") == "ResNet-20"


def test_a_folder_that_is_not_there_holds_nothing(tmp_path):
    assert load.load(tmp_path / "nowhere") == []


def test_only_a_smoke_run_measures_nothing(content):
    assert results_of(content).measures
    assert not results_of(content | {"profile": "smoke"}).measures


def test_files_of_searches_and_baselines_are_no_tables(tmp_path):
    for name in ("search_table", "search_cells", "baselines"):
        (tmp_path / f"{name}.json").write_text("{}")
    assert load.load(tmp_path) == []
    assert not load.is_there(tmp_path)
