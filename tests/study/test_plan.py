"""``dry_run=true`` on the command line: what is said, and that nothing is done."""

import io
import json
import re
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass

import pytest
import synthetic
from hydra.core.global_hydra import GlobalHydra
from trials import SMALL

from deeper import cli
from deeper.run.forecast import kept_bytes
from deeper.schema.results import sealed
from deeper.train import train

STUDY = """# @package _global_
hydra: {sweeper: {params: {model: resnet20, model.depth: 8, seed: "range(4)"}}}
data: {image_size: 14, train_size: 120, validation_size: 40}
training: {epochs: 1, batch_size: 20, evaluation_batch_size: 33}
study:
  name: pairs
  title: Two networks
  question: Which is better?
  gradients: false
  arms:
    wide: {label: Wide, set: {model.width: 4}}
    thin: {label: Thin, set: {model.width: 3}}
    again: {label: Again, set: {model.width: 4}}
    two: {label: Two, average: {of: thin, size: 2}}
  probes:
    noise_start: {of: deeper.probes.gradient_noise.probe, weights: start, batches: 2, batch_size: 4, arms: [wide]}
  claims:
    width-vs-depth:
      - {metric: test_error, of: wide, against: thin, expect: lower}
      - {metric: train_error, of: wide, against: thin, expect: not_higher, margin: 0.01}
"""
ELSEWHERE = (
    STUDY[: STUDY.index("study:")].replace("range(4)", "range(2)")
    + """study:
  name: elsewhere
  title: Elsewhere
  question: Which is better here?
  claims: {}
  arms:
    wide: {set: {model.width: 4}}
    large: {set: {model.depth: 20, model.width: 32, seed: 0}}
"""
)
BUDGET = "  budgets: [{metric: params, arms: [wide, thin]}]\n"
DRY = ("--multirun", "study=pairs", "dry_run=true")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with the configuration of a study."""
    folder = tmp_path_factory.mktemp("plan")
    (folder / "conf" / "study").mkdir(parents=True)
    (folder / "conf" / "study" / "pairs.yaml").write_text(STUDY)
    (folder / "conf" / "study" / "elsewhere.yaml").write_text(ELSEWHERE)
    itself = STUDY.replace("pairs", "itself").replace("against: thin", "against: again")
    (folder / "conf" / "study" / "itself.yaml").write_text(itself)
    mute = STUDY.replace("pairs", "mute").replace("  title: Two networks\n", "")
    (folder / "conf" / "study" / "mute.yaml").write_text(mute)
    (folder / "conf" / "study" / "unequal.yaml").write_text(STUDY.replace("pairs", "unequal") + BUDGET)
    return folder


@dataclass(frozen=True)
class Said:
    """What a command said, and its status."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def words(root, place):
    """The words of a command there on the small set."""
    return lambda *arguments: [f"--config-dir={place}/conf", *arguments, f"data.root={root}", "logger=none"]


@pytest.fixture(scope="module")
def call(place, words):
    """Runs the verb in this process."""

    def run(*arguments):
        GlobalHydra.instance().clear()
        out, err, status = io.StringIO(), io.StringIO(), 0
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(out), redirect_stderr(err):
            patch.chdir(place)
            patch.setattr("sys.argv", ["train", *words(*arguments)])
            try:
                cli.run(train)
            except SystemExit as leaving:
                status = leaving.code
        return Said(status, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="module")
def apart(place, words):
    """Runs Python in a process of its own, with the words of a command in ``sys.argv``."""

    def run(*arguments, code=""):
        start = f"import runpy, sys\nsys.argv = ['train', *{words(*arguments)!r}]\n"
        start += f"runpy.run_module('deeper.train', run_name='__main__')\n{code}"
        return subprocess.run([sys.executable, "-c", start], cwd=place, capture_output=True, text=True)

    return run


@pytest.fixture(scope="module")
def fresh(call):
    return call(*DRY)


@pytest.fixture(scope="module")
def partly(call, apart, fresh, place):
    """The study when another has trained two of its trials, and one that is larger."""
    done = apart("--multirun", "study=elsewhere", f"results={place}/elsewhere")
    assert done.returncode == 0, done.stderr
    return call(*DRY)


def row(done, arm):
    """The cells of an arm's row."""
    [line] = [line for line in done.stdout.splitlines() if line.startswith(f"{arm} ")]
    return line.split()


def fact(done, name):
    [line] = [line for line in done.stdout.splitlines() if line.startswith(name)]
    return line


def test_a_study_on_an_empty_store(fresh, place):
    assert (fresh.returncode, fresh.stderr) == (0, "")
    assert fresh.stdout.startswith("Study pairs, profile pocket: 8 trials, 8 to train\n")
    assert row(fresh, "thin") == ["thin", "0", "to", "3", "4", "0", "0", "4"]
    assert row(fresh, "two") == ["two", "2", "groups", "of", "2", "of", "thin", "nothing"]
    assert "4 of 12 jobs are the trial of another job" in fresh.stdout
    assert re.fullmatch(r"time:   about \d+ s on \d slots?, told from steps timed here \(8\)", fact(fresh, "time:"))
    assert "noise_start (4) to make" in fact(fresh, "probes:")
    assert fresh.stdout.count("unknown") == 2
    assert "5 % over the 2 comparisons" in fresh.stdout


def test_finished_trials_are_counted_and_tell_the_time(partly):
    assert partly.stdout.startswith("Study pairs, profile pocket: 8 trials, 6 to train\n")
    assert row(partly, "wide") == ["wide", "0", "to", "3", "4", "2", "0", "2"]
    assert row(partly, "again")[-1] == "2"
    assert "finished by another study: elsewhere (2)" in partly.stdout
    assert "told from trials of the same settings (2), trials of the same class of network (4)" in fact(partly, "time:")


def test_nothing_is_trained_measured_or_exported(partly, place):
    assert len(list((place / "trials").glob("*/record.json"))) == 3
    assert len(list((place / "trials").iterdir())) == 4
    assert not list((place / "trials").glob("*/probes"))
    assert not (place / "results").exists()


def test_the_disk_that_a_real_home_takes(partly, place):
    records = [json.loads(path.read_text()) for path in (place / "trials").glob("*/record.json")]
    large = max(records, key=lambda record: record["cost"]["params"])
    size = sum(path.stat().st_size for path in (place / "trials" / large["id"]).iterdir() if path.is_file())
    assert large["cost"]["params"] > 1_000_000
    assert kept_bytes(large["cost"]["params"], 101, 10) == pytest.approx(size, rel=0.05)


def test_torch_is_not_imported_where_the_costs_are_known(apart, fresh):
    done = apart(*DRY, code="assert 'torch' not in sys.modules")
    assert (done.returncode, done.stderr) == (0, "")


def test_tables_tell_the_spread(call, fresh, place):
    content = synthetic.results(seeds=3)
    folder = place / "tables"
    folder.mkdir()
    (folder / "residual_vs_plain.json").write_text(json.dumps(sealed(content)))
    (folder / "damaged.json").write_text("{")
    done = call(*DRY, f"results={folder}")
    comparisons = sum(map(len, content["study"]["claims"].values()))
    assert f"5 % over the {comparisons + 2} comparisons" in done.stdout
    lines = [line for line in done.stdout.splitlines() if line.startswith("width-vs-depth")]
    assert all("residual_vs_plain" in line and line.count(" points") >= 1 for line in lines)
    other = call(*DRY, f"results={folder}", "profile=smoke")
    assert "5 % over the 2 comparisons" in other.stdout


def test_another_launcher_starts_no_job(call, fresh):
    done = call(*DRY, "hydra/launcher=basic", "hydra.sweeper.max_batch_size=2")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == fresh.stdout.splitlines()[0].replace(
        "8 to train", f"{done.stdout.split()[6]} to train"
    )


def test_a_sweep_of_ones_own_and_a_single_trial(call, fresh):
    done = call("--multirun", *SMALL, "seed=7,8", "dry_run=true")
    assert done.stdout.startswith("A sweep, profile pocket: 2 trials, 2 to train\n")
    assert row(done, "resnet20")[1:] == ["7,", "8", "2", "0", "0", "2"]
    single = call(*SMALL, "seed=7", "dry_run=true")
    assert (single.returncode, single.stderr) == (0, "")
    assert single.stdout.startswith("resnet20 seed=7: to train\ntime:")


def test_a_single_trial_that_a_sweep_has_trained_is_known(call, partly):
    """The seeds of a sweep are the trials that single runs are."""
    for seed in (0, 1):
        done = call(
            "study=elsewhere", "model=resnet20", "model.depth=8", "model.width=4", f"seed={seed}", "dry_run=true"
        )
        said, trial = done.stdout.splitlines()
        assert said == f"resnet20 seed={seed}: finished; nothing to train"
        assert re.fullmatch(r"trial:  [0-9a-f]{16}", trial)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (["dry_run=maybe"], "dry_run=maybe: it must be true or false"),
        (["dry_run=true", *SMALL, "model.depth=9"], "6n+2"),
        (["--multirun", "study=unequal", "dry_run=true"], "study unequal: arm thin has "),
        (["--multirun", "study=itself"], "study itself: arms wide and again, which a claim compares, are the same"),
        (["--multirun", "study=mute"], "conf/study/mute.yaml: study.title: it is missing"),
        (["--multirun", "study=pairs", "results=/proc/none"], "the table's folder /proc/none cannot be written"),
    ],
)
def test_what_cannot_be_is_one_line(call, arguments, error):
    done = call(*arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    lines = done.stderr.strip().splitlines()
    assert error in lines[-1]
    assert lines[-1].startswith("error: ")
