import json
import os
import signal

import numpy as np
import pytest
import torch
from trials import finish, job, start, train

from deeper.errors import DeeperError
from deeper.run.store import CURVES, PREDICTIONS, WEIGHTS

EXACT = ("trainer.precision=64-true", "model.norm=false", "optimizer.lr=0.01")


@pytest.fixture(scope="module")
def pair(root, tmp_path_factory):
    """The same trial on one process and on two ranks: float64, no batch normalisation."""
    store = tmp_path_factory.mktemp("ddp")
    return train(job(root, store, *EXACT)), train(job(root, store, *EXACT, "trainer=ddp", "trainer.accelerator=cpu"))


def test_two_ranks_end_in_the_weights_of_one(pair):
    one, two = (torch.load(home / WEIGHTS) for home in pair)
    assert one.keys() == two.keys()
    assert all(one[key].dtype == torch.float64 for key in one)
    assert max((one[key] - two[key]).abs().max().item() for key in one) < 1e-11
    start_of = [home.record()["gradients"]["start"] for home in pair]
    assert start_of[0] == pytest.approx(start_of[1], rel=1e-5)


def test_test_accuracy_is_exact_under_two_ranks(pair):
    """101 test images do not divide by two: none is left out and none counted twice."""
    for home in pair:
        kept = np.load(home / PREDICTIONS)
        assert len(kept["labels"]) == 101
        wrong = int((kept["logits"].argmax(1) != kept["labels"]).sum())
        assert home.record()["metrics"]["test_error"] == wrong / 101
    logits = [np.load(home / PREDICTIONS)["logits"] for home in pair]
    assert np.allclose(*logits, atol=1e-6)


def test_running_errors_count_every_rank(pair):
    rows = [[json.loads(line) for line in (home / CURVES).read_text().splitlines()] for home in pair]
    for one, two in zip(*rows, strict=True):
        assert one["train_error"] == two["train_error"]
        assert one["train_loss"] == pytest.approx(two["train_loss"], rel=1e-5)


def test_ranks_resume_to_the_same_bits_with_dropout_and_normalisation(root, tmp_path):
    overrides = ("trainer=ddp", "trainer.accelerator=cpu", "model.dropout=0.2", "training.epochs=6")
    whole = train(job(root, tmp_path / "whole", *overrides))
    a_job = job(root, tmp_path / "killed", *overrides)
    running, home = start({**a_job, "kill": ("os.replace", 4)}, "killing")
    assert finish(running) != 0
    assert home.record() is None
    resumed = train(a_job)
    one, two = (torch.load(h / WEIGHTS) for h in (whole, resumed))
    assert all(torch.equal(one[key], two[key]) for key in one)


@pytest.mark.parametrize("victim", [0, 1])
def test_a_rank_that_dies_takes_the_other_with_it(root, tmp_path, victim):
    a_job = job(root, tmp_path, "trainer=ddp", "trainer.accelerator=cpu", "training.epochs=500")
    running, home = start(a_job)
    while not running.progress:
        running.poll()
        assert running.code is None
    os.kill(running.ranks[victim].pid, signal.SIGKILL)
    assert finish(running, timeout=30) == -9
    assert [rank.is_alive() for rank in running.ranks] == [False, False]
    assert home.record() is None
    assert not home.busy()


def test_a_batch_that_does_not_divide_is_one_line(root, tmp_path):
    with pytest.raises(DeeperError, match=r"training\.batch_size=21: it is not a multiple of trainer\.devices=2"):
        job(root, tmp_path, "trainer=ddp", "trainer.accelerator=cpu", "training.batch_size=21")
