"""The verb `python -m deeper.baselines`."""

import json
import subprocess
import sys

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
    assert (done.returncode, done.stderr) == (2, "error: subset_seeds=[0, 0]: each seed must be there once\n")
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
