"""Measurements on finished trials."""

import json

import pytest

from deeper.errors import DeeperError
from deeper.training import probing
from deeper.training.sweep import TrialFailed
from trials import job, train

LESION = {"of": "deeper.analysis.lesion.probe", "images": 20, "draws": 1, "most": 1}


@pytest.fixture(scope="module")
def home(root, tmp_path_factory):
    return train(job(root, tmp_path_factory.mktemp("store"), "training.epochs=1"))


def test_measured_once_and_kept(home, capfd):
    probing.run([home, home], {"lesion": LESION}, slots=1)
    assert "1 measured" in capfd.readouterr().err
    kept = probing.found(home, {"lesion": LESION})["lesion"]
    assert kept["value"]["units"] == ["stages.0.0", "stages.1.0", "stages.2.0"]
    path = probing.place(home, "lesion", LESION)
    before = path.stat().st_mtime_ns
    probing.run([home], {"lesion": LESION}, slots=1)
    assert path.stat().st_mtime_ns == before
    assert capfd.readouterr().err == ""


def test_other_settings_are_another_measurement(home):
    assert probing.found(home, {"lesion": {**LESION, "draws": 2}}) == {}
    assert probing.key("a", LESION) != probing.key("b", LESION)


def test_the_whole_networks_error_is_that_of_the_trial(home):
    """On all validation images the probe's network is the trained one."""
    spec = {**LESION, "images": 40}
    probing.run([home], {"whole": spec}, slots=1)
    last = json.loads((home / "curves.jsonl").read_text().splitlines()[-1])
    assert probing.found(home, {"whole": spec})["whole"]["value"]["whole"] == last["validation_error"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"of": "os.system"}, "must name a function of deeper.analysis"),
        ({"of": "deeper.analysis.nothing.probe"}, "must name a function of deeper.analysis"),
        ({**LESION, "weights": "best"}, "must be final or start"),
    ],
)
def test_a_probe_that_is_none_is_refused(home, spec, words):
    with pytest.raises(DeeperError, match=words):
        probing.run([home], {"x": spec}, slots=1)


@pytest.mark.parametrize(
    ("spec", "words"),
    [({**LESION, "drawz": 1}, "drawz"), ({"of": "deeper.analysis.lesion.nothing"}, "has no 'nothing'")],
)
def test_a_probe_that_fails_says_why(home, spec, words):
    with pytest.raises(TrialFailed, match=words):
        probing.run([home], {"x": spec}, slots=1)
