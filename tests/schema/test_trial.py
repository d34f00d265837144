"""What the settings of a trial may be; anything else is one line that names the override."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from deeper.errors import DeeperError
from deeper.paths import CONF
from deeper.schema.trial import check_settings, declared

MOST = 1024
OPTIONS = [
    f"{'+' if group == 'recipe' else ''}{group}={path.stem}"
    for group in ("trainer", "optimizer", "schedule", "augment", "logger", "profile", "recipe", "data")
    for path in sorted((CONF / group).glob("*.yaml"))
    if path.stem not in ("edges", "timm")
]
TRANSFERS = [
    ["transfer/mode=finetune"],
    ["transfer/mode=scratch"],
    ["transfer/backbone=trial"],
    *([f"transfer/target={path.stem}"] for path in sorted((CONF / "transfer" / "target").glob("*.yaml"))),
]


def settings(verb, *overrides):
    return OmegaConf.to_container(compose(verb, list(overrides)), resolve=True)


@pytest.fixture(scope="module", autouse=True)
def hydra():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        yield


def refused(verb, *overrides):
    with pytest.raises(DeeperError) as caught:
        check_settings(settings(verb, *overrides))
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("option", OPTIONS)
def test_every_option_of_the_project_is_one(option):
    check_settings(settings("train", option))


@pytest.mark.parametrize("options", TRANSFERS, ids=" ".join)
def test_every_option_of_transfer_is_one(options):
    check_settings(settings("transfer", *options))


def test_a_whole_number_where_a_fraction_may_be_is_that_fraction():
    config = settings("train", "training.label_smoothing=0", "optimizer.lr=1", "seed=1")
    written = declared(config, check_settings(config))
    assert repr(written["training"]["label_smoothing"]) == "0.0"
    assert repr(written["optimizer"]["lr"]) == "1.0"
    assert repr(written["seed"]) == "1"
    assert list(written) == list(config)
    again = settings("train", "training.label_smoothing=0.0", "optimizer.lr=1.0", "seed=1")
    assert written == declared(again, check_settings(again))


def test_nothing_is_converted_by_checking():
    config = settings("train", "training.label_smoothing=0", "optimizer.lr=1")
    before = repr(config)
    check_settings(config)
    assert repr(config) == before


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("trainer.threads=0", f"it must be a whole number from 1 to {MOST} or auto"),
        ("trainer.threads=many", f"it must be a whole number from 1 to {MOST} or auto"),
        (f"trainer.threads={MOST + 1}", f"it must be a whole number from 1 to {MOST} or auto"),
        ("trainer.devices=0", "it must be a whole number of at least 1"),
        ("trainer.precision=32", "it must be one of 32-true, 64-true, bf16-mixed"),
        ("trainer.accelerator=tpu", "it must be one of auto, cpu, gpu"),
        ("trainer.deterministic=1", "it must be true or false"),
        ("trainer.compile=maybe", "it must be true or false"),
        ("optimizer.momentum=1.5", "it must be a number from 0 to 1"),
        ("optimizer.nesterov=7", "it must be true or false"),
        ("optimizer.fused=maybe", "it must be true or false, or null"),
        ("schedule.warmup_epochs=-1", "it must be a number of at least 0"),
        ("schedule.warmup_start=2", "it must be a number from 0 to 1"),
        ("data.image_size=1000000", "it must be a whole number from 1 to 4096"),
        ("optimizer.lr=-0.1", "it must be a number from 0 to 1000"),
        ("optimizer.lr=nan", "it must be a number from 0 to 1000"),
        ("optimizer.lr=9999", "it must be a number from 0 to 1000"),
        ("optimizer.weight_decay=true", "it must be a number from 0 to 1000"),
        ("schedule.warmup_epochs=99", "it must be a number of epochs up to training.epochs="),
        ("training.epochs=0", "it must be a whole number of at least 1"),
        ("training.epochs=1.5", "it must be a whole number of at least 1"),
        ("training.label_smoothing=2", "it must be a number from 0 to 1"),
        ("trust_table=maybe", "it must be true or false"),
        ("dry_run=1", "it must be true or false"),
        ("seed=-1", "it must be a whole number of at least 0 and below 2^63 (several: --multirun seed=0,1)"),
        ("seed=9223372036854775808", "it must be a whole number of at least 0 and below 2^63"),
        ("seed=0.5", "it must be a whole number of at least 0"),
        ("augment.pad=99", "it must be a whole number from 0 to data.image_size"),
        ("augment.pad=-1", "it must be a whole number of at least 0"),
        ("store=null", "it must be the name of a folder"),
        ("results=5", "it must be the name of a folder"),
        ("data.train_size=0", "it must be a whole number of at least 1, or null"),
        ("data.subset_seed=x", "it must be a whole number"),
        ("training.batch_size=33 trainer.devices=2", "it is not a multiple of trainer.devices=2"),
        ("training.batch_size=33 batch=mixup", "it must be even, as batch=mixup and its like mix by twos"),
        ("training.batch_size=66 batch=erased_and_mixed trainer.devices=2", "it must be even on each rank, as"),
        ("model.num_classes=7", "fashion_mnist has 10 classes"),
        ("logger.mode=offlin", "it must be one of none, disabled, offline, online; did you mean 'offline'?"),
        ("runtime.checkpoint_every=0", "it must be a whole number of at least 1"),
    ],
)
def test_a_setting_that_cannot_be_is_one_line(override, words):
    first, *others = override.split()
    assert refused("train", first, *others).startswith(f"{first}: {words}")


def test_what_only_some_optimizers_and_schedules_have_is_checked():
    assert refused("train", "optimizer=adamw", "optimizer.betas=[0.9,1.0]").startswith("optimizer.betas.1=1.0: it must")
    assert refused("train", "optimizer=rmsprop", "optimizer.eps=-1").startswith("optimizer.eps=-1: it must be a number")
    assert refused("train", "schedule=steps", "schedule.factor=1e9").startswith(
        "schedule.factor=1000000000.0: it must be"
    )
    descend = refused("train", "schedule=steps", "schedule.milestones=[0.75,0.5]")
    assert descend == "schedule.milestones=[0.75, 0.5]: they must ascend"
    assert refused("train", "average=ema", "average.decay=2").startswith("average.decay=2: it must be a number of at")
    assert refused("train", "batch=mixup", "batch.prob=2").startswith("batch.prob=2: it must be a number from 0 to 1")
    assert refused("train", "schedule=levels", "schedule.factors=[0.1]").startswith("schedule.factors=[0.1]: there are")


def test_a_setting_that_does_not_exist_is_one_line():
    assert refused("train", "+training.epoch=3").startswith(
        "training.epoch: there is no such key; did you mean 'epochs'?"
    )
    assert "there is no such key" in refused("train", "+foo=1")


@pytest.mark.parametrize(
    ("overrides", "words"),
    [
        (["transfer.mode.name=froze"], "transfer.mode.name=froze: it must be one of frozen, finetune, scratch; did"),
        (["transfer.held_out=1"], "transfer.held_out=1: it must be a number between 0 and 1"),
        (["transfer.held_out=0"], "transfer.held_out=0: it must be a number between 0 and 1"),
        (["transfer.per_class=0"], "transfer.per_class=0: it must be a whole number of at least 1, or null"),
        (["transfer.mode.strengths=[0]"], "transfer.mode.strengths.0=0: it must be a number above 0"),
        (["transfer.mode.strengths=[]"], "transfer.mode.strengths=[]: it must be a list of numbers above 0"),
        (["transfer.mode.classifier=svm"], "transfer.mode.classifier=svm: it must be one of logistic, ridge"),
        (
            ["transfer/mode=finetune", "transfer/backbone=hog"],
            "transfer.mode.name=finetune: backbone hog has nothing to learn; say transfer/mode=frozen",
        ),
        (["transfer/mode=finetune", "transfer.layer=x"], "transfer.layer=x: it is for transfer/mode=frozen"),
        (["transfer/mode=finetune", "transfer.mode.layers.body=-1"], "transfer.mode.layers.body=-1: it must be a"),
        (["transfer/mode=finetune", "+transfer.mode.layers.x=1"], "transfer.mode.layers.x: there is no such key"),
        (["transfer.target.fit=stretch"], "transfer.target.fit=stretch: it must be one of crop, pad"),
        (["transfer.target.size=0"], "transfer.target.size=0: it must be a whole number of at least 1"),
        (["transfer.target.metric=acc"], "transfer.target.metric=acc: it must be one of accuracy, mean_per_class"),
        (["+transfer.target.counts.tst=1"], "transfer.target.counts.tst: there is no such key; did you mean 'test'?"),
        (["transfer.backbone.channels=2"], "transfer.backbone.channels=2: it must be one of 1, 3"),
        (["transfer.backbone.mean=[1,2]"], "transfer.backbone.mean=[1, 2]: it must be a list of 3 numbers, one a"),
        (["transfer.backbone.std=[1,0,1]"], "transfer.backbone.std.1=0: it must be a number above 0"),
    ],
)
def test_a_setting_of_transfer_that_cannot_be_is_one_line(overrides, words):
    assert words in refused("transfer", *overrides)
