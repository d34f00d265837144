"""A network's step is timed once, and what trials take is told from it."""

import json

import pytest
import torch
import trials

from deeper.run import step_times
from deeper.run.costs import FOLDER
from deeper.run.forecast import BACKWARD, START, STEPS, Forecast

MACHINE, TEST = {"cpu": "one"}, 101


@pytest.fixture
def config(root, tmp_path):
    return lambda *overrides: trials.job(root, tmp_path / "trials", *overrides)["config"]


def kept(tmp_path):
    return sorted((tmp_path / "trials" / FOLDER).glob("*.step.json"))


def test_a_step_is_timed_once_for_a_network_a_batch_and_a_machine(config, tmp_path):
    threads = torch.get_num_threads()
    seconds = step_times.seconds_per_image(config(), 1000, MACHINE)
    assert seconds > 0
    [place] = kept(tmp_path)
    assert json.loads(place.read_text()) == {"seconds_per_image": seconds}
    assert step_times.seconds_per_image(config("seed=9", "recipe.lr=0.2"), 1000, MACHINE) == seconds
    assert len(kept(tmp_path)) == 1
    step_times.seconds_per_image(config("training.batch_size=11"), 1000, MACHINE)
    step_times.seconds_per_image(config(), 1000, {"cpu": "two"})
    assert len(kept(tmp_path)) == 3
    assert torch.get_num_threads() == threads


def test_a_large_network_is_timed_with_a_few_images(config, monkeypatch):
    sizes = []
    step = step_times.__dict__["_timed"]
    monkeypatch.setattr(
        "deeper.fit.step.loss_of", lambda network, output, *rest: sizes.append(len(output)) or output.sum()
    )
    step(config(), 10**12)
    assert set(sizes) == {step_times.FEWEST}


def test_a_damaged_file_is_timed_again(config, tmp_path):
    step_times.seconds_per_image(config(), 1000, MACHINE)
    kept(tmp_path)[0].write_text("{")
    assert step_times.seconds_per_image(config(), 1000, MACHINE) > 0


def test_a_trial_that_no_other_tells_is_told_from_a_step(config, tmp_path):
    one = config("training.epochs=2", "data.train_size=100", "data.validation_size=40")
    guess = Forecast(tmp_path, MACHINE, TEST, lambda of, macs: 0.3).seconds(one, 1000)
    assert (guess.basis, guess.here) == (STEPS, True)
    passes = (BACKWARD * 2 + 1) * 100 + 2 * 40 + TEST
    assert guess.seconds == pytest.approx(START + 0.1 * passes)
