"""A study with averaged arms through the real command line, from training to the page."""

import json
import subprocess
import sys

import numpy as np
import pytest
from hydra import compose, initialize_config_dir

from deeper.files import write_json
from deeper.paths import CONF, ROOT
from deeper.reporting.pages import site
from deeper.run import measurements as probing
from deeper.schema.results import sealed
from deeper.study import table as study
from deeper.study.arms import study_of

PROBE = {"of": "deeper.probes.lesion.probe", "images": 20, "draws": 1, "most": 1}
STUDY = """
# @package _global_
hydra: {sweeper: {params: {seed: range(5)}}}
training: {epochs: 1, batch_size: 50}
data: {image_size: 14, train_size: 120, validation_size: 40}
recipe: {pad: 1}
study:
  name: averaged
  title: Averaged networks
  question: Does averaging help?
  arms:
    single: {label: One, set: {model: lenet5}}
    two: {label: Two averaged, average: {of: single, size: 2}}
    many: {label: Many averaged, average: {of: single, size: 8}}
  claims:
    model-ensemble: [{metric: averaging_gain, of: two, expect: higher}]
"""


@pytest.fixture(scope="module")
def ran(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("averaged")
    (folder / "own" / "study").mkdir(parents=True)
    (folder / "own" / "study" / "averaged.yaml").write_text(STUDY, encoding="utf-8")
    sweep = ["--multirun", f"hydra.searchpath=[file://{folder}/own]", "study=averaged", f"data.root={root}"]
    sweep += ["logger=none"]
    done = subprocess.run([sys.executable, "-m", "deeper.train", *sweep], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder, sweep, done.stderr, json.loads((folder / "results" / "averaged.json").read_text())


def test_groups_are_rows_after_the_trained_ones(ran):
    _, _, said, table = ran
    assert [(trial["arm"], trial["seed"]) for trial in table["trials"]] == [
        *(("single", seed) for seed in range(5)),
        ("two", 0),
        ("two", 2),
    ]
    assert "averaged: arm many stays empty, arm single has fewer than 8 seeds" in said
    assert "averaged: 5 trained" in said


def test_the_error_of_a_group_is_that_of_its_kept_predictions(ran):
    folder, _, _, table = ran
    for group in table["trials"][5:]:
        members = [trial for trial in table["trials"][:5] if trial["id"] in group["members"]]
        assert [member["seed"] for member in members] == [group["seed"], group["seed"] + 1]
        mean = 0.0
        for member in members:
            kept = np.load(folder / "trials" / member["id"] / "predictions.npz")
            powers = np.exp(kept["logits"].astype(np.float64))
            mean = mean + powers / powers.sum(1, keepdims=True) / 2
            assert member["metrics"]["test_error"] == pytest.approx(np.mean(kept["logits"].argmax(1) != kept["labels"]))
        labels = kept["labels"]
        assert group["metrics"]["test_error"] == pytest.approx(np.mean(mean.argmax(1) != labels))
        assert group["metrics"]["test_loss"] == pytest.approx(-np.log(mean[range(len(labels)), labels]).mean())
        errors = [member["metrics"]["test_error"] for member in members]
        assert group["metrics"]["members_error"] == pytest.approx(np.mean(errors))


def test_a_trusted_table_stands_for_the_groups_too(ran):
    """Also where a probe was added since, which groups cannot have."""
    folder, sweep, _, content = ran
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        lines = [*sweep[1:], "model=lenet5", "++study.arm=single", "store=nowhere", "trust_table=true"]
        lines += [
            f"results={folder}/trusted",
            f"+study.probes.lesion={{{','.join(f'{k}:{v}' for k, v in PROBE.items())}}}",
        ]
        configs = [compose("train", [*lines, f"seed={seed}"]) for seed in range(5)]
    trials = content["trials"]
    for trial in trials[:5]:
        trial["probes"] = {"lesion": {"key": probing.key(trial["id"], PROBE), "value": {}}}
    content["data"] = {**content["data"], "digest": "of the set as another machine prepared it"}
    write_json(folder / "trusted" / "averaged.json", sealed(content))
    again = study.table(study_of(configs[0]), configs, [trial["id"] for trial in trials[:5]])
    assert again["trials"] == trials
    assert again["data"] == content["data"]  # none of its trials is here, so nothing of it is told anew


def test_the_report_shows_them(ran):
    folder, *_ = ran
    site.write(folder / "results", folder / "reports", ROOT / "published")
    page = (folder / "reports" / "averaged.md").read_text(encoding="utf-8")
    assert "| Two averaged |" in page
    assert "gain over the mean network<br>Two averaged | above 0 |" in page
    assert (folder / "reports" / "figures" / "averaged" / "error-by-networks-averaged-dark.svg").is_file()
