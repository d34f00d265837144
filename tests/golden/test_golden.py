"""The golden trainings: numbers that a change of the code must not change unnoticed.

Where one fails, its message says which results version to raise if the change was meant. ``make golden`` stores the
numbers anew.
"""

import warnings

import pytest
import yaml

from . import networks, run, store
from .cases import CASES, OPEN

CONF = run.CONF
NAMES = sorted(path.stem for path in (CONF / "model").glob("*.yaml"))
STUDIES = sorted(str(path.relative_to(CONF / "study").with_suffix("")) for path in (CONF / "study").rglob("*.yaml"))


@pytest.fixture(autouse=True)
def quiet():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


@pytest.mark.parametrize("name", CASES)
def test_results_are_the_stored_ones(name):
    if complaint := store.complaint(name):
        pytest.fail(complaint, pytrace=False)


def test_nothing_else_is_stored():
    kept = {
        f"{path.stem}/{label}"
        for path in store.FOLDER.glob("*.json")
        if path.stem != "libraries"
        for label in store.stored(path.stem)
    }
    assert kept == set(CASES), "run `make golden`"


@pytest.fixture(scope="module")
def covered():
    """What the cases of networks are apart from their sizes."""
    rows = [row for family in networks.FAMILIES.values() for row in family.values()]
    return {networks.signature(run.model(name, **settings)) for name, _, settings in rows}


@pytest.mark.parametrize("name", [name for name in NAMES if name != "timm"])
def test_every_network_has_a_case(name, covered):
    """Its own, or one with the same class and the same switches but for sizes."""
    assert networks.signature(run.model(name)) in covered, f"add a case of {name} to tests/golden/networks.py"


@pytest.mark.parametrize("name", STUDIES)
def test_every_switch_of_a_study_has_a_case(name, covered):
    """As its arms run, and as they run under ``profile=paper``."""
    study = yaml.safe_load((CONF / "study" / f"{name}.yaml").read_text()).get("study") or {}
    arms = {label: arm or {} for label, arm in (study.get("arms") or {}).items()}
    for label, arm in arms.items():
        usual = arm.get("set") or {}
        for chosen in (usual, {**(study.get("paper") or {}), **(arm.get("paper", usual) or {})}):
            if isinstance(chosen.get("model"), str):
                changed = {key[6:]: value for key, value in chosen.items() if key.startswith("model.")}
                made = networks.signature(run.model(chosen["model"], **changed))
                assert made in covered, f"add a case like arm {label} to tests/golden/networks.py"


@pytest.mark.parametrize("kind", ["optimizer", "schedule", "augment", *OPEN])
def test_every_choice_of_conf_has_a_case(kind):
    choices = {path.stem for path in (CONF / kind).glob("*.yaml")} - ({"none"} if kind in OPEN else set())
    keys = {"optimizer": ("optimizers",)} | {group: (f"{group}.", "fit") for group in OPEN}
    labels = {case.label for case in CASES.values() if case.key.startswith(keys.get(kind, f"{kind}."))}
    lacking = choices - labels
    assert not lacking, f"conf/{kind}: write a case in tests/golden/cases.py of {sorted(lacking)}, then make golden"


def test_every_probe_has_a_case():
    assert {case.key for case in CASES.values() if case.key.startswith("probes.")} == {
        f"probes.{name}" for name in run.PROBES
    }


@pytest.mark.parametrize(
    "overrides", [("model=resnet20", "model.depth=8", "model.dropout=0.3"), ("model=stochastic_depth20",)]
)
def test_networks_draw_as_the_trainer_lets_them(overrides):
    """``run.drawn``, by which the networks' own cases are computed, draws and adds losses as the trainer does."""
    config = run.training((*overrides, "model.width=4", "training.epochs=1"))
    trained, own = run.first_step(config, run.data())
    assert own == pytest.approx(trained, rel=1e-12)


def test_a_complaint_names_the_version_to_raise(monkeypatch):
    name = "models.lenet/lenet5"
    loss = store.stored("models.lenet")["lenet5"]["values"]["loss"]
    monkeypatch.setattr(store, "differences", lambda other: [("loss", loss, 2.0)] if other == name else [])
    said = store.complaint(name)
    assert "results of model family `lenet` changed (lenet5: loss" in said
    assert "raise `models.lenet` in src/deeper/results_versions.yaml and run `make golden`" in said
