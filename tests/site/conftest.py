"""One site of some committed results, built once by the command itself, and a browser to look at it."""

import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
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
    return _built(tables, NETWORKS)


@pytest.fixture(scope="session")
def untimed_site(tmp_path_factory) -> Path:
    """A site with a scale whose trainings ran on several kinds of processor, so that their times do not compare."""
    folder = tmp_path_factory.mktemp("untimed") / "results"
    folder.mkdir()
    for name in ("zoo", "zoo_full", "baselines"):
        shutil.copy(ROOT / "results" / f"{name}.json", folder)
    return _built(folder, NETWORKS[:1])


def _built(tables: Path, networks: Sequence[str]) -> Path:
    place = tables.parent / "site"
    command = [sys.executable, "-m", "deeper.site", f"results={tables}", f"site={place}", "exact=false"]
    command.append(f"networks=[{','.join(networks)}]")
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=280)
    assert done.returncode == 0, done.stderr
    return place
