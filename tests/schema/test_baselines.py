import json

import pytest

from deeper.errors import DeeperError
from deeper.schema.baselines import Baselines, read_baselines


def test_no_file_is_no_baselines(tmp_path):
    assert read_baselines(tmp_path / "none.json") == Baselines()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "it cannot be read"),
        (json.dumps({"schema": 2, "rows": []}), "schema: it must be 1, not 2"),
        (json.dumps({"schema": 1, "row": []}), "there is no such key; did you mean 'rows'?"),
    ],
)
def test_a_damaged_file_says_what_is_wrong(tmp_path, content, words):
    (tmp_path / "b.json").write_text(content)
    with pytest.raises(DeeperError) as caught:
        read_baselines(tmp_path / "b.json")
    assert words in str(caught.value)
    assert "b.json: " in str(caught.value)
