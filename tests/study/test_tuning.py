"""Learning rates found by rule."""

import json
import math
import re
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from omegaconf import OmegaConf

from deeper.errors import DeeperError
from deeper.study.rates import read_rates
from deeper.study.tuning import FIRST, LEAST, MOST, Tuning, best_rate, next_rates

GRID = [0.1 * 2**power for power in range(-9, 8)]


def search(error):
    """All that the rule tries where a rate has the error that a function says."""
    tried = {}
    while rates := next_rates(tried):
        tried |= {rate: error(rate) for rate in rates}
    return tried


@given(st.integers(1, len(GRID) - 2), st.floats(0.01, 1))
def test_the_best_of_a_valley_is_found_with_a_worse_one_on_either_side(lowest, steep):
    tried = search(lambda rate: steep * abs(math.log(rate / GRID[lowest])))
    best = best_rate(tried)
    assert best == pytest.approx(GRID[lowest])
    assert min(tried) < best < max(tried)


@pytest.mark.parametrize("tried", [{0.05: 0.3, 0.1: 0.2, 0.2: 0.2}, {0.05: 0.2, 0.1: 0.2, 0.2: 0.3}])
def test_an_end_that_is_as_good_as_the_best_is_gone_beyond(tried):
    [beyond] = next_rates(tried)
    assert beyond == pytest.approx(0.4 if tried[0.2] == 0.2 else 0.025)
    assert next_rates({**tried, beyond: 0.3}) == []
    assert next_rates({0.05: 0.2, 0.1: 0.3, 0.2: 0.2}) == pytest.approx([0.025, 0.4])


def test_three_rates_do_where_the_middle_is_best():
    assert sorted(search(lambda rate: abs(rate - 0.1))) == pytest.approx(list(FIRST))


def test_a_rate_that_breaks_the_training_is_the_worst():
    assert best_rate(search(lambda rate: None if rate > 0.03 else 1 - rate)) == pytest.approx(0.025)


@pytest.mark.parametrize("error", [lambda rate: rate, lambda rate: 1 / rate])
def test_an_error_that_falls_for_ever_is_an_error(error):
    with pytest.raises(DeeperError, match="does the network learn at all"):
        search(error)
    assert min(FIRST) > LEAST
    assert max(FIRST) < MOST


def test_where_nothing_learns_both_sides_are_tried_and_the_middle_is_taken():
    tried = search(lambda rate: 0.9)
    assert sorted(tried) == pytest.approx([0.1 * 2**power for power in range(-4, 5)])
    assert best_rate(tried) == pytest.approx(0.1)


def test_what_breaks_at_every_rate_is_an_error():
    with pytest.raises(DeeperError, match=r"breaks at every learning rate from 0\.00625 to 1\.6"):
        search(lambda rate: None)


def test_what_learns_at_a_high_rate_alone_is_found():
    assert best_rate(search(lambda rate: 0.3 if 0.5 < rate < 1 else 0.9)) == pytest.approx(0.8)


STUDY = """# @package _global_
defaults:
  - optional /rates@study.rates: rated
hydra: {sweeper: {params: {seed: range(2)}}}
data: {image_size: 14, train_size: 120, validation_size: 40}
augment: {pad: 1}
training: {epochs: 4, batch_size: 20, evaluation_batch_size: 33}
study:
  name: rated
  title: Rated
  question: Which rate?
  arms:
    narrow: {set: {model: resnet20, model.depth: 8, model.width: 4}}
    wide: {set: {model: resnet20, model.depth: 8, model.width: 6}}
  claims:
    degradation:
      - {metric: train_error, of: wide, against: narrow, expect: lower}
"""


@pytest.fixture(scope="module")
def tuned(root, tmp_path_factory):
    """A folder with a configuration of its own in which a study was tuned, and how to call it again."""
    folder = tmp_path_factory.mktemp("tuned")
    (folder / "conf" / "study").mkdir(parents=True)
    (folder / "conf" / "study" / "rated.yaml").write_text(STUDY)

    def call(*arguments):
        command = [sys.executable, "-m", "deeper.train", "--multirun", f"hydra.searchpath=[file://{folder / 'conf'}]"]
        command += ["study=rated", f"data.root={root}", "logger=none", *arguments]
        return subprocess.run(command, cwd=folder, capture_output=True, text=True)

    return folder, call, call("tune=true")


def test_a_study_s_rates_are_written_and_used(tuned):
    folder, call, done = tuned
    assert done.returncode == 0, done.stderr
    rates = read_rates(folder / "conf" / "rates" / "rated.yaml")
    assert list(rates) == ["narrow", "wide"]
    for found in rates.values():
        assert found.inside
        assert found.epochs == 2
        assert min(found.tried.values()) == found.tried[f"{found.rate:g}"]
    again = call()
    assert again.returncode == 0, again.stderr
    table = json.loads((folder / "results" / "rated.json").read_text())
    used = {row["arm"]: row["settings"]["optimizer.lr"] for row in table["trials"] if "settings" in row}
    wanted = {arm: found.rate for arm, found in rates.items()}
    assert used == wanted or len(set(wanted.values())) == 1
    assert table["study"]["rates"]["wide"]["rate"] == rates["wide"].rate
    assert {row["seed"] for row in table["trials"]} == {0, 1}


def test_what_was_searched_is_not_searched_again(tuned):
    _, call, _ = tuned
    done = call("tune=true")
    assert done.returncode == 0, done.stderr
    assert "trained" not in done.stderr


def test_arms_off_their_budget_are_not_searched(tuned):
    folder, call, _ = tuned
    before = sorted((folder / "trials").iterdir())
    off = STUDY.replace("name: rated", "name: uneven").replace("study.rates: rated", "study.rates: uneven")
    (folder / "conf" / "study" / "uneven.yaml").write_text(
        off + "  budgets: [{metric: params, arms: [narrow, wide]}]\n"
    )
    done = call("study=uneven", "tune=true")
    assert done.returncode == 2
    assert re.search("error: study uneven: arm wide has .* parameters, .* more than within=0.02; change", done.stderr)
    assert sorted((folder / "trials").iterdir()) == before
    assert not (folder / "conf" / "rates" / "uneven.yaml").exists()


def test_rates_that_cannot_be_written_are_not_searched(tmp_path):
    (tmp_path / "rates").write_text("no folder")
    words = "the folder of rates .*rates cannot be written .*choose another with --config-dir=FOLDER"
    with pytest.raises(DeeperError, match=words):
        Tuning(None, OmegaConf.create({"dry_run": False}), [], None, tmp_path)


def test_rates_of_an_arm_that_has_changed_are_refused(tuned):
    folder, call, _ = tuned
    path = folder / "conf" / "study" / "rated.yaml"
    path.write_text(STUDY.replace("model.width: 6", "model.width: 5"))
    done = call()
    path.write_text(STUDY)
    assert done.returncode == 2
    assert "arm wide has changed since its rate was found; run it with tune=true" in done.stderr
