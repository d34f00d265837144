import json
import os
import subprocess
import sys
import time

import pytest

from deeper.errors import DeeperError
from deeper.paths import ROOT
from deeper.run import provenance


def told(script, cwd=None, **variables):
    """What a fresh process prints of its provenance, and what it says on standard error."""
    command = [sys.executable, "-c", f"import json; from deeper.run import provenance; print(json.dumps({script}))"]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env={**os.environ, **variables}, check=True)
    return json.loads(done.stdout), done.stderr


def test_the_commit_is_that_of_the_checkout_whatever_git_is_told(tmp_path):
    head = subprocess.run(["git", "-C", str(ROOT), "rev-parse", "HEAD"], capture_output=True, text=True).stdout.strip()
    other = tmp_path / "other"
    subprocess.run(["git", "init", "-q", str(other)], check=True)
    found, said = told("provenance.environment()", cwd=other, GIT_DIR=str(other / ".git"))
    assert (found["commit"], said) == (head, "")


def test_a_copy_without_git_inside_another_repository_names_no_commit(tmp_path):
    subprocess.run(["git", "init", "-q", str(tmp_path)], check=True)
    (tmp_path / "copy").mkdir()
    (tmp_path / "copy" / "src").symlink_to(ROOT / "src")
    place = f"provenance.ROOT.__class__({str(tmp_path / 'copy')!r})"
    found, said = told(f"(setattr(provenance, 'ROOT', {place}), provenance.environment())[1]")
    assert (found["commit"], found["dirty"], said) == (None, False, "")


def test_every_library_that_computes_is_named():
    versions = provenance.environment()["versions"]
    assert set(provenance.COMPUTE) <= set(versions)


def test_the_instruction_sets_are_those_that_really_run():
    plain, _ = told("provenance.instruction_set()")
    lowered, _ = told("provenance.instruction_set()", ATEN_CPU_CAPABILITY="default", ONEDNN_MAX_CPU_ISA="SSE41")
    assert lowered["torch"] == "DEFAULT" != plain["torch"]
    assert "SSE4.1" in lowered["onednn"]
    assert plain["onednn"] not in ("unknown", lowered["onednn"])


def test_a_package_of_the_users_own_is_named_by_its_file(tmp_path, monkeypatch):
    (tmp_path / "mine.py").write_text("class Net: pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    before = provenance.origins({"model": {"_target_": "mine.Net"}})
    assert before["mine"].startswith("sha256:")
    (tmp_path / "mine.py").write_text("class Net: depth = 2\n")
    assert provenance.origins({"model": {"_target_": "mine.Net"}}) != before
    assert "PyYAML" in provenance.origins([{"_target_": "yaml.safe_load"}])
    with pytest.raises(DeeperError, match="there is no module nowhere"):
        provenance.origins({"_target_": "nowhere.Net"})


HERE = {
    "commit": None,
    "versions": {"python": "3.11", "torch": "2", "wandb": "1"},
    "machine": {"cpu": "A", "family": 1, "model": 2, "gpus": []},
    "instruction_set": {"torch": "AVX2", "onednn": "AVX2"},
}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"versions": {"python": "3.12", "torch": "2", "wandb": "2"}}, []),
        ({"versions": {"torch": "3"}}, ["torch 2, 3"]),
        (
            {"machine": {"cpu": "A", "family": 1, "model": 3, "gpus": []}},
            ["processor's family 1, model 2, family 1, model 3"],
        ),
        ({"machine": {"cpu": "A", "gpus": []}}, []),
        ({"machine": {"cpu": "B", "gpus": []}}, ["processor A, B"]),
        ({"instruction_set": {"torch": "AVX512", "onednn": "AVX2"}}, ["instruction set AVX2, AVX512/AVX2"]),
        ({"instruction_set": None}, []),
    ],
)
def test_differences_are_those_of_what_computes(change, words):
    assert provenance.differences(HERE, {**HERE, **change}) == words


def test_exactly_the_same_is_only_what_says_everything():
    assert provenance.same(HERE, {**HERE, "commit": "other"})
    assert not provenance.same({**HERE, "instruction_set": None}, {**HERE, "instruction_set": None})
    assert not provenance.same(HERE, {**HERE, "versions": {"torch": "3"}})


LISTED = """GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-aaaa1111-2222)
  MIG 1g.5gb      Device  0: (UUID: MIG-cccc1111-1)
  MIG 2g.10gb     Device  1: (UUID: MIG-dddd1111-2)
GPU 1: NVIDIA H100 80GB HBM3 (UUID: GPU-bbbb1111-2222)
"""
H100 = "NVIDIA H100 80GB HBM3"
PARTS = {
    "MIG-cccc1111-1": "NVIDIA A100-SXM4-40GB MIG 1g.5gb",
    "MIG-dddd1111-2": "NVIDIA A100-SXM4-40GB MIG 2g.10gb",
}


@pytest.fixture
def driver(tmp_path, monkeypatch):
    """Puts a program in the place of nvidia-smi, and says what is visible."""

    def put(script, visible=None):
        tool = tmp_path / "nvidia-smi"
        tool.write_text(f"#!/bin/sh\n{script}\n")
        tool.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
        if visible is not None:
            monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
        provenance.gpus.cache_clear()
        provenance._listed_gpus.cache_clear()
        return provenance.gpus()

    yield put
    provenance.gpus.cache_clear()
    provenance._listed_gpus.cache_clear()


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, PARTS | {"1": H100}),
        ("1", {"1": H100}),
        ("GPU-bbbb", {"GPU-bbbb": H100}),
        ("MIG-dddd1111-2,1", {"MIG-dddd1111-2": PARTS["MIG-dddd1111-2"], "1": H100}),
        ("1,7,0", {"1": H100}),
        ("", {}),
    ],
)
def test_gpus_have_all_the_names_that_cuda_takes(driver, visible, expected):
    assert driver(f"cat <<'EOF'\n{LISTED}EOF", visible) == expected
    provenance.check_visible()


@pytest.mark.parametrize("visible", ["7", "GPU-zzzz", "MIG-zzzz"])
def test_a_name_of_no_gpu_is_not_the_cpu_in_silence(driver, visible):
    assert driver(f"cat <<'EOF'\n{LISTED}EOF", visible) == {}
    with pytest.raises(DeeperError, match=f"CUDA_VISIBLE_DEVICES={visible} names no GPU"):
        provenance.check_visible()


def test_a_driver_that_hangs_is_said(driver, monkeypatch, capsys):
    monkeypatch.setattr(provenance, "DRIVER_S", 0.2)
    assert driver("exec sleep 30") == {}
    assert "nvidia-smi has not answered for 0.2 s, so no GPU is used" in capsys.readouterr().err
    assert driver("exit 9") == {}


def test_a_driver_that_cannot_be_killed_is_not_waited_for(driver, monkeypatch):
    monkeypatch.setattr(provenance, "DRIVER_S", 0.2)
    monkeypatch.setattr(subprocess.Popen, "kill", lambda process: None)
    began = time.monotonic()
    assert driver("exec sleep 5") == {}
    assert time.monotonic() - began < 3


@pytest.mark.parametrize(("said", "dirty"), [(None, None), ("", False), (" M src/deeper/cli.py", True)])
def test_what_git_cannot_tell_is_not_known(monkeypatch, said, dirty):
    monkeypatch.setattr(provenance, "_commit", lambda: "0" * 40)
    monkeypatch.setattr(provenance, "_git", lambda *arguments: said)
    assert provenance.environment.__wrapped__()["dirty"] is dirty
