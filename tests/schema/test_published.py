"""The shelf of published numbers: what is read, and every kind of damage in one line."""

import shutil

import pytest

from deeper.errors import DeeperError
from deeper.paths import PUBLISHED
from deeper.schema.published import COLUMNS, read_rows


@pytest.mark.parametrize("name", COLUMNS)
def test_the_shelf_has_what_is_read_of_it(name):
    assert read_rows(PUBLISHED / name)


@pytest.mark.parametrize("name", COLUMNS)
def test_every_column_that_is_read_is_asked_for(name, tmp_path):
    for column in COLUMNS[name]:
        shutil.copy(PUBLISHED / name, tmp_path)
        head, rest = (tmp_path / name).read_text(encoding="utf-8").split("\n", 1)
        columns = [f"{column}s" if one == column else one for one in head.split(",")]
        (tmp_path / name).write_text(",".join(columns) + "\n" + rest, encoding="utf-8")
        with pytest.raises(DeeperError, match=f"{name} has no column '{column}' .did you mean '{column}s'"):
            read_rows(tmp_path / name)


@pytest.mark.parametrize(
    ("accuracy", "words"), [("0.9x", "row 1: test_accuracy must be a number, not '0.9x'"), ("nan", "not 'nan'")]
)
def test_a_number_that_is_computed_with_is_one(tmp_path, accuracy, words):
    path = tmp_path / "fashion_mnist.csv"
    path.write_text(f"architecture,variant,test_accuracy,source,confidence\nLeNet,,{accuracy},a,verified\n")
    with pytest.raises(DeeperError, match=words):
        read_rows(path)
