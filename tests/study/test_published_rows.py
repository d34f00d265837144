"""Which published numbers a study selects."""

import pytest
import synthetic

from deeper.errors import DeeperError
from deeper.paths import PUBLISHED
from deeper.schema.study import Study
from deeper.study.published_rows import published_rows

FILE = "conf/study/x.yaml"


def select(*chosen, folder=PUBLISHED):
    block = synthetic.small_study(["plain20"], {}) | {"published": list(chosen)}
    return published_rows(Study.model_validate(block), folder, FILE)


def test_rows_are_those_whose_columns_have_the_values():
    [(chosen, rows)] = select({"file": "cifar.csv", "arm": "plain20", "where": {"depth": 20}})
    assert chosen.arm == "plain20"
    assert rows
    assert all(row["depth"] == "20" for row in rows)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"data,depth\nCIFAR-10,20\n\xff,1\n", "is damaged ('utf-8' codec"),
        (b'data,depth\nCIFAR-10,20\n"CIFAR,1\n', "is damaged (unexpected end of data)"),
        (b"data,depth\nCIFAR-10,20\nCIFAR-10\n", "row 2 has not one value a column"),
        (b"data,depth\nCIFAR-10,20,7\n", "row 1 has not one value a column"),
    ],
)
def test_a_damaged_file_is_one_line(tmp_path, text, words):
    (tmp_path / "cifar.csv").write_bytes(text)
    with pytest.raises(DeeperError) as caught:
        select({"file": "cifar.csv", "where": {"depth": 20}}, folder=tmp_path)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("where", "words"),
    [
        ({"depht": 20}, "study.published.0.where: cifar.csv has no column 'depht'; did you mean 'depth'?"),
        ({"depth": 2100}, "study.published.0: cifar.csv has no row with {'depth': 2100}"),
        ({"data": "CIFAR-1O"}, "did you mean 'CIFAR-10'?"),
    ],
)
def test_what_selects_nothing_is_one_line(where, words):
    with pytest.raises(DeeperError) as caught:
        select({"file": "cifar.csv", "where": where})
    assert str(caught.value).startswith(f"{FILE}: study.published.0")
    assert words in str(caught.value)


def test_a_missing_shelf_says_how_to_name_it(tmp_path):
    with pytest.raises(DeeperError, match="published=FOLDER"):
        select({"file": "cifar.csv", "where": {}}, folder=tmp_path)
