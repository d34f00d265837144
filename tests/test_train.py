"""The command line as a user calls it."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest
from trials import SMALL

from deeper import INTERRUPTED
from deeper.paths import ROOT
from deeper.schema.results import sealed

SIZES = ("data.train_size=120", "data.validation_size=40")
STUDY = ("study=residual_vs_plain", "seed=0,1", "model=plain20,resnet20")


def call(root, folder, *arguments, env=None):
    """Run the verb in ``folder``; its completed process."""
    flags = [a for a in arguments if a.startswith("--")]
    overrides = [a for a in arguments if not a.startswith("--")]
    command = [sys.executable, "-m", "deeper.train", *flags, *overrides, f"data.root={root}"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, env={**os.environ, **(env or {})})


def mistake(done):
    """The one line of a mistake the user can mend."""
    assert done.returncode == 2, done.stderr
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    return lines[0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["model=resnet21"], "there is no model=resnet21; did you mean model=resnet20?"),
        (["study=residual"], "there is no study=residual"),
        (["profile=pockets"], "did you mean profile=pocket?"),
        (["data=fashion"], "did you mean data=fashion_mnist?"),
        (["blocks=2"], "blocks=2: it is of a study, and this is one trial; add --multirun"),
        (["tune=true"], "tune=true: it is of a study, and this is one trial"),
        (["zip=[model,recipe.lr]"], "it is of a sweep, and this is one trial; add --multirun and settings of several"),
        (["+hydra.zzz=1"], "+hydra.zzz=1: there is no such setting"),
        (["profile=null"], "a group of options is set to null"),
        (["optimizer.rate=1"], "unknown setting 'optimizer.rate'"),
        (["training.epochs=many"], "training.epochs=many: it must be a whole number"),
        (["training.epochs=0"], "training.epochs=0"),
        (["seed=-1"], "seed=-1"),
        (["augment.pad=-1"], "augment.pad=-1"),
        (["model.depth=abc"], "model.depth=abc"),
        (["trainer.channels_last=maybe"], "true or false"),
        (["+training.epochz=1"], "+training.epochz=1: there is no such setting; did you mean 'training.epochs'?"),
        (["trainer.precision=32"], "trainer.precision=32: it must be one of"),
        ([*SMALL, "trainer.accelerator=gpu"], "trainer.accelerator=cpu"),
        (["data.name=elsewhere"], "python -m deeper.prepare"),
        (
            ["data=imagenet", "augment=resized_crop", "model=resnet18"],
            "prepare it: python -m deeper.prepare data=imagenet",
        ),
        (
            ["data=imagenet", "model=resnet18"],
            "data=imagenet is read from disk, and this augment is for sets in memory",
        ),
        ([*SMALL, "store=/proc/trials"], "store=FOLDER"),
        (["store=null"], "store=null: it must be the name of a folder"),
        (["results="], "results=: it must be the name of a folder"),
        (["optimizer.lr=nan"], "optimizer.lr=nan: it must be a number from 0 to 1000"),
        (["training.label_smoothing=2"], "training.label_smoothing=2: it must be a number from 0 to 1"),
        (["seed=true"], "seed=true: it must be a whole number"),
        (["model.num_classes=7"], "model.num_classes=7: fashion_mnist has 10 classes"),
        (["model.widen=0.5"], "model.widen=0.5: it must be a whole number"),
        (["data.channels=3"], "data.channels=3: fashion_mnist has 1"),
        (["data.size=27"], "data.size=27: fashion_mnist has 28; data.image_size is what a network sees"),
        ([*SMALL, "training.accumulate=1000"], "training.accumulate=1000: there are"),
        (["hydra.launcher.slots=2"], "hydra.launcher.slots=2: it is of a sweep, and this is one job; add --multirun"),
        (["hydra/launcher=slurm"], "hydra/launcher=slurm: it is of a sweep, and this is one job; add --multirun"),
        (["name=mine"], "name=mine: it is of a sweep, and this is one trial; add --multirun"),
        (["model=fractalnet_small", "model.widths=16"], "model.widths=16: it must be a list of whole numbers"),
        (["--foo"], "unrecognized arguments: --foo"),
        (["--config-dir"], "Additional config directory"),  # it takes the next word for it
        (["data.train_size=201"], "data.train_size=201: fashion_mnist has 200 of them"),
        ([*SMALL, "data.train_size=10"], "there are 10 training images"),
        ([*SMALL, "logger.mode=sometimes"], "logger.mode=sometimes: it must be one of none, disabled, offline, online"),
        (["--multirun", "seed=range(0,0)"], "this sweep has no job"),
        (["seed=0,1"], "--multirun"),
        (["--multirun", *SIZES, "model=resnet20,resnet21"], "there is no model=resnet21"),
        (["--multirun", "hydra.launcher.slots=0"], "hydra.launcher.slots=0"),
    ],
)
def test_a_mistake_is_one_line(root, tmp_path, arguments, words):
    assert words in mistake(call(root, tmp_path, *arguments))


def test_an_impossible_network_is_one_line_and_leaves_nothing(root, tmp_path):
    assert mistake(call(root, tmp_path, *SMALL, "model.depth=21")).endswith("6n+2; the nearest is 20")
    assert not (tmp_path / "trials").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["study=depth,width"], "study=depth,width has several values: --multirun sweeps over them"),
        (["--multirun", "study=residual_vs_plain,zoo"], "a sweep is of one study; run them one after another"),
        (["--multirun", "+lr=0.5,0.001"], "+lr=0.5: there is no such setting; did you mean optimizer.lr or recipe.lr?"),
        (["~augment"], "augment: it is missing; augment=… gives it, and a ~ in front takes it out"),
        (["~optimizer.lr"], "optimizer.lr: it is missing"),
    ],
)
def test_what_would_train_something_else_is_one_line(root, tmp_path, arguments, words):
    assert words in mistake(call(root, tmp_path, *SIZES, *arguments))


def test_a_flipped_byte_in_the_data_is_one_line(root, tmp_path):
    import shutil

    damaged = tmp_path / "sets"
    shutil.copytree(root, damaged)
    with open(damaged / "fashion_mnist" / "images.npy", "r+b") as file:
        file.seek(5000)
        byte = file.read(1)[0]
        file.seek(5000)
        file.write(bytes([byte ^ 1]))
    done = call(damaged, tmp_path, *SMALL)
    assert done.returncode == 2
    assert "images.npy" in done.stderr
    assert "python -m deeper.prepare" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_ends_it_in_silence(tmp_path):
    command = f"{sys.executable} -m deeper.train --cfg job | true"
    done = subprocess.run(["bash", "-c", f"set -o pipefail; {command}"], cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (1, "")


def test_closed_streams_do_not_stop_a_trial(root, tmp_path):
    words = " ".join([*SMALL, "training.epochs=1", f"data.root={root}"])
    done = subprocess.run(["bash", "-c", f"{sys.executable} -m deeper.train {words} >&- 2>&-"], cwd=tmp_path)
    assert done.returncode == 0
    assert len(list((tmp_path / "trials").glob("*/record.json"))) == 1


@pytest.fixture
def ctrl_c():
    """Processes started by the test can be interrupted, also where the suite runs in the background of a script."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_while_torch_is_imported_is_one_line(root, tmp_path, ctrl_c):
    command = [sys.executable, "-m", "deeper.train", *SMALL, f"data.root={root}"]
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, start_new_session=True)
    while not servers(running.pid):
        assert running.poll() is None
        time.sleep(0.02)
    time.sleep(0.5)
    os.killpg(running.pid, signal.SIGINT)
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert said.splitlines()[-1].startswith("interrupted: ")
    assert "Traceback" not in said


def test_a_termination_cleans_up_too(root, tmp_path):
    (tmp_path / "temporary").mkdir()
    command = [sys.executable, "-m", "deeper.train", *SMALL, "training.epochs=5000", f"data.root={root}"]
    own = {"TMPDIR": str(tmp_path / "temporary"), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "torchs")}
    running = subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env={**os.environ, **own})
    while not list(tmp_path.glob("trials/*/last.ckpt")):
        assert running.poll() is None
        time.sleep(0.05)
    running.terminate()
    _, said = running.communicate(timeout=60)
    assert running.returncode == 128 + signal.SIGTERM
    assert said.splitlines()[-1] == INTERRUPTED
    assert not list((tmp_path / "temporary").iterdir())


def test_an_interrupt_before_anything_is_imported_is_a_line(root, tmp_path):
    (tmp_path / "hydra.py").write_text("raise KeyboardInterrupt")
    done = call(root, tmp_path, env={"PYTHONPATH": str(tmp_path)})
    assert done.returncode == -signal.SIGINT
    assert done.stderr.splitlines() == [INTERRUPTED]


def servers(parent):
    """Fork servers that a process has started."""
    words = subprocess.run(["ps", "-o", "args=", "--ppid", str(parent)], capture_output=True, text=True).stdout
    return [line for line in words.splitlines() if "forkserver" in line]


def test_one_trial_and_its_offline_run(root, tmp_path):
    done = call(root, tmp_path, *SMALL, "logger=wandb_offline")
    assert done.returncode == 0, done.stderr
    assert "finished, trained; train error" in done.stdout
    [home] = [path for path in (tmp_path / "trials").iterdir() if (path / "record.json").exists()]
    record = json.loads((home / "record.json").read_text())
    assert record["id"] == home.name
    assert record["environment"]["versions"]["torch"]
    [run] = (tmp_path / "wandb").glob(f"offline-run-*-{home.name}")
    assert next(iter(run.glob(f"run-{home.name}.wandb"))).stat().st_size > 1000
    again = call(root, tmp_path, *SMALL, "logger=wandb_offline")
    assert "finished, reused" in again.stdout
    assert len(list((tmp_path / "wandb").glob("offline-run-*"))) == 1


def test_lightnings_own_logger_says_what_the_trial_says(root, tmp_path):
    done = call(root, tmp_path, *SMALL, "logger=csv")
    assert done.returncode == 0, done.stderr
    [home] = [path.parent for path in (tmp_path / "trials").glob("*/record.json")]
    told = list(csv.DictReader((tmp_path / "logs" / "none" / home.name / "metrics.csv").open()))
    kept = [json.loads(line) for line in (home / "curves.jsonl").read_text().splitlines()]
    assert [float(row["validation_error"]) for row in told] == [row["validation_error"] for row in kept]
    assert len(told) == 3
    assert not (tmp_path / "wandb").exists()


def test_a_logger_without_its_package_is_one_line_before_anything_is_trained(root, tmp_path):
    said = mistake(call(root, tmp_path, *SMALL, "logger=csv", "logger.lightning.needs=no_such_package"))
    assert "this logger needs the package no_such_package" in said
    assert not (tmp_path / "trials").exists()


def test_a_logger_s_argument_that_there_is_not_is_one_line_before_anything_is_trained(root, tmp_path):
    said = mistake(call(root, tmp_path, *SMALL, "logger=csv", "logger.lightning.trial=nonsense"))
    assert "logger.lightning.trial=nonsense" in said
    assert not (tmp_path / "trials").exists()


def test_w_and_b_s_own_variables_hold(root, tmp_path):
    small = [setting for setting in SMALL if not setting.startswith("logger=")]
    environment = {"WANDB_DIR": str(tmp_path / "elsewhere")}
    done = call(root, tmp_path, *small, env=environment)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "elsewhere" / "wandb").glob("offline-run-*"))) == 1
    assert not (tmp_path / "wandb").exists()
    assert "logger.mode=sometimes" in mistake(call(root, tmp_path, *small, env={"WANDB_MODE": "sometimes"}))


def test_online_without_an_account_is_one_line(root, tmp_path):
    clean = {"HOME": str(tmp_path), "WANDB_API_KEY": "", "NETRC": str(tmp_path / "none")}
    assert "logger=wandb_offline" in mistake(call(root, tmp_path, *SMALL, "logger=wandb_online", env=clean))


def test_a_sweep_of_ones_own(root, tmp_path):
    sweep = ["--multirun", "model.width=2,3", "optimizer.lr=0.05,0.01", "training.epochs=1"]
    done = call(root, tmp_path, *SMALL, *sweep)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "trials").glob("*/record.json"))) == 4
    assert "sweep: 4 trained" in done.stderr
    assert not (tmp_path / "results").exists()


def test_hydras_basic_launcher(root, tmp_path):
    arguments = ["--multirun", "hydra/launcher=basic", "seed=0,1", "training.epochs=1"]
    done = call(root, tmp_path, *SMALL, *arguments)
    assert done.returncode == 0, done.stderr
    assert len(list((tmp_path / "trials").glob("*/record.json"))) == 2


def test_overrides_may_stand_on_both_sides_of_the_flag(tmp_path):
    command = [sys.executable, "-m", "deeper.train", "model=resnet21", "--multirun", "seed=0,1"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert "there is no model=resnet21" in mistake(done)


def test_slurm_without_slurm_is_one_line(root, tmp_path):
    (tmp_path / "bin").mkdir()
    arguments = ["--multirun", "hydra/launcher=submitit_slurm", "seed=0,1"]
    said = mistake(call(root, tmp_path, *SMALL, *arguments, env={"PATH": str(tmp_path / "bin")}))
    assert "SLURM takes no jobs here" in said
    assert "hydra/launcher=slots" in said


def test_a_failure_in_a_sweep_is_listed_and_the_rest_is_kept(root, tmp_path):
    done = call(root, tmp_path, *SMALL, "--multirun", "model.depth=8,9", "training.epochs=1")
    assert done.returncode == 1
    assert "failed: model.depth=9: model resnet20: ResidualNetwork depth=9" in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("error: 1 of 2 trials failed")
    assert len(list((tmp_path / "trials").glob("*/record.json"))) == 1


def test_the_configuration_can_be_printed_without_data_or_torch(root, tmp_path):
    code = "import sys; sys.argv=['train', '--cfg', 'job']; import runpy\n"
    code += "runpy.run_module('deeper.train', run_name='__main__')\nassert 'torch' not in sys.modules"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "plain" not in done.stdout.split("data:")[0]
    assert "_target_: deeper.models.residual.ResidualNetwork" in done.stdout


@pytest.fixture(scope="module")
def study(root, tmp_path_factory):
    """A study run on a small set, all four arms with one seed."""
    folder = tmp_path_factory.mktemp("study")
    arguments = ["--multirun", "study=residual_vs_plain", "profile=smoke", "hydra.sweeper.params.seed=0"]
    return folder, arguments, call(root, folder, *arguments, "logger=none")


def test_a_study_writes_its_table(study):
    folder, _, done = study
    assert done.returncode == 0, done.stderr
    table = json.loads((folder / "results" / "smoke" / "residual_vs_plain.json").read_text())
    assert [trial["arm"] for trial in table["trials"]] == ["plain20", "plain56", "resnet20", "resnet56"]
    assert table["profile"] == "smoke"
    assert table["data"] | {"digest": ""} == {
        "name": "fashion_mnist",
        "digest": "",
        "train": 200,
        "validation": 50,
        "test": 101,
        "image_size": 14,
        "channels": 1,
        "classes": 10,
    }
    assert len(table["environments"]) == 1
    assert all(len(trial["gradients"]["layers"]) == trial["cost"]["depth"] for trial in table["trials"])


def test_a_study_that_is_repeated_reuses_its_trials(study, root):
    folder, arguments, _ = study
    path = folder / "results" / "smoke" / "residual_vs_plain.json"
    before = path.read_bytes()
    done = call(root, folder, *arguments, "logger=none")
    assert "residual_vs_plain: 4 reused" in done.stderr
    assert path.read_bytes() == before
    other = call(root, folder, *arguments, "logger=none", "training.epochs=1", "model=plain20")
    assert other.returncode == 0, other.stderr
    assert "no table is written to" in other.stderr
    assert path.read_bytes() == before


def test_a_table_of_more_blocks_stays(study, root, tmp_path):
    folder, *_ = study
    path = tmp_path / "smoke" / "residual_vs_plain.json"
    table = json.loads((folder / "results" / "smoke" / path.name).read_text())
    more = [{**row, "seed": 1, "id": row["id"][::-1]} for row in table["trials"]]
    path.parent.mkdir()
    path.write_text(json.dumps(sealed({**table, "trials": [*table["trials"], *more]})))
    before = path.read_bytes()
    study_of_one = ["--multirun", "study=residual_vs_plain", "profile=smoke", "blocks=1", "logger=none"]
    done = call(root, folder, *study_of_one, f"results={tmp_path}")
    assert done.returncode == 0, done.stderr
    assert f"{path} is left as it is: it has 4 trials more than these blocks" in done.stderr
    assert path.read_bytes() == before


def test_every_study_composes():
    from hydra import compose, initialize_config_dir

    from deeper.study.arms import study_of

    names = sorted(path.stem for path in (ROOT / "conf" / "study").glob("*.yaml"))
    assert "residual_vs_plain" in names
    names.remove("transfer_target")  # named by its target set: tests/test_transfer.py
    for name in names:
        with initialize_config_dir(version_base="1.3", config_dir=str(ROOT / "conf")):
            cfg = compose("train", [f"study={name}"], return_hydra_config=True)
        assert cfg.study.name == name
        if name != "none":
            assert cfg.hydra.sweeper.params
            assert study_of(cfg).name == name
