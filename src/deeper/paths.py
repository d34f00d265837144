"""Where the repository is, and the folders that settings name."""

from pathlib import Path
from typing import Any

from deeper.errors import DeeperError

ROOT = Path(__file__).resolve().parents[2]
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
