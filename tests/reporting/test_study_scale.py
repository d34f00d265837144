"""What pages say where the arms of a study differ in more than their networks."""

import copy

import pytest
import synthetic
from reported import results_of

from deeper.reporting import load
from deeper.reporting.arm_settings import differs, recipe
from deeper.reporting.charts import all_studies
from deeper.reporting.pages import site
from deeper.reporting.study_scale import scale_of

AUGMENT = {"_target_": "deeper.data.augment.Augment", "pad": 2, "mirror": True}
SHELF = synthetic.ROOT / "published"


def made(settings=None, seeds=2):
    """Results whose arms have settings of their own: ``settings`` by arm."""
    content = copy.deepcopy(synthetic.results(seeds=seeds, epochs=2))
    content["recipe"] = {"epochs": 2, "optimizer": {"_target_": "torch.optim.SGD", "lr": 0.1}, "augment": AUGMENT}
    for trial in content["trials"]:
        if settings:
            trial["settings"] = settings[trial["arm"]]
    return results_of(content)


def rows(*settings):
    """Rows with these settings of their own."""
    (row, *_) = made().rows
    return [row.model_copy(update={"settings": own}) for own in settings]


def arms(**first):
    """Settings of which the first arm has other values than the rest."""
    other = {"data.train_size": 5000, "training.epochs": 2, "data.image_size": 14, "optimizer.lr": 0.1}
    usual = {key: other[key] for key in first}
    return {arm: (first if arm == "plain20" else usual) for arm in synthetic.ARMS}


@pytest.fixture
def page(monkeypatch):
    """The page of results, and the index."""
    monkeypatch.setattr(all_studies, "draw", lambda studies: [{} for _ in studies])

    def write(results):
        files = site.pages([results], SHELF)
        return files[f"{results.name}.md"].decode(), files["README.md"].decode()

    return write


def test_one_scale_for_all_needs_no_remark(page):
    text, index = page(made())
    assert "Fashion-MNIST, 5,000 training images of 14×14 pixels, 2 epochs, profile `pocket`, 2 seeds." in text

    assert "(by arm)" not in text + index
    assert "differs in" not in text


def test_a_part_of_the_seeds_that_the_ledger_plans_is_said(page):
    content = synthetic.results(seeds=2, epochs=2)
    content |= {"profile": "record", "study": content["study"] | {"name": "pooling"}}
    assert "profile `record`, 2 of 8 planned seeds." in page(results_of(content))[0]


def test_what_varies_is_by_arm_everywhere(page):
    text, index = page(made(arms(**{"data.train_size": 500, "training.epochs": 20})))
    assert (
        "Fashion-MNIST, 500 training images of 14×14 pixels for 20 epochs and 5,000 training images of 14×14 pixels "
        "for 2 epochs (by arm), profile `pocket`"
    ) in text
    assert "| recipe | epochs by arm, optimizer SGD (lr 0.1)" in text
    assert "with 500 and 5,000 training images (by arm), under one recipe of 2 and 20 epochs (by arm)" in text
    assert "| Plain-20 | 500 images, 20 epochs |" in text
    assert "| Plain-56 | 5,000 images, 2 epochs |" in text
    assert "on the 5,000 training images" not in text
    assert (
        "<sub>On Fashion-MNIST, 500 training images of 14×14 pixels for 20 epochs and 5,000 training images "
        "of 14×14 pixels for 2 epochs (by arm)"
    ) in index


def test_the_answer_has_the_scale_of_the_arms_it_compares(page):
    settings = {arm: {"data.train_size": 900 if arm == "resnet56" else 5000} for arm in synthetic.ARMS}
    _, index = page(made(settings))
    places = next(line for line in index.splitlines() if line.startswith("<sub>On "))
    assert "pixels, 2 epochs (1); Fashion-MNIST, 900 and 5,000 training images (by arm)" in places


def test_three_sizes_are_a_range():
    settings = arms(**{"data.image_size": 12})
    settings["resnet56"] = {"data.image_size": 16}
    found = made(settings)
    assert scale_of(found).pixels_words == "12×12 to 16×16 pixels (by arm)"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"optimizer.lr": 0.05}, "rate 0.05"),
        ({"data.image_size": 16, "augment.pad": 3}, "16×16 pixels, crops ±3 and mirror"),
        ({"augment.pad": 0, "augment.mirror": False}, "no augmentation"),
        ({"augment.mirror": False}, "crops ±2"),
        ({"training.epochs": 1, "data.train_size": None}, "all images, 1 epoch"),
        ({"optimizer._target_": "torch.optim.Adam", "optimizer._partial_": True}, "optimizer Adam"),
        ({"schedule.warmup_epochs": 2.0, "data.name": "cifar10"}, "CIFAR-10, warmup epochs 2.0"),
        ({}, "–"),
    ],
)
def test_differences_in_a_reader_s_words(settings, says):
    assert differs(made(), rows(*[settings] * 2)) == says


def test_an_arm_of_two_settings_names_both():
    assert differs(made(), rows(*({"optimizer.lr": lr} for lr in (0.1, 0.2, 0.1)))) == "rate 0.1 or rate 0.2"


def test_the_recipe_marks_what_varies_and_leaves_the_results_alone():
    settings = arms(**{"optimizer.lr": 0.02})
    results = made({arm: {**own, "schedule.factor": 0.1} for arm, own in settings.items()})
    before = results.table.model_dump_json()
    assert recipe(results)["optimizer"]["lr"] == "by arm"
    assert recipe(results)["schedule"] == {"factor": "by arm"}
    assert results.table.model_dump_json() == before


def drawn(*seeds):
    """Results whose rows say by which seed their pictures were drawn, where that is not their own."""
    results = made()
    for row, drawn_by in zip(results.rows, seeds * len(results.rows), strict=False):
        row.settings.clear()
        if drawn_by != row.seed:
            row.settings["data.subset_seed"] = drawn_by
    return results


def test_one_drawing_of_the_pictures_for_all_is_no_difference(page):
    assert drawn(0, 0).varying == set()
    assert "differs in" not in page(drawn(0, 0))[0]
    assert drawn(0, 7).varying == {"data.subset_seed"}


def test_a_frozen_network_differs_in_nothing_that_only_training_reads():
    results = load.read(synthetic.ROOT / "results" / "transfer.json")
    assert differs(results, results.table.rows("clipart_frozen")) == "clipart"
    assert (
        differs(results, results.table.rows("clipart_finetune")) == "clipart, 6 epochs, rate 0.02, crops ±8 and mirror"
    )
