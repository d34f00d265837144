"""The papers' recipes say what the papers say, are accepted as jobs and train."""

import itertools
import math
import re
from dataclasses import dataclass, field, replace
from functools import cache

import numpy as np
import photographs
import pytest
import pytorch_lightning as pl
import released
import torch
import yaml
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf

from deeper.data.transforms import ResizedCrop
from deeper.fit.fit import fit, load
from deeper.fit.outcome import Surroundings
from deeper.models.build import build
from deeper.paths import CHECKOUT, CONF
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
class Crops:
    """What is done to pictures: transforms with all their arguments, in their order, where SIZE is the recipe's.

    Attributes:
        train, evaluation, test: the lists; None: as evaluation.
        views: of a test picture.
        std: whether colours are divided by ImageNet's deviations; else they lie between -1 and 1.
        scale: of the crops of random shape, shares of the picture.
    """

    train: str
    evaluation: str = "Middle(size=SIZE, share=0.875)"
    test: str | None = None
    views: int = 1
    std: bool = True
    scale: tuple[float, float] = (0.08, 1.0)


@dataclass
class Paper:
    """What a paper asks for.

    Attributes:
        rates: by epoch, the rate that holds from there on; the last one holds to the end.
        complete: whether these are all its changes.
        warmup: steps before the first of the rates holds.
        crops: of ImageNet, what is done to pictures.
        average: decay of the averaged weights, a step.
        spared: parameters that have no weight decay: ``vectors`` (biases, normalisation), ``depthwise`` ones too, or
            ``normalisation`` alone.
        clip: the norm that gradients are clipped to.
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
    crops: Crops | None = None
    average: float | None = None
    spared: str | None = None
    clip: float | None = None


def imagenet(*args, size=224, **more):
    return Paper(*args, data="imagenet", size=size, pad=None, **more)


def decaying(*args, **more):
    return imagenet(*args, complete=False, **more)


TEN_CROPS = {"test": "Resize(size=256); TenCrop(size=SIZE)", "views": 10}
BICUBIC = "Middle(size=SIZE, share=0.875, interpolation=bicubic)"
TORCH = Crops(  # of the Torch re-training of ResNets
    "ResizedCrop(size=SIZE, interpolation=bicubic); ColorJitter(brightness=0.4, contrast=0.4, saturation=0.4); "
    "ColourShift(deviation=0.1); RandomHorizontalFlip()",
    BICUBIC,
)
TORCH_TEN = replace(TORCH, test="Resize(size=256, interpolation=3); TenCrop(size=SIZE)", views=10)
FROM_5 = "ResizedCrop(size=SIZE, scale=[0.05, 1.0]); RandomHorizontalFlip(); BrightnessShift(most=32); "
INCEPTION = {
    "crops": Crops(
        FROM_5.replace("1.0]", "1.0], interpolation=random") + "ColorJitter(contrast=0.5, saturation=0.5, hue=0.2)",
        std=False,
        scale=(0.05, 1.0),
    ),
    "average": 0.9999,
    "spared": "vectors",
}
CROPPED = "RandomCrop(size=SIZE); RandomHorizontalFlip(); ColourShift(deviation=0.1)"
MIDDLE_256 = "Middle(size=256, share=1.0); "
TEN_OF_256 = {"test": MIDDLE_256 + "TenCrop(size=SIZE)", "views": 10}
AUGMENTED = (
    "ResizedCrop(size=SIZE, interpolation=bicubic); RandomHorizontalFlip(); "
    "PictureRandAugment(operations=2, magnitude={}, deviation=0.5)"
)


def cosine(rate, epochs, batch, start=0, data="imagenet", begins=0):
    """Rates of half a cosine: where the warm-up ends, in the middle, in the last step. It begins in an epoch."""
    each = TRAINED_ON[data] // batch
    places = (start, epochs / 2, epochs - 1 / each)
    return {e: rate / 2 * (1 + math.cos(math.pi * (e - begins) / (epochs - begins))) for e in places}


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
    "resnet_imagenet": imagenet(
        *("resnet34", 90, 256, 1e-4, {0: 0.1, 30: 0.01, 60: 0.001}),
        crops=Crops("ShorterSide(least=256, most=480); " + CROPPED, **TEN_CROPS),
    ),
    "resnext_imagenet": imagenet(
        "resnext50_32x4d", 100, 256, 1e-4, {0: 0.1, 30: 0.01, 60: 1e-3, 90: 1e-4}, NESTEROV, crops=TORCH
    ),
    "densenet_imagenet": imagenet(
        *("densenet121", 90, 256, 1e-4, {0: 0.1, 30: 0.01, 60: 0.001}, NESTEROV), crops=TORCH_TEN
    ),
    "squeeze_excite_imagenet": imagenet(
        *("se_resnet50", 100, 1024, 1e-4, {0: 0.6, 30: 0.06, 60: 0.006, 90: 0.0006}),
        crops=Crops("ResizedCrop(size=SIZE); RandomHorizontalFlip()"),
    ),
    "alexnet": imagenet(
        *("alexnet", 90, 128, 5e-4, {0: 1e-2, 22.5: 1e-3, 45: 1e-4, 67.5: 1e-5}),
        size=227,
        crops=Crops(MIDDLE_256 + CROPPED, "Middle(size=SIZE, share=0.88671875)", **TEN_OF_256),
        spared="vectors",
    ),
    "zfnet": imagenet(
        *("zfnet", 70, 128, 5e-4, {0: 1e-2, 17.5: 1e-3, 35: 1e-4, 52.5: 1e-5}),
        crops=Crops(MIDDLE_256 + "OneOfTenCrops(size=SIZE)", **TEN_OF_256),
        spared="vectors",
    ),
    "vgg": imagenet(
        *("vgg16", 74, 256, 5e-4, {0: 1e-2, 18.5: 1e-3, 37: 1e-4, 55.5: 1e-5}),
        crops=Crops("Resize(size=256); " + CROPPED, test="WholePicture(sides=[256])", views=2),
    ),
    "googlenet": decaying(
        *("googlenet", 250, 32, 2e-4, {0: 0.01, 8: 0.0096, 16: 0.009216, 248: 0.01 * 0.96**31}),
        crops=Crops(
            "ResizedCrop(size=SIZE, interpolation=random); RandomHorizontalFlip(); "
            "ColorJitter(brightness=0.5, contrast=0.5, saturation=0.5)",
            test="GoogLeNetCrops(size=SIZE)",
            views=144,
        ),
        average=0.9999,
        spared="vectors",
    ),
    "inception_v3": decaying(
        *("inception_v3", 100, 32, 4e-5, {0: 0.045, 2: 0.0423, 4: 0.039762, 98: 0.045 * 0.94**49}),
        *({**RMSPROP, "eps": 1.0},),
        **{**INCEPTION, "size": 299, "smoothing": 0.1},
        clip=2.0,
    ),
    "inception_v4": decaying(
        *("inception_v4", 160, 32, 4e-5, {0: 0.045, 2: 0.0423, 4: 0.039762, 158: 0.045 * 0.94**79}),
        *({**RMSPROP, "eps": 1.0},),
        **{**INCEPTION, "size": 299, "smoothing": 0.1},
    ),
    "nasnet_a": decaying(
        *(
            "nasnet_a_large",
            312,
            1600,
            5e-5,
            {0: 1.5, 12: 1.5 * 0.97**5, 24: 1.5 * 0.97**10, 238083 / 769: 1.5 * 0.97**129},
        ),
        *({**RMSPROP, "eps": 1.0},),
        **{**INCEPTION, "size": 331, "smoothing": 0.1},
        clip=10.0,
    ),
    "nasnet_a_cifar": Paper(
        *("nasnet_a_cifar", 600, 32, 5e-4, cosine(0.025, 600, 32, data="cifar10")),
        complete=False,
        spared="vectors",
        clip=5.0,
    ),
    "mobilenet_v1": decaying(
        *("mobilenet_v1", 300, 96, 4e-5, {0: 0.045, 1: 0.0441, 299: 0.045 * 0.98**299}, {**RMSPROP, "eps": 1.0}),
        crops=Crops("ResizedCrop(size=SIZE, scale=[0.25, 1.0]); RandomHorizontalFlip()", std=False, scale=(0.25, 1.0)),
        average=0.9999,
        spared="depthwise",
    ),
    "mobilenet_v2": decaying(
        *("mobilenet_v2", 300, 96, 4e-5, {0: 0.045, 1: 0.0441, 299: 0.045 * 0.98**299}, {**RMSPROP, "eps": 1.0}),
        crops=Crops(FROM_5 + "ColorJitter(saturation=0.5)", std=False, scale=(0.05, 1.0)),
        smoothing=0.1,
        average=0.9999,
        spared="depthwise",
    ),
    "efficientnet": decaying(
        *("efficientnet_b0", 350, 4096, 1e-5, {7.2: 0.256 * 0.97**3, 9.6: 0.256 * 0.97**4, 348: 0.256 * 0.97**145}),
        *({**RMSPROP, "eps": 1e-3},),
        smoothing=0.1,
        crops=Crops("ResizedCrop(size=SIZE, interpolation=bicubic); RandomHorizontalFlip(); AutoAugment()", BICUBIC),
        average=0.9999,
        spared="normalisation",
    ),
    "strikes_back_a3": decaying(
        *("resnet50", 100, 2048, 0.02, cosine(8e-3, 100, 2048, 5), {"betas": [0.9, 0.999], "max_grad_norm": 1.0}),
        size=160,
        crops=Crops(
            AUGMENTED.format(6),
            "Middle(size=SIZE, share=0.95, interpolation=bicubic)",
            "Middle(size=224, share=0.95, interpolation=bicubic)",
        ),
        spared="vectors",
    ),
    "convnext": decaying(
        *("convnext_tiny", 300, 4096, 0.05, cosine(4e-3, 300, 4096, 20, begins=20), {"betas": [0.9, 0.999]}),
        smoothing=0.1,
        crops=Crops(AUGMENTED.format(9), BICUBIC),
        average=0.9999,
        spared="vectors",
    ),
}

TODAY = {  # what recipes have since 2021 that those before had not
    "strikes_back_a3": {
        "optimizer._target_": "timm.optim.Lamb",
        "parameters._target_": "timm.optim.param_groups_weight_decay",
        "augment.train[2].operations": 2,
        "augment.train[2].magnitude": 6,
        "augment.train[2].deviation": 0.5,
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
        "augment.train[2].operations": 2,
        "augment.train[2].magnitude": 9,
        "augment.train[2].deviation": 0.5,
        "batch.transforms[0].probability": 0.25,
        "batch.transforms[0].fill": "pixel",
        "batch.transforms[0].least": 0.02,
        "batch.transforms[0].most": pytest.approx(1 / 3),
        "batch.transforms[0].rectangles": 1,
        "batch.transforms[1].mixup_alpha": 0.8,
        "batch.transforms[1].cutmix_alpha": 1.0,
        "batch.transforms[1].prob": 1.0,
        "batch.transforms[1].switch_prob": 0.5,
        "batch.transforms[1].mode": "batch",
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
    folder = photographs.write(root / "files" / "imagenet")
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        own = [f"data.folder={folder}", f"data.root={root}", "data.held_out=6", "data.classes=3"]
        prepare(compose("prepare", ["data=imagenet", *own]).data)
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
    if paper.crops is None:
        assert (cfg.augment.pad, cfg.augment.mirror) == (paper.pad, paper.pad > 0)
    assert cfg.optimizer.weight_decay == paper.decay
    assert {key: cfg.optimizer[key] for key in paper.optimizer} == paper.optimizer
    assert cfg.data.held_out == {"imagenet": 50000}.get(paper.data, 5000)


PICTURE = np.kron(np.random.default_rng(0).integers(0, 256, (12, 16, 3)), np.ones((25, 25, 1))).astype(np.uint8)
PHOTOGRAPHS = [name for name, paper in PAPERS.items() if paper.crops]


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_pictures_are_cut_and_coloured_as_the_paper_does(name):
    cfg, crops, size = recipe(name), PAPERS[name].crops, PAPERS[name].size
    block = OmegaConf.to_container(cfg.augment, resolve=True)
    for part in ("train", "evaluation", "test"):
        expected = getattr(crops, part)
        assert written(block[part]) == (expected and expected.replace("SIZE", str(size)))
    found = (block["mean"], block["std"])
    assert found == (([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]) if crops.std else ([0.5] * 3, [0.5] * 3))
    made = instantiate(block, _convert_="all")
    assert made.trained(PICTURE, 0, 0, 0).shape == made.evaluated(PICTURE).shape == (3, size, size)
    assert made.views == crops.views
    for one in made.train:
        if isinstance(one, ResizedCrop):
            assert (one.scale, one.ratio) == (crops.scale, (3 / 4, 4 / 3))


def written(transforms):
    """Transforms of a configuration as a line of text, with their arguments; None: there are none."""
    if transforms is None:
        return None
    calls = []
    for one in transforms:
        arguments = ", ".join(f"{key}={value}" for key, value in one.items() if key != "_target_")
        calls.append(f"{one['_target_'].rpartition('.')[2]}({arguments})")
    return "; ".join(calls)


@pytest.mark.parametrize("name", PAPERS)
def test_weights_are_averaged_and_gradients_clipped_as_the_paper_does(name):
    cfg, paper = recipe(name), PAPERS[name]
    assert (cfg.average and cfg.average.decay) == paper.average
    assert cfg.training.clip_norm == paper.clip


@pytest.mark.parametrize("name", [name for name, paper in PAPERS.items() if paper.average and name != "convnext"])
def test_an_average_starts_as_tensorflow_starts_it(name):
    average = instantiate(recipe(name).average)(torch.nn.Linear(1, 1))
    for done in (0, 90, 1_000_000):  # timm counts its calls, from 2 on
        assert average.get_decay(done + 2) == pytest.approx(min(0.9999, (1 + done) / (10 + done)))


@pytest.mark.parametrize("name", PAPERS)
def test_weight_decay_spares_what_the_paper_spares(name):
    cfg, paper = recipe(name), PAPERS[name]
    if paper.spared is None:
        assert cfg.parameters is None
        return
    network = {
        "nasnet_a": "nasnet_a_small",
        "nasnet_a_cifar": "nasnet_a_small",
        "inception_v3": "inception_v3_small",
        "inception_v4": "inception_v4_small",
    }
    small = composed(f"+recipe={name}", f"model={network.get(name, paper.model)}", "data.classes=10")
    built = build(OmegaConf.to_container(small.model, resolve=True))
    decay = {id(w): group["weight_decay"] for group in instantiate(cfg.parameters)(built) for w in group["params"]}
    assert len(decay) == len(list(built.parameters()))
    for part in built.modules():
        for weight in part.parameters(recurse=False):
            depthwise = isinstance(part, torch.nn.Conv2d) and part.groups == part.in_channels > 1
            spared = weight.ndim < 2 or (depthwise and paper.spared == "depthwise")
            if paper.spared == "normalisation":
                spared = isinstance(part, torch.nn.BatchNorm2d)
            assert decay[id(weight)] == (0 if spared else paper.decay)


def test_networks_are_trained_with_what_their_papers_have_in_training():
    for name, dropped in (("nasnet_a", 0.3), ("nasnet_a_cifar", 0.4)):
        model = recipe(name).model
        assert (model.auxiliary, model.auxiliary_weight, model.drop_path) == (True, 0.4, dropped)
    assert recipe("convnext").model.drop_path == 0.1
    assert recipe("efficientnet").model.drop_path == 0.2
    assert (recipe("googlenet").model.auxiliary, recipe("googlenet").model.auxiliary_weight) == (True, 0.3)
    assert (recipe("inception_v3").model.auxiliary, recipe("inception_v3").model.auxiliary_weight) == (True, 0.4)


PAGE = (CHECKOUT / "docs" / "papers.md").read_text().partition("## Studies")[0]


def told(columns):
    """The rows of the page's table of so many columns, by recipe."""
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line[:3] == "| `"]
    return {name: row for row in lines if len(row) == columns for name in re.findall(r"`(\w+)`", row[0])}


@pytest.mark.parametrize("name", PAPERS)
def test_the_table_of_recipes_tells_what_they_are(name):
    paper, (_, _, data, length, rate, decay) = PAPERS[name], told(6)[name]
    assert [int(number) for number in re.findall(r"\d+", length)] == [paper.epochs, paper.batch]
    assert ("none" not in decay and float(re.match(r"[\d.e-]+", decay)[0])) == paper.decay
    assert ("not on depthwise" in decay) == (paper.spared == "depthwise")
    assert ("Nesterov" in rate) == paper.optimizer.get("nesterov", False)
    kind = recipe(name).optimizer["_target_"].rpartition(".")[2]
    assert [word for word in ("RMSProp", "LAMB", "AdamW") if word.lower() in kind.lower()] == re.findall(
        "RMSProp|LAMB|AdamW", rate
    )
    assert data.partition(",")[0].lower().replace("-", "")[:7] == paper.data.replace("_", "")[:7]
    assert paper.data != "imagenet" or int((re.findall(r"(\d+) pixels", data) or [224])[0]) == paper.size


def told_rate(name, epoch):
    """The rate of an epoch by the words of the table's cell, such as ``0.1, ÷ 10 at quarters``."""
    length, cell = PAPERS[name].epochs, told(6)[name][4]
    if cell.startswith("the same"):
        return told_rate("resnet", epoch)
    start = float(re.search(r"\d[\d.e-]*", cell)[0])
    if parts := re.search("(quarters|thirds|1/2 and 3/4)", cell):
        at = {"quarters": (1 / 4, 1 / 2, 3 / 4), "thirds": (1 / 3, 2 / 3), "1/2 and 3/4": (1 / 2, 3 / 4)}[parts[1]]
        return start / 10 ** sum(epoch >= length * part for part in at)
    if every := re.search(r"÷ 10 every (\d+) epochs", cell):
        return start / 10 ** (epoch // int(every[1]))
    if falling := re.search(r"× ([\d.]+) (?:every ([\d.]+) epochs|an epoch)", cell):
        return start * float(falling[1]) ** (epoch * (1 + 1e-12) // float(falling[2] or 1))
    if at := re.search(r"× ([\d.]+) at epochs ([\d, ]+\d)", cell):
        return start * float(at[1]) ** sum(epoch >= int(one) for one in at[2].split(","))
    if after := re.search(r"× ([\d., ]+) after ([\d, ]+) epochs", cell):
        steps = zip((int(one) for one in after[2].split(",")), map(float, after[1].split(",")), strict=True)
        return start * ([1.0] + [factor for from_epoch, factor in steps if epoch >= from_epoch])[-1]
    if "whenever the rest has halved" in cell:
        return start / 10 ** math.floor(math.log2(length / (length - epoch)))
    begins = 20 if "after 20 epochs" in cell and name == "convnext" else 0
    assert "cosine" in cell
    return start / 2 * (1 + math.cos(math.pi * (epoch - begins) / (length - begins)))


@pytest.mark.parametrize("name", PAPERS)
def test_the_table_of_recipes_tells_every_rate(name):
    paper = PAPERS[name]
    assert {epoch: told_rate(name, epoch) for epoch in paper.rates} == pytest.approx(paper.rates)


def in_words(transforms, size):
    """What a list of transforms does to pictures, as the table has it."""
    said = []
    for one in transforms:
        kind, values = one["_target_"].rpartition(".")[2], {**one}
        match kind:
            case "Middle" if values["share"] == 1:
                said.append(f"middle {values['size']}")
            case "Resize":
                said.append(f"side {values['size']}")
            case "ShorterSide":
                said.append(f"side {values['least']} to {values['most']}")
            case "RandomCrop":
                said.append(f"crop {values['size']}")
            case "OneOfTenCrops":
                said.append("one of 10 crops")
            case "ResizedCrop":
                least, most = values.get("scale", (0.08, 1.0))
                said.append(f"crop of {100 * least:.0f} to {100 * most:.0f} %")
            case "RandomHorizontalFlip":
                said.append("mirror")
            case "ColourShift":
                said.append(f"colour shift {values['deviation']:g}")
            case "BrightnessShift":
                said.append(f"brightness ± {values['most']}")
            case "ColorJitter":
                said.append(_jitter(values))
            case "AutoAugment":
                said.append("AutoAugment")
            case "PictureRandAugment":
                said.append(f"RandAugment {values['magnitude']} ± {values['deviation']:g}")
            case _:
                raise AssertionError(kind)
    return ", ".join(said)


def _jitter(values):
    if {"brightness", "contrast", "saturation"} <= values.keys():
        return f"colours × {1 - values['contrast']:g} to {1 + values['contrast']:g}"
    named = " and ".join(key for key in ("contrast", "saturation") if key in values)
    hue = f", hue ± {values['hue']:g}" if "hue" in values else ""
    return f"{named} × {1 - values['saturation']:g} to {1 + values['saturation']:g}{hue}"


def mixed(batch):
    """What a group of ``conf/batch`` does, as the table has it."""
    if not batch:
        return ""
    said = []
    for one in batch.get("transforms", [batch]):
        if "probability" in one:
            said.append(f"erasing {one['probability']:g}")
        else:
            said.append(f"mixup {one['mixup_alpha']:g} or cutmix {one['cutmix_alpha']:g}")
    return "; " + ", ".join(said)


def at_test(augment, size):
    """How a picture is tested, as the table has it."""
    last = (augment["test"] or augment["evaluation"])[-1]
    kind = last["_target_"].rpartition(".")[2]
    if kind == "WholePicture":
        return f"densely at {last['sides'][0]}, and mirrors"
    if kind == "Middle":
        return f"middle {100 * last['share']:g} %" + (f" at {last['size']}" if last["size"] != size else "")
    return f"{ {'TenCrop': 10, 'GoogLeNetCrops': 144}[kind] } crops"


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_table_of_pictures_has_every_transform(name):
    cfg = recipe(name)
    augment, batch = (OmegaConf.to_container(part, resolve=True) if part else None for part in (cfg.augment, cfg.batch))
    _, training, testing, _, _ = told(5)[name]
    if other := re.fullmatch(r"as `(\w+)`", training):
        training = told(5)[other[1]][1]
    assert training == in_words(augment["train"], PAPERS[name].size) + mixed(batch)
    assert testing == at_test(augment, PAPERS[name].size)


DROPOUT = {
    "vgg": 0.5,
    "zfnet": 0.5,
    "alexnet": 0.5,
    "googlenet": 0.4,
    "inception_v3": 0.2,
    "inception_v4": 0.2,
    "mobilenet_v2": 0.2,
    "efficientnet": 0.2,
    "nasnet_a": 0.5,
}


@pytest.mark.parametrize("name", DROPOUT)
def test_the_classifier_drops_what_the_paper_drops(name):
    with torch.device("meta"):
        network = build(OmegaConf.to_container(recipe(name).model, resolve=True))
    dropped = [part.p for part in network.modules() if isinstance(part, torch.nn.Dropout) and part.p]
    assert set(dropped) == ({0.4, 0.7} if name == "googlenet" else {DROPOUT[name]})


@pytest.mark.parametrize("name", PHOTOGRAPHS)
def test_the_table_of_pictures_tells_averages_and_what_is_spared(name):
    paper, (*_, average, spared) = PAPERS[name], told(5)[name]
    assert (float(average) if average else None) == paper.average
    words = {"vectors": "biases", "depthwise": "biases, normalisation, depthwise filters", None: ""}
    assert spared.startswith(words.get(paper.spared, paper.spared))
    assert ("depthwise" in spared) == (paper.spared == "depthwise")
    assert bool(spared) == bool(paper.spared)


def test_the_page_tells_whose_gradients_are_clipped_and_whose_labels_smoothed():
    text = PAGE.replace("\n", " ")
    clipped = {name: float(norm) for norm, name in re.findall(r"of (\d+) in `(\w+)`", text)}
    assert clipped == {name: paper.clip for name, paper in PAPERS.items() if paper.clip}
    smoothed = re.search(r"Labels are smoothed by 0.1 in (.*?)\.", text)[1]
    assert set(re.findall(r"`(\w+)`", smoothed)) == {name for name, paper in PAPERS.items() if paper.smoothing}


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
    before, after = (schedule(round(2.4 * 300) + step, 350 * 300, 300) for step in (-1, 0))
    assert after / before == pytest.approx(0.97, rel=0.002)  # the rate falls within the warm-up too
    assert schedule(5 * 300, 350 * 300, 300) == pytest.approx(0.97**2)


@pytest.mark.parametrize("name", PAPERS)
def test_a_recipe_makes_a_job(name, sets):
    cfg = OmegaConf.merge(recipe(name), {"data": {"root": str(sets)}})
    if PAPERS[name].crops:
        cfg.data.classes = 3
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
    overrides = [
        f"+recipe={name}",
        "data=cifar10",
        *("augment=rand_augment", "~augment.train", "~augment.evaluation"),
        *(["~augment.test"] if name == "strikes_back_a3" else []),
        "model=resnet20_d",
        "model.depth=8",
        "model.zero_last=true",
    ]
    overrides += ["data.image_size=32", "recipe.pad=4", f"data.root={sets}", "trainer.threads=1"]
    config = make_job(composed(*overrides, *cut))["config"]
    seen = Seen()
    outcome = fit(config, load(config), Surroundings(callbacks=lambda steps: [seen]))
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
}


@pytest.mark.parametrize(("name", "data", "model", "more"), CUT)
def test_real_steps_on_files_in_the_official_format(name, data, model, more, sets):
    size = {"cifar10": 32, "cifar100": 100}[data]
    overrides = [f"+recipe={name}", f"data={data}", f"model={model}", more, f"data.root={sets}", "trainer.threads=1"]
    cut = [f"data.train_size={size}", f"training.batch_size={size // 2}", "training.epochs=4"]
    config = make_job(composed(*overrides, *cut))["config"]
    seen = Seen()
    outcome = fit(config, load(config), Surroundings(callbacks=lambda steps: [seen]))
    assert seen.rates == pytest.approx(CUT[name, data, model, more])
    assert seen.shapes == {(size // 2, 3, 32, 32)}
    assert seen.kinds == {"SGD"}
    assert seen.group["weight_decay"] == PAPERS[name].decay
    assert {key: seen.group[key] for key in PAPERS[name].optimizer} == PAPERS[name].optimizer
    assert len(outcome.history) == 4
    assert all(np.isfinite(row["train_loss"]) for row in outcome.history)
    assert all(torch.isfinite(weight).all() for weight in outcome.weights.values() if weight.is_floating_point())


STEPS = {  # of a recipe of ImageNet: a small network, pixels, and the rates of four epochs of two steps
    "alexnet": ("lenet5", 32, [1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5]),
    "googlenet": ("googlenet_small", 32, [0.01] * 8),
    "inception_v3": ("lenet5", 32, [0.045] * 4 + [0.0423] * 4),
    "mobilenet_v1": ("mobilenet_v1_small", 32, [0.045 * 0.98**epoch for epoch in (0, 0, 1, 1, 2, 2, 3, 3)]),
    "vgg": ("vgg11_small", 12, [1e-2, 1e-2, 1e-3, 1e-3, 1e-4, 1e-4, 1e-5, 1e-5]),
    "resnext_imagenet": ("resnext_small", 32, [0.1] * 2 + [0.01] * 3 + [0.001] * 2 + [0.0001]),
}


@pytest.mark.parametrize("name", STEPS)
def test_real_steps_on_a_folder_in_the_form_of_imagenet(name, sets):
    model, size, rates = STEPS[name]
    own = [f"+recipe={name}", f"model={model}", f"data.root={sets}", "data.classes=3", f"data.image_size={size}"]
    cut = ["training.batch_size=15", "training.epochs=4", "trainer.threads=1", "runtime.workers=0"]
    config = make_job(composed(*own, *cut))["config"]
    seen = Seen()
    outcome = fit(config, load(config), Surroundings(callbacks=lambda steps: [seen]))
    assert seen.rates == pytest.approx(rates)
    assert seen.shapes == {(15, 3, size, size)}
    assert seen.kinds == {"RMSpropTF" if PAPERS[name].optimizer.get("alpha") else "SGD"}
    assert outcome.logits.shape == (15, 3)
    if PAPERS[name].crops.views > 1:
        assert np.exp(outcome.logits).sum(1) == pytest.approx(1, abs=1e-4)
    assert all(np.isfinite(row["train_loss"]) for row in outcome.history)
    assert all(torch.isfinite(weight).all() for weight in outcome.weights.values() if weight.is_floating_point())


OTHERS = {  # of ImageNet's recipes that have no steps above: a small network of its kind, and the optimizer
    "zfnet": ("lenet5", "SGD"),
    "resnet_imagenet": ("resnet20 model.depth=8", "SGD"),
    "densenet_imagenet": ("densenet_small model.depth=10", "SGD"),
    "squeeze_excite_imagenet": ("se_resnet20 model.depth=8", "SGD"),
    "inception_v4": ("lenet5", "RMSpropTF"),
    "mobilenet_v2": ("mobilenet_v2_small", "RMSpropTF"),
    "efficientnet": ("efficientnet_small", "RMSpropTF"),
    "nasnet_a": ("nasnet_a_small", "RMSpropTF"),
    "strikes_back_a3": ("resnet20_d model.depth=8", "Lamb"),
    "convnext": ("convnext_small", "AdamW"),
}


def test_every_recipe_of_imagenet_takes_real_steps_on_a_folder():
    assert set(OTHERS) | set(STEPS) == {name for name, paper in PAPERS.items() if paper.data == "imagenet"}


@pytest.mark.parametrize("name", OTHERS)
def test_other_recipes_of_imagenet_take_steps_on_a_folder_too(name, sets):
    network, kind = OTHERS[name]
    own = [f"+recipe={name}", *f"model={network}".split(), f"data.root={sets}", "data.classes=3", "data.image_size=32"]
    cut = [
        "training.batch_size=14",
        "training.epochs=2",
        "recipe.warmup_epochs=0",
        "trainer.threads=1",
        "runtime.workers=0",
    ]
    config = make_job(composed(*own, *cut))["config"]
    seen = Seen()
    outcome = fit(config, load(config), Surroundings(callbacks=lambda steps: [seen]))
    assert seen.kinds == {kind}
    assert seen.shapes == {(14, 3, 32, 32)}
    assert len(seen.rates) == 4
    assert seen.rates[0] == pytest.approx(config["optimizer"]["lr"])
    assert outcome.logits.shape == (15, 3)
    assert all(np.isfinite(row["train_loss"]) for row in outcome.history)


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
