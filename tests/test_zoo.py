"""The zoo holds every network that has a small-image form, at the rates that the calibration chose."""

import yaml

from deeper.cli import CONF, ROOT
from deeper.reporting import calibration, records
from models.test_contract import FORMS

VARIANTS = {  # arms of ablations, not networks of their own
    "vgg11_lrn_small",
    "googlenet_naive_small",
    "mobilenet_v1_full_small",
    "se_mobilenet_v2_small",
}


def study(name):
    return yaml.safe_load((CONF / "study" / f"{name}.yaml").read_text())


def grid(name):
    return study(name)["hydra"]["sweeper"]["params"]["model"].split(",")


def test_every_small_form_is_in_the_zoo_and_in_the_calibration():
    small = {name for name, (data, *_) in FORMS.items() if data == "small"}
    assert small - VARIANTS <= set(grid("zoo"))
    assert grid("zoo") == grid("zoo_rates") == list(study("zoo")["study"]["arms"])


def test_the_zoo_runs_at_the_rates_with_the_lowest_validation_error_or_not_at_all():
    table = ROOT / "results" / "zoo_rates.json"
    runs = "zoo" in yaml.safe_load((ROOT / "params.yaml").read_text())["studies"]
    assert runs == table.exists()
    if runs:
        taken = {name: arm["rate"] for name, arm in study("zoo")["study"]["arms"].items()}
        assert taken == calibration.table(records.read(table)).chosen()
