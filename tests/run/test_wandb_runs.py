"""What is mirrored to W&B is what the record says."""

import json
import sys

import pytest
import wandb_file
from trials import job, train

from deeper.errors import DeeperError
from deeper.run import wandb_runs as mirror
from deeper.run.store import CURVES, MIRRORED


@pytest.fixture(scope="module")
def a_job(root, tmp_path_factory):
    return job(root, tmp_path_factory.mktemp("store"))


@pytest.fixture(scope="module")
def home(a_job):
    return train(a_job)


@pytest.fixture
def mirrored(a_job, tmp_path):
    """A job whose runs go to a folder of the test's, with settings of its logger replaced."""

    def of(study="none", **logger):
        settings = {**a_job["config"]["logger"], "mode": "offline", "dir": str(tmp_path), **logger}
        return {**a_job, "study": study, "config": {**a_job["config"], "logger": settings}}

    return of


@pytest.fixture(autouse=True)
def not_mirrored(home):
    (home / MIRRORED).unlink(missing_ok=True)


def runs(folder):
    return sorted((folder / "wandb").glob("offline-run-*"))


def test_the_summary_has_the_record_s_numbers_and_the_history_the_epochs(home, mirrored, tmp_path):
    assert mirror.replay(home, mirrored())
    [run] = runs(tmp_path)
    group, summary, history, ended = wandb_file.read(run)
    assert ended
    assert not group
    metrics = home.record()["metrics"]
    assert {key: summary[key] for key in metrics} == metrics
    assert summary["finished_at"] == home.record()["finished_at"]
    rows = [json.loads(line) for line in (home / CURVES).read_text().splitlines()]
    assert [row["epoch/train_error"] for row in history] == [row["train_error"] for row in rows]
    assert [row["_step"] for row in history] == [1, 2, 3]
    assert not set(history[0]) & set(metrics)


def test_each_study_and_project_has_its_run_once(home, mirrored, tmp_path):
    for settings in ({}, {"study": "depth"}, {"project": "other"}, {"study": "depth"}, {}):
        mirror.replay(home, mirrored(**settings))
    found = [wandb_file.read(run)[0] for run in (tmp_path / "wandb").glob("offline-run-*")]
    assert len(json.loads((home / MIRRORED).read_bytes())) == 3
    assert "depth" in found


def test_another_folder_has_its_run_too(home, mirrored, tmp_path):
    assert mirror.replay(home, mirrored())
    assert mirror.replay(home, mirrored(dir=str(tmp_path / "other")))
    assert len(runs(tmp_path)) == len(runs(tmp_path / "other")) == 1
    (home / MIRRORED).write_text('[["offline", null, "deeper", null]]')  # as it was before the folder stood there
    assert not mirror.replay(home, mirrored(project="deeper", entity=None))


def test_a_run_that_was_killed_in_the_middle_is_not_among_the_runs(home, mirrored, tmp_path, monkeypatch):
    def killed(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(mirror, "_log", killed)
        with pytest.raises(KeyboardInterrupt):
            mirror.replay(home, mirrored())
    assert runs(tmp_path) == []
    (tmp_path / "wandb" / ".unfinished.tmp-dead" / "wandb" / "offline-run-x").mkdir(parents=True)
    assert mirror.replay(home, mirrored())
    assert len(runs(tmp_path)) == 1
    assert not list((tmp_path / "wandb").glob(".unfinished.tmp-*"))


def test_a_folder_that_cannot_be_written_is_said_and_counts_as_not_mirrored(home, mirrored, tmp_path, capsys):
    (tmp_path / "wandb").write_text("in the way")
    assert not mirror.replay(home, mirrored())
    assert "is not mirrored to W&B" in capsys.readouterr().err
    assert not (home / MIRRORED).exists()


@pytest.mark.parametrize("mode", ["none", "disabled"])
def test_where_it_is_off_nothing_is_written(home, mirrored, tmp_path, mode):
    assert not mirror.replay(home, mirrored(mode=mode))
    assert not (tmp_path / "wandb").exists()


def test_a_stream_sends_rows_and_its_failure_costs_no_trial(mirrored, monkeypatch, capsys):
    class Run:
        def __init__(self):
            self.rows, self.ended = [], False

        def log(self, row, step):
            if step == 3:
                raise OSError("gone")
            self.rows.append((step, row))

        def finish(self):
            self.ended = True

    run = Run()
    monkeypatch.setattr(sys.modules["wandb"], "init", lambda **options: run)
    live = mirror.Live(mirrored(mode="online", live=True))
    for epoch in (1, 2, 3, 4):
        live.add({"epoch": epoch, "train_error": 0.5})
    live.finish()
    assert run.rows == [(1, {"epoch/train_error": 0.5}), (2, {"epoch/train_error": 0.5})]
    assert "W&B streams no more: gone" in capsys.readouterr().out
    assert mirror.Live(mirrored(live=True)).run is None


@pytest.fixture
def told(tmp_path):
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


def test_a_run_has_its_arm_its_claims_and_what_it_ran_on(told):
    options = mirror._options(told, ".")
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


def test_a_trial_of_no_study_is_said_to_have_no_arm(told):
    told["config"]["study"] = {"name": "none"}
    told["config"]["transfer"] = {}
    told["study"] = "none"
    options = mirror._options(told, ".")
    assert (options["config"]["arm"], options["config"]["claims"]) == (None, [])
    assert (options["job_type"], options["tags"]) == ("transfer", ["pocket"])


@pytest.mark.parametrize("said", ["http://x:abc", "localhost:8080", "https://", "ftp://x"])
def test_a_server_that_is_no_address_is_one_line(a_job, monkeypatch, said):
    monkeypatch.setenv("WANDB_BASE_URL", said)
    with pytest.raises(DeeperError, match=f"WANDB_BASE_URL={said}: it must be an address such as"):
        mirror.check({**a_job["config"]["logger"], "mode": "online"})


@pytest.mark.parametrize(("said", "port"), [("http://x", 80), ("https://x", 443), ("http://x:8080", 8080)])
def test_a_server_is_asked_at_its_port(a_job, monkeypatch, said, port):
    asked = []

    def refuse(address, timeout):
        asked.append(address)
        raise OSError("refused")

    monkeypatch.setattr(mirror.socket, "create_connection", refuse)
    monkeypatch.setenv("WANDB_BASE_URL", said)
    with pytest.raises(DeeperError, match="cannot be reached at x"):
        mirror.check({**a_job["config"]["logger"], "mode": "online"})
    assert asked == [("x", port)]
