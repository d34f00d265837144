"""``python -m deeper.search`` as a user calls it, with networks that train for a second."""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from importlib.metadata import version

import pytest
from trials import SMALL

from deeper.schema.search import SearchResult, SearchStudy, SearchTable, read_as

TINY = (*SMALL, "model=cells_small", "model.filters=4", "model.stem_channels=4", "training.epochs=1", "slots=2")
TINY = tuple(word for word in TINY if not word.startswith(("model.depth", "model.width", "model=resnet20")))
FEW = (
    *("search.networks=4", "search.batch=2", "space.pairs=1", "space.operations=[identity,max_3x3,conv_1x1]"),
    *("searcher.population=2", "searcher.sample=2"),
)


def command(root, *arguments):
    return [sys.executable, "-m", "deeper.search", *arguments, f"data.root={root}"]


def call(root, folder, *arguments):
    return subprocess.run(command(root, *arguments), cwd=folder, capture_output=True, text=True)


def found(folder, name, kind=SearchResult):
    return read_as(kind, folder / "results" / f"{name}.json")


def of_torch(file):
    """Versions that a file names, one an environment."""
    return [environment.versions["torch"] for environment in file.environments]


def timeless(value):
    """A file's value without what a clock said, and its digest, which is of that too."""
    if isinstance(value, dict):
        return {key: timeless(part) for key, part in value.items() if key not in ("seconds", "digest")}
    return [timeless(part) for part in value] if isinstance(value, list) else value


LONG = pytest.mark.timeout(900)  # each starts several processes that train; five of a slow machine's minutes


@LONG
def test_a_search_that_is_killed_ends_in_the_same_winner_and_the_same_bits(root, tmp_path):
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    whole.mkdir()
    killed.mkdir()
    arguments = (*TINY, *FEW, "search.final={seeds:[200],set:{training.epochs:2}}")
    began = time.monotonic()
    done = call(root, whole, *arguments)
    took = time.monotonic() - began
    assert done.returncode == 0, done.stderr
    assert "best: normal: " in done.stdout
    assert "tested: 0." in done.stdout
    chance = random.Random(0)
    for _ in range(2):
        process = subprocess.Popen(
            command(root, *arguments), cwd=killed, stderr=subprocess.DEVNULL, start_new_session=True
        )
        time.sleep(took * (0.4 + 0.5 * chance.random()))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    assert call(root, killed, *arguments).returncode == 0
    one, other = (folder / "results" / "search" / "cells-evolution-0.json" for folder in (whole, killed))
    assert timeless(json.loads(one.read_bytes())) == timeless(json.loads(other.read_bytes()))
    result = found(whole, "search/cells-evolution-0")
    assert result.finished
    assert len(result.networks) == 4
    for trial in (*(t for network in result.networks for t in network.trials), *result.final.trials):
        bits = [(folder / "trials" / trial / "predictions.npz").read_bytes() for folder in (whole, killed)]
        assert bits[0] == bits[1]
    again = call(root, whole, *arguments)
    assert "trained" not in again.stderr, "all that is there is taken from the store"


@LONG
def test_settings_are_searched_over_seeds_and_multirun_makes_several_searches(root, tmp_path):
    settings = ("space=settings", "search.over={optimizer.lr: [0.01, 0.05], model: [lenet5, nin_small]}")
    sizes = [word for word in SMALL if not word.startswith("model")]
    rest = (*sizes, "training.epochs=1", "search.trial_seeds=[3,4]", "search.networks=2", "slots=2")
    done = call(root, tmp_path, "--multirun", "searcher=random,grid", *settings, *rest)
    assert done.returncode == 0, done.stderr
    for name in ("random", "grid"):
        result = found(tmp_path, f"search/settings-{name}-0")
        assert [len(network.trials) for network in result.networks] == [2, 2]
        assert all(set(network.settings) == {"optimizer.lr", "model"} for network in result.networks)
    grid = [network.settings for network in found(tmp_path, "search/settings-grid-0").networks]
    assert grid == [{"optimizer.lr": 0.01, "model": "lenet5"}, {"optimizer.lr": 0.01, "model": "nin_small"}]
    kept = tmp_path / "trials" / result.networks[1].trials[1] / "config.yaml"
    assert "NetworkInNetwork" in kept.read_text()
    assert "seed: 4" in kept.read_text()
    told = call(root, tmp_path, "searcher=random", *settings, *rest, "dry_run=true", "search.name=other")
    assert "0 of 4 trials to train at most, 0.00 hours" in told.stdout, told.stderr
    assert not (tmp_path / "results" / "search" / "other.json").exists()
    assert not (tmp_path / "outputs").exists(), "of a sweep nothing stays but its searches"
    other = ("training.epochs=2", "training.validate_every=1")
    refused = call(root, tmp_path, "--multirun", "searcher=random,grid", *settings, *rest, *other)
    lines = refused.stderr.splitlines()
    assert refused.returncode == 1
    for name, line in zip(("random", "grid"), lines, strict=True):
        assert line.startswith(f"error: searcher={name}: results/search/settings-{name}-0.json is of a finished search")
        assert "(model or training)" in line
    dry = call(root, tmp_path, "searcher=grid", *settings, *rest, *other, "dry_run=true")
    assert (dry.returncode, dry.stderr) == (2, lines[1].replace("searcher=grid: ", "") + "\n")
    (kept.parent / "weights.pt").write_text("damaged")
    told = call(root, tmp_path, "searcher=grid", *settings, *rest, "dry_run=true")
    assert "4 of 4 trials to train at most" in told.stdout, "of a batch that is not whole all are counted"


def trusted(root, folder, *arguments):
    """What a clone is told: it has the files and no trial, and trains nothing."""
    shutil.rmtree(folder / "trials")
    done = call(root, folder, *arguments, "trust_table=true")
    assert done.returncode == 0, done.stderr
    assert not list((folder / "trials").glob("*/record.json"))
    return done.stderr


LEAST = ("data.image_size=14", "data.train_size=120", "data.validation_size=40", "training.validate_every=1")


@LONG
def test_a_table_and_its_replays(root, tmp_path):
    table = (
        *(*TINY, *LEAST, "searches=table", "space.operations=[identity,conv_1x1]", "space.states=[[[0],[1]]]"),
        *("space.pairs=1", "searches.table.long.cells=3"),
        "searches.table.long.set={data.train_size: 120, training.epochs: 2, training.validate_every: 1}",
        *("searches.replay.replays=4", "searches.replay.networks=3", "searches.replay.searchers=[random,reinforce]"),
        *("searches.replay.after=2", "~searches.claims"),
    )
    done = call(root, tmp_path, *table)
    assert done.returncode == 0, done.stderr
    result = found(tmp_path, "search_table", SearchTable)
    assert result.finished
    assert [len(cell.trials) for cell in result.cells] == [3] * 4
    assert [len(one.needed) for one in result.replays] == [4, 4]
    assert of_torch(result) == [version("torch")]
    told = trusted(root, tmp_path, *table)
    assert found(tmp_path, "search_table", SearchTable) == result
    dry = call(root, tmp_path, *table, "trust_table=true", "dry_run=true")
    assert "0 of 15 trials to train at most, 0.00 hours" in dry.stdout, dry.stderr
    assert "15 trials were taken from the file" in told


@LONG
def test_searches_are_compared_at_equal_cost(root, tmp_path):
    compare = (
        *(*TINY, *LEAST, "searches=cells", *FEW[2:4], "search.networks=2", "searches.compare.seeds=[0,1]"),
        *("searches.compare.searchers=[random,evolution]", "search.window=null", "space.combine=[sum]"),
        *("searches.compare.final.seeds=[200]", "searches.compare.fit.target=250000"),
        "searches.compare.final.set={data.train_size: 120, training.epochs: 2, training.validate_every: 1}",
        "searches.compare.tried.values=[0.05,0.1]",
        *("~searches.compare.beside.nasnet_a", "~searches.compare.beside.inception", "~searches.claims"),
    )
    done = call(root, tmp_path, *compare)
    assert done.returncode == 0, done.stderr
    study = found(tmp_path, "search_cells", SearchStudy)
    assert [(one.searcher, one.seed) for one in study.searches] == [
        *(("random", 0), ("evolution", 0), ("random", 1), ("evolution", 1))
    ]
    assert [one.name for one in study.finals] == ["random", "evolution", "resnet"]
    assert all(abs(one.final.cost.macs / 250000 - 1) < 0.5 for one in study.finals)
    searches = [read_as(SearchResult, tmp_path / "results" / one.file) for one in study.searches]
    assert [of_torch(one) for one in (study, *searches)] == [[version("torch")]] * 5
    assert [[short.value for short in one.shorts] for one in study.finals] == [[0.05, 0.1]] * 3
    trusted(root, tmp_path, *compare)
    assert found(tmp_path, "search_cells", SearchStudy) == study


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["searcher=evolve"], "there is no searcher=evolve"),
        (["search.networks=0"], "networks"),
        (["search.network=3"], "unknown setting 'search.network'"),
        (["search.final={seeds:[100]}"], "seeds that chose nothing"),
        (["search.window={cost:macs,least:5,most:1}"], "least"),
        (["space.operations=[conv]"], "space.operations: there is no 'conv'"),
        (["space=settings"], "search.over: name what to search over"),
        (["space=settings", "search.over={optimizer.rate:[1]}"], "unknown setting 'optimizer.rate'"),
        (["space=settings", "search.over={optimizer.lr:[0.1,-1]}"], "optimizer.lr=-1: it must be a number"),
        (["space=settings", "search.over={seed:[1,2]}"], "seed=1 and seed=2 are the same trial"),
        (["space=settings", "search.over={optimizer.lr:[0.1,0.1]}"], "lr=0.1 and optimizer.lr=0.1 are the same trial"),
        (["space=settings", "search.over={optimizer.lr:[0.1,0.2],seed:[1,2]}"], "lr=0.1 seed=2 are the same trial"),
        (["search.over={optimizer.lr:[0.1]}"], "search.over is for space=settings"),
        (["search.name=../x"], "name: it must be a name without a slash"),
        (["search.trial_seeds=[1,1]"], "each must be there once"),
        (["searcher.population=0"], "population and sample must be at least 1"),
        (["seed=5"], "seed: networks are trained with search.trial_seeds"),
        (["space=cells", "model=resnet20"], "model=resnet20 has no setting normal, which is searched"),
        (["search.front={cost:macs,target:5,exponent:0.5}"], "front.exponent: it must be a number below 0, not 0.5"),
        (["study=dense"], "study=dense: a search answers to no study of trials; searches=NAME"),
        (["slots=0"], "slots=0: it must be a whole number"),
        (["slots=true"], "slots=True: it must be a whole number"),
    ],
)
def test_mistakes_are_one_line(root, tmp_path, arguments, words):
    done = call(root, tmp_path, *SMALL[:-4], "trainer.accelerator=cpu", *arguments)
    assert done.returncode == 2, done.stderr
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("error: ")
    assert words in line
