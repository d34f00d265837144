"""How long trials take and what they keep, from stores of records whose answer is known."""

import json

import pytest
import trials
import yaml
from hypothesis import given
from hypothesis import strategies as st

from deeper.run.forecast import CLASS, KIND, OTHER, STEPS, Forecast, makespan
from deeper.run.store import CONFIG, RECORD

MACHINE, OTHER_MACHINE = {"cpu": "one"}, {"cpu": "two"}
TEST = 101
LENET = {"_target_": "deeper.models.lenet.LeNet5"}


def of_class(config, target):
    """The same configuration, but for the class of its network."""
    return config | {"model": config["model"] | target}


@pytest.fixture
def config(root, tmp_path):
    """The resolved configuration of a small trial, with some of its values changed."""

    def make(*overrides):
        return trials.job(root, tmp_path, *overrides)["config"]

    return make


def remember(store, name, config, macs, seconds, machine=MACHINE):
    """Write what a finished trial leaves for a forecast."""
    home = store / name
    home.mkdir()
    (home / CONFIG).write_text(yaml.safe_dump(config, sort_keys=False))
    record = {"time": {"total_s": seconds}, "cost": {"macs": macs}, "environment": {"machine": machine}}
    (home / RECORD).write_text(json.dumps(record))


def test_a_store_without_finished_trials_tells_nothing(config, tmp_path):
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / RECORD).write_text("{")
    assert Forecast(tmp_path, MACHINE, TEST).seconds(config(), 1000) is None


@pytest.mark.parametrize("content", ["[1", "- 1", "model: 3", "a: !!python/object:os.x {}", None])
def test_a_damaged_configuration_tells_nothing(config, tmp_path, content):
    remember(tmp_path, "damaged", config(), 1000, 500.0)
    path = tmp_path / "damaged" / CONFIG
    path.unlink() if content is None else path.write_text(f"profile: pocket\n{content}")
    assert Forecast(tmp_path, MACHINE, TEST).seconds(config(), 1000) is None
    remember(tmp_path, "whole", config("seed=1"), 1000, 10.0)
    assert Forecast(tmp_path, MACHINE, TEST).seconds(of_class(config(), LENET), 1000).seconds == pytest.approx(10.0)


def test_trials_of_the_same_kind_go_before_all_others(config, tmp_path):
    for seed, seconds in ((1, 10.0), (2, 14.0), (3, 30.0)):
        remember(tmp_path, f"same{seed}", config(f"seed={seed}"), 1000, seconds)
    remember(tmp_path, "longer", config("training.epochs=9"), 1000, 500.0)
    guess = Forecast(tmp_path, MACHINE, TEST).seconds(config("seed=0"), 1000)
    assert (guess.seconds, guess.basis, guess.here) == (14.0, KIND, True)


def test_else_it_is_told_by_images_and_multiply_adds_of_the_same_class(config, tmp_path):
    remember(tmp_path, "small", config(), 1000, 10.0)
    remember(tmp_path, "lenet", of_class(config(), LENET), 1000, 7000.0)
    told = Forecast(tmp_path, MACHINE, TEST)
    wider = told.seconds(config("model.width=8"), 4000)
    assert (wider.seconds, wider.basis) == (pytest.approx(40.0), CLASS)
    passes = [(3 * epochs + 1) * 120 + epochs * 40 + TEST for epochs in (3, 6)]
    longer = told.seconds(config("training.epochs=6"), 1000)
    assert longer.seconds == pytest.approx(10.0 * passes[1] / passes[0])


def test_where_a_class_tells_nothing_steps_are_timed(config, tmp_path):
    """Networks that a search makes are of one class, with many layers or few at equal multiply-adds."""
    remember(tmp_path, "like", config("seed=1"), 1000, 500.0)
    other = of_class(config("training.epochs=2"), {"width": 99})

    def told(**options):
        return Forecast(tmp_path, MACHINE, TEST, timed=lambda config, macs: 0.3, **options).seconds(other, 1000)

    assert told().basis == CLASS
    assert told(by_class=False).basis == STEPS
    assert told(by_class=False).seconds > 0.1 * other["data"]["train_size"]


def test_else_by_those_of_any_class(config, tmp_path):
    remember(tmp_path, "resnet", config(), 1000, 10.0)
    guess = Forecast(tmp_path, MACHINE, TEST).seconds(of_class(config(), LENET), 2000)
    assert (guess.seconds, guess.basis) == (pytest.approx(20.0), OTHER)


def test_this_machine_goes_before_others(config, tmp_path):
    remember(tmp_path, "there", config("seed=1"), 1000, 3.0, OTHER_MACHINE)
    guess = Forecast(tmp_path, MACHINE, TEST).seconds(config("seed=0"), 1000)
    assert (guess.seconds, guess.here) == (3.0, False)
    remember(tmp_path, "here", config("seed=2"), 1000, 9.0)
    guess = Forecast(tmp_path, MACHINE, TEST).seconds(config("seed=0"), 1000)
    assert (guess.seconds, guess.here) == (9.0, True)


@given(st.lists(st.tuples(st.floats(0.1, 1000), st.integers(1, 6)), min_size=1, max_size=30), st.integers(1, 4))
def test_slots_are_never_all_idle_while_something_waits(tasks, slots):
    total = sum(seconds * min(needed, slots) for seconds, needed in tasks)
    longest = max(seconds for seconds, _ in tasks)
    end = makespan(tasks, slots)
    assert max(longest, total / slots) <= end * (1 + 1e-9)
    assert end <= sum(seconds for seconds, _ in tasks) * (1 + 1e-9)
    if all(needed == 1 for _, needed in tasks):
        assert end <= total / slots + longest * (1 + 1e-9)


def test_a_toy_run_tells_of_toy_runs_alone(config, tmp_path):
    remember(tmp_path, "toy", config("profile=smoke"), 1000, 10.0)
    told = Forecast(tmp_path, MACHINE, TEST)
    assert told.seconds(config("profile=smoke", "model.width=8"), 4000).seconds == pytest.approx(40.0)
    assert told.seconds(config("model.width=8"), 4000) is None
