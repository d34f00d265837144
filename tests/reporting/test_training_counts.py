import copy

import pytest
import synthetic
from reported import results_of

from deeper.reporting.training_counts import TrainingCounts, count_trainings


def study(name, content):
    content = copy.deepcopy(content)
    content["study"]["name"] = name
    return results_of(content)


@pytest.fixture(scope="module")
def content():
    found = synthetic.results(seeds=4, epochs=1)
    synthetic.average(found, "resnet20", (2,))
    return found


def test_averages_are_no_trainings(content):
    found = count_trainings([study("one", content)])
    assert found.distinct == 16
    trained = [trial["time"]["train_s"] for trial in content["trials"] if "members" not in trial]
    assert found.spent_s == pytest.approx(sum(trained))


def test_what_two_studies_share_is_counted_once(content):
    half = copy.deepcopy(content)
    half["trials"] = [trial for trial in half["trials"] if trial["arm"] == "plain20"]
    alone = count_trainings([study("one", content)])
    found = count_trainings([study("one", content), study("half", half)])
    assert found.distinct == 16
    assert found.spent_s == pytest.approx(alone.spent_s)


def test_a_trial_of_two_arms_is_counted_once(content):
    twice = copy.deepcopy(content)
    first, other = (next(t for t in twice["trials"] if t["arm"] == arm) for arm in ("plain20", "plain56"))
    other["id"], other["time"] = first["id"], first["time"]
    found = count_trainings([study("one", twice)])
    assert found.distinct == 15


def test_nothing_took_nothing():
    assert count_trainings([]) == TrainingCounts(0, 0)
