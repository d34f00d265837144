"""One function fits scratch, fine-tuning and transfer, and what is open in it."""

import inspect
import json
from types import SimpleNamespace

import numpy as np
import pytest
import pytorch_lightning as pl
import synthetic
import torch
import trials
from transfers import TIMM, draw, job
from trials import finish, start, train

from deeper.errors import DeeperError
from deeper.fit import callbacks
from deeper.fit import fit as fitting
from deeper.fit.callbacks import AveragedWeights, scale_of_gradients
from deeper.fit.fit import fit, load
from deeper.fit.module import ImageClassifier
from deeper.fit.outcome import Surroundings
from deeper.models.build import build
from deeper.run.store import PREDICTIONS, WEIGHTS
from deeper.schema.results import sealed

FROZEN = (*TIMM, "transfer/mode=frozen")
TUNED = (*TIMM, "transfer/mode=finetune")
ARGUMENTS = inspect.signature(pl.Trainer.__init__).parameters.keys() - {"self"}
ENVIRONMENT = {"gradient_clip_val": "0.01", "precision": "64-true", "accelerator": "cuda", "limit_train_batches": "2"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return draw(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("place")


@pytest.fixture(scope="module")
def backbone(place, root):
    """The id of a trial of ours that has no batch normalisation, in double precision."""
    settings = ("trainer.precision=64-true", "model.norm=false", "optimizer.lr=0.01")
    return train(trials.job(root, place / "trials", *settings)).trial


@pytest.mark.parametrize("mode", ["finetune", "scratch"])
def test_killed_and_resumed_ends_in_the_same_bits(tmp_path, folder, mode):
    settings = (*TIMM, f"transfer/mode={mode}", "training.epochs=4")
    whole = train(job(tmp_path / "whole", folder, *settings))
    a_job = job(tmp_path / "killed", folder, *settings)
    running, home = start({**a_job, "kill": ("os.replace", 4)}, "killing")
    assert finish(running) != 0
    assert home.record() is None
    resumed = train(a_job)
    assert a_job["id"] == whole.trial
    one, two = (torch.load(h / WEIGHTS) for h in (whole, resumed))
    assert all(torch.equal(one[key], two[key]) for key in one)
    assert whole.record()["metrics"] == resumed.record()["metrics"]


def test_two_ranks_end_in_the_weights_of_one(place, folder, backbone):
    settings = ("transfer/backbone=trial", f"transfer.backbone.trial={backbone}", "trainer.precision=64-true")
    settings += ("transfer/mode=finetune", "augment.pad=1", "transfer.mode.layers.decay=0.9")
    homes = [
        train(job(place, folder, *settings)),
        train(job(place, folder, *settings, "trainer=ddp", "trainer.accelerator=cpu", "trainer.precision=64-true")),
    ]
    one, two = (torch.load(home / WEIGHTS) for home in homes)
    assert max((one[key] - two[key]).abs().max().item() for key in one) < 1e-10
    kept = [np.load(home / PREDICTIONS) for home in homes]
    assert len(kept[0]["labels"]) == len(kept[1]["labels"]) == 12
    assert np.allclose(kept[0]["logits"], kept[1]["logits"], atol=1e-5)


def test_a_trial_of_ours_lends_channels_size_and_weights(place, folder, backbone):
    settings = ("transfer/backbone=trial", f"transfer.backbone.trial={backbone}", "trainer.precision=64-true")
    a_job = job(place, folder, *settings, "transfer/mode=finetune", "training.epochs=1", "recipe.lr=0", "augment.pad=1")
    assert a_job["config"]["data"]["channels"] == 1
    assert a_job["config"]["data"]["image_size"] == 14
    tuned = torch.load(train(a_job) / WEIGHTS)
    own = torch.load(place / "trials" / backbone / WEIGHTS)
    body = [key for key in own if not key.startswith("head")]
    assert body
    assert all(torch.equal(own[key].float(), tuned[key].float()) for key in body)


def test_a_trial_is_found_by_study_and_arm(place, folder, backbone):
    table = synthetic.results(seeds=1, name="some")
    rows = dict(zip(("plain20", "resnet20"), ("0" * 16, backbone), strict=True))
    table["trials"] = [row | {"id": rows[row["arm"]]} for row in table["trials"] if row["arm"] in rows]
    (place / "results").mkdir(exist_ok=True)
    (place / "results/some.json").write_text(json.dumps(sealed(table)))
    named = ("transfer/backbone=trial", "transfer.backbone.study=some", "augment.pad=1")
    found = job(place, folder, *named, "transfer.backbone.arm=resnet20")
    direct = job(place, folder, "transfer/backbone=trial", f"transfer.backbone.trial={backbone}", "augment.pad=1")
    assert found["id"] == direct["id"]
    with pytest.raises(DeeperError, match="no trial of arm theirs and seed None; its arms are plain20, resnet20"):
        job(place, folder, *named, "transfer.backbone.arm=theirs")
    with pytest.raises(DeeperError, match="no finished trial 0000000000000000"):
        job(place, folder, *named, "transfer.backbone.arm=plain20")


def test_what_a_probe_does_not_use_is_not_part_of_it(place, folder):
    def ids(*settings):
        return job(place, folder, *settings)["id"]

    assert ids(*FROZEN) == ids(*FROZEN, "training.epochs=9", "augment.pad=3", "study=none")
    assert ids(*TUNED) != ids(*TUNED, "training.epochs=9")
    different = {ids(*FROZEN), ids(*FROZEN, "transfer.layer=network.layer1"), ids(*FROZEN, "transfer.per_class=1")}
    different |= {ids(*FROZEN, "seed=1"), ids(*FROZEN, "transfer.mode.classifier=ridge"), ids(*TUNED)}
    assert len(different) == 6


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("transfer.held_out=1",), "transfer.held_out=1: it must be a number between 0 and 1"),
        (("transfer.per_class=0",), "transfer.per_class=0: it must be a whole number of at least 1, or null"),
        (("transfer.mode.strengths=[]",), "a list of numbers above 0"),
        (("transfer/mode=finetune", "transfer.layer=network.layer1"), "is for transfer/mode=frozen; others train"),
        (("transfer/backbone=trial",), "name transfer.backbone.trial, or .study and .arm"),
        (("transfer.target.path=/no/such/folder",), "is not a folder"),
        (("transfer.target.path=null",), "transfer.target.path=FOLDER"),
        (("transfer.target.size=0",), "transfer.target.size=0: it must be a whole number"),
        (("transfer.target.metric=acc",), "one of accuracy, mean_per_class, map_voc2007"),
        (("transfer.target.metric=map_voc2007",), "has one label a picture"),
        (
            ("+transfer.target.counts.tain=3",),
            "transfer.target.counts.tain: there is no such key; did you mean 'train'",
        ),
        (("+transfer.target.reader.tset=0.3",), "its settings are test, seed"),
        (("transfer.backbone.channels=2",), "transfer.backbone.channels=2: it must be one of 1, 3, or null"),
        (("transfer.backbone.std=[0,0,0]",), "transfer.backbone.std.0=0: it must be a number above 0"),
        (("transfer.backbone.mean=[0.5]",), "a list of 3 numbers"),
        (("transfer/mode=finetune", "transfer.mode.layers.body=-1"), "a number from 0 to 1000"),
        (("transfer.mode.classifier=svm",), "transfer.mode.classifier=svm: it must be one of logistic, ridge"),
        (
            ("transfer/mode=finetune", "+transfer.mode.layers.bdy=1"),
            "transfer.mode.layers.bdy: there is no such key; did you mean 'body'",
        ),
    ],
)
def test_a_mistake_is_one_line(place, folder, settings, words):
    with pytest.raises(DeeperError, match=words):
        job(place, folder, *(FROZEN if settings[0] != "transfer/backbone=trial" else ()), *settings)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (("transfer.mode.layers.body=0.5", "parameters=decay_weights"), "both make the optimizer's groups"),
        (("training.batch_size=64",), "more than the 28 training images"),
        (("training.accumulate=4",), "training.accumulate=4 batches of 8 are more than the 28 training images"),
        (("average=ema", "trainer.precision=bf16-true"), "too coarse for it"),
    ],
)
def test_a_trial_that_cannot_run_says_why(place, folder, settings, words):
    running, _ = start(job(place, folder, *TUNED, *settings))
    assert finish(running) != 0
    assert words in running.error


def fitted(root, tmp_path, *overrides, callbacks=(), data=None):
    """The outcome of a small training in this process."""
    config = trials.job(root, tmp_path, *overrides)["config"]
    return fit(config, data or load(config), Surroundings(callbacks=lambda steps: list(callbacks)))


class Weights(pl.Callback):
    """Keeps the weights before the first step and after every one."""

    def __init__(self):
        self.seen = []

    def on_train_start(self, trainer, module):
        self.seen.append({name: w.clone() for name, w in module.network.state_dict().items()})

    def on_train_batch_end(self, trainer, module, outputs, batch, index):
        self.on_train_start(trainer, module)


def same(one, other):
    return all(torch.equal(one.weights[name], other.weights[name]) for name in one.weights)


def test_what_is_off_is_no_part_of_a_trial(root, tmp_path):
    off = ("batch=none", "parameters=none", "average=none", "callbacks=none", "loss=none")
    off += ("model.zero_last=false", "model.deep_stem=false", "model.pooled_shortcut=false")
    off += ("training.accumulate=1", "training.clip_norm=null")
    plain = trials.job(root, tmp_path)
    assert trials.job(root, tmp_path, *off)["id"] == plain["id"]
    groups = ("batch", "parameters", "average", "callbacks", "loss")
    assert {plain["config"][group] for group in groups} == {None}
    before = dict(plain["config"])
    for group in groups:
        del before[group]
    before["training"] = {k: v for k, v in before["training"].items() if k not in ("accumulate", "clip_norm")}
    data = load(before)
    assert same(fit(before, data, Surroundings()), fit(plain["config"], data, Surroundings()))


@pytest.mark.parametrize(
    "on",
    [
        "batch=mixup",
        "batch=cutmix",
        "batch=erasing",
        "batch=erased_and_mixed",
        "augment=rand_augment",
        "average=swa",
        "loss=binary",
        "optimizer=lamb",
        "model.zero_last=true",
        "parameters=decay_weights",
        "parameters=by_layer",
        "average=ema",
        "callbacks=adaptive_clipping",
        "training.accumulate=2",
        "training.clip_norm=1",
    ],
)
def test_what_is_on_is_another_trial(root, tmp_path, on):
    assert trials.job(root, tmp_path, on)["id"] != trials.job(root, tmp_path)["id"]


def test_averaged_weights_are_evaluated_and_kept(root, tmp_path):
    seen, plain = Weights(), ("average=ema", "average.decay=0.8", "average.use_warmup=false", "training.epochs=2")
    outcome = fitted(root, tmp_path, *plain, callbacks=[seen])
    average = {name: w.clone() for name, w in seen.seen[0].items()}
    for number, weights in enumerate(seen.seen[1:], 1):
        for name, w in weights.items():
            average[name] = average[name].lerp(w, 1 - (0.0 if number == 1 else 0.8)) if w.is_floating_point() else w
    assert outcome.weights.keys() == average.keys()
    assert all(torch.allclose(outcome.weights[name], w, rtol=1e-5, atol=1e-7) for name, w in average.items())
    assert not torch.allclose(outcome.weights["head.fc.weight"], seen.seen[-1]["head.fc.weight"], atol=1e-4)
    config = trials.job(root, tmp_path, *plain)["config"]
    network, data = build(config["model"]), load(config)
    network.load_state_dict(outcome.weights)
    with torch.no_grad():
        logits = network.eval()(data.normalise(data.test.images))
        validation = network(data.normalise(data.validation.images)).argmax(1)
    assert np.allclose(outcome.logits, logits.numpy(), atol=1e-4)
    assert outcome.history[-1]["validation_error"] == pytest.approx(
        (validation != data.validation.labels).float().mean()
    )


@pytest.mark.parametrize("average", ["ema", "swa"])
def test_a_resume_from_the_last_epoch_ends_in_the_averaged_weights_too(root, tmp_path, average):
    config = trials.job(root, tmp_path, f"average={average}", "training.epochs=1")["config"]
    data, around = load(config), Surroundings(tmp_path / "last.ckpt")
    whole = fit(config, data, around)
    assert around.checkpoint.exists()
    again = fit(config, data, around)
    assert same(whole, again)
    assert whole.metrics == again.metrics


def test_accumulated_batches_are_one_step_of_their_mean_gradient(root, tmp_path):
    """Without normalisation two batches of ten are one of twenty, and the schedule counts steps."""
    settings = ("trainer.precision=64-true", "model.norm=false", "optimizer.lr=0.01", "augment=none")
    one = fitted(root, tmp_path, *settings)
    two = fitted(root, tmp_path, *settings, "training.batch_size=10", "training.accumulate=2")
    assert max((one.weights[n] - two.weights[n]).abs().max().item() for n in one.weights) < 1e-11
    assert one.images == two.images == 360
    assert [row["lr"] for row in one.history] == [row["lr"] for row in two.history]


def test_what_does_not_fill_a_step_is_left_out(root, tmp_path):
    outcome = fitted(root, tmp_path, "training.accumulate=4", "training.epochs=1")
    assert outcome.images == 80  # of 120: one step of four batches of twenty


def test_a_long_gradient_is_shortened(root, tmp_path):
    class Norm(pl.Callback):
        def __init__(self):
            self.norms = []

        def on_before_zero_grad(self, trainer, module, optimizer):
            gradients = [w.grad for w in module.network.parameters() if w.grad is not None]
            self.norms += [torch.stack([g.norm() for g in gradients]).norm().item()] if gradients else []

    norm = Norm()
    fitted(root, tmp_path, "training.clip_norm=0.1", "training.epochs=1", callbacks=[norm])
    assert norm.norms
    assert norm.norms == pytest.approx([0.1] * len(norm.norms), rel=1e-3)


def test_groups_without_decay_hold_biases_and_normalisation(root, tmp_path):
    class Groups(pl.Callback):
        def on_train_start(self, trainer, module):
            self.groups = trainer.optimizers[0].param_groups

    seen = Groups()
    fitted(root, tmp_path, "parameters=decay_weights", "training.epochs=1", callbacks=[seen])
    decays = {len(w.shape) > 1: group["weight_decay"] for group in seen.groups for w in group["params"]}
    assert decays == {True: 1e-4, False: 0.0}


def test_every_argument_of_lightnings_trainer_is_said(root, tmp_path, monkeypatch):
    """What is left out Lightning takes from the environment."""
    told = {}

    class Told(pl.Trainer):
        def __init__(self, **arguments):
            told.update(arguments)
            super().__init__(**arguments)

    monkeypatch.setattr(fitting.pl, "Trainer", Told)
    fitted(root, tmp_path, "training.epochs=1")
    assert told.keys() == ARGUMENTS


def test_the_environment_changes_nothing(root, tmp_path, monkeypatch):
    plain = fitted(root, tmp_path)
    for name in ARGUMENTS:
        monkeypatch.setenv(f"PL_TRAINER_{name.upper()}", ENVIRONMENT.get(name, "1"))
    assert same(fitted(root, tmp_path), plain)


def test_labels_that_are_several_are_not_mixed(place, folder):
    config = job(place, folder, *TUNED, "batch=mixup")["config"]
    data = load(config)
    assert fit(config, data, Surroundings()).metrics["train_loss"] > 0
    data.prepared.meta["several"] = True
    with pytest.raises(DeeperError, match="this set has several a picture; use batch=none"):
        fit(config, data, Surroundings())


def test_labels_that_are_several_have_a_loss_of_their_own(place, folder):
    config = job(place, folder, *TUNED, "loss=binary")["config"]
    data = load(config)
    data.prepared.meta["several"] = True
    with pytest.raises(DeeperError, match="use loss=none"):
        fit(config, data, Surroundings())


def test_snapshots_are_averaged_evaluated_and_kept_with_statistics_of_their_own(root, tmp_path):
    """18 steps of six an epoch: the last half has snapshots after 12 and 18 steps."""
    seen, swa = Weights(), ("average=swa", "average.start=0.5", "schedule=constant", "augment=none")
    outcome = fitted(root, tmp_path, *swa, callbacks=[seen])
    learned = [name for name, _ in build(trials.job(root, tmp_path)["config"]["model"]).named_parameters()]
    assert len(seen.seen) == 19
    for name in learned:
        mean = (seen.seen[12][name] + seen.seen[18][name]) / 2
        assert torch.allclose(outcome.weights[name], mean, rtol=1e-5, atol=1e-7)
    config = trials.job(root, tmp_path, *swa)["config"]
    network, data = build(config["model"]), load(config)
    network.load_state_dict(outcome.weights)
    with torch.no_grad():
        first = network.stem[0](data.normalise(data.train.images))
    assert torch.allclose(network.stem[1].running_mean, first.mean((0, 2, 3)), rtol=1e-2, atol=1e-3)
    with torch.no_grad():
        logits = network.eval()(data.normalise(data.test.images))
    assert np.allclose(outcome.logits, logits.numpy(), atol=1e-4)


def test_before_its_first_snapshot_a_training_is_evaluated_as_without(root, tmp_path):
    plain = fitted(root, tmp_path)
    averaged = fitted(root, tmp_path, "average=swa", "average.start=0.9")
    assert plain.history[0]["validation_error"] == averaged.history[0]["validation_error"]
    assert plain.history[0]["validation_loss"] == averaged.history[0]["validation_loss"]
    assert all(
        torch.allclose(plain.weights[name], weight, rtol=1e-6)
        for name, weight in averaged.weights.items()
        if "running" not in name and "tracked" not in name
    )


@pytest.mark.parametrize("precision", ["bf16-true", "16-true"])
def test_counts_and_losses_are_not_summed_in_sixteen_bits(root, tmp_path, precision):
    home = train(trials.job(root, tmp_path, "training.epochs=1", f"trainer.precision={precision}"))
    kept, metrics = np.load(home / PREDICTIONS), home.record()["metrics"]
    logits, labels = torch.from_numpy(kept["logits"]), torch.from_numpy(kept["labels"])
    assert metrics["test_error"] == (logits.argmax(1) != labels).double().mean()
    assert metrics["test_loss"] == pytest.approx(torch.nn.functional.cross_entropy(logits, labels).item(), rel=1e-6)


def test_logits_are_kept_where_the_network_is_when_it_is_evaluated():
    module = ImageClassifier(torch.nn.Linear(2, 3), torch.optim.SGD, None, None, 3, (1, 1), 0)
    module.keep_logits(5)
    module.to("meta")  # between two runs Lightning has the network on another device than in them
    module.on_validation_epoch_start()
    assert (module.logits.device.type, tuple(module.logits.shape)) == ("meta", (5, 3))


def test_statistics_are_renewed_where_the_pictures_are(monkeypatch):
    module, seen = torch.nn.Module(), []
    module.network = torch.nn.Linear(2, 3)
    average = SimpleNamespace(module=torch.nn.Linear(2, 3), snapshots=lambda step: 1)
    monkeypatch.setattr(callbacks, "renew_statistics", lambda module, _: seen.append(module.network.weight.device.type))
    around = AveragedWeights(None, (1, 1), list)
    around.average = average
    strategy = SimpleNamespace(root_device=torch.device("meta"))
    around.on_fit_end(SimpleNamespace(strategy=strategy, global_step=1), module)
    assert seen == ["meta"]


def test_scaled_gradients_are_told_as_they_are():
    scaler = SimpleNamespace(get_scale=lambda: 1024.0)
    trainer = SimpleNamespace(precision_plugin=SimpleNamespace(scaler=scaler))
    weight = torch.nn.Parameter(torch.ones(1))
    fused, plain = (torch.optim.SGD([weight], lr=1.0, fused=fused) for fused in (True, False))
    assert (scale_of_gradients(trainer, fused), scale_of_gradients(trainer, plain)) == (1024.0, 1.0)
    assert scale_of_gradients(SimpleNamespace(precision_plugin=SimpleNamespace()), fused) == 1.0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (["training.clip_norm=1.0"], "training.clip_norm with trainer.precision=16-mixed needs optimizer.fused=false"),
        (["callbacks=adaptive_clipping"], "callbacks with trainer.precision=16-mixed needs optimizer.fused=false"),
        (["trainer.devices=2", "trainer.sync_batchnorm=true"], "trainer.sync_batchnorm=true is for GPUs"),
        (["trainer.compile=reduce-overhead", "training.accumulate=2"], "records steps of one batch"),
        (["trainer.compile=reduce-overhead", "model.survival=0.5"], "takes no network that leaves parts out"),
    ],
)
def test_what_does_not_go_together_is_said_before_the_training(root, tmp_path, settings, words):
    config = trials.job(root, tmp_path, "trainer.precision=16-mixed", *settings)["config"]
    with pytest.raises(DeeperError, match=words):
        fit(config, load(config), Surroundings())
