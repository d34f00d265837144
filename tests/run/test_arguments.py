"""What classes are called with is what their annotations say, and is told so before anything is imported."""

import subprocess
import sys

import pytest
import trials
import yaml

from deeper.errors import DeeperError
from deeper.paths import CONF
from deeper.run.arguments import parameters, with_kinds

AUGMENT = "deeper.data.augment.EdgeAugment"
DENSENET = "deeper.models.densenet.DenseNet"


@pytest.mark.parametrize(
    "group", ["model", "augment", "schedule", "average", "batch", "callbacks", "parameters", "loss"]
)
def test_every_configuration_of_the_project_is_as_its_class_says(group):
    for file in sorted((CONF / group).glob("*.yaml")):
        content = yaml.safe_load(file.read_text())
        told = {key: value for key, value in content.items() if key != "defaults" and not str(value).startswith("${")}
        with_kinds({group: told})


@pytest.mark.parametrize(
    ("whole", "fraction"), [("model.dropout=0", "model.dropout=0.0"), ("model.dropout=1", "model.dropout=1.0")]
)
def test_a_whole_number_where_a_class_takes_a_fraction_is_the_same_trial(root, tmp_path, whole, fraction):
    ids = [trials.job(root, tmp_path, one)["id"] for one in (whole, fraction)]
    assert ids[0] == ids[1] != trials.job(root, tmp_path)["id"] or whole.endswith("=0")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"augment": {"_target_": AUGMENT, "mirror": 7}}, "augment.mirror=7: it must be true or false"),
        ({"augment": {"_target_": AUGMENT, "miror": True}}, "there is no such argument; did you mean 'mirror'?"),
        ({"model": {"_target_": DENSENET, "growth": True}}, "model.growth=true: it must be a whole number"),
        ({"model": {"_target_": DENSENET, "growth": 2.0}}, "model.growth=2.0: it must be a whole number"),
        ({"model": {"_target_": DENSENET, "dropout": "a"}}, "model.dropout=a: it must be a number"),
        ({"model": {"_target_": DENSENET, "stem": 3}}, "model.stem=3: it must be text"),
        (
            {"callbacks": {"mine": {"_target_": "deeper.fit.callbacks.AdaptiveClipping", "factor": "x"}}},
            "callbacks.mine.factor=x: it must be a number",
        ),
    ],
)
def test_another_kind_is_one_line(settings, words):
    with pytest.raises(DeeperError) as caught:
        with_kinds(settings)
    assert words in str(caught.value)


def test_what_is_left_out_or_of_another_package_is_left_alone():
    for settings in (
        {"model": {"_target_": DENSENET, "depth": None, "layers": [1, 2], "form": {"data": "small"}, "name": "x"}},
        {"optimizer": {"_target_": "torch.optim.SGD", "lr": 1, "anything": True}},
        {"batch": None, "seed": 3},
        {"model": {"_target_": "deeper.models.residual.ResidualNetwork", "squeeze_of_tomorrow": 1}},
    ):
        assert with_kinds(settings) == settings


def test_annotations_are_read_without_importing_the_class():
    code = f"import sys; from deeper.run.arguments import parameters\nprint(parameters({DENSENET!r})['growth'])\n"
    code += "print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["int", "False"]
    assert parameters("deeper.models.densenet.NoSuchNet") is None
