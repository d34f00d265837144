"""The file of learning rates: what is wrong in it is said of it, and not of the study that takes them from it."""

import pytest
import yaml

from deeper.errors import DeeperError
from deeper.paths import CONF
from deeper.study.rates import read_rates

ROW = {"rate": 0.1, "tried": {"0.05": 0.3, "0.1": 0.2, "0.2": 0.3}, "epochs": 3, "train": 100, "validation": 50} | {
    "seeds": [100],
    "profile": "record",
    "kind": "0123456789abcdef",
}


def test_every_committed_file_is_read():
    files = sorted((CONF / "rates").glob("*.yaml"))
    assert files
    assert all(read_rates(path) for path in files)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"rate": -0.1}, "arm.rate: it must be a number above 0, not -0.1"),
        ({"rate": 0.3}, "arm.rate: 0.3 is not among the rates that were tried"),
        ({"tried": {"fast": 0.2}}, "arm.tried.fast: 'fast' is not a number"),
        ({"epoch": 3}, "arm.epoch: there is no such key; did you mean 'epochs'?"),
    ],
)
def test_a_wrong_value_names_the_file_and_the_arm(tmp_path, change, words):
    path = tmp_path / "lrn.yaml"
    path.write_text(yaml.safe_dump({"arm": ROW | change}))
    with pytest.raises(DeeperError) as caught:
        read_rates(path)
    assert str(caught.value).startswith(f"{path}: {words}")
    assert "tune=true" in str(caught.value)


@pytest.mark.parametrize("text", ["[1, 2]", "just words", "a: [", "\xff"])
def test_what_is_no_mapping_of_arms_is_one_line(tmp_path, text):
    path = tmp_path / "lrn.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(DeeperError, match=r"lrn.yaml is no file of learning rates.*tune=true"):
        read_rates(path)
