"""A sweep of one's own from the command line to its page, and what ``--json`` prints."""

import csv
import json
import shutil
import subprocess
import sys
import time

import pytest
from omegaconf import OmegaConf
from trials import SMALL

from deeper.paths import ROOT
from hydra_plugins.deeper_slots.submit import SubmitLauncher

SWEEP = ("--multirun", "model.width=2,3", "seed=0,1", "training.epochs=1")
TRAIN = tuple(setting for setting in SMALL if not setting.startswith("model.width"))


def call(verb, folder, *arguments):
    """Run a verb in ``folder``; its completed process."""
    command = [sys.executable, "-m", f"deeper.{verb}", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


@pytest.fixture(scope="module")
def swept(root, tmp_path_factory):
    """A folder with the finished sweep ``widths``, and what the command printed."""
    folder = tmp_path_factory.mktemp("sweep")
    done = call("train", folder, *TRAIN, f"data.root={root}", *SWEEP, "name=widths", "--json")
    assert done.returncode == 0, done.stderr
    assert "widths: 4 trained" in done.stderr
    return folder, json.loads(done.stdout)


def test_it_ends_with_one_object(swept):
    folder, found = swept
    assert (found["schema"], found["command"], found["sweep"], found["missing"]) == (1, "train", "widths", 0)
    assert [one["values"] for one in found["settings"]] == [{"model.width": "2"}, {"model.width": "3"}]
    homes = {path.parent.name for path in folder.glob("trials/*/record.json")}
    assert {trial["id"] for trial in found["trials"]} == homes
    assert len(homes) == 4


@pytest.mark.parametrize("wrong", ["trainer.threads=1000", "sweeps=/dev/null"])
def test_a_sweep_that_is_refused_leaves_nothing(tmp_path, wrong):
    done = call("train", tmp_path, "--multirun", "model=lenet5", wrong, "seed=0,1")
    assert done.returncode == 2
    assert not list(tmp_path.iterdir())


def test_its_means_are_those_of_the_records(swept):
    folder, found = swept
    for setting in found["settings"]:
        ids = [trial["id"] for trial in found["trials"] if trial["setting"] == setting["setting"]]
        errors = [json.loads((folder / "trials" / i / "record.json").read_text())["metrics"]["test_error"] for i in ids]
        assert setting["metrics"]["test_error"]["mean"] == pytest.approx(sum(errors) / 2)
        assert setting["metrics"]["test_error"]["n"] == 2


def test_its_page_and_its_csv_say_the_same(swept):
    folder, found = swept
    rows = list(csv.DictReader((folder / found["csv"]).open()))
    assert [row["model.width"] for row in rows] == ["2", "3"]
    said = [f"{one['metrics']['test_error']['mean']:.10g}" for one in found["settings"]]
    assert [row["test_error"] for row in rows] == said
    page = (folder / found["page"]).read_text()
    assert "| 2 | 2" in page
    assert "widths.svg" in page
    assert (folder / "reports" / "sweeps" / "widths.svg").stat().st_size > 1000
    assert len((folder / "reports" / "sweeps" / "widths-trials.csv").read_text().splitlines()) == 5


def test_two_settings_are_compared_by_one_line(swept):
    folder, found = swept
    line = next(line for line in (folder / found["page"]).read_text().splitlines() if "deeper.compare" in line)
    done = subprocess.run(
        ["bash", "-c", line.replace("python", sys.executable, 1)], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("test error, widths/model.width=3 − widths/model.width=2: ")
    said = call("compare", folder, "--json", "of=widths/model.width=3", "against=widths/model.width=2")
    [second] = [one["difference"] for one in found["settings"] if one["difference"]]
    assert json.loads(said.stdout)["difference"] == pytest.approx(second)


def test_what_is_no_setting_is_one_line(swept):
    folder, _ = swept
    done = call("compare", folder, "of=widths/model.width=9", "against=widths/model.width=2")
    assert (done.returncode, done.stdout) == (2, "")
    assert "sweep widths: there is no setting 'model.width=9': model.width=2; model.width=3" in done.stderr


def test_its_trials_are_used(swept):
    folder, _ = swept
    kept = json.loads(call("trials", folder, "--json").stdout)["trials"]
    assert [trial["tables"] for trial in kept] == [["widths"]] * 4


def test_another_launcher_ends_it_too(swept, root):
    folder, found = swept
    again = call("train", folder, *TRAIN, f"data.root={root}", *SWEEP, "name=again", "hydra/launcher=basic")
    assert again.returncode == 0, again.stderr
    assert "reports/sweeps/again.md" in again.stdout
    table = json.loads((folder / "reports" / "sweeps" / "again.json").read_text())
    assert {row["id"] for row in table["trials"]} == {trial["id"] for trial in found["trials"]}


@pytest.mark.parametrize(
    "words",
    [["model.width=2,4", "name=widths"], ["training.epochs=2", "name=widths"], ["sweeps=results", "name=dense"]],
)
def test_a_name_is_given_once(swept, root, words):
    folder, _ = swept
    (folder / "results").mkdir(exist_ok=True)
    shutil.copy(ROOT / "results" / "dense.json", folder / "results")
    before = {path: path.read_bytes() for path in folder.glob("re*/**/*") if path.is_file()}
    done = call("train", folder, *TRAIN, f"data.root={root}", *SWEEP, *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert f"{words[-1]}: " in done.stderr
    assert ".json is of other trials; choose another name" in done.stderr
    assert {path: path.read_bytes() for path in folder.glob("re*/**/*") if path.is_file()} == before


def test_a_sweep_may_be_given_once_more_under_its_name(swept, root):
    folder, found = swept
    again = call("train", folder, *TRAIN, f"data.root={root}", *SWEEP, "name=widths", "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["trials"] == found["trials"]


def test_a_trial_that_is_asked_for_twice_is_one(swept, root):
    """Else the page would say for ever that the second is not there."""
    folder, _ = swept
    line = (*TRAIN, f"data.root={root}", "--multirun", "model.width=2,3", "training.epochs=1", "name=twice", "--json")
    found = json.loads(call("train", folder, *line, "seed=0,0,1").stdout)
    assert (found["missing"], len(found["trials"])) == (0, 4)
    assert "are not there" not in (folder / found["page"]).read_text()


def test_values_go_in_step(swept, root):
    folder, _ = swept
    words = ("model.width=2,3", "optimizer.lr=0.05,0.01", "seed=0,1", "zip=[model.width,optimizer.lr]")
    done = call("train", folder, *TRAIN, f"data.root={root}", "--multirun", *words, "dry_run=true", "--json")
    assert done.returncode == 0, done.stderr
    plan = json.loads(done.stdout)["plan"]
    assert plan["jobs"] == 4
    uneven = call("train", folder, "--multirun", "model.width=2,3", "seed=0,1,2", "zip=[model.width,seed]")
    assert "equally many (model.width 2, seed 3)" in uneven.stderr
    alone = call("train", folder, "--multirun", "model.width=2,3", "zip=[model.width,seed]")
    assert "zip: seed has not several values" in alone.stderr


@pytest.mark.parametrize(
    ("launcher", "status", "words"), [("slots", 1, "1 of 2 trials failed"), ("basic", 2, "depth=9: it must be 6n+2")]
)
def test_what_failed_is_missing_on_the_page_and_the_rest_is_there(root, tmp_path, launcher, status, words):
    line = (*TRAIN, f"data.root={root}", "--multirun", "model.depth=8,9", "training.epochs=1", "--json")
    done = call("train", tmp_path, *line, f"hydra/launcher={launcher}")
    assert done.returncode == status
    found = json.loads(done.stdout)
    assert found["missing"] == 1
    assert words in found["error"]
    assert "1 of 2 trials are not there" in (tmp_path / found["page"]).read_text()


def test_a_study_keeps_its_name(tmp_path):
    done = call("train", tmp_path, "--multirun", "study=residual_vs_plain", "name=mine")
    assert done.returncode == 2
    assert "name=mine: a study has its own name" in done.stderr


def test_one_trial_is_one_object(swept, root):
    folder, found = swept
    line = (*TRAIN, f"data.root={root}", "model.width=2", "training.epochs=1", "--json")
    one = json.loads(call("train", folder, *line).stdout)
    assert one["trial"] in {trial["id"] for trial in found["trials"]}
    assert (one["state"], one["record"]["id"]) == ("reused", one["trial"])
    assert json.loads(call("train", folder, *line, "dry_run=true").stdout)["plan"]["to_train"] == 0


def test_a_mistake_is_an_object_with_an_error(tmp_path):
    done = call("train", tmp_path, "model=resnet21", "--json")
    assert done.returncode == 2
    assert json.loads(done.stdout)["error"].startswith("there is no model=resnet21")
    assert done.stderr.startswith("error: there is no model=resnet21")


def test_what_a_network_costs_is_one_object(tmp_path):
    one = json.loads(call("cost", tmp_path, "model=resnet20", "--json").stdout)
    two = json.loads(call("cost", tmp_path, "--multirun", "model=resnet20,resnet32", "--json").stdout)
    assert two["networks"][0] == one["networks"][0]
    assert one["networks"][0]["params"] < two["networks"][1]["params"]


def test_a_trial_is_trained_again_from_its_id(swept, root):
    folder, found = swept
    trial = found["trials"][0]["id"]
    done = call("train", folder, f"trial={trial}", "logger=none", "--json")
    assert done.returncode == 0, done.stderr
    again = json.loads(done.stdout)
    assert again["same"] == {"predictions": "equal", "largest_difference": 0.0}
    assert again["home"] == f"own/trials/{trial}"
    both = call("train", folder, f"trial={trial}", "optimizer.lr=0.2")
    assert (both.returncode, both.stdout) == (2, "")
    assert "has its own settings" in both.stderr


def test_collecting_trains_nothing(swept, root):
    folder, _ = swept
    line = (*TRAIN, f"data.root={root}", "hydra/launcher=collect", "name=collected", "--json")
    before = list((folder / "trials").iterdir())
    some = call("train", folder, *line, *SWEEP, "seed=0,1,2")
    assert some.returncode == 1
    found = json.loads(some.stdout)
    assert found["error"] == "2 of 6 trials are not finished yet"
    assert (found["missing"], len(found["trials"])) == (2, 4)
    assert list((folder / "trials").iterdir()) == before
    others = [word.replace("collected", "others") for word in line]  # a name stands for one sweep
    none = call("train", folder, *others, *SWEEP, "seed=5")
    assert json.loads(none.stdout)["error"] == "2 of 2 trials are not finished yet"


@pytest.mark.parametrize(
    ("said", "words"),
    [
        (["trainer.threads=auto"], "trainer.threads=auto: the job's machine may have other cores"),
        (["trainer.accelerator=auto", "hydra.launcher.gpus_per_node=1"], "say trainer.accelerator=gpu"),
    ],
)
def test_what_the_machine_decides_is_not_submitted(said, words, root, tmp_path):
    submit = (*SWEEP, "hydra/launcher=slurm", "hydra.launcher.cluster=local")
    done = call("train", tmp_path, *TRAIN, f"data.root={root}", *submit, *said)
    assert done.returncode == 2
    assert words in done.stderr


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ("hydra.launcher.cluster=slrum", "hydra.launcher: AutoExecutor doesn't know any executor named slrum"),
        ("hydra.launcher.timeout_min=abc", 'hydra.launcher: Parameter "timeout_min" expected type'),
        ("store=/proc/trials", "trial store /proc/trials cannot be written"),
    ],
)
def test_what_cannot_be_submitted_is_one_line_and_leaves_nothing(said, words, root, tmp_path):
    submit = ("hydra/launcher=slurm", "hydra.launcher.cluster=local")
    done = call("train", tmp_path, *TRAIN, f"data.root={root}", *SWEEP, *submit, said)
    assert done.returncode == 2
    [line] = done.stderr.splitlines()
    assert line.startswith(f"error: {words}")
    assert not list(tmp_path.iterdir())


def test_a_sweep_for_larger_machines_is_asked_for_here_and_trained_there(root, tmp_path):
    line = (*TRAIN, f"data.root={root}", *SWEEP, "trainer.threads=1000", "--json")
    plan = json.loads(call("train", tmp_path, *line, "hydra/launcher=collect").stdout)
    assert plan["error"] == "4 of 4 trials are not finished yet"
    here = json.loads(call("train", tmp_path, *line).stdout)
    assert here["error"].startswith("trainer.threads=1000: this machine has ")


@pytest.mark.parametrize("wrong", ["hydra.launcher.slots=100000", "runtime.workers=100000"])
def test_more_processes_than_a_machine_can_have_are_refused(root, tmp_path, wrong):
    done = call("train", tmp_path, *TRAIN, f"data.root={root}", *SWEEP, wrong)
    assert done.returncode == 2
    assert f"error: {wrong}: this machine has" in done.stderr


def test_a_submitted_command_has_the_flags_of_the_one_that_was_given(monkeypatch):
    launcher = SubmitLauncher()
    launcher.verb, launcher.config = "train", OmegaConf.create({"hydra": {"overrides": {"hydra": [], "task": ["a=1"]}}})
    monkeypatch.setattr(sys, "argv", ["train", "--multirun", "--config-dir", "mine", "a=1", "-cn", "own"])
    flags = ["--config-name", "own", "--config-dir", "mine"]
    words = [sys.executable, "-m", "deeper.train", *flags, "--multirun", "a=1", "hydra/launcher=slots"]
    assert launcher._command() == words


@pytest.mark.parametrize("sign", ["", "+", "++", "~"])
def test_what_is_said_of_this_launcher_does_not_reach_the_job(monkeypatch, sign):
    launcher = SubmitLauncher()
    here = (f"{sign}hydra/launcher=slurm", f"{sign}hydra.launcher.jobs=2", f"{sign}hydra.mode=MULTIRUN")
    said = [*here, "hydra.verbose=1"]
    launcher.verb, launcher.config = "train", OmegaConf.create({"hydra": {"overrides": {"hydra": said, "task": []}}})
    monkeypatch.setattr(sys, "argv", ["train", "--multirun"])
    assert launcher._command()[3:] == ["--multirun", "hydra.verbose=1", "hydra/launcher=slots"]


def test_a_sweep_for_gpus_is_planned_and_submitted_without_one(root, tmp_path):
    line = (*TRAIN, f"data.root={root}", *SWEEP, "trainer.accelerator=gpu", "trainer.devices=20", "--json")
    plan = json.loads(call("train", tmp_path, *line, "dry_run=true").stdout)
    assert plan["plan"]["to_train"] == 4
    here = call("train", tmp_path, *line)
    assert here.returncode == 2
    assert json.loads(here.stdout)["error"].startswith("trainer.devices=20 on GPUs, but ")
    submitted = json.loads(
        call("train", tmp_path, *line, "hydra/launcher=slurm", "hydra.launcher.cluster=local").stdout
    )
    assert submitted["trials"] == plan["trials"]


def test_a_sweep_is_submitted_and_collected_later(root, tmp_path):
    line = (*TRAIN, f"data.root={root}", *SWEEP, "name=later")
    submit = ("hydra/launcher=slurm", "hydra.launcher.cluster=local", "hydra.launcher.jobs=2")
    done = call("train", tmp_path, *line, *submit, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert len(found["submitted"]) == 2
    deadline = time.monotonic() + 200
    while not (tmp_path / "reports" / "sweeps" / "later.md").exists():
        assert time.monotonic() < deadline, [p.read_text() for p in (tmp_path / found["logs"]).glob("*.err")]
        time.sleep(0.5)
    collected = json.loads(call("train", tmp_path, *line, "hydra/launcher=collect", "--json").stdout)
    assert {trial["id"] for trial in collected["trials"]} == set(found["trials"])
    assert len(list((tmp_path / "trials").glob("*/record.json"))) == 4
