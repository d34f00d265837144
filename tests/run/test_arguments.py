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
CLIPPING = "deeper.fit.callbacks.AdaptiveClipping"
ERASING, IN_TURN = "deeper.fit.batch_transforms.Erasing", "deeper.fit.batch_transforms.InTurn"
DENSENET = "deeper.models.densenet.DenseNet"
NIN = "deeper.models.nin.NetworkInNetwork"
RESIDUAL = "deeper.models.residual.ResidualNetwork"
GROUPS = ("model", "augment", "schedule", "average", "batch", "callbacks", "parameters", "loss")


def merged(file):
    """A configuration with what its defaults name below its own values."""
    content = yaml.safe_load(file.read_text()) or {}
    found = {}
    for base in content.pop("defaults", ()):
        if isinstance(base, str) and base != "_self_":
            found |= merged(file.parent / f"{base.partition('@')[0]}.yaml")
    return found | said(content)


def said(value):
    """A value without what a composition fills in."""
    if isinstance(value, list):
        return [said(part) for part in value]
    if not isinstance(value, dict):
        return value
    return {key: said(part) for key, part in value.items() if not str(part).startswith("${")}


@pytest.mark.parametrize("group", GROUPS)
def test_no_configuration_of_the_project_is_changed(group):
    for file in sorted((CONF / group).glob("*.yaml")):
        told = merged(file)
        assert repr(with_kinds({group: told})[group]) == repr(told)  # so that no id is another one


@pytest.mark.parametrize("key", ["dropout", "survival"])
def test_a_whole_number_where_a_class_takes_a_fraction_is_that_fraction(key):
    told = with_kinds({"model": {"_target_": RESIDUAL, "depth": 20, key: 1}})
    assert repr(told["model"]) == repr({"_target_": RESIDUAL, "depth": 20, key: 1.0})


def test_what_stands_in_a_list_stays_as_it_was_written():
    told = {"augment": {"train": [{"_target_": "deeper.data.transforms.PictureRandAugment", "magnitude": 6}]}}
    assert repr(with_kinds(told)) == repr(told)


def test_it_is_one_trial_then(root, tmp_path):
    whole, fraction = (trials.job(root, tmp_path, f"model.dropout={value}")["id"] for value in ("1", "1.0"))
    assert whole == fraction != trials.job(root, tmp_path)["id"]


@pytest.mark.parametrize(
    ("group", "settings", "words"),
    [
        ("augment", {"_target_": AUGMENT, "mirror": 7}, "augment.mirror=7: it must be true or false"),
        ("augment", {"_target_": AUGMENT, "miror": True}, "there is no such argument; did you mean 'mirror'?"),
        (
            "model",
            {"_target_": RESIDUAL, "squeez": 3},
            "model.squeez=3: there is no such argument; did you mean 'squeeze'",
        ),
        ("model", {"_target_": DENSENET, "growth": True}, "model.growth=true: it must be a whole number"),
        ("model", {"_target_": DENSENET, "growth": 2.0}, "model.growth=2.0: it must be a whole number"),
        ("model", {"_target_": DENSENET, "dropout": "a"}, "model.dropout=a: it must be a number"),
        ("model", {"_target_": DENSENET, "dropout": "0.5"}, "model.dropout='0.5': it must be a number"),
        ("model", {"_target_": DENSENET, "stem": 3}, "model.stem=3: it must be text"),
        ("model", {"_target_": DENSENET, "layers": 3}, "model.layers=3: it must be a list of whole numbers"),
        ("model", {"_target_": DENSENET, "layers": [3, "a"]}, "it must be a list of whole numbers"),
        ("model", {"_target_": DENSENET, "layers": [3, True]}, "it must be a list of whole numbers"),
        ("model", {"_target_": NIN, "dropouts": 0.5}, "model.dropouts=0.5: it must be a list of numbers"),
        ("model", {"_target_": NIN, "widths": [3, 3]}, "it must be a list of lists of whole numbers"),
        ("batch", {"_target_": ERASING, "fill": "blue"}, "batch.fill=blue: it must be one of pixel, rand, const"),
        ("batch", {"_target_": IN_TURN, "transforms": [{"_target_": ERASING, "fill": 7}]}, "batch.transforms.0.fill=7"),
        ("batch", {"_target_": IN_TURN, "transforms": [{"_target_": ERASING, "rest": 7}]}, "there is no such argument"),
        ("callbacks", {"mine": {"_target_": CLIPPING, "factor": "x"}}, "callbacks.mine.factor=x: it must be a number"),
    ],
)
def test_another_kind_is_one_line(group, settings, words):
    with pytest.raises(DeeperError) as caught:
        with_kinds({group: settings})
    assert words in str(caught.value)


def test_what_is_null_or_of_another_package_is_left_alone():
    for settings in (
        {"model": {"_target_": DENSENET, "depth": None, "layers": [1, 2], "form": {"data": "small"}, "name": "x"}},
        {"optimizer": {"_target_": "torch.optim.SGD", "lr": 1, "anything": True}},
        {"batch": None, "seed": 3},
    ):
        assert repr(with_kinds(settings)) == repr(settings)


def test_annotations_are_read_without_importing_the_class():
    code = f"import sys; from deeper.run.arguments import parameters\nprint(parameters({DENSENET!r})['growth'])\n"
    code += "print('torch' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code], text=True).split() == ["int", "False"]
    assert parameters("deeper.models.densenet.NoSuchNet") is None
