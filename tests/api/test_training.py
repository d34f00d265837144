"""Training from a notebook."""

import pytest

import deeper
import deeper.train
from deeper.errors import DeeperError


def test_a_trial_is_trained_and_loaded_and_found_again(root, tmp_path, monkeypatch):
    line = ["model=lenet5", "profile=smoke", f"data.root={root}", f"store={tmp_path}", "logger=none"]
    line += ["data.train_size=100", "data.validation_size=40", "training.batch_size=20", "training.epochs=1"]
    found = deeper.train(line)
    assert found.record["status"] in ("finished", "diverged")
    assert (tmp_path / found.id / "record.json").exists()
    assert deeper.train(line).record == found.record
    with pytest.raises(DeeperError, match="these overrides train no trial here"):
        deeper.train([*line, "dry_run=true"])
    monkeypatch.chdir(tmp_path)
    again = deeper.train([f"trial={found.id}", f"store={tmp_path}", "logger=none"])
    assert (again.id, again.config["store"]) == (found.id, "own/trials")
    assert again.record["metrics"] == found.record["metrics"]


def test_a_mistake_is_what_the_command_line_says(tmp_path):
    with pytest.raises(DeeperError, match="lenet6"):
        deeper.train(["model=lenet6", f"store={tmp_path}"])
    with pytest.raises(DeeperError, match="--multirun is a flag of the command line"):
        deeper.train(["--multirun", "seed=0,1"])
    for wrong in ("model=lenet5", 7, ["model=lenet5", 7], {"model": "lenet5"}):
        with pytest.raises(DeeperError, match="the overrides are a list"):
            deeper.train(wrong)
