"""Stands in for ``deeper.run.trial`` in a child: fits a network whole, and again stopped and resumed."""

from pathlib import Path

import pytorch_lightning as pl
import torch

from deeper.data.batches import load
from deeper.fit.fit import fit
from deeper.fit.outcome import Surroundings, TrialOutcome
from deeper.run import trial

describe = trial.describe


class Stopped(Exception):
    pass


class StopBeforeSecondEpoch(pl.Callback):
    def on_train_epoch_start(self, trainer, module):
        if trainer.fit_loop.epoch_progress.current.processed == 1:
            raise Stopped


def train(job, say):
    """Say what came of it: whether all is finite and equal, and over several ranks whether they agree."""
    config = job["config"]
    data = load(config["data"])
    whole = fit(config, data, Surroundings())
    if config["trainer"]["devices"] > 1:
        found = {"equal": _ranks_agree(whole)}
    else:
        checkpoint = Path(config["store"]) / f"{job['id']}.ckpt"
        try:
            fit(config, data, Surroundings(checkpoint, callbacks=lambda steps: [StopBeforeSecondEpoch()]))
        except Stopped:
            resumed = fit(config, data, Surroundings(checkpoint))
            found = {"equal": _same(whole, resumed), "epochs": len(resumed.history)}
    finite = all(weight.isfinite().all() for weight in whole.weights.values() if weight.is_floating_point())
    say("epoch", {**found, "finite": bool(finite), "metrics": whole.metrics})


def _same(one: TrialOutcome, other: TrialOutcome) -> bool:
    alike = all(torch.equal(one.weights[key], other.weights[key]) for key in one.weights)
    return alike and one.metrics == other.metrics and (one.logits == other.logits).all()


def _ranks_agree(outcome: TrialOutcome) -> bool:
    sums = torch.stack([weight.double().abs().sum() for weight in outcome.weights.values()])
    everywhere = [torch.empty_like(sums) for _ in range(torch.distributed.get_world_size())]
    torch.distributed.all_gather(everywhere, sums)
    learned = [index for index, key in enumerate(outcome.weights) if "running" not in key and "num_batches" not in key]
    return all(torch.equal(one[learned], sums[learned]) for one in everywhere)
