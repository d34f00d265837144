import pytest
import yaml

from deeper.errors import DeeperError
from deeper.paths import CONF
from deeper.study import study_shape

ARM = {"label": "A", "set": {"model": "lenet5"}}


def test_every_study_of_the_project_has_the_form():
    names = [path for path in (CONF / "study").glob("*.yaml") if path.stem not in ("none", "transfer_target")]
    for path in names:
        study_shape.check(yaml.safe_load(path.read_text())["study"], path.stem)


def test_arms_that_a_sweep_makes_need_no_names():
    study_shape.check({"name": "x", "by": ["model.name"]}, "x")


@pytest.mark.parametrize(
    ("study", "words"),
    [
        (5, "x: study must be a mapping"),
        ({"name": None}, "x: name must be text"),
        ({"arms": 5}, "x: arms must be a mapping (`name: value`), not 5"),
        ({"arms": [1, 2]}, "x: arms must be a mapping"),
        ({}, "x: it has no arms"),
        ({"arms": {}}, "x: it has no arms"),
        ({"arms": {"a": 5}}, "x: arm a must be a mapping"),
        ({"arms": {"a": {"set": 5}}}, "x: set of arm a must be a mapping"),
        ({"arms": {"a": {"where": "model"}}}, "x: where of arm a must be a mapping"),
        ({"arms": {"a": {"average": 4}}}, "x: average of arm a must be a mapping"),
        ({"arms": {"a": ARM}, "probes": {"lesion": 5}}, "x: probe lesion must be a mapping"),
        ({"arms": {"a": ARM}, "probes": {"lesion": None}}, "x: probe lesion must be a mapping"),
        ({"arms": {"a": ARM}, "claims": ["degradation"]}, "x: claims must be a mapping"),
        ({"arms": {"a": ARM}, "published": {"file": "a.csv"}}, "x: published must be a list"),
        ({"by": "model.name"}, "x: by must be a list, not 'model.name'"),
    ],
)
def test_another_form_is_one_line(study, words):
    with pytest.raises(DeeperError) as caught:
        study_shape.check({"name": "x", **study} if isinstance(study, dict) else study, "x")
    assert str(caught.value).startswith(words)
    assert "\n" not in str(caught.value)
