"""The ledger's measuring, block by block."""

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import synthetic
import yaml

from deeper.errors import DeeperError
from deeper.reporting.plan_text import ledger
from deeper.run.forecast import KIND, STEPS
from deeper.run.jobs import make_job
from deeper.schema.results import sealed
from deeper.study.campaign import (
    BLOCKS,
    blocks_of,
    forecast,
    is_changed,
    measure,
    order,
    read_blocks,
    run_until,
    write_blocks,
)
from deeper.study.identities import jobs_of


def table(folder, name, seeds):
    (folder / f"{name}.json").write_text(json.dumps(sealed(synthetic.results(seeds=seeds, epochs=1, name=name))))


def test_every_study_has_its_first_block_before_any_has_its_second():
    assert list(order(["a", "b"], 2, {})) == [("a", 1), ("b", 1), ("a", 2), ("b", 2)]
    assert list(order(["a", "b"], 2, {"a": 2})) == [("b", 1), ("b", 2)]


def test_blocks_of_a_round_are_measured_together():
    found = list(order(["a", "b"], 3, {"b": 1}, together=2))
    assert found == [("a", 1), ("a", 2), ("b", 2), ("a", 3), ("b", 3)]


def test_blocks_that_one_command_trains_end_with_the_round():
    assert list(order(["a", "b"], 8, {"b": 4}, together=8, at_once=4)) == [("a", 4), ("a", 8), ("b", 8)]
    assert list(order(["a"], 5, {}, together=3, at_once=2)) == [("a", 2), ("a", 3), ("a", 5)]


def test_some_studies_get_more_blocks():
    found = list(order(["a", "b"], 2, {}, together=2, more={"b": 3}))
    assert found == [("a", 1), ("a", 2), ("b", 1), ("b", 2), ("b", 3)]
    assert list(order(["a", "b"], 2, {"a": 2}, together=4, at_once=4, more={"b": 3})) == [("b", 3)]


def test_transfer_has_its_own_command_and_its_own_list(tmp_path):
    calls = []

    def run(command, deadline):
        calls.append(command[2])
        if any(word.startswith("blocks=") for word in command):
            table(tmp_path, "transfer", 1)
        return True

    assert measure(["transfer"], 1, tmp_path, [], 0.0, lambda *block: None, run)
    assert calls == ["deeper.transfer", "deeper.transfer"]
    assert yaml.safe_load((tmp_path / BLOCKS).read_text()) == {"record": {}, "record_transfer": {"transfer": 1}}


def test_rates_are_told_once_and_before_the_first_block_is_trained_with_them(tmp_path):
    told = []

    def run(command, deadline):
        told.append(command[-1] if command[-1] == "tune=true" else command[-2])
        if (blocks := command[-2].partition("blocks=")[2]) and command[-1] != "tune=true":
            table(tmp_path, "a", int(blocks))
        return True

    assert measure(["a"], 2, tmp_path, [], 0.0, lambda *block: None, run, tuned=told.append)
    assert told == ["tune=true", "a", "blocks=1", "blocks=2"]


def test_blocks_are_the_seeds_that_every_arm_has(tmp_path):
    assert blocks_of(tmp_path / "a.json") == 0
    table(tmp_path, "a", 3)
    assert blocks_of(tmp_path / "a.json") == 3
    content = synthetic.results(seeds=3, epochs=1, name="b")
    content["trials"] = [row for row in content["trials"] if (row["arm"], row["seed"]) != ("plain56", 1)]
    (tmp_path / "b.json").write_text(json.dumps(sealed(content)))
    assert write_blocks(tmp_path, ["a", "b", "c"]) == {"a": 3, "b": 2, "c": 0}
    assert read_blocks(tmp_path) == {"a": 3, "b": 2}
    assert write_blocks(tmp_path, ["b"]) == {"b": 2}
    assert read_blocks(tmp_path) == {"a": 3, "b": 2}


def test_it_goes_on_where_it_stopped(tmp_path):
    calls = []

    def run(command, deadline):
        calls.append([word for word in command if word.startswith(("study=", "tune=", "blocks="))])
        if (blocks := [word for word in command if word.startswith("blocks=")]) and len(calls) < 6:
            name = next(word for word in command if word.startswith("study=")).rpartition("/")[2]
            table(tmp_path, name, int(blocks[0].partition("=")[2]))
        return len(calls) < 6

    told = []
    assert not measure(["a", "b"], 2, tmp_path, [], 0.0, lambda *block: told.append(block), run)
    assert told == [("a", 1), ("b", 1), ("a", 2)]
    assert calls[:2] == [["study=record/a", "tune=true"], ["study=record/a", "blocks=1"]]
    assert yaml.safe_load((tmp_path / BLOCKS).read_text()) == {"record": {"a": 2, "b": 1}, "record_transfer": {}}
    calls.clear()
    again = ["a", "b"], 2, tmp_path, [], 0.0, lambda *block: told.append(block), run
    assert measure(*again, changed=lambda *_: False)
    assert calls == [["study=record/b", "tune=true"], ["study=record/b", "blocks=2"]]
    calls.clear()
    assert measure(*again, changed=lambda study, *_: study == "a")
    assert calls == [["study=record/a", "tune=true"], ["study=record/a", "blocks=1"], ["study=record/a", "blocks=2"]]


def test_a_table_of_other_settings_is_not_the_study_s(root, tmp_path):
    small = [f"data.root={root}", "data.train_size=100", "data.validation_size=40", f"store={tmp_path}", "logger=none"]
    ids = [make_job(config)["id"] for config in jobs_of("record/pooling", ["profile=record", *small])[1]]
    content = synthetic.results(seeds=4, epochs=1, name="pooling")
    for row, own in zip(content["trials"], ids, strict=True):
        row["id"] = own
    (tmp_path / "pooling.json").write_text(json.dumps(sealed(content)))
    assert not is_changed("pooling", tmp_path / "pooling.json", small)
    assert is_changed("pooling", tmp_path / "pooling.json", [*small, "training.epochs=3"])
    assert is_changed("pooling", tmp_path / "pooling.json", [*small, "model.depth=3"])


def test_a_plan_of_the_ledger_counts_trials_and_sums_hours(root, tmp_path):
    small = [f"data.root={root}", "data.train_size=100", "data.validation_size=40", f"store={tmp_path}", "logger=none"]
    plan = forecast("pooling", 3, small)
    assert (plan.trials, plan.to_train, plan.time.unknown) == (6, 6, 0)
    assert list(plan.time.basis) == [STEPS]
    told = replace(plan, time=replace(plan.time, seconds=5400.0, basis={KIND: 6}), to_train=4)
    lines = ledger({"pooling": told, "other": told}).splitlines()
    assert lines[2].split() == ["pooling", "6", "4", "1.5", "0"]
    assert lines[4].split() == ["all", "12", "8", "3.0", "0"]
    untold = replace(plan, time=replace(plan.time, seconds=0.0, basis={}, unknown=6))
    assert ledger({"pooling": untold}).splitlines()[2].split()[-2:] == ["unknown", "6"]


def test_more_blocks_than_a_study_has_seeds_for_are_refused(root, tmp_path):
    with pytest.raises(DeeperError, match=r"blocks=9: the seeds of study pooling are enough for 8"):
        forecast("pooling", 9, [f"data.root={root}", f"store={tmp_path}", "logger=none"])


def test_a_study_without_seeds_for_the_block_says_so(tmp_path):
    with pytest.raises(DeeperError, match="study a has no block 1"):
        measure(["a"], 1, tmp_path, [], 0.0, lambda *block: None, lambda command, deadline: True)


def test_a_command_ends_is_stopped_or_fails():
    assert run_until([sys.executable, "-c", "pass"], time.monotonic() + 60)
    assert not run_until([sys.executable, "-c", "import time; time.sleep(60)"], time.monotonic() + 0.5)
    with pytest.raises(DeeperError, match="it goes on from there"):
        run_until([sys.executable, "-c", "raise SystemExit(3)"], time.monotonic() + 60)


def is_running(process):
    """Whether there is such a process that has not ended; one whose status nobody asked for has ended."""
    try:
        return Path(f"/proc/{process}/stat").read_text().split()[2] != "Z"
    except FileNotFoundError:
        return False


def test_a_campaign_that_is_killed_takes_its_command_with_it():
    waits = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
    script = f"from deeper.study.campaign import run_until; run_until([{sys.executable!r}, '-c', {waits!r}], 1e12)"
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as campaign:
        command = int(campaign.stdout.readline())
        campaign.kill()
        campaign.stdout.read()  # ends when the last that holds it has ended
    deadline = time.monotonic() + 20
    while is_running(command) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not is_running(command)


@pytest.mark.parametrize("said", ["many", "1.9", "'2'", "true", ".inf", "-3", "0", "[1]"])
def test_a_file_of_blocks_that_says_something_else_is_an_error(tmp_path, said):
    assert read_blocks(tmp_path) == {}
    (tmp_path / BLOCKS).write_text(f"record: {{a: {said}}}\n")
    with pytest.raises(DeeperError, match=r"blocks\.yaml: record\.a: it must be a whole number of at least 1"):
        read_blocks(tmp_path)


@pytest.mark.parametrize("said", ["record: " + "[" * 100_000, "- " * 100_000, "{a", "[]", "other: {}"])
def test_a_file_of_blocks_that_is_none_is_an_error(tmp_path, said):
    (tmp_path / BLOCKS).write_text(said)
    with pytest.raises(DeeperError, match=r"blocks\.yaml"):
        read_blocks(tmp_path)
