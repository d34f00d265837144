"""What the configuration says is what a trial gets."""

import pytest
from hydra import compose, initialize_config_dir

from deeper.paths import CONF
from deeper.schema.results import DRAWN_BY_SEED


def composed(*overrides):
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return compose("train", list(overrides))


@pytest.mark.parametrize("profile", ["smoke", "pocket", "full", "paper"])
def test_a_profile_leaves_alone_what_it_does_not_name(profile):
    assert composed(f"profile={profile}", "augment=none").augment.pad == 0
    assert composed(f"profile={profile}", "optimizer=adamw").optimizer.lr == 1e-3
    assert composed(f"profile={profile}", "schedule=constant").schedule.warmup_epochs == 0
    assert composed(f"profile={profile}", "optimizer.lr=0.3").optimizer.lr == 0.3


def test_the_paper_profile_is_the_papers_recipe():
    """arXiv 1512.03385, section 4.2."""
    cfg = composed("profile=paper", "model=resnet56")
    steps = 45000 // cfg.training.batch_size * cfg.training.epochs
    assert (cfg.data.name, cfg.data.held_out, cfg.training.batch_size) == ("cifar10", 5000, 128)
    assert abs(steps - 64000) < 351
    assert list(cfg.schedule.milestones) == [0.5, 0.75]
    assert (cfg.optimizer.lr, cfg.optimizer.momentum, cfg.optimizer.weight_decay) == (0.1, 0.9, 1e-4)
    assert (cfg.augment.pad, cfg.augment.mirror, cfg.data.image_size, cfg.model.shortcut) == (4, True, 32, "A")


def test_reports_know_the_profiles_whose_pictures_the_seed_draws():
    names = [path.stem for path in (CONF / "profile").glob("*.yaml")]
    of_seed = {name: composed("data=fashion_mnist", f"profile={name}", "seed=7").data.subset_seed for name in names}
    assert {name for name, seed in of_seed.items() if seed == 7} == set(DRAWN_BY_SEED)


def test_every_configuration_says_at_its_head_what_it_is():
    """Network or recipe, set or study: an own comment stands before the first setting."""
    for path in sorted(CONF.rglob("*.yaml")):
        lines = [line for line in path.read_text().splitlines() if line.strip() and not line.startswith("# @package")]
        assert lines[0].startswith("# "), f"{path.relative_to(CONF)}: say in a comment at its head what it is"
