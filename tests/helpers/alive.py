"""Whether processes of other processes are there."""

import time
from pathlib import Path


def ended(pid: int) -> bool:
    """Whether a process ends; some seconds are waited for it."""
    for _ in range(300):
        if not _alive(pid):
            return True
        time.sleep(0.1)
    return False


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
