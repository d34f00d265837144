import json
import os
import subprocess
import sys

import pytest
import yaml

from deeper.errors import DeeperError
from deeper.files import writable, write_bytes
from deeper.paths import CONF
from deeper.run.store import NAMED, RECORD, WEIGHTS, Home


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path, "0123456789abcdef")
    home.path.mkdir()
    for name in NAMED:
        (home / name).write_text(f"content of {name}")
    (home / "last.ckpt").write_text("checkpoint")
    return home


def test_finished_is_a_record_whose_files_are_true(home):
    assert home.record() is None
    home.finish({"status": "finished"})
    assert home.record()["status"] == "finished"
    assert not (home / "last.ckpt").exists()


@pytest.mark.parametrize("name", NAMED)
def test_a_changed_or_missing_file_is_not_finished(home, name):
    home.finish({"status": "finished"})
    (home / name).write_text("something else")
    assert home.record() is None
    (home / name).unlink()
    assert home.record() is None


def test_what_must_be_finished_is_damaged_or_not_there(home, tmp_path):
    with pytest.raises(DeeperError, match=f"there is no finished trial {home.trial} in {home.path.parent}; train it"):
        home.finished("train it")
    home.finish({"metrics": {}})
    assert home.finished("train it") == home.record()
    (home / WEIGHTS).write_bytes(b"other")
    with pytest.raises(DeeperError, match=rf"trial {home.trial} is damaged: {WEIGHTS} of .*trains it again"):
        home.finished("train it")


def test_a_changed_number_in_the_record_is_not_finished(home):
    home.finish({"status": "finished", "metrics": {"test_error": 0.8456}})
    text = (home / RECORD).read_text()
    (home / RECORD).write_text(text.replace("0.8456", "0.0456"))
    assert home.record() is None


def test_half_a_record_is_none(home):
    home.finish({"status": "finished"})
    text = (home / RECORD).read_bytes()
    (home / RECORD).write_bytes(text[: len(text) // 2])
    assert home.record() is None


def test_a_record_of_another_trial_is_none(home):
    home.finish({"status": "finished"})
    record = json.loads((home / RECORD).read_text())
    (home / RECORD).write_text(json.dumps({**record, "id": "f" * 16}))
    assert home.record() is None


@pytest.mark.parametrize("moment", ["fsync", "replace"])
def test_a_write_that_fails_leaves_what_was_there(tmp_path, monkeypatch, moment):
    path = tmp_path / "file"
    write_bytes(path, b"before")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, moment, full)
    with pytest.raises(OSError, match="No space") as caught:
        write_bytes(path, b"after")
    assert caught.value.filename == str(path)
    assert path.read_bytes() == b"before"
    assert [p.name for p in tmp_path.iterdir()] == ["file"]


def test_a_lock_excludes_another_process_and_ends_with_its_holder(home):
    hold = "import sys, time; from deeper.run.store import Home\n"
    hold += (
        f"with Home({str(home.path.parent)!r}, {home.trial!r}).lock():\n    print('held', flush=True); sys.stdin.read()"
    )
    holder = subprocess.Popen([sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "held\n"
    assert home.busy()
    with home.lock(wait=False) as held:
        assert not held
    holder.kill()
    holder.wait()
    assert not home.busy()


def test_a_lock_that_its_holders_remove_lets_one_at_a_time_in_and_leaves_nothing(tmp_path):
    count = tmp_path / "count"
    count.write_text("0")
    add = f"""
from pathlib import Path
from deeper.files import lock
count = Path({str(count)!r})
for _ in range(100):
    with lock(count.parent / "store" / "home" / ".lock"):
        count.write_text(str(int(count.read_text()) + 1))
"""
    running = [subprocess.Popen([sys.executable, "-c", add]) for _ in range(3)]
    assert [one.wait() for one in running] == [0, 0, 0]
    assert count.read_text() == "300"
    assert not list(tmp_path.rglob(".lock"))


def test_a_store_that_cannot_be_written_is_one_line(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DeeperError, match="store=FOLDER"):
        writable(tmp_path / "file" / "trials")
    writable(tmp_path / "new" / "trials")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_damage_is_named_and_set_aside(home):
    assert home.damaged() == []
    home.finish({"status": "finished"})
    assert home.damaged() == []
    (home / "weights.pt").write_text("changed")
    (home / "curves.jsonl").unlink()
    assert sorted(home.damaged()) == ["curves.jsonl", "weights.pt"]
    aside = home.set_aside()
    assert (aside / "weights.pt").read_text() == "changed"
    assert (aside / RECORD).exists()
    assert home.damaged() == []
    (home / RECORD).write_text("{}")
    assert home.damaged() == [RECORD]


def test_what_killed_writers_left_is_removed_by_the_next_that_comes_by(home):
    home.finish({"status": "finished"})
    for name in (".weights.pt.12345.tmp", "last.ckpt", "last.tmp"):
        (home / name).write_text("left behind")
    (home / "probes").mkdir()
    (home / "probes" / ".new.1.tmp").write_text("being written")
    with home.lock():
        home.tidy()
        assert (home / "last.ckpt").exists()  # somebody is at work
    home.tidy()
    assert {path.name for path in home.path.iterdir()} == {RECORD, "probes", *NAMED}
    assert (home / "probes" / ".new.1.tmp").exists()
    os.utime(home / "probes" / ".new.1.tmp", (0, 0))
    home.tidy()
    assert not (home / "probes" / ".new.1.tmp").exists()


def test_a_writer_removes_what_dead_ones_left_of_its_file(tmp_path):
    for name, age in ((".a.json.1.tmp", 0), (".a.json.2.tmp", 1), (".b.json.1.tmp", 0)):
        (tmp_path / name).touch()
        if not age:
            os.utime(tmp_path / name, (0, 0))
    write_bytes(tmp_path / "a.json", b"{}")
    assert {path.name for path in tmp_path.iterdir()} == {"a.json", ".a.json.2.tmp", ".b.json.1.tmp"}


@pytest.mark.parametrize(
    "config",
    [
        {"model": {"_target_": "os.system", "command": "true"}},
        {"model": {"_target_": "deeper.models.vgg.VGG", "act": [{"_target_": "deeper.data.sources.call"}]}},
        {"optimizer": {"_target_": "torch.optim.optimizer.torch.hub.load"}},
        {"callbacks": {"mine": {"_target_": "mine.Callback"}}},
        {"transfer": {"target": {"reader": {"_target_": "os.mkdir", "path": "there"}}}},
        {"transfer": {"target": {"reader": {"_target_": "deeper.data.targets.prepare.instantiate"}}}},
        {"model": {"_target_": "deeper.data.targets.folder.read"}},
        {"logger": {"lightning": {"_target_": "os.mkdir"}}},
        {"anything": [{"else": {"_target_": "os.mkdir"}}]},
    ],
)
def test_a_stored_configuration_calls_nothing_that_no_trial_needs(home, config, monkeypatch):
    (home / "config.yaml").write_text(yaml.safe_dump(config))
    with pytest.raises(DeeperError, match=r"a stored configuration calls .*, which is no part of Deeper; if it is"):
        home.config()
    monkeypatch.setenv("DEEPER_TRUST", "other, mine")
    if "callbacks" in config:
        assert home.config() == config


@pytest.mark.parametrize("text", ["${oc.env:HOME}", "before ${seed}", "${oc.decode:'[1]'}"])
def test_a_stored_configuration_asks_for_nothing(home, text):
    for config in ({"model": {"path": [text]}}, {"data": {text: 1}}):
        (home / "config.yaml").write_text(yaml.safe_dump(config))
        with pytest.raises(DeeperError, match=r"says .*, and a stored one has values alone"):
            home.config()


def test_stored_configurations_call_what_trials_need(home):
    groups = ("model", "optimizer", "schedule", "augment", "parameters", "batch", "average", "callbacks", "loss")
    for group in (*groups, "data", "transfer", "logger"):
        paths = list((CONF / group).rglob("*.yaml"))
        assert paths
        for path in paths:
            said = path.read_text().replace("${", "{")  # what is stored is resolved
            (home / "config.yaml").write_text(yaml.safe_dump({group: yaml.safe_load(said)}))
            home.config()


def test_what_was_measured_on_weights_goes_aside_with_them(home):
    home.finish({"status": "finished"})
    (home / "probes").mkdir()
    (home / "probes" / "lesion-0.json").write_text("{}")
    (home / ".mirrored").write_text("")
    aside = home.set_aside("earlier")
    assert (aside / "probes" / "lesion-0.json").exists()
    assert not (home / "probes").exists()
    assert not (home / ".mirrored").exists()
