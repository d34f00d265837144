"""Where the repository is, and the folders that settings name."""

import os
from pathlib import Path
from typing import Any

from deeper.errors import DeeperError

CHECKOUT = Path(__file__).resolve().parents[2]
ROOT = CHECKOUT if (CHECKOUT / "conf").is_dir() else Path(__file__).parent / "installed"  # where pip put it (setup.py)
CONF = ROOT / "conf"
PUBLISHED = ROOT / "published"
GIT_PLACES = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_INDEX_FILE", "GIT_OBJECT_DIRECTORY", "GIT_NAMESPACE"),
    *("GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_PREFIX"),
)
LEDGER = Path(__file__).parent / "claims" / "ledger.yaml"


def git_environment() -> dict[str, str]:
    """The environment of a git that is asked of the folder it runs in: GIT_DIR would send it to another one."""
    return {name: value for name, value in os.environ.items() if name not in GIT_PLACES}


def folder(key: str, value: Any) -> Path:
    """The folder that a setting names.

    Raises:
        DeeperError: it names none.
    """
    if not isinstance(value, str) or not value.strip():
        raise DeeperError(f"{key}={'null' if value is None else value}: it must name a folder")
    return Path(value)
