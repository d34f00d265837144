"""Trials on a folder of pictures: the same bits with any number of workers, killed and resumed, and on two ranks."""

import json

import numpy as np
import photographs
import pytest
import torch
from hydra import compose, initialize_config_dir
from trials import finish, start, train

from deeper.paths import CONF
from deeper.prepare import prepare
from deeper.run.jobs import make_job
from deeper.run.store import CURVES, LOG, PREDICTIONS, WEIGHTS

SMALL = (
    *("data=folder", "augment=resized_crop", "model=resnet20", "model.depth=8", "model.width=4"),
    *("data.image_size=16", "data.train_size=null", "data.validation_size=null", "trainer.accelerator=cpu"),
    *("training.epochs=3", "training.batch_size=10", "training.evaluation_batch_size=7", "training.gradient_every=2"),
    *("optimizer.lr=0.05", "schedule.warmup_epochs=0.0", "logger=none", "runtime.workers=1"),
    "augment.test=[{_target_: deeper.data.transforms.Middle, size: 20}, "
    "{_target_: torchvision.transforms.v2.TenCrop, size: 16}]",
)


def composed(name, *overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return compose(name, list(overrides))


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A folder of prepared sets with the listing of a small folder in ImageNet's form."""
    folder = tmp_path_factory.mktemp("pictures")
    photographs.write(folder)
    root = tmp_path_factory.mktemp("sets")
    prepare(composed("prepare", "data=folder", f"data.folder={folder}", f"data.root={root}", "data.held_out=6").data)
    return root


def job(root, store, *overrides):
    return make_job(composed("train", *SMALL, f"data.root={root}", f"store={store}", *overrides))


def weights(home):
    return torch.load(home / WEIGHTS)


def same(one, other):
    one, other = weights(one), weights(other)
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


@pytest.fixture(scope="module")
def whole(root, tmp_path_factory):
    return train(job(root, tmp_path_factory.mktemp("whole")))


def test_a_folder_is_trained_and_every_test_picture_counts_once(whole):
    record, kept = whole.record(), np.load(whole / PREDICTIONS)
    assert kept["logits"].shape == (15, 3)
    assert np.exp(kept["logits"]).sum(1) == pytest.approx(1, abs=1e-5)  # logarithms of probabilities, of ten crops
    wrong = int((kept["logits"].argmax(1) != kept["labels"]).sum())
    assert record["metrics"]["test_error"] == wrong / 15
    rows = [json.loads(line) for line in (whole / CURVES).read_text().splitlines()]
    assert rows[-1]["train_loss"] < rows[0]["train_loss"]
    assert record["status"] == "finished"


@pytest.mark.parametrize("workers", [0, 3])
def test_workers_are_no_part_of_a_trial(root, whole, tmp_path, workers):
    a_job = job(root, tmp_path, f"runtime.workers={workers}")
    assert a_job["id"] == whole.path.name
    assert same(whole, train(a_job))


@pytest.mark.parametrize("workers", [0, 2])
def test_a_trial_that_is_killed_five_times_ends_in_the_same_bits(root, whole, tmp_path, workers):
    a_job = job(root, tmp_path, f"runtime.workers={workers}")
    for name, call in (
        ("deeper.data.transforms.PictureTransforms.normalise", 3),  # in the first epoch
        ("deeper.data.transforms.PictureTransforms.normalise", 6),
        ("os.replace", 4),
        ("deeper.data.transforms.PictureTransforms.normalise", 6),
        ("numpy.savez_compressed", 1),  # trained, evaluated, and not yet kept
    ):
        running, home = start({**a_job, "kill": (name, call)}, "killing")
        assert finish(running) == -9, (home / LOG).read_text()
        assert home.record() is None
    assert same(whole, train(a_job))


RECIPES = sorted(path.stem for path in (CONF / "recipe").glob("*.yaml") if "imagenet" in path.read_text())
EXACT = ("trainer.precision=64-true", "model.norm=false", "optimizer.lr=0.01", "augment.test=null")


def test_two_ranks_end_in_the_weights_of_one_and_see_whole_pictures_alike(root, tmp_path):
    dense = "augment.test=[{_target_: deeper.data.transforms.WholePicture, sides: [24, 16]}]"
    one = train(job(root, tmp_path, *EXACT, dense))
    two = train(job(root, tmp_path, *EXACT, dense, "trainer=ddp", "trainer.accelerator=cpu"))
    first, second = weights(one), weights(two)
    assert max((first[key] - second[key]).abs().max().item() for key in first) < 1e-11
    logits = [np.load(home / PREDICTIONS)["logits"] for home in (one, two)]
    assert np.allclose(*logits, atol=1e-6)
    assert np.exp(logits[0]).sum(1) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("recipe", RECIPES)
def test_every_recipe_of_imagenet_ends_on_two_ranks_as_on_one(recipe, root, tmp_path):
    """Its optimizer, schedule, averages, transforms and crops; one network for all, in float64.

    Pictures are mixed with others of their own rank, so two of these are told apart: tests of places that are open
    (``batch=mixup`` and others) see that their ranks agree.
    """
    network = ("model=resnet20", "model.depth=8", "model.width=4", "model.norm=false", "trainer.precision=64-true")
    cut = ("training.epochs=2", "training.batch_size=12", "training.evaluation_batch_size=7", "recipe.warmup_epochs=0")
    words = (f"+recipe={recipe}", "data=folder", *network, *cut, "runtime.workers=0", "logger=none")
    places = (
        f"data.root={root}",
        "data.classes=3",
        "data.image_size=16",
        "data.train_size=null",
        "data.validation_size=null",
        "trainer.accelerator=cpu",
        *(["~model.auxiliary"] if recipe == "nasnet_a" else []),
    )
    one, two = (
        train(make_job(composed("train", *ranks, *words, *places, f"store={tmp_path / str(len(ranks))}")))
        for ranks in ((), ("trainer=ddp",))
    )
    first, second = weights(one), weights(two)
    logits = [np.load(home / PREDICTIONS)["logits"] for home in (one, two)]
    assert np.isfinite(logits).all()
    if recipe not in ("convnext", "strikes_back_a3"):
        assert max((first[key] - second[key]).abs().max().item() for key in first) < 1e-9
        assert np.allclose(*logits, atol=1e-6)


@pytest.mark.parametrize(
    ("model", "line"),
    [
        (("model=timm", "model.name=test_resnet"), "TimmNetwork cannot be applied to whole pictures; let augment.test"),
        (("model=vgg11_small", "model.grid=4"), "maps of 3×3 are smaller than the 4×4"),
        (("model=vgg11_small", "model.grid=2"), "VGG averages its maps of 16-pixel pictures before its hidden layers"),
    ],
)
def test_a_network_that_cannot_see_whole_pictures_says_so_before_it_is_trained(root, tmp_path, model, line):
    dense = "augment.test=[{_target_: deeper.data.transforms.WholePicture, sides: [12]}]"
    small = [word for word in SMALL if not word.startswith("model")]
    a_job = make_job(composed("train", *small, *model, dense, f"data.root={root}", f"store={tmp_path}"))
    running, home = start(a_job)
    assert finish(running) == 2
    assert line in running.error
    assert not (home / CURVES).exists()


def test_a_picture_that_is_gone_stops_a_trial_with_one_line(tmp_path):
    folder = photographs.write(tmp_path / "pictures")
    own = [f"data.folder={folder}", f"data.root={tmp_path / 'sets'}"]
    prepare(composed("prepare", "data=folder", *own).data)
    a_job = job(tmp_path / "sets", tmp_path / "trials")
    gone = next((folder / "train" / "n00000001").iterdir())
    gone.unlink()
    running, _ = start(a_job)
    assert finish(running) == 2
    assert f"{gone} cannot be read (No such file or directory); put back what was there" in running.error


def test_classes_of_a_folder_are_counted_and_a_moved_folder_is_the_same_trial(root, tmp_path, whole):
    folder = photographs.write(tmp_path / "elsewhere")
    a_job = job(root, tmp_path, f"data.folder={folder}")
    assert a_job["config"]["model"]["num_classes"] == a_job["config"]["data"]["classes"] == 3
    assert a_job["id"] == whole.path.name
