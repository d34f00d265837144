"""The campaign's command: what it commits."""

import subprocess

import pytest

from deeper import ledger
from deeper.errors import DeeperError


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.setattr(ledger, "ROOT", tmp_path)
    monkeypatch.setattr(ledger, "CONF", tmp_path / "conf")
    for folder in ("conf/rates", "results/record"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "notes").write_text("of the user")
    for words in (["init", "-q"], ["config", "user.name", "a"], ["config", "user.email", "a@b.example"]):
        git(tmp_path, *words)
    git(tmp_path, "add", "notes")  # staged by the user, and none of the campaign's
    return tmp_path


def git(folder, *words):
    return subprocess.run(["git", *words], cwd=folder, check=True, capture_output=True, text=True).stdout


def test_rates_are_committed_alone_and_only_when_there_are_new_ones(place):
    (place / "conf/rates/a.yaml").write_text("rate: 0.1")
    (place / "results/record/blocks.yaml").write_text("record: {}")
    for _ in range(2):
        ledger._commit(place / "results/record", "Rates of a are found")
    assert git(place, "log", "--format=%s").splitlines() == ["Rates of a are found"]
    assert git(place, "show", "--format=", "--name-only", "HEAD").split() == [
        "conf/rates/a.yaml",
        "results/record/blocks.yaml",
    ]


def test_what_cannot_be_committed_is_refused_before_it_is_measured(place, monkeypatch):
    ledger._check_repository(place / "results")
    with pytest.raises(DeeperError, match=r"is not in .*; name a folder there"):
        ledger._check_repository(place.parent)
    (place / "inner").mkdir()
    monkeypatch.setattr(ledger, "ROOT", place / "inner")
    with pytest.raises(DeeperError, match="inner is no repository of git; clone one, or measure with commit=false"):
        ledger._check_repository(place / "inner/results")
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DeeperError, match="git is not installed"):
        ledger._check_repository(place / "inner/results")


def test_another_repository_of_the_environment_is_left_alone(place, tmp_path_factory, monkeypatch):
    other = tmp_path_factory.mktemp("other")
    git(other, "init", "-q")
    (place / "conf/rates/a.yaml").write_text("rate: 0.1")
    (place / "results/record/blocks.yaml").write_text("record: {}")
    with monkeypatch.context() as patched:
        patched.setenv("GIT_DIR", str(other / ".git"))
        ledger._commit(place / "results/record", "Rates of a are found")
    assert git(place, "log", "--format=%s").splitlines() == ["Rates of a are found"]
