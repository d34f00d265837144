import pytest
import torch
from pictures import data, network

from deeper.models.inception import GoogLeNet
from deeper.models.residual import ResidualNetwork
from deeper.probes import step_time

TRAINER = {
    "accelerator": "cpu",
    "devices": 1,
    "precision": "32-true",
    "channels_last": True,
    "deterministic": True,
    "compile": False,
}


def config(batch_size=4, evaluation_batch_size=60, **trainer):
    recipe = {"batch_size": batch_size, "evaluation_batch_size": evaluation_batch_size}
    return {"trainer": {**TRAINER, **trainer}, "training": recipe}


def timed(one, cfg=None, **options):
    return step_time.probe(one, data(), 0, cfg or config(), **{"steps": 2, "rounds": 2, "warmup": 1, **options})


class Watched(torch.nn.Linear):
    """Notes how it is used."""

    def __init__(self):
        super().__init__(144, 10)
        self.seen = []

    def forward(self, x):
        self.seen.append((self.training, len(x), x.dtype))
        return super().forward(x.flatten(1))


def test_steps_and_evaluations_have_the_trials_batches():
    """Also where there are fewer images than an evaluation's batch has."""
    one = Watched()
    found = timed(one, steps=3, rounds=2, warmup=1)
    assert one.seen == [(True, 4, torch.float32)] * 7 + [(False, 60, torch.float32)] * 3
    assert (found["batch_size"], found["evaluation_batch_size"]) == (4, 60)
    assert len(found["steps_ms"]) == 3
    assert min(*found["steps_ms"], found["step_ms"], found["eval_ms_per_image"]) > 0
    assert found["step_ms"] == pytest.approx(sum(found["steps_ms"]) / 3, rel=1e-3)


def test_a_device_has_its_share_of_the_batch_in_the_trials_precision():
    one = Watched()
    assert timed(one, config(batch_size=8, devices=2, precision="64-true"))["batch_size"] == 4
    assert one.seen[0] == (True, 4, torch.float64)


def test_every_round_repeats_the_draws_of_its_steps_and_a_dropped_block_is_not_computed():
    one = network(ResidualNetwork, depth=20, width=4, survival=0.5)
    ran, rows = [], []
    for stage in one.stages:
        for block in stage:
            block.conv1.register_forward_hook(lambda module, *_: ran.append(module))
    one.head.register_forward_pre_hook(lambda *_: rows.append(tuple(map(id, ran))))
    one.register_forward_pre_hook(lambda *_: ran.clear())
    timed(one, steps=6, rounds=2, warmup=0)
    assert rows[:6] == rows[6:12]
    assert len(set(rows[:6])) > 1
    assert rows[12:] == [tuple(id(block.conv1) for stage in one.stages for block in stage)] * 3


def ways():
    return torch.are_deterministic_algorithms_enabled(), torch.utils.deterministic.fill_uninitialized_memory


def test_auxiliary_heads_are_trained_too_and_torch_is_left_as_it_was():
    one = network(GoogLeNet, width=4, stem="small", norm="batch", lrn=False, auxiliary_grid=2)
    before = ways()
    assert timed(one)["step_ms"] > 0
    assert all(head.fc.weight.grad.abs().sum() > 0 for head in [one.head, *one.heads])
    assert ways() == before
