"""What all verbs have in common."""

import re

import pytest
from hydra._internal.hydra import Hydra
from hydra.types import RunMode

from deeper import cli
from deeper.paths import CONF

LOOK = Hydra.get_mode


@pytest.mark.parametrize(
    ("words", "mode"),
    [
        (["model=lenet5"], None),
        (["--multirun", "model=lenet5"], None),
        (["hydra.mode=MULTIRUN"], RunMode.MULTIRUN),
        (["++hydra.mode=MULTIRUN", "hydra.mode=RUN"], RunMode.RUN),
        (["hydra.mode=both"], None),
    ],
)
def test_hydra_is_told_its_mode_and_composes_nothing_for_it(words, mode):
    with cli._mode_told(words):
        assert Hydra.get_mode(None, "train", words) == mode
    assert Hydra.get_mode is LOOK


@pytest.mark.parametrize(
    "words", [["--config-dir", "mine"], ["--config-dir=mine"], ["-cd", "mine"], ["hydra.searchpath=[mine]"]]
)
def test_where_another_file_can_set_the_mode_hydra_looks(words):
    with cli._mode_told(words):
        assert Hydra.get_mode is LOOK


def test_no_file_of_ours_sets_the_mode():
    text = "\n".join(path.read_text() for path in CONF.rglob("*.yaml"))
    assert not re.search(r"^hydra\.mode:|^hydra:\n(?: .*\n)*  mode:", text, re.MULTILINE)
