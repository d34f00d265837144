"""What a run says of itself, so that it is found and grouped in W&B."""

import pytest

from deeper.run import wandb_runs


@pytest.fixture
def job(tmp_path):
    claims = {"degradation": [], "vanishing": []}
    return {
        "id": "0123456789abcdef",
        "study": "residual_vs_plain",
        "config": {
            "seed": 3,
            "profile": "pocket",
            "model": {"name": "plain20"},
            "study": {"name": "residual_vs_plain", "arm": "plain20", "claims": claims},
            "logger": {"mode": "offline", "project": "deeper", "entity": None, "dir": str(tmp_path), "live": False},
        },
        "environment": {"commit": "ab" * 20, "dirty": True, "machine": {"cpu": "Some CPU", "gpus": []}, "versions": {}},
    }


def test_a_run_has_its_arm_its_claims_and_what_it_ran_on(job):
    options = wandb_runs.options(job)
    found = {key: options["config"][key] for key in ("arm", "claims", "commit", "dirty", "machine")}
    assert found == {
        "arm": "plain20",
        "claims": ["degradation", "vanishing"],
        "commit": "ab" * 20,
        "dirty": True,
        "machine": "Some CPU",
    }
    assert options["config"]["model"] == {"name": "plain20"}
    assert options["tags"] == ["residual_vs_plain", "pocket", "degradation", "vanishing"]
    assert (options["group"], options["job_type"]) == ("residual_vs_plain", "train")


def test_a_trial_of_no_study_is_said_to_have_no_arm(job):
    job["config"]["study"] = {"name": "none"}
    job["config"]["transfer"] = {}
    job["study"] = "none"
    options = wandb_runs.options(job)
    assert (options["config"]["arm"], options["config"]["claims"]) == (None, [])
    assert (options["job_type"], options["tags"]) == ("transfer", ["none", "pocket"])
