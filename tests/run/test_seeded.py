"""Configurations that differ in their seed alone say what each of them composed by itself would say."""

import pytest
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf, open_dict
from omegaconf.errors import MissingMandatoryValue, ReadonlyConfigError

from deeper.paths import CONF
from deeper.run.seeded import Alike, plain


def composed(*overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return compose("train", ["model=resnet20", *overrides])


def whole(config):
    return OmegaConf.to_container(config, resolve=True, throw_on_missing=True)


@pytest.mark.parametrize("profile", ["first_ledger", "record"])  # under record the seed draws the pictures too
def test_says_what_a_composed_one_says(profile):
    alike = Alike(composed(f"profile={profile}", "seed=3"))
    for seed in (0, 11):
        one, other = alike.with_seed(seed), composed(f"profile={profile}", f"seed={seed}")
        assert plain(one) == whole(one) == whole(other)
        assert list(plain(one)) == list(whole(other))
        assert one.seed == seed
        assert one.model.depth == other.model.depth
    assert plain(alike.with_seed(5))["data"]["subset_seed"] == (5 if profile == "record" else 0)


def test_what_is_taken_from_one_is_not_taken_from_another():
    alike = Alike(composed("seed=0"))
    one, other = alike.with_seed(1), alike.with_seed(2)
    with open_dict(one):
        one.pop("logger")
        one.study = {"name": "own", "arm": "a"}
    assert "logger" not in plain(one)
    assert plain(one)["study"] == {"name": "own", "arm": "a"}
    assert plain(other) == whole(composed("seed=2"))
    plain(other)["data"]["root"] = "elsewhere"
    assert plain(other) == whole(composed("seed=2"))


def test_what_they_share_cannot_be_changed():
    one = Alike(composed("seed=0")).with_seed(1)
    with pytest.raises(ReadonlyConfigError):
        one.trainer.threads = 7


@pytest.mark.parametrize(
    "setting",
    [
        {"name": "of ${seed}"},
        {"name": "${oc.decode:'${seed}'}"},
        {"data": {"subset_seed": "${seed}", "name": "${oc.select:seed,1}"}},
        {"name": "???"},
        {"names": ["${seed}"]},
    ],
)
def test_where_the_seed_does_more_than_to_be_copied_nothing_is_shared(setting):
    assert Alike(OmegaConf.create({"seed": 0, **setting})).places is None


def test_a_value_that_is_missing_is_told():
    with pytest.raises(MissingMandatoryValue):
        plain(OmegaConf.create({"seed": 0, "name": "???"}))
