"""The example notebooks, with small settings in the place of the cell that is tagged ``parameters``."""

import json
import os
import subprocess
import sys

import pytest
from trials import SMALL, job, train

from deeper.paths import ROOT
from deeper.schema.results import read_table

FOLDER = ROOT / "notebooks"


def code(name, parameters):
    """The code of a notebook as one script, with these parameters."""
    book = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    cells = [cell for cell in book["cells"] if cell["cell_type"] == "code"]
    tagged = [cell for cell in cells if "parameters" in cell["metadata"].get("tags", [])]
    assert len(tagged) == 1
    sources = [parameters if cell is tagged[0] else "".join(cell["source"]) for cell in cells]
    return "\n".join(sources).replace("os.chdir(ROOT)", "ROOT")


def run(folder, name, parameters):
    """Run a notebook's code in a folder from standard input; what it printed."""
    done = subprocess.run(
        [sys.executable, "-"],
        input=code(name, parameters),
        cwd=folder,
        capture_output=True,
        text=True,
        env={**os.environ, "MPLBACKEND": "agg"},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_notebook_is_run_here_and_has_no_outputs():
    books = sorted(path.stem for path in FOLDER.glob("*.ipynb"))
    assert books == ["one_claim", "own_figure", "probe_a_network"]
    for name in books:
        cells = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
        assert not any(cell.get("outputs") for cell in cells)


def test_one_claim(root, tmp_path):
    alike = [word for word in SMALL if word != "model=resnet20"]
    small = [*alike, f"data.root={root}", "training.epochs=1"]
    said = run(tmp_path, "one_claim", f'arms, seeds, small = ["resnet20", "plain20"], [0, 1], {small!r}')
    assert "plain20 − resnet20: " in said
    assert "2 seeds" in said


@pytest.fixture(scope="module")
def trained(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("probed")
    return folder, train(job(root, folder / "trials", "training.epochs=1"))


def test_a_network_probed(trained):
    folder, home = trained
    said = run(folder, "probe_a_network", f'network, images = {{"trial": "{home.trial}"}}, 20')
    assert said.count("error ") == 10
    assert "whole network: " in said
    assert said.count("without ") >= 3


def test_a_figure(tmp_path):
    (tmp_path / "reports").symlink_to(ROOT / "reports")
    run(tmp_path, "own_figure", 'study, x, y, file = "residual_vs_plain", "params", "test_error", "own.png"')
    assert (tmp_path / "own.png").stat().st_size > 10_000


def parameters(name):
    """What the cell that is tagged ``parameters`` says."""
    book = json.loads((FOLDER / f"{name}.ipynb").read_text(encoding="utf-8"))
    [cell] = [cell for cell in book["cells"] if "parameters" in cell["metadata"].get("tags", [])]
    said = {}
    exec("".join(cell["source"]), said)
    return said


def test_a_clone_has_the_network_that_is_probed():
    """So that the notebook runs before anything is trained."""
    said = parameters("probe_a_network")["network"]
    rows = read_table(ROOT / "results" / f"{said['study']}.json").rows(said["arm"])
    assert [row.id for row in rows if row.seed == said["seed"] and (ROOT / "networks" / row.id).is_dir()]


@pytest.mark.parametrize("name", ["one_claim", "own_figure", "probe_a_network"])
def test_what_it_says_without_small_settings_can_be_composed(name):
    """The parameters as they are printed are Python; those that are overrides are settings that there are."""
    said = parameters(name)
    from hydra import compose, initialize_config_dir

    from deeper.paths import CONF

    for arm in said.get("arms", ["resnet20"]):
        with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
            assert compose("train", [f"model={arm}", *said.get("small", [])]).model.name == arm
