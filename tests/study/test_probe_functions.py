"""Whether a study's probes can be called, told from their source."""

import subprocess
import sys

import pytest
import synthetic

from deeper.errors import DeeperError
from deeper.schema.study import Study
from deeper.study.probe_functions import check_functions

LESION = {"of": "deeper.probes.lesion.probe", "draws": 2, "most": 8}


def check(**probe):
    block = synthetic.small_study("a", {}) | {"probes": {"mine": probe}}
    check_functions(Study.model_validate(block), "conf/study/x.yaml")


def test_probes_that_can_be_called():
    check(**LESION)
    check(**LESION, images=500, validation=None, weights="start", arms=["a"], alone=True)
    check(of="deeper.probes.columns.probe")
    check(of="deeper.probes.step_time.probe", steps=20)  # it takes the trial's configuration too


@pytest.mark.parametrize(
    ("probe", "words"),
    [
        ({"of": "os.system"}, ".of: there is no module 'os' of probes"),
        ({"of": "probe"}, ".of: there is no module '' of probes"),
        (
            {"of": "deeper.probes.leison.probe"},
            ".of: there is no module 'deeper.probes.leison' of probes; did you mean",
        ),
        ({**LESION, "of": "deeper.probes.lesion.prob"}, ".of: deeper.probes.lesion has no function 'prob'; did you"),
        ({**LESION, "drawz": 1}, ".drawz: deeper.probes.lesion.probe has no such argument; did you mean 'draws'?"),
        ({**LESION, "draws": "two"}, ".draws=two: it must be a whole number"),
        ({**LESION, "most": 2.5}, ".most=2.5: it must be a whole number"),
        ({**LESION, "images": 0}, ".images=0: it must be a whole number of at least 1"),
        ({**LESION, "draws": True}, ".draws=true: it must be a whole number"),
        ({**LESION, "seed": 1}, ".seed: deeper.probes.lesion.probe has no such argument"),
        ({"of": "deeper.probes.step_time.probe", "config": {}}, ".config: deeper.probes.step_time.probe has no such"),
        ({"of": "deeper.probes.lesion.probe", "draws": 2}, ": deeper.probes.lesion.probe missing a required argument"),
    ],
)
def test_a_probe_that_cannot_be_called_is_one_line(probe, words):
    with pytest.raises(DeeperError) as caught:
        check(**probe)
    assert f"conf/study/x.yaml: study.probes.mine{words}" in str(caught.value)


def test_torch_is_not_imported():
    code = "import sys, deeper.study.checked_jobs, deeper.study.composing; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
