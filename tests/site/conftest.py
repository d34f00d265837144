"""One site of some committed results, built once by the command itself, and a browser to look at it."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from deeper.paths import ROOT
from deeper.schema.results import sealed

STUDIES = ("residual_vs_plain", "lesion", "zoo", "transfer")
NETWORKS = ("resnet20", "lenet5", "vgg16")
OF_RECORD = "depth_vs_width"


@pytest.fixture(scope="session")
def tables(tmp_path_factory) -> Path:
    """Copies of committed tables; one study stands in for the ledger of record, and also in the first ledger."""
    folder = tmp_path_factory.mktemp("tables") / "results"
    (folder / "record").mkdir(parents=True)
    for name in (*STUDIES, OF_RECORD, "baselines"):
        shutil.copy(ROOT / "results" / f"{name}.json", folder)
    content = json.loads((ROOT / "results" / f"{OF_RECORD}.json").read_text())
    content["profile"] = "record"
    (folder / "record" / f"{OF_RECORD}.json").write_text(json.dumps(sealed(content)))
    return folder


@pytest.fixture(scope="session")
def site(tables) -> Path:
    place = tables.parent / "site"
    command = [sys.executable, "-m", "deeper.site", f"results={tables}", f"site={place}", "exact=false"]
    command.append(f"networks=[{','.join(NETWORKS)}]")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return place
