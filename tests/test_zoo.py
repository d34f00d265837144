"""The zoo holds every network that has a small-image form, each at the rate that the calibration chose."""

import yaml
from forms import FORMS

from deeper.paths import CONF, ROOT
from deeper.reporting import load
from deeper.reporting.pages import calibration

VARIANTS = {  # arms of ablations, not networks of their own
    "alexnet_tanh_small",
    "googlenet_naive_small",
    "lenet5_average",
    "lenet5_sigmoid",
    "lenet5_tanh",
    "mobilenet_v1_full_small",
    "se_mobilenet_v2_small",
    "vgg11_lrn_small",
    "vgg_cells_small",
}
EXTRA = {"plain56"}
NEWCOMERS = {  # not in the tables of the first ledger, which stand as they are
    "convnext_small",
    "mobilenet_v3_small",
    "regnet_x_small",
    "regnet_y_small",
    "resnet20_d",
    "shufflenet_v2_small",
    "vit_small",
    "xception_small",
}
SEARCHED = {"cells_small", "genetic_cnn_small"}  # skeletons that a search fills


def study(name):
    return yaml.safe_load((CONF / "study" / f"{name}.yaml").read_text())


def test_every_small_form_is_in_the_zoo_and_in_the_calibration():
    small = {name for name, (data, *_) in FORMS.items() if data == "small"}
    arms = study("zoo")["study"]["arms"]
    calibrated = study("zoo_rates")["hydra"]["sweeper"]["params"]["model"].split(",")
    assert all(arm["set"] == {"model": name} for name, arm in arms.items())
    assert small - VARIANTS - SEARCHED - NEWCOMERS <= set(arms)
    assert small >= NEWCOMERS
    assert len(calibrated) == len(set(calibrated))
    assert set(calibrated) == set(arms) | VARIANTS | EXTRA


def test_the_zoo_of_record_has_the_newcomers_too():
    arms = study("record/zoo")["study"]["arms"]
    assert set(arms) == set(study("zoo")["study"]["arms"]) | NEWCOMERS
    assert all(arm["set"]["model"] == name for name, arm in arms.items())


def test_the_profile_has_the_rates_with_the_lowest_validation_error():
    rates = yaml.safe_load((CONF / "profile" / "first_ledger.yaml").read_text())["rates"]
    table = calibration.build(load.read(ROOT / "results" / "zoo_rates.json"))
    assert {name: rate for name, rate in rates.items() if name != "other"} == table.chosen()
