"""A study with one mistake in each of many places: one line, before anything is trained, whatever the launcher."""

import copy
import io
import json
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout

import pytest
import yaml
from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra
from omegaconf import OmegaConf

from deeper import cli
from deeper.errors import DeeperError
from deeper.paths import CONF
from deeper.schema.study import read_study
from deeper.study.arms import study_of as read_study_of
from deeper.study.checked_jobs import _check_place, check_arms, check_compared, study_file
from deeper.train import train

BLOCK = {
    "name": "typo",
    "title": "A study",
    "question": "Is it?",
    "arms": {
        "wide": {"label": "wide", "set": {"model": "wrn_small", "model.widen": 4}},
        "thin": {"label": "thin", "set": {"model": "wrn_small", "model.widen": 4, "model.depth": 10}},
        "two": {"label": "two", "average": {"of": "thin", "size": 2}},
    },
    "budgets": [{"metric": "params", "arms": ["wide", "thin"], "within": 100}],
    "claims": {
        "width-vs-depth": [
            {"metric": "test_error", "of": "wide", "against": "thin", "expect": "not_higher", "margin": 0.01}
        ]
    },
    "probes": {"lesion": {"of": "deeper.probes.lesion.probe", "draws": 2, "most": 8, "arms": ["wide"]}},
    "tables": [
        {"title": "Time", "metrics": ["train_s"]},
        {"title": "Blocks", "probe": "lesion", "columns": {"whole": "whole"}},
    ],
    "published": [{"file": "ablations.csv", "arm": "wide", "where": {"change": "ensembling"}}],
    "free": ["training.epochs"],
}
BY = {"arms": {}, "by": ["model.name", "model.nam"], "claims": {}}
COMPARISON = BLOCK["claims"]["width-vs-depth"]
MISTAKES = {
    "name": ("name", "other", "must be the file's, typo"),
    "arm's key": ("arms.wide.labl", "x", "did you mean 'label'?"),
    "arm compared": ("claims.width-vs-depth.0.against", "thinn", "did you mean 'thin'?"),
    "metric": ("claims.width-vs-depth.0.metric", "test_eror", "did you mean 'test_error'?"),
    "claim": ("claims.width-vs-dept", COMPARISON, "did you mean 'width-vs-depth'?"),
    "expect": ("claims.width-vs-depth.0.expect", "not_higer", "did you mean 'not_higher'?"),
    "margin missing": ("claims.width-vs-depth.0.margin", None, "not_higher needs a margin"),
    "margin negative": ("claims.width-vs-depth.0.margin", -0.1, "a number of at least 0"),
    "probe's function": ("probes.lesion.of", "deeper.probes.lesion.prob", "did you mean 'probe'?"),
    "probe's module": ("probes.lesion.of", "deeper.probes.leison.probe", "did you mean 'deeper.probes.lesion'?"),
    "probe's argument": ("probes.lesion.drawss", 3, "did you mean 'draws'?"),
    "probe's arm": ("probes.lesion.arms.0", "wid", "did you mean 'wide'?"),
    "budget's metric": ("budgets.0.metric", "parms", "did you mean 'params'?"),
    "budget's arm": ("budgets.0.arms.1", "thn", "did you mean 'thin'?"),
    "budget's bound": ("budgets.0.within", -1, "a number of at least 0"),
    "table's metric": ("tables.0.metrics.0", "trains_s", "did you mean 'train_s'?"),
    "table's probe": ("tables.1.probe", "leison", "did you mean 'lesion'?"),
    "published file": ("published.0.file", "ablation.csv", "did you mean 'ablations.csv'?"),
    "published arm": ("published.0.arm", "wid", "did you mean 'wide'?"),
    "published row": ("published.0.where.change", "ensemblin", "did you mean 'ensembling'?"),
    "page": ("page", "zo", "did you mean 'zoo'?"),
    "averaged arm": ("arms.two.average.of", "thinn", "did you mean 'thin'?"),
    "size of an average": ("arms.two.average.size", 1, "a whole number of at least 2"),
    "by": ("by.1", "model.nam", "did you mean 'model.name'?"),
    "option of an arm": ("arms.wide.set.model", "wrn_smal", "did you mean model=wrn_small?"),
    "setting of an arm": ("arms.wide.set.model.widn", 4, "did you mean 'widen'?"),
    "free": ("free.0", "training.epoch", "did you mean 'training.epochs'?"),
}


def mistaken(key, value):
    """The study with ``value`` under a dotted key."""
    if key.startswith("by"):
        return {name: BLOCK[name] for name in ("name", "title", "question")} | BY
    if key.startswith("claims.width-vs-dept") and value is COMPARISON:
        return BLOCK | {"claims": {"width-vs-dept": COMPARISON}}
    block = inner = copy.deepcopy(BLOCK)
    *above, last = key.split(".") if ".set." not in key else ["arms", "wide", "set", key.partition(".set.")[2]]
    for name in above:
        inner = inner[int(name)] if isinstance(inner, list) else inner[name]
    if value is None:
        del inner[last]
    else:
        inner[int(last) if isinstance(inner, list) else last] = value
    return block


@pytest.fixture
def write(tmp_path):
    """Writes the study's file into a folder of configurations; the words that choose it."""
    (tmp_path / "conf" / "study").mkdir(parents=True)
    places = [f"--config-dir={tmp_path}/conf", f"store={tmp_path}/store", f"results={tmp_path}/results"]

    def study(block):
        content = {"hydra": {"sweeper": {"params": {"seed": "range(2)"}}}, "study": block}
        text = "# @package _global_\n" + yaml.safe_dump(content, sort_keys=False)
        (tmp_path / "conf" / "study" / "typo.yaml").write_text(text)
        return [*places, "study=typo", "profile=smoke"]

    return study


def call(words, monkeypatch):
    """What the verb says, in this process, and its exit status."""
    GlobalHydra.instance().clear()
    out, err, status = io.StringIO(), io.StringIO(), 0
    monkeypatch.setattr("sys.argv", ["train", *words])
    with redirect_stdout(out), redirect_stderr(err):
        try:
            cli.run(train)
        except SystemExit as leaving:
            status = leaving.code
    return status, out.getvalue(), err.getvalue()


def check_line(folder, key, hint, status, out, err):
    assert (status, out) == (2, "")
    [line] = err.splitlines()
    place = key.partition(".set.")[0] + (".set" if ".set." in key else "")
    place = place.removesuffix(".where.change")
    assert line.startswith(f"error: {folder}/conf/study/typo.yaml: study.{place}")
    assert hint in line
    assert not (folder / "store").exists()
    assert not (folder / "results").exists()


@pytest.mark.parametrize("entrance", ["sweep", "single run"])
@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_in_a_study_is_one_line(mistake, entrance, write, tmp_path, monkeypatch):
    key, value, hint = MISTAKES[mistake]
    words = write(mistaken(key, value)) + (["--multirun"] if entrance == "sweep" else [])
    check_line(tmp_path, key, hint, *call(words, monkeypatch))


def test_a_mistake_among_the_rates_is_said_of_their_file(write, tmp_path, monkeypatch):
    words = write(BLOCK)
    study = tmp_path / "conf" / "study" / "typo.yaml"
    head, _, rest = study.read_text().partition("\n")
    study.write_text(f"{head}\ndefaults:\n  - optional /rates@study.rates: typo\n{rest}")
    (tmp_path / "conf" / "rates").mkdir()
    (tmp_path / "conf" / "rates" / "typo.yaml").write_text("wide: {rate: -0.1}\n")
    status, out, err = call(words, monkeypatch)
    assert (status, out) == (2, "")
    assert err.startswith(f"error: {tmp_path}/conf/rates/typo.yaml: wide.")
    assert len(err.splitlines()) == 1


LAUNCHERS = {
    "slots": ("--multirun", "hydra/launcher=slots"),
    "basic": ("--multirun", "hydra/launcher=basic"),
    "submitit": ("--multirun", "hydra/launcher=submitit_local"),
    "plain": (),
}


@pytest.mark.parametrize("launcher", LAUNCHERS)
def test_whatever_the_launcher(launcher, write, tmp_path):
    key, value, hint = MISTAKES["setting of an arm"]
    command = [sys.executable, "-m", "deeper.train", *write(mistaken(key, value)), *LAUNCHERS[launcher]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=200)
    check_line(tmp_path, key, hint, done.returncode, done.stdout, done.stderr)


def test_a_file_is_named_as_the_repository_has_it(tmp_path):
    here = {"schema": "file", "path": str(CONF)}
    assert study_file({"choices": {"study": "lrn"}, "config_sources": [here]}) == "conf/study/lrn.yaml"
    assert study_file({"choices": {}, "config_sources": [here, {"schema": "structured", "path": ""}]}) is None


def test_arms_that_are_the_same_trials_are_not_compared():
    study = read_study(BLOCK, "x")
    jobs = [OmegaConf.create({"study": {"arm": arm}}) for arm in ("wide", "thin", "wide")]
    check_compared(study, jobs, ["a", "b", "c"])
    with pytest.raises(DeeperError, match="arms wide and thin, which a claim compares, are the same"):
        check_compared(study, jobs, ["a", "c", "c"])


def test_the_study_itself_has_no_mistake():
    assert read_study(json.loads(json.dumps(BLOCK)), "x").name == "typo"


@pytest.mark.parametrize("swept", ["profile=smoke,pocket", "seed=0,0"])
def test_an_arm_has_a_seed_once(root, tmp_path, swept):
    overrides = ["study=residual_vs_plain", "profile=smoke", "data.root=" + str(root), f"store={tmp_path}"]
    with initialize_config_dir(str(CONF), version_base="1.3"):
        key, _, values = swept.partition("=")
        configs = [
            compose("train", [*overrides, "++study.arm=plain20", f"{key}={value}"]) for value in values.split(",")
        ]
    with pytest.raises(DeeperError, match=r"arm plain20 has seed 0 twice.*run what differs one after another"):
        check_arms(read_study_of(configs[0]), configs)


@pytest.mark.parametrize(
    ("key", "there", "here"), [("profile", "pocket", "full"), ("data", "fashion_mnist", "cifar10")]
)
def test_a_table_of_something_else_is_not_replaced(tmp_path, key, there, here):
    said = {"profile": "pocket", "data": "fashion_mnist"}
    (tmp_path / "depth.json").write_text(json.dumps({"schema": 2, **said, "data": {"name": said["data"]}}))
    named, line = said | {key: here}, [f"results={tmp_path}"]
    settings = {"profile": named["profile"], "data": {"name": named["data"]}, "study": {"name": "depth"}}
    cfg = OmegaConf.create({**settings, "results": str(tmp_path)})
    words = rf"depth\.json is of {key} {there}, and {key}={here} would take its place"
    with pytest.raises(DeeperError, match=words):
        _check_place(cfg, line)
    _check_place(cfg, [])
    cfg.profile, cfg.data.name = said.values()
    _check_place(cfg, line)
    cfg.transfer = {}
    cfg.data.name = "clipart"
    _check_place(cfg, line)


@pytest.mark.parametrize("trusted", ["true", "false"])
@pytest.mark.parametrize(
    "content",
    ["<<<<<<< HEAD\n{}\n", "", "[]", "{}", '{"schema": 2}', '{"schema": 2, "trials": [3], "environments": []}'],
)
def test_a_damaged_table_is_no_reason_to_train_and_is_not_replaced(
    content, trusted, root, write, tmp_path, monkeypatch
):
    block = {key: value for key, value in BLOCK.items() if key not in ("budgets", "published")}
    path = tmp_path / "results" / "smoke" / "typo.json"
    path.parent.mkdir(parents=True)
    path.write_text(content)
    status, out, err = call([*write(block), "--multirun", f"trust_table={trusted}", f"data.root={root}"], monkeypatch)
    assert (status, out) == (2, "")
    *_, line = err.splitlines()
    assert line.startswith(f"error: {path} is damaged (")
    assert "git checkout brings it back, or remove it" in line
    assert path.read_text() == content
    assert not (tmp_path / "store").exists()
