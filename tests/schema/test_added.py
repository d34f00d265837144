"""What ``+`` adds is an argument of a class, or is refused."""

import pytest
from hydra import compose, initialize_config_dir

from deeper.errors import DeeperError
from deeper.paths import CONF
from deeper.schema.added import check_added

RUNTIME = {"config_sources": [{"path": str(CONF), "schema": "file"}]}


def check(verb, *overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose(verb, list(overrides))
        check_added(overrides, config, RUNTIME, lambda others: compose(verb, others))


@pytest.mark.parametrize(
    "override",
    [
        "+model.dropout_of_tomorrow=0.1",
        "+optimizer.dampening=0.1",
        "+hydra.launcher.slots=1",
        "+recipe=resnet",
        "++recipe.lr=0.2",
        "++seed=3",
        "+callbacks.mine={_target_:a.b}",
        "++study.arm=plain20",
    ],
)
def test_arguments_of_classes_and_groups_may_be_added(override):
    check("train", override)


@pytest.mark.parametrize(
    ("verb", "override"), [("cost", "+profile=smoke"), ("prepare", "+model=vgg16"), ("report", "+optimizer=adamw")]
)
def test_a_group_of_another_verb_is_refused(verb, override):
    with pytest.raises(DeeperError, match="this command reads no such setting"):
        check(verb, override)


@pytest.mark.parametrize(
    ("verb", "override", "advice"),
    [
        ("train", "+lr=0.5", "optimizer.lr or recipe.lr"),
        ("train", "+recipe.lrr=0.5", "'recipe.lr'"),
        ("train", "++recipe.lrr=0.5", "'recipe.lr'"),
        ("train", "+data.trian_size=9", "'data.train_size'"),
        ("train", "+regimes.capacityy={a:1}", "--cfg job"),
        ("transfer", "+transfer.per_clas=9", "'transfer.per_class'"),
        ("transfer", "+transfer.target.epoch=9", "--cfg job|did you mean"),
        ("report", "+result=x", "'results'"),
        ("cost", "+inputs=paper", "'input'"),
        ("prepare", "+data.folderr=x", "'data.folder'"),
        ("ledger", "+hour=3", "'hours'"),
        ("train", "+optimizer.dampenning=0.1", "'dampening'"),
        ("train", "+hydra.zzz=1", "--cfg job"),
        ("train", "+training.foo=1", "--cfg job"),
        ("train", "+data.foo=1", "--cfg job"),
    ],
)
def test_what_nothing_reads_is_refused_with_what_may_be_meant(verb, override, advice):
    with pytest.raises(DeeperError, match=f"there is no such setting; .*({advice})"):
        check(verb, override)


@pytest.mark.parametrize(
    "override", ["data.held_out=1000", "data.reader.train=[a]", "+data.reader.more=1", "~data.routes"]
)
def test_how_a_set_is_prepared_is_for_prepare_alone(override):
    check("prepare", override)
    for verb in ("train", "cost"):
        with pytest.raises(DeeperError, match="says how a set is prepared") as refused:
            check(verb, override)
        assert ("python -m deeper.prepare data=" in str(refused.value)) == (not override.startswith("~"))


def test_a_transfer_has_no_profile():
    with pytest.raises(DeeperError, match="transfer learning has no profiles"):
        check("transfer", "+profile=smoke")


@pytest.mark.parametrize("override", ["data.train_size=7", "data.subset_seed=1"])
def test_a_target_set_is_used_whole(override):
    check("train", override)
    with pytest.raises(DeeperError, match=r"a target set is used whole; transfer\.per_class"):
        check("transfer", override)
