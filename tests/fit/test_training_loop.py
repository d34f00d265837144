"""The short loop over training batches beside Lightning's own, which a callback from elsewhere brings back."""

import pytest
import pytorch_lightning as pl
import trials

from deeper.fit.fit import fit, load
from deeper.fit.outcome import Surroundings
from deeper.fit.training_loop import TrainingLoop

# Each touches another part of a step.
SETTINGS = {
    "plain": (),
    "drawn": ("model.survival=0.5", "model.dropout=0.3"),
    "added up and clipped": ("training.batch_size=10", "training.accumulate=2", "training.clip_norm=0.5"),
    "a step that is not filled": ("training.accumulate=4",),
    "averaged": ("average=ema", "average.decay=0.8"),
    "mixed batches": ("batch=mixup", "loss=binary", "optimizer=adamw"),
    "clipped by unit": ("callbacks=adaptive_clipping",),
    "half precision": ("trainer.precision=bf16-mixed",),
    "halved": ("trainer.precision=bf16-true",),
    "double": ("trainer.precision=64-true",),
}


class Stranger(pl.Callback):
    """Does nothing, but notes what it is asked and which loop runs."""

    def on_train_start(self, trainer, module):
        self.loop = type(trainer.fit_loop.epoch_loop)


class Stopped(Exception):
    pass


class Stops(pl.Callback):
    def on_train_epoch_start(self, trainer, module):
        if trainer.current_epoch == 1:
            raise Stopped


class OwnStops(Stops):
    """Taken for one of the suite's."""

    __module__ = "deeper.fit.callbacks"


class OwnHooks(pl.Callback):
    """Taken for one of the suite's: all hooks of a step, in order."""

    __module__ = "deeper.fit.callbacks"

    def __init__(self, told):
        self.told = told


class Hooks(pl.Callback):
    def __init__(self, told):
        self.told = told


def _noted(name):
    def hook(self, trainer, module, *arguments):
        numbers = [argument for argument in arguments if isinstance(argument, int)]
        self.told.append((type(trainer.fit_loop.epoch_loop).__name__, name, trainer.global_step, *numbers))

    return hook


for _name in [n for n in dir(pl.Callback) if n.startswith(("on_train_batch", "on_before", "on_after"))]:
    setattr(OwnHooks, _name, _noted(_name))
    setattr(Hooks, _name, _noted(_name))


def fitted(config, *callbacks, checkpoint=None):
    return fit(config, load(config), Surroundings(checkpoint, callbacks=lambda steps: list(callbacks)))


def told(outcome):
    """All that comes of a training but its seconds."""
    rows = [{key: value for key, value in row.items() if key != "seconds"} for row in outcome.history]
    weights = {name: weight.tolist() for name, weight in outcome.weights.items()}
    return weights, outcome.metrics, rows, outcome.gradients, outcome.logits.tolist(), outcome.images


@pytest.mark.parametrize("settings", SETTINGS.values(), ids=SETTINGS.keys())
def test_a_training_ends_in_the_bits_of_lightnings_loop(root, tmp_path, settings):
    config = trials.job(root, tmp_path, *settings, "training.epochs=2")["config"]
    stranger = Stranger()
    assert told(fitted(config)) == told(fitted(config, stranger))
    assert stranger.loop is not TrainingLoop


@pytest.mark.parametrize(("first", "second"), [((Stops(),), ()), ((OwnStops(),), (Stranger(),)), ((OwnStops(),), ())])
def test_a_checkpoint_goes_on_in_either_loop(root, tmp_path, first, second):
    config = trials.job(root, tmp_path, "training.epochs=3")["config"]
    checkpoint = tmp_path / "last.ckpt"
    with pytest.raises(Stopped):
        fitted(config, *first, checkpoint=checkpoint)
    assert told(fitted(config, *second, checkpoint=checkpoint)) == told(fitted(config))


def test_callbacks_are_asked_what_lightning_asks_them(root, tmp_path):
    config = trials.job(root, tmp_path, "training.epochs=2", "training.accumulate=2")["config"]
    short, whole = [], []
    fitted(config, OwnHooks(short))
    fitted(config, Hooks(whole))
    assert {loop for loop, *_ in short} == {"TrainingLoop"}
    assert {loop for loop, *_ in whole} == {"_TrainingEpochLoop"}
    assert [rest for _, *rest in short] == [rest for _, *rest in whole]
    assert len(short) > 50
