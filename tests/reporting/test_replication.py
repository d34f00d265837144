"""A table under `replications/<machine>/` stands beside the study's own, on its page, and changes nothing of it."""

import copy
import json
import math
import statistics

import pytest
import synthetic

from deeper.errors import DeeperError
from deeper.reporting import load
from deeper.reporting.pages import site
from deeper.reporting.replication import FOLDER
from deeper.schema.results import sealed


@pytest.fixture
def content():
    return synthetic.results(seeds=5, epochs=1)


def put(folder, content):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{content['study']['name']}.json").write_text(json.dumps(sealed(copy.deepcopy(content))))


def page(folder, content):
    made = site.pages(load.load(folder), synthetic.ROOT / "published")
    return made, made[f"{content['study']['name']}.md"].decode()


def elsewhere(content, move):
    """The same trials with other errors."""
    other = copy.deepcopy(content)
    for trial in other["trials"]:
        for metric, shift in move(trial).items():
            trial["metrics"][metric] += shift
    return other


def test_without_one_there_is_no_section(tmp_path, content):
    put(tmp_path, content)
    assert "On another machine" not in page(tmp_path, content)[1]


def test_spread_between_machines_and_between_seeds(tmp_path, content):
    shifts = {0: 0.003, 1: -0.003, 2: 0.0, 3: 0.002, 4: 0.0}
    other = elsewhere(content, lambda trial: {"test_error": shifts[trial["seed"]] * (trial["arm"] == "plain56")})
    put(tmp_path, content)
    before, _ = page(tmp_path, content)
    put(tmp_path / FOLDER / "second", other)
    made, text = page(tmp_path, content)
    machines = math.sqrt(sum(gap**2 for gap in shifts.values()) / 5 / 2)
    seeds = statistics.stdev(t["metrics"]["test_error"] for t in content["trials"] if t["arm"] == "plain56")
    assert f"| Plain-56 | 5 | 2 | {100 * machines:.2f} | {100 * seeds:.2f} |" in text
    assert "| Plain-20 | 5 | 5 | 0.00 |" in text
    assert {name for name in made if made[name] != before[name]} == {"residual_vs_plain.md", "README.md"}
    assert b"(residual_vs_plain.md#on-another-machine), 4 of 5 verdicts again." in made["README.md"]


def test_the_same_numbers_have_the_same_verdicts(tmp_path, content):
    put(tmp_path, content)
    put(tmp_path / FOLDER / "second", content)
    section = page(tmp_path, content)[1].split("## On another machine")[1].split("## ")[0]
    assert "every verdict again" in section
    assert section.count("| the same |") == 5


def test_a_verdict_that_is_another_there_is_told(tmp_path, content):
    other = elsewhere(content, lambda trial: {"train_error": -0.2 * (trial["arm"] == "plain56")})
    put(tmp_path, content)
    put(tmp_path / FOLDER / "second", other)
    section = page(tmp_path, content)[1].split("## On another machine")[1].split("## ")[0]
    [row] = [line for line in section.splitlines() if "(#degradation)" in line]
    assert row.endswith("OUTSIDE the interval |")
    assert "every verdict again" not in section
    assert " of 5 verdicts again" in section


def test_trials_of_other_settings_are_no_second_measurement(tmp_path, content):
    other = copy.deepcopy(content)
    for number, trial in enumerate(other["trials"]):
        if trial["arm"] == "resnet20":
            trial["id"] = f"{number:016x}"
    put(tmp_path, content)
    put(tmp_path / FOLDER / "second", other)
    section = page(tmp_path, content)[1].split("## On another machine")[1].split("\n## ")[0]
    assert "| ResNet-56 | 5 | 5 |" in section
    assert "| ResNet-20 |" not in section


def test_a_damaged_one_is_named(tmp_path, content):
    put(tmp_path, content)
    put(tmp_path / FOLDER / "second", content)
    path = tmp_path / FOLDER / "second" / "residual_vs_plain.json"
    path.write_text(path.read_text()[:-20])
    with pytest.raises(DeeperError, match=r"second/residual_vs_plain\.json"):
        page(tmp_path, content)
