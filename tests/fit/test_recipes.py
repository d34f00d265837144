"""The papers' recipes say what the papers say, are accepted as jobs and train."""

import itertools
import math
import re
from dataclasses import dataclass, field
from functools import cache

import numpy as np
import pytest
import pytorch_lightning as pl
import released
import torch
import yaml
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from deeper.data.batches import load
from deeper.data.prepared import LabelledImages, write_set
from deeper.fit.fit import fit
from deeper.fit.outcome import Surroundings
from deeper.paths import CONF
from deeper.prepare import prepare
from deeper.run.jobs import make_job
from deeper.schema.study import read_study
from deeper.study import arms as study_arms

TRAINED_ON = {"cifar10": 45000, "cifar100": 45000, "fashion_mnist": 55000, "imagenet": 1281167 - 50000}
NESTEROV = {"momentum": 0.9, "nesterov": True}
PLAIN = {"momentum": 0.9, "nesterov": False}
RMSPROP = {"momentum": 0.9, "alpha": 0.9}
ELSEWHERE = {"augment", "data.image_size", "data.train_size", "recipe.lr", "training.epochs"}
STEPS_32K_48K = {0: 0.1, 91: 0.01, 136.5: 0.001}


@dataclass
class Paper:
    """What a paper asks for.

    Attributes:
        rates: by epoch, the rate that holds from there on; the last one holds to the end.
        complete: whether these are all its changes.
        warmup: steps before the first of the rates holds.
    """

    model: str
    epochs: int
    batch: int
    decay: float
    rates: dict[float, float]
    optimizer: dict = field(default_factory=lambda: PLAIN)
    data: str = "cifar10"
    pad: int = 4
    size: int = 32
    smoothing: float = 0.0
    warmup: int = 0
    complete: bool = True


def imagenet(*args, size=224, pad=16, **more):
    return Paper(*args, data="imagenet", size=size, pad=pad, **more)


def decaying(*args, **more):
    return imagenet(*args, complete=False, **more)


def cosine(rate, epochs, batch, start):
    """Rates of half a cosine: where the warm-up ends, in the middle, in the last step."""
    each = TRAINED_ON["imagenet"] // batch
    places = (start, epochs / 2, epochs - 1 / each)
    return {epoch: rate / 2 * (1 + math.cos(math.pi * epoch / epochs)) for epoch in places}


PAPERS = {
    "resnet": Paper("resnet56", 182, 128, 1e-4, STEPS_32K_48K),
    "resnet110": Paper("resnet110", 182, 128, 1e-4, STEPS_32K_48K, warmup=400),
    "preactivation": Paper("preact_resnet164", 182, 128, 1e-4, STEPS_32K_48K, warmup=400),
    "squeeze_excite": Paper("se_resnet56", 182, 128, 1e-4, STEPS_32K_48K, warmup=400),
    "wide_resnet": Paper("wrn_28_10", 200, 128, 5e-4, {0: 0.1, 60: 0.02, 120: 0.004, 160: 0.0008}, NESTEROV),
    "resnext": Paper("resnext29_8x64d", 300, 128, 5e-4, {0: 0.1, 150: 0.01, 225: 0.001}, NESTEROV),
    "stochastic_depth": Paper("stochastic_depth110", 500, 128, 1e-4, {0: 0.1, 250: 0.01, 375: 0.001}, NESTEROV),
    "ror": Paper("ror3_110", 500, 128, 1e-4, {0: 0.1, 250: 0.01, 375: 0.001}, NESTEROV),
    "densenet": Paper("densenet_bc100_k12", 300, 64, 1e-4, {0: 0.1, 150: 0.01, 225: 0.001}, NESTEROV),
    "fractalnet": Paper(
        "fractalnet_b5c3", 400, 100, 0, {400 - 400 / 2**halved: 0.02 / 10**halved for halved in range(9)}
    ),
    "highway": Paper("highway19", 200, 128, 1e-4, {0: 0.05, 100: 0.005, 150: 0.0005}),
    "lenet": Paper(
        *("lenet5_1998", 20, 1, 0, {0: 0.01, 2: 0.004, 5: 0.002, 8: 0.001, 12: 0.0002}),
        *({"momentum": 0.0, "nesterov": False}, "fashion_mnist", 0, 28),
    ),
    "resnet_imagenet": imagenet("resnet34", 90, 256, 1e-4, {0: 0.1, 30: 0.01, 60: 0.001}),
    "squeeze_excite_imagenet": imagenet("se_resnet50", 100, 1024, 1e-4, {0: 0.6, 30: 0.06, 60: 0.006, 90: 0.0006}),
    "alexnet": imagenet("alexnet", 90, 128, 5e-4, {0: 1e-2, 22.5: 1e-3, 45: 1e-4, 67.5: 1e-5}, size=227, pad=14),
    "vgg": imagenet("vgg16", 74, 256, 5e-4, {0: 1e-2, 18.5: 1e-3, 37: 1e-4, 55.5: 1e-5}),
    "googlenet": decaying("googlenet", 250, 32, 2e-4, {0: 0.01, 8: 0.0096, 16: 0.009216, 248: 0.01 * 0.96**31}),
    "inception_v4": decaying(
        *("inception_v4", 160, 32, 4e-5, {0: 0.045, 2: 0.0423, 4: 0.039762, 158: 0.045 * 0.94**79}),
        *({**RMSPROP, "eps": 1.0},),
        size=299,
        pad=21,
        smoothing=0.1,
    ),
    "mobilenet_v1": decaying(
        "mobilenet_v1", 300, 96, 4e-5, {0: 0.045, 1: 0.0441, 299: 0.045 * 0.98**299}, {**RMSPROP, "eps": 1.0}
    ),
    "mobilenet_v2": decaying(
        "mobilenet_v2", 300, 96, 4e-5, {0: 0.045, 1: 0.0441, 299: 0.045 * 0.98**299}, {**RMSPROP, "eps": 1.0}
    ),
    "efficientnet": decaying(
        *("efficientnet_b0", 350, 4096, 1e-5, {7.2: 0.256 * 0.97**3, 9.6: 0.256 * 0.97**4, 348: 0.256 * 0.97**145}),
        *({**RMSPROP, "eps": 1e-3},),
        smoothing=0.1,
    ),
    "strikes_back_a3": decaying(
        *("resnet50", 100, 2048, 0.02, cosine(8e-3, 100, 2048, 5), {"betas": [0.9, 0.999], "max_grad_norm": 1.0}),
        size=160,
        pad=11,
    ),
    "convnext": decaying(
        *("convnext_tiny", 300, 4096, 0.05, cosine(4e-3, 300, 4096, 20), {"betas": [0.9, 0.999]}), smoothing=0.1
    ),
}

TODAY = {  # what recipes have since 2021 that those before had not
    "strikes_back_a3": {
        "optimizer._target_": "timm.optim.Lamb",
        "parameters._target_": "timm.optim.param_groups_weight_decay",
        "augment.operations": 2,
        "augment.magnitude": 6,
        "augment.deviation": 0.5,
        "batch.mixup_alpha": 0.1,
        "batch.cutmix_alpha": 1.0,
        "batch.prob": 1.0,
        "batch.switch_prob": 0.5,
        "batch.label_smoothing": 0.0,
        "loss._target_": "deeper.fit.step.BinaryCrossEntropy",
        "loss.threshold": 0.2,
        "average": None,
        "training.clip_norm": None,
    },
    "convnext": {
        "optimizer._target_": "torch.optim.AdamW",
        "parameters._target_": "timm.optim.param_groups_weight_decay",
        "augment.operations": 2,
        "augment.magnitude": 9,
        "augment.deviation": 0.5,
        "batch.transforms[0].probability": 0.25,
        "batch.transforms[0].fill": "pixel",
        "batch.transforms[1].mixup_alpha": 0.8,
        "batch.transforms[1].cutmix_alpha": 1.0,
        "batch.transforms[1].prob": 1.0,
        "batch.transforms[1].label_smoothing": 0.0,
        "loss": None,
        "average.decay": 0.9999,
        "average.use_warmup": False,
        "training.clip_norm": None,
    },
}


@cache
def composed(*overrides):
    settings = ("profile=paper", "trainer.accelerator=cpu", "logger=none", *overrides)
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return compose("train", list(settings))


@cache
def recipe(name):
    return composed(f"+recipe={name}", f"model={PAPERS[name].model}")


@pytest.fixture(scope="module")
def sets(tmp_path_factory):
    """A folder of small prepared sets: CIFAR-10, CIFAR-100 and Fashion-MNIST from files as they are released."""
    root = tmp_path_factory.mktemp("sets")
    made = {
        "cifar10": (released.cifar10_files(), 20),
        "cifar100": (released.cifar100_files(), 100),
        "fashion_mnist": (released.idx_files(), 20),
    }
    for name, (files, held_out) in made.items():
        folder = released.write(root / "files" / name, files)
        prepare(released.config(name, files, root, f"data.folder={folder}", held_out=held_out))
    images, labels = released.pictures(40, 10, 3, 8)
    data = LabelledImages(images, labels, images, labels, [f"class {i}" for i in range(10)])
    write_set(root / "imagenet", "imagenet", data, 10, {})
    return root


def test_every_recipe_has_a_paper_here():
    assert {path.stem for path in (CONF / "recipe").glob("*.yaml")} == PAPERS.keys()


def test_the_profile_alone_is_the_recipe_of_residual_networks():
    assert recipe("resnet") == composed("model=resnet56")


@pytest.mark.parametrize("name", PAPERS)
def test_a_recipe_is_its_papers(name):
    cfg, paper = recipe(name), PAPERS[name]
    assert cfg.profile == "paper"
    assert (cfg.data.name, cfg.data.image_size, cfg.data.train_size) == (paper.data, paper.size, None)
    assert (cfg.training.epochs, cfg.training.batch_size) == (paper.epochs, paper.batch)
    assert cfg.training.label_smoothing == paper.smoothing
    assert (cfg.augment.pad, cfg.augment.mirror) == (paper.pad, paper.pad > 0)
    assert cfg.optimizer.weight_decay == paper.decay
    assert {key: cfg.optimizer[key] for key in paper.optimizer} == paper.optimizer
    assert cfg.data.held_out == {"imagenet": 50000}.get(paper.data, 5000)


@pytest.mark.parametrize("name", PAPERS)
def test_the_rate_changes_when_the_paper_changes_it(name):
    cfg, paper = recipe(name), PAPERS[name]
    schedule = instantiate(cfg.schedule)
    each = TRAINED_ON[paper.data] // paper.batch
    steps = each * paper.epochs
    rates = {step: cfg.optimizer.lr * schedule(step, steps, each) for step in steps_around(paper, each, steps)}
    expected = {max(paper.warmup, round(epoch * each)): rate for epoch, rate in paper.rates.items()}
    assert {step: rates[step] for step in expected} == pytest.approx(expected)
    changes = list(expected)[1:]
    assert all(rates[step - 1] > rates[step] for step in changes)
    assert rates[steps - 1] == pytest.approx(list(paper.rates.values())[-1])
    if paper.complete:
        assert [rates[step - 1] for step in changes] == pytest.approx(list(paper.rates.values())[:-1])


def steps_around(paper, each, steps):
    first = [max(paper.warmup, round(epoch * each)) for epoch in paper.rates]
    return {*first, *(step - 1 for step in first), steps - 1}


@pytest.mark.parametrize("name", [name for name, paper in PAPERS.items() if paper.warmup])
def test_a_warm_up_takes_400_steps_from_a_tenth_of_the_rate(name):
    cfg = recipe(name)
    schedule = instantiate(cfg.schedule)
    rates = [cfg.optimizer.lr * schedule(step, 351 * 182, 351) for step in range(402)]
    assert rates[0] == pytest.approx(0.01, rel=0.03)
    assert all(a < b for a, b in itertools.pairwise(rates[:401]))
    assert rates[400:] == pytest.approx([0.1, 0.1], rel=0.003)


def test_the_first_five_epochs_of_efficientnet_rise_from_nothing():
    cfg = recipe("efficientnet")
    schedule = instantiate(cfg.schedule)
    assert schedule(0, 350 * 300, 300) < 0.001
    assert schedule(5 * 300, 350 * 300, 300) == pytest.approx(0.97**2)


@pytest.mark.parametrize("name", PAPERS)
def test_a_recipe_makes_a_job(name, sets):
    cfg = OmegaConf.merge(recipe(name), {"data": {"root": str(sets)}})
    job = make_job(cfg)
    assert job["config"]["training"]["epochs"] == PAPERS[name].epochs
    assert re.fullmatch("[0-9a-f]{16}", job["id"])


@pytest.mark.parametrize(("name", "setting"), [(name, key) for name, facts in TODAY.items() for key in facts])
def test_a_recipe_of_today_is_its_papers(name, setting):
    assert OmegaConf.select(recipe(name), setting) == TODAY[name][setting]


@pytest.mark.parametrize(("name", "epochs"), [("strikes_back_a3", 5), ("convnext", 20)])
def test_a_recipe_of_today_rises_from_nothing(name, epochs):
    schedule = instantiate(recipe(name).schedule)
    factors = [schedule(step, 300 * 300, 300) for step in range(epochs * 300 + 1)]
    assert factors[0] < 0.001
    assert all(a < b for a, b in itertools.pairwise(factors))


@pytest.mark.parametrize("name", TODAY)
def test_real_steps_by_a_recipe_of_today(name, sets):
    """Two groups, the one without decay of all that has one axis; mixed pictures; the loss; averaged weights."""
    cut = ["data.train_size=32", "training.batch_size=16", "training.epochs=2", "recipe.warmup_epochs=0"]
    overrides = [f"+recipe={name}", "data=cifar10", "model=resnet20_d", "model.depth=8", "model.zero_last=true"]
    overrides += ["data.image_size=32", "recipe.pad=4", f"data.root={sets}", "trainer.threads=1"]
    config = make_job(composed(*overrides, *cut))["config"]
    seen = Seen()
    outcome = fit(config, load(config["data"]), Surroundings(callbacks=lambda steps: [seen]))
    groups = {group["weight_decay"]: {p.ndim for p in group["params"]} for group in seen.groups}
    assert groups == {0.0: {1}, PAPERS[name].decay: {2, 4}}
    assert seen.kinds == {"AdamW" if name == "convnext" else "Lamb"}
    rate = {"convnext": 4e-3, "strikes_back_a3": 8e-3}[name]
    assert seen.rates == pytest.approx([rate / 2 * (1 + math.cos(math.pi * step / 4)) for step in range(4)])
    assert all(np.isfinite(row["train_loss"]) for row in outcome.history)
    if name == "strikes_back_a3":  # the mean over ten classes, each near a probability of one half
        assert outcome.history[0]["train_loss"] == pytest.approx(math.log(2), rel=0.1)


class Seen(pl.Callback):
    """Remembers the rate of every step, the shapes of the batches, the optimizer's kind and its settings."""

    def __init__(self):
        self.rates, self.shapes, self.kinds = [], set(), set()

    def on_train_batch_start(self, trainer, module, batch, index):
        self.shapes.add(tuple(batch[0].shape))

    def on_before_optimizer_step(self, trainer, module, optimizer):
        self.groups = optimizer.param_groups
        self.group = self.groups[0]
        self.kinds.add(type(optimizer).__name__)
        self.rates.append(self.group["lr"])


CUT = {  # a recipe, a set, a small network and its setting: the rates of four epochs of two steps
    ("wide_resnet", "cifar10", "wrn_small", "model.widen=1"): [0.1, 0.1, 0.02, 0.02, 0.02, 0.004, 0.0008, 0.0008],
    ("densenet", "cifar10", "densenet_small", "model.depth=10"): [0.1] * 4 + [0.01] * 2 + [0.001] * 2,
    ("mobilenet_v2", "cifar100", "lenet5", "data.image_size=32"): [
        0.045 * 0.98**epoch for epoch in (0, 0, 1, 1, 2, 2, 3, 3)
    ],
}


@pytest.mark.parametrize(("name", "data", "model", "more"), CUT)
def test_real_steps_on_files_in_the_official_format(name, data, model, more, sets):
    size = {"cifar10": 32, "cifar100": 100}[data]
    overrides = [f"+recipe={name}", f"data={data}", f"model={model}", more, f"data.root={sets}", "trainer.threads=1"]
    cut = [f"data.train_size={size}", f"training.batch_size={size // 2}", "training.epochs=4"]
    config = make_job(composed(*overrides, *cut))["config"]
    seen = Seen()
    outcome = fit(config, load(config["data"]), Surroundings(callbacks=lambda steps: [seen]))
    assert seen.rates == pytest.approx(CUT[name, data, model, more])
    assert seen.shapes == {(size // 2, 3, 32, 32)}
    assert seen.kinds == {"RMSpropTF" if name == "mobilenet_v2" else "SGD"}
    assert seen.group["weight_decay"] == PAPERS[name].decay
    assert {key: seen.group[key] for key in PAPERS[name].optimizer} == PAPERS[name].optimizer
    assert len(outcome.history) == 4
    assert all(np.isfinite(row["train_loss"]) for row in outcome.history)
    assert all(torch.isfinite(weight).all() for weight in outcome.weights.values() if weight.is_floating_point())


def arms():
    """Every arm of the studies that run by recipes, with its settings under profile=paper."""
    for path in sorted((CONF / "study").glob("*.yaml")):
        block = yaml.safe_load(path.read_text())["study"]
        if block["name"] == "none":
            continue
        chosen = study_arms.settings(read_study(block, path.stem), "paper")
        yield from ((f"{path.stem}-{arm}", one) for arm, one in chosen.items() if "+recipe" in one)


@pytest.mark.parametrize("chosen", [pytest.param(one, id=name) for name, one in arms()])
def test_what_an_arm_takes_of_the_papers_exists(chosen):
    known = model_settings(chosen["model"])
    assert chosen["+recipe"] in PAPERS
    for key in chosen.keys() - {"model", "+recipe"}:
        group, _, option = key.partition(".")
        assert option in known if group == "model" else key in ELSEWHERE


def model_settings(name):
    """The settings of a network's file and of those that it builds upon."""
    own = yaml.safe_load((CONF / "model" / f"{name}.yaml").read_text())
    bases = [entry.partition("@")[0] for entry in own.get("defaults", []) if entry != "_self_"]
    return set(own).union(*(model_settings(base) if "/" in base else model_settings(f"base/{base}") for base in bases))
