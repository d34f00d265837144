"""`dvc repro` from data to report, in a copy of the repository with a small set and a smaller study."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from official_sets import write_cub
from released import IDX_FILES, config, idx_files, write

from deeper.paths import ROOT

pytestmark = pytest.mark.timeout(900)  # whole pipelines, on a machine that may be busy
NOTHING_ELSE = "first_ledger: []\nsearched_tables: []\nsearches: []\n"
MODES = ("frozen", "finetune", "scratch")
TINY_STUDY = {
    "hydra": {"sweeper": {"params": {"model": "plain20,resnet20", "seed": "range(2)"}}},
    "study": {
        "name": "tiny",
        "title": "Tiny",
        "question": "Does it run?",
        "arms": {
            "plain": {"label": "Plain", "where": {"model.name": "plain20"}},
            "residual": {"label": "Residual", "where": {"model.name": "resnet20"}},
        },
        "probes": {
            "noise": {"of": "deeper.probes.gradient_noise.probe", "weights": "start", "batches": 2, "batch_size": 5},
            "lesion": {"of": "deeper.probes.lesion.probe", "images": 20, "draws": 1, "most": 2},
        },
        "claims": {
            "degradation": [{"metric": "train_error", "of": "plain", "against": "residual", "expect": "higher"}]
        },
    },
}


def run(folder, *command, code=0):
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    # `python -m deeper…` must find the copy, not the installation.
    environment = {**os.environ, "PATH": path, "PYTHONPATH": str(folder / "src"), "DVC_NO_ANALYTICS": "1"}
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, env=environment)
    assert done.returncode == code, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def ran(output):
    """The stages that a `dvc repro` ran."""
    return [line.split("'")[1] for line in output.splitlines() if line.startswith("Running stage")]


def study_file(folder, name, **params):
    study = json.loads(json.dumps(TINY_STUDY).replace('"tiny"', f'"{name}"'))
    study["hydra"]["sweeper"]["params"].update(params)
    (folder / "conf" / "study" / f"{name}.yaml").write_text("# @package _global_\n" + yaml.safe_dump(study))


def transfer_file(folder):
    """A smaller study of transfer, on birds in the official format."""
    write_cub(folder / "birds", classes=3, train=6, test=2)
    target = {"transfer/target": "cub", "transfer.target.path": str(folder / "birds"), "transfer.target.classes": 3}
    target |= {"transfer.target.size": 32, "transfer.image_size": 32, "training.batch_size": 4, "training.epochs": 1}
    target |= {"transfer.target.counts.train": 18, "transfer.target.counts.test": 6, "transfer/backbone": "timm"}
    target |= {"transfer.backbone.name": "test_resnet", "transfer.backbone.model.pretrained": False}
    arms = {mode: {"label": mode, "group": mode, "set": {**target, "transfer/mode": mode}} for mode in MODES}
    claims = {"fc-features": [{"metric": "test_error", "of": "frozen", "against": "scratch", "expect": "lower"}]}
    study = {"name": "transfer", "title": "Birds", "question": "Do they fly?", "page": "transfer", "arms": arms}
    content = {"hydra": {"sweeper": {"params": {"seed": "range(2)"}}}, "study": {**study, "claims": claims}}
    text = "# @package _global_\n" + yaml.safe_dump(content, sort_keys=False)
    (folder / "conf" / "study" / "transfer.yaml").write_text(text)


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    folder = tmp_path_factory.mktemp("copy")
    listed = subprocess.run(["git", "ls-files", "-co", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True)
    for name in listed.stdout.splitlines():
        top = name.partition("/")[0]
        if (
            (ROOT / name).is_file()
            and top not in ("results", "reports", "tests")
            and name not in ("dvc.lock", "identities.json")
        ):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    (folder / "results" / "record").mkdir(parents=True)
    (folder / "results" / "record" / "blocks.yaml").write_text("record: {}\nrecord_transfer: {}\n")

    files = idx_files(train=400, test=50)
    data = yaml.safe_load((folder / "conf" / "data" / "fashion_mnist.yaml").read_text())
    described = config("fashion_mnist", files, "data", held_out=50)
    data |= {"name": "tiny", "held_out": 50, "routes": [], "folder": str(write(folder / "official", files))}
    data["layout"]["files"] = {name: dict(described.layout.files[name]) for name in IDX_FILES}
    (folder / "conf" / "data" / "tiny.yaml").write_text(yaml.safe_dump(data))
    smoke = (folder / "conf" / "profile" / "smoke.yaml").read_text()
    (folder / "conf" / "profile" / "tiny.yaml").write_text(smoke.replace("profile: smoke", "profile: tiny"))
    identify = folder / "conf" / "identify.yaml"
    identify.write_text(identify.read_text().replace("also: [zoo_full]", "also: []"))
    (folder / "params.yaml").write_text("data: tiny\nprofile: tiny\nstudies: [first]\n" + NOTHING_ELSE)
    study_file(folder, "first")
    transfer_file(folder)
    pipeline = yaml.safe_load((folder / "dvc.yaml").read_text())
    for alone in ("transfer_pictures", "zoo_full"):  # stages like those of the tiny studies, hours long
        del pipeline["stages"][alone]
    (folder / "dvc.yaml").write_text(yaml.safe_dump(pipeline))
    run(folder, "git", "init", "-q")
    run(folder, "git", "add", "-A")
    run(folder, "git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "start")
    return folder


def test_the_whole_pipeline(copy):
    assert ran(run(copy, "dvc", "repro")) == ["prepare", "identify", "study@first", "transfer", "report"]
    table = json.loads((copy / "results" / "first.json").read_text())
    assert len(table["trials"]) == 4
    for trial in table["trials"]:
        assert len(trial["probes"]["noise"]["value"]["snr_db"]) == 20
        assert len(trial["probes"]["lesion"]["value"]["deleted"]) == (9 if trial["arm"] == "residual" else 7)
    assert "Does it run?" in (copy / "reports" / "first.md").read_text()
    assert "degradation" in (copy / "reports" / "README.md").read_text()
    transfer = json.loads((copy / "results" / "transfer.json").read_text())
    assert [row["transfer"]["mode"] for row in transfer["trials"]] == [m for m in MODES for _ in range(2)]
    assert "CUB-200-2011" in (copy / "reports" / "transfer.md").read_text()

    assert "up to date" in run(copy, "dvc", "repro")
    assert "degradation" in run(copy, "dvc", "metrics", "show", "--json")
    run(copy, "dvc", "plots", "show", "--json")

    assert (copy / "reports" / "exact_claims.md").exists()
    settings = copy / "conf" / "report.yaml"
    assert "exact: true" in settings.read_text()
    settings.write_text(settings.read_text().replace("exact: true", "exact: false"))  # once is enough
    page = copy / "src" / "deeper" / "reporting" / "templates" / "study.md.j2"
    page.write_text(page.read_text() + "\nOne more line.\n")
    assert ran(run(copy, "dvc", "repro")) == ["identify", "report"]  # nothing of a study changed
    assert "One more line." in (copy / "reports" / "first.md").read_text()

    study_file(copy, "second", seed="range(3)")
    (copy / "params.yaml").write_text("data: tiny\nprofile: tiny\nstudies: [first, second]\n" + NOTHING_ELSE)
    output = run(copy, "dvc", "repro")
    assert ran(output) == ["identify", "study@second", "report"]
    assert "second: 2 trained, 4 reused" in output
    assert "probes: 4 measured" in output

    file = copy / "conf" / "study" / "second.yaml"
    file.write_text(file.read_text() + "# a remark\n")
    assert ran(run(copy, "dvc", "repro")) == ["identify"]


def test_code_that_changes_no_result_runs_no_study(copy):
    """A renamed file, a split function, a new network: nothing is trained, and DVC runs no study."""
    models = copy / "src" / "deeper" / "models"
    model = models / "residual.py"
    before = model.read_text()
    model.write_text(before.replace("_blocks(", "_blocks_of_stages("))
    assert model.read_text().count("_blocks_of_stages(") == 2
    (models / "residual_levels.py").rename(models / "outer_levels.py")
    model.write_text(model.read_text().replace("deeper.models.residual_levels", "deeper.models.outer_levels"))
    shutil.copy(models / "lenet.py", models / "another.py")
    (copy / "conf" / "model" / "another.yaml").write_text((copy / "conf" / "model" / "lenet5.yaml").read_text())
    assert [stage for stage in ran(run(copy, "dvc", "repro")) if stage.startswith("study")] == []
    (copy / "conf" / "model" / "another.yaml").unlink()


def test_a_table_stands_for_its_trials(copy):
    """Where the trials are not here, rows of the same id stand for them, and what is new is trained."""
    path = copy / "results" / "second.json"
    before = path.read_bytes()
    shutil.move(copy / "trials", copy / "elsewhere")
    output = run(copy, "dvc", "repro", "--single-item", "--force", "study@second")
    assert "second: 6 known from the table" in output
    assert path.read_bytes() == before

    study_file(copy, "second", seed="range(4)")
    output = run(copy, "dvc", "repro", "study@second")
    assert "second: 2 trained, 6 known from the table" in output
    rows = json.loads(path.read_text())["trials"]
    assert rows[0]["metrics"] == json.loads(before)["trials"][0]["metrics"]


def test_an_edited_number_is_named_and_measured_again(copy):
    path = copy / "results" / "second.json"
    content = json.loads(path.read_text())
    measured = content["trials"][0]["metrics"]["train_error"]
    content["trials"][0]["metrics"]["train_error"] = 0.01
    path.write_text(json.dumps(content))
    refused = run(copy, sys.executable, "-m", "deeper.report", "exact=false", code=2)
    assert "was changed after it was measured" in refused
    output = run(copy, "dvc", "repro", "study@second")
    assert "arm plain seed 0 was changed after it was measured and is not believed" in output
    assert "second: 1 trained" in output
    assert json.loads(path.read_text())["trials"][0]["metrics"]["train_error"] == measured


def test_a_raised_results_version_trains_again(copy):
    versions = copy / "src" / "deeper" / "results_versions.yaml"
    text = versions.read_text()
    raised = text.replace("models.residual:\n  version: 1\n", "models.residual:\n  version: 2\n")
    assert raised != text
    versions.write_text(raised)
    output = run(copy, "dvc", "repro", "study@second")
    assert ran(output) == ["identify", "study@second"]
    assert "second: 8 trained" in output


def test_a_toy_run_leaves_the_tables_of_record_alone(copy):
    before = (copy / "results" / "second.json").read_bytes()
    text = (copy / "params.yaml").read_text()
    (copy / "params.yaml").write_text(text.replace("profile: tiny", "profile: smoke"))
    run(copy, "dvc", "repro", "study@second")
    assert (copy / "results" / "second.json").read_bytes() == before
    assert json.loads((copy / "results" / "smoke" / "second.json").read_text())["profile"] == "smoke"
    (copy / "params.yaml").write_text(text)


def test_a_typo_in_the_parameters_stops_with_one_line(copy):
    text = (copy / "params.yaml").read_text()
    (copy / "params.yaml").write_text(text.replace("profile: tiny", "profile: smoky"))
    (copy / "conf" / "profile" / "smoky.yaml").write_text(
        "# @package _global_\nprofile: smoky\ntraining: {epochz: 1}\n"
    )
    output = run(copy, "dvc", "repro", code=255)
    assert "error: " in output
    assert "epochz" in output
    assert "Traceback" not in output
    assert (copy / "results" / "first.json").exists()
    (copy / "params.yaml").write_text(text)


def test_a_clone_trusts_what_is_committed():
    """Committed results are those of the committed code: nothing that is recorded would run again."""
    output = run(ROOT, "dvc", "repro", "--allow-missing", "--dry")
    assert ran(output) == []
