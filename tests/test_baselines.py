"""The verb `python -m deeper.baselines`."""

import json
import subprocess
import sys

import numpy as np

from deeper.baselines import baselines
from deeper.data.prepared import write_files
from deeper.schema.baselines import read_baselines


def call(root, folder, *overrides):
    command = [sys.executable, "-m", "deeper.baselines", f"data.root={root}", *overrides]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True)


def test_baselines_are_computed_once(root, tmp_path):
    done = call(root, tmp_path, "sizes=[[12,60],[12,null]]")
    assert done.returncode == 0, done.stderr
    found = read_baselines(tmp_path / "results" / "record" / "baselines.json")
    facts = [(row.method, row.train, row.subset_seed) for row in found.rows]
    whole = found.rows[-1].train
    few = [(method, 60, seed) for seed in (0, 1) for method in ("logistic", "forest")]
    assert facts == [*few, ("logistic", whole, 0), ("forest", whole, 0)]
    mean = sum(row.test_error for row in found.rows if (row.method, row.train) == ("forest", 60)) / 2
    assert found.test_error("forest", found.rows[0].digest, 12, 60) == mean
    assert found.test_error("forest", found.rows[0].digest, 14, 60) is None
    again = call(root, tmp_path, "sizes=[[12,60],[12,null]]")
    assert again.returncode == 0
    assert "logistic" not in again.stderr


def test_mistakes_are_one_line(root, tmp_path):
    done = call(root, tmp_path, "sizes=[12,60]")
    assert done.returncode == 2
    assert done.stderr.startswith("error: sizes.0=12: it must be a pair")
    done = call(root, tmp_path, "subset_seeds=[0,0]")
    assert (done.returncode, done.stderr) == (2, "error: subset_seeds=[0, 0]: each must be there once\n")
    done = call(root, tmp_path, "sizes=[[17,999999]]")
    assert done.returncode == 2
    assert done.stderr.startswith("error: sizes.0.1=999999: ")
    assert done.stderr.endswith(" training images\n")
    assert not list(root.rglob("*-17-*"))
    (tmp_path / "results" / "record").mkdir(parents=True)
    (tmp_path / "results" / "record" / "baselines.json").write_text(json.dumps({"schema": 1, "rows": [{"data": "x"}]}))
    done = call(root, tmp_path, "sizes=[[12,60]]")
    assert done.returncode == 2
    assert "baselines.json: rows.0." in done.stderr


def test_results_that_cannot_be_written_are_told_before_the_first_fit(root, in_process):
    status, _, said = in_process(baselines)(f"data.root={root}", "sizes=[[12,60]]", "results=/proc/nowhere")
    assert status == 2
    assert said.startswith("error: the results' folder /proc/nowhere cannot be written (")
    assert said.endswith("choose another with results=FOLDER\n")
    assert said.count("\n") == 1


def test_a_listing_has_no_arrays_to_fit(tmp_path, in_process):
    meta = {"name": "folder", "classes": ["a", "b"], "splits": {"train": [0, 2], "validation": [2, 4], "test": [4, 6]}}
    write_files(tmp_path / "data" / "folder", meta, {"names.npy": np.zeros(6, np.uint8)})
    status, _, said = in_process(baselines)("data=folder", f"data.root={tmp_path}/data", "sizes=[[12,2]]")
    line = f"error: {tmp_path}/data/folder lists pictures on disk and has no arrays; choose"
    assert (status, said.startswith(line), said.count("\n")) == (2, True, 1)
