import json
import os
import subprocess
import sys

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
