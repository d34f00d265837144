"""Every committed study: its arms compose, its jobs are trials that can be trained, its claims and figures are some."""

import json
from functools import cache
from pathlib import Path

import pytest
import synthetic
import yaml
from hydra import compose, initialize_config_dir
from hydra._internal.callbacks import Callbacks
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.plugins import Plugins
from hydra.types import HydraContext
from omegaconf import OmegaConf, open_dict
from trials import prepare

from deeper.cost.count import count_config
from deeper.errors import DeeperError
from deeper.paths import CONF, ROOT
from deeper.reporting import published_numbers
from deeper.run.jobs import make_job
from deeper.schema.ledger import ledger
from deeper.schema.study import read_study
from deeper.study import arms as study_arms
from deeper.study.checked_jobs import check_arms
from deeper.study.probe_functions import check_functions

ALL = sorted(path.stem for path in (CONF / "study").glob("*.yaml") if path.stem != "none")
STUDIES = [name for name in ALL if not name.startswith("transfer")]  # tests/test_transfer.py has those
OF_RECORD = sorted(path.stem for path in (CONF / "study" / "record").glob("*.yaml") if "budgets:" in path.read_text())
OTHERS = {"search-vs-hand", "search-vs-random"}


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return prepare(tmp_path_factory.mktemp("data"))


def grid(*overrides):
    """The composed study, and the overrides of each of its jobs."""
    config = compose("train", list(overrides), return_hydra_config=True)
    return config, jobs(config)


def jobs(config, *line):
    context = HydraContext(config_loader=GlobalHydra.instance().config_loader(), callbacks=Callbacks())
    sweeper = Plugins.instance().instantiate_sweeper(config=config, hydra_context=context, task_function=print)
    given = OverridesParser.create().parse_overrides([*sweeper._parse_config(), *line])
    return sweeper.split_arguments(given, None)[0]


@pytest.mark.parametrize("name", [name for name in STUDIES if "rates" not in name])
def test_every_arm_of_a_study_is_a_trial_that_can_be_trained(name, data):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config, every = grid(f"study={name}")
        one_each = {next(o for o in job if o.startswith("++study.arm=")): job for job in every}
        small = (f"data.root={data}", "trainer.accelerator=cpu")
        configs = [compose("train", [f"study={name}", *job, *small]) for job in one_each.values()]
    trained = {arm for arm, spec in config.study.arms.items() if "average" not in spec}
    assert {cfg.study.arm for cfg in configs} == trained
    check_arms(study_arms.study_of(configs[0]), configs)
    ids = [make_job(cfg)["id"] for cfg in configs]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize("name", OF_RECORD)
def test_arms_of_the_ledger_of_record_keep_their_budgets(name, tmp_path_factory):
    store = tmp_path_factory.getbasetemp() / "counted"  # what networks cost, of all studies
    with initialize_config_dir(str(CONF), version_base="1.3"):
        _, every = grid(f"study=record/{name}")
        one_each = {next(o for o in job if o.startswith("++study.arm=")): job for job in every}
        configs = [compose("train", [f"study=record/{name}", *job, f"store={store}"]) for job in one_each.values()]
    assert check_arms(study_arms.study_of(configs[0]), configs).name == name


@pytest.mark.parametrize("name", sorted({*ALL} - {"transfer_target"}))
def test_a_study_is_named_after_its_file_and_names_what_there_is(name):
    text = (CONF / "study" / f"{name}.yaml").read_text()
    study = read_study(yaml.safe_load(text)["study"], name)
    assert study.name == name
    check_functions(study, name)
    published_numbers.select(study, ROOT / "published", name)


def test_every_trained_claim_but_those_of_search_has_one_study():
    studies = [yaml.safe_load((CONF / "study" / f"{name}.yaml").read_text())["study"] for name in ALL]
    claims = [claim for study in studies for claim in study["claims"] if claim not in study.get("statements", {})]
    assert len(claims) == len(set(claims))
    assert set(claims) == {name for name, claim in ledger().items() if claim.kind == "trained"} - OTHERS


def test_settings_of_an_arm_replace_those_of_the_grid_and_the_command_line_both():
    arms = {
        "a": {"set": {"model": "resnet20", "model.width": 2}},
        "b": {"set": {"model": "lenet5", "model.width": [1, None]}},
    }
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", ["study=lesion"], return_hydra_config=True)
        with open_dict(config):
            config.study = synthetic.small_study([], {}) | {"name": "lesion", "arms": arms}
            config.hydra.sweeper.params = {"seed": "range(2)", "model.width": "4,8"}
        found = jobs(config, "seed=5")
    assert found == [
        ["seed=5", "model.width=2", "model=resnet20", "++study.arm=a"],
        ["seed=5", "model.width=[1,null]", "model=lenet5", "++study.arm=b"],
    ]


def test_papers_settings_take_the_place_of_an_arms_own():
    average = {"average": {"of": "a", "size": 2}}
    arms = {"a": {"set": {"model": "x"}, "paper": {"model": "y"}}, "b": {"set": {"model": "z"}}, "c": average}
    one = study(arms, paper={"+recipe": "r"})
    assert study_arms.settings(one, "pocket") == {"a": {"model": "x"}, "b": {"model": "z"}}
    assert study_arms.settings(one, "paper") == {
        "a": {"+recipe": "r", "model": "y"},
        "b": {"+recipe": "r", "model": "z"},
    }


def study(arms, **more):
    return read_study(synthetic.small_study([], {}) | {"arms": arms, **more}, "s")


WITH_PAPERS = [name for name in STUDIES if "zoo" not in name]
RECIPES = {path.stem: yaml.safe_load(path.read_text()) for path in (CONF / "recipe").glob("*.yaml")}


def papers(name):
    """By arm, the settings of a study under profile=paper."""
    return study_arms.settings(read_study(content(name), name), "paper")


def content(name):
    return yaml.safe_load((CONF / "study" / f"{name}.yaml").read_text())["study"]


@cache
def composed(name, *overrides):
    with initialize_config_dir(str(CONF), version_base="1.3"):
        return compose("train", [f"study={name}", "profile=paper", *overrides])


def as_paper(name, arm):
    chosen = papers(name)[arm]
    return composed(name, *(f"{k}={v if isinstance(v, str) else json.dumps(v)}" for k, v in chosen.items()))


@pytest.mark.parametrize("name", WITH_PAPERS)
def test_every_trained_arm_has_papers_settings_of_its_own(name):
    trained = {arm: spec for arm, spec in content(name)["arms"].items() if "average" not in spec}
    assert all("paper" in spec for spec in trained.values())
    chosen = papers(name)
    assert chosen.keys() == trained.keys()
    assert len({json.dumps(one, sort_keys=True) for one in chosen.values()}) == len(chosen)
    assert all(one["+recipe"] in RECIPES for one in chosen.values())


@pytest.mark.parametrize("name", WITH_PAPERS)
def test_under_profile_paper_an_arm_is_trained_as_its_recipe_says(name):
    ways = {}  # tests/training/test_recipes.py has every recipe, and every setting of networks
    for arm, chosen in papers(name).items():
        ways.setdefault(str({k: v for k, v in chosen.items() if not k.startswith(("model", "+recipe"))}), arm)
    for arm in ways.values():
        chosen, cfg = papers(name)[arm], as_paper(name, arm)
        recipe = RECIPES[chosen["+recipe"]]
        groups = {key: value for part in recipe["defaults"] for key, value in part.items()}
        assert (cfg.profile, cfg.data.name, cfg.model.name) == ("paper", groups["override /data"], chosen["model"])
        assert cfg.data.train_size == chosen.get("data.train_size")
        assert cfg.training.epochs == chosen.get("training.epochs", recipe["training"]["epochs"])
        assert cfg.training.batch_size == recipe["training"]["batch_size"]
        assert cfg.optimizer.weight_decay == recipe["optimizer"]["weight_decay"]
        assert cfg.optimizer.lr == chosen.get("recipe.lr", recipe["recipe"]["lr"])
        assert recipe["schedule"].items() <= cfg.schedule.items()


def test_the_sweeper_hands_on_the_papers_settings():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        _, every = grid("study=augmentation", "profile=paper")
    job = next(job for job in every if "++study.arm=mobilenet" in job)
    assert {"+recipe=resnet", "data.train_size=null", "augment=none", "model.strides=[1,1,2,2,2]"} <= set(job)
    assert not any("small" in part for part in job)


EQUAL = {
    "vgg_pattern": ("macs", ("doubling", "constant"), 0.02),
    "small_filters": ("macs", ("stacked", "large_equal"), 0.02),
}


@pytest.mark.parametrize("name", EQUAL)
def test_networks_of_papers_that_stand_for_equal_cost_have_nearly_that(name):
    metric, arms, within = EQUAL[name]
    first, *others = [count(as_paper(name, arm))[metric] for arm in arms]
    assert others == [pytest.approx(first, rel=within)] * len(others)


BUILT = [("lesion", "vgg16"), ("squeeze_excite", "se_googlenet"), ("fractal", "plain")]


@pytest.mark.parametrize(("name", "arm"), BUILT)
def test_a_papers_network_with_changed_settings_can_be_built(name, arm):
    assert count(as_paper(name, arm))["params"] > 0


def count(cfg):
    model = OmegaConf.to_container(cfg.model, resolve=True)
    return count_config(model, cfg.data.channels, cfg.data.image_size).as_dict()


def test_labels_and_budgets_are_those_of_the_settings_that_run():
    arms = {"a": {"label": "A", "set": {"model": "x"}, "paper": {"model": "y"}, "paper_label": "B"}, "b": {"set": {}}}
    one = study(arms, budgets=[{"metric": "params", "arms": ["a", "b"]}])
    assert study_arms.as_run(one, "pocket") is one
    run = study_arms.as_run(one, "paper")
    assert not run.budgets
    assert "budgets" not in run.model_dump(exclude_unset=True)
    assert (run.label("a"), run.arms["b"]) == ("B", one.arms["b"])
    by_hand = study({"a": {"where": {}}}, budgets=[])
    assert study_arms.as_run(by_hand, "paper") is by_hand


def test_arms_of_another_form_stop_before_any_is_composed():
    with initialize_config_dir(str(CONF), version_base="1.3"):
        config = compose("train", ["study=lrn"], return_hydra_config=True)
        with open_dict(config):
            config.study.arms = 5
        with pytest.raises(DeeperError, match=r"conf/study/lrn\.yaml: study\.arms: it must be a mapping"):
            jobs(config)
