"""Where the repository is, and the folders that settings name."""

from pathlib import Path
from typing import Any

from deeper.errors import DeeperError

CHECKOUT = Path(__file__).resolve().parents[2]
ROOT = CHECKOUT if (CHECKOUT / "conf").is_dir() else Path(__file__).parent / "installed"  # where pip put it (setup.py)
CONF = ROOT / "conf"
PUBLISHED = ROOT / "published"
LEDGER = Path(__file__).parent / "claims" / "ledger.yaml"


def folder(key: str, value: Any) -> Path:
    """The folder that a setting names.

    Raises:
        DeeperError: it names none.
    """
    if not isinstance(value, str) or not value.strip():
        raise DeeperError(f"{key}={'null' if value is None else value}: it must name a folder")
    return Path(value)
