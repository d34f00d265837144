from dataclasses import replace

import pytest
import yaml
from hydra.utils import get_object
from trials import job

from deeper import results_versions
from deeper.errors import DeeperError
from deeper.paths import CONF
from deeper.run import identity


def ids(root, store, *overrides):
    return job(root, store, *overrides)["id"]


@pytest.mark.parametrize(
    "override",
    [
        "seed=1",
        "optimizer.lr=0.06",
        "training.epochs=4",
        "training.batch_size=10",
        "data.train_size=110",
        "data.image_size=28",
        "data.subset_seed=1",
        "augment.pad=2",
        "schedule=steps",
        "model.shortcut=none",
        "trainer.threads=2",
        "trainer.devices=2",
        "trainer.precision=64-true",
        "trainer.compile=true",
        "trainer.channels_last=false",
    ],
)
def test_what_changes_the_result_is_part_of_the_identity(root, tmp_path, override):
    assert ids(root, tmp_path, override) != ids(root, tmp_path)


@pytest.mark.parametrize(
    "override",
    [
        "logger=wandb_offline",
        "logger.project=other",
        "store=elsewhere",
        "results=elsewhere",
        "study=residual_vs_plain",
        "runtime.checkpoint_every=2",
        "model.name=other",
        "data.folder=/somewhere",
    ],
)
def test_what_does_not_is_not(root, tmp_path, override):
    assert ids(root, tmp_path, override) == ids(root, tmp_path)


def test_the_name_of_a_profile_is_not(root, tmp_path):
    assert ids(root, tmp_path, "profile=smoke") == ids(root, tmp_path, "profile=first_ledger")


def test_all_images_is_the_same_as_their_number(root, tmp_path):
    assert ids(root, tmp_path, "data.train_size=200") == ids(root, tmp_path, "data.train_size=null")


def test_a_plain_network_is_the_same_by_any_name(root, tmp_path):
    plain = ids(root, tmp_path, "model=plain20", "model.depth=8", "model.width=4")
    assert plain == ids(root, tmp_path, "model.shortcut=none")


@pytest.mark.parametrize("spelt", ["training.label_smoothing=0", "optimizer.momentum=0.90", "training.clip_norm=null"])
def test_another_spelling_of_a_value_is_the_same_trial(root, tmp_path, spelt):
    plain = ("optimizer.momentum=0.9", "training.label_smoothing=0.0")
    assert ids(root, tmp_path, *plain, spelt) == ids(root, tmp_path, *plain)


def test_the_order_of_callbacks_is_part_of_it_and_their_names_are_not(root, tmp_path):
    def of(*factors):
        target = "deeper.fit.callbacks.AdaptiveClipping"
        blocks = {f"of_{name}": {"_target_": target, "factor": factor} for name, factor in factors}
        config = job(root, tmp_path)["config"]
        return identity.trial_id({**config, "callbacks": blocks}, "data")

    assert of(("a", 0.1), ("b", 0.2)) == of(("b", 0.1), ("a", 0.2))
    assert of(("a", 0.1), ("b", 0.2)) != of(("a", 0.2), ("b", 0.1))


def test_data_is_part_of_it(root, tmp_path):
    config = job(root, tmp_path)["config"]
    assert identity.trial_id(config, "a") != identity.trial_id(config, "b")


def test_no_text_of_the_code_is_part_of_it(root, tmp_path, monkeypatch):
    """Ids are made without reading any source file."""
    config = job(root, tmp_path)["config"]
    before = identity.trial_id(config, "a")
    monkeypatch.setattr("builtins.open", lambda *_, **__: pytest.fail("a file was read"))
    assert identity.trial_id(config, "a") == before


def parts_with(monkeypatch, name, **changes):
    changed = {**results_versions.parts(), name: replace(results_versions.parts()[name], **changes)}
    monkeypatch.setattr(results_versions, "parts", lambda: changed)
    monkeypatch.setattr(identity, "parts", lambda: changed)
    results_versions._names.cache_clear()


@pytest.fixture(autouse=True)
def _names_of_the_real_file():
    yield
    results_versions._names.cache_clear()


@pytest.mark.parametrize("part", ["fit", "models.residual", "augment.crop", "schedule.cosine"])
def test_a_raised_results_version_is_another_trial(root, tmp_path, monkeypatch, part):
    config = job(root, tmp_path)["config"]
    before = identity.trial_id(config, "a")
    parts_with(monkeypatch, part, version=2)
    assert identity.trial_id(config, "a") != before


@pytest.mark.parametrize("part", ["models.vgg", "transfer", "linear", "schedule.steps", "probes.lesion", "averaging"])
def test_a_version_of_what_it_does_not_use_is_not(root, tmp_path, monkeypatch, part):
    config = job(root, tmp_path)["config"]
    before = identity.trial_id(config, "a")
    parts_with(monkeypatch, part, version=2)
    assert identity.trial_id(config, "a") == before


def test_a_class_that_moved_keeps_its_trials(root, tmp_path, monkeypatch):
    config = job(root, tmp_path)["config"]
    before = identity.trial_id(config, "a")
    old, new = "deeper.models.residual.ResidualNetwork", "deeper.models.families.resnet.ResNet"
    parts_with(monkeypatch, "models.residual", targets={"ResidualNetwork": new}, formerly={"ResidualNetwork": [old]})
    assert identity.trial_id(config, "a") == before  # a frozen configuration from before the move
    assert results_versions.today(config)["model"]["_target_"] == new
    assert identity.trial_id(results_versions.today(config), "a") == before


def test_a_setting_that_was_added_later_and_is_off_changes_no_id(root, tmp_path, monkeypatch):
    config = job(root, tmp_path)["config"]
    before = identity.trial_id(config, "a")
    there = results_versions.parts()["models.residual"].added
    parts_with(monkeypatch, "models.residual", added={**there, "zero_init": False})
    config["model"]["zero_init"] = False
    assert identity.trial_id(config, "a") == before
    config["model"]["zero_init"] = True
    assert identity.trial_id(config, "a") != before
    config["model"]["zero_init"], config["training"]["clip_norm"] = False, 0.1
    assert identity.trial_id(config, "a") != before


def test_a_class_of_ours_without_a_version_is_refused_in_words(root, tmp_path):
    config = job(root, tmp_path)["config"]
    config["model"]["_target_"] = "deeper.models.residual.ResidualNetwrk"
    with pytest.raises(DeeperError, match="has no results version: is the name right"):
        identity.trial_id(config, "a")


def test_every_class_that_a_configuration_names_has_a_version_and_is_there():
    groups = ("model/base", "augment", "schedule", "parameters", "callbacks", "transfer/backbone")
    for path in (CONF / group for group in groups):
        for file in path.glob("*.yaml"):
            for target in results_versions.targets(yaml.safe_load(file.read_text())):
                results_versions.named(target)
    for part in results_versions.parts().values():
        for target in part.targets.values():
            assert get_object(target)


def test_a_measurement_hangs_on_its_settings_and_its_version_and_not_on_its_arms(monkeypatch):
    spec = {"of": "deeper.probes.lesion.probe", "draws": 3}
    key = identity.measurement_key("a", spec)
    assert key == identity.measurement_key("a", {**spec, "arms": ["x"]})
    assert key != identity.measurement_key("b", spec)
    assert key != identity.measurement_key("a", {**spec, "draws": 4})
    parts_with(monkeypatch, "probes.lesion", version=2)
    assert key != identity.measurement_key("a", spec)
