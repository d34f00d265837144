"""Settings of all tests, and the small set, prepared once; what tests share is in ``tests/helpers``."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("WANDB_ERROR_REPORTING", "false")

import hypothesis
import pytest
import torch

torch.set_num_threads(1)
hypothesis.settings.register_profile("suite", deadline=None)
hypothesis.settings.load_profile("suite")

LONG_FILES = (
    "test_pipeline.py",
    "test_train.py",
    "test_transfer.py",
    "test_contract.py",
    "test_studies.py",
    "test_golden.py",
    "test_search_command.py",
    "test_browser.py",
)


def pytest_collection_modifyitems(items):
    """Longest files first, so that no worker begins one when the others are done."""
    places = {name: place for place, name in enumerate(LONG_FILES)}
    items.sort(key=lambda item: places.get(item.path.name, len(places)))


@pytest.fixture
def in_process(monkeypatch, capsys, tmp_path):
    """Makes of a verb's function a command in this process, in an empty folder: → status, what it prints, what it says
    on standard error.
    """
    from hydra.core.global_hydra import GlobalHydra

    from deeper import cli

    monkeypatch.chdir(tmp_path)

    def command(verb):
        def run(*arguments):
            GlobalHydra.instance().clear()
            monkeypatch.setattr("sys.argv", [verb.__name__, *arguments])
            status = 0
            try:
                cli.run(verb)
            except SystemExit as leaving:
                status = leaving.code
            return status, *capsys.readouterr()

        return run

    return command


@pytest.fixture(scope="session")
def root(tmp_path_factory):
    """A folder of prepared sets that holds the small learnable one."""
    from trials import prepare

    return prepare(tmp_path_factory.mktemp("sets"))
