"""What holds of trials wherever they run: on a GPU where there is one (``make gpu``), else on the CPU."""

import random
import time

import pytest
from trials import finish, job, prepare, start, train

from deeper.run.store import PREDICTIONS, WEIGHTS

ON = "trainer.accelerator=auto"


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    return prepare(tmp_path_factory.mktemp("data"))


def bits(home):
    return (home / WEIGHTS).read_bytes(), (home / PREDICTIONS).read_bytes()


def test_the_same_trial_twice_gives_the_same_bits(root, tmp_path):
    one, other = (train(job(root, tmp_path / name, ON, "model.dropout=0.2")) for name in ("one", "other"))
    assert bits(one) == bits(other)


def test_killed_and_resumed_it_ends_in_the_same_bits(root, tmp_path):
    long = (ON, "model.dropout=0.2", "training.epochs=30")
    began = time.monotonic()
    whole = train(job(root, tmp_path / "whole", *long))
    seconds, chance = time.monotonic() - began, random.Random(0)
    a_job, deaths = job(root, tmp_path / "killed", *long), 0
    for _ in range(5):
        running, _ = start(a_job)
        running.ranks[0].join(chance.uniform(0.3, 0.6) * seconds)
        deaths += running.ranks[0].exitcode is None
        running.kill()
    assert deaths >= 1
    assert bits(train(a_job)) == bits(whole)


@pytest.mark.parametrize("precision", ["bf16-mixed", "64-true"])
def test_it_learns_in_other_precisions(root, tmp_path, precision):
    home = train(job(root, tmp_path, ON, f"trainer.precision={precision}", "training.epochs=30"))
    assert home.record()["metrics"]["train_error"] < 0.5


def test_channels_last_computes_the_same(root, tmp_path):
    losses = []
    for last in ("true", "false"):
        options = (ON, "trainer.precision=64-true", f"trainer.channels_last={last}", "training.epochs=1")
        losses.append(train(job(root, tmp_path / last, *options)).record()["metrics"]["train_loss"])
    assert losses[0] == pytest.approx(losses[1], rel=1e-6)


def test_four_trials_side_by_side_have_the_bits_of_each_alone(root, tmp_path):
    jobs = [job(root, tmp_path / "together", ON, f"seed={seed}") for seed in range(4)]
    running = [start(one) for one in jobs]
    for one, _ in running:
        assert finish(one) == 0
    alone = [train(job(root, tmp_path / "alone", ON, f"seed={seed}")) for seed in range(4)]
    assert [bits(home) for _, home in running] == [bits(home) for home in alone]
