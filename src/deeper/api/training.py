"""Training from a notebook or a script: the command line in a process of its own."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from deeper import parents
from deeper.api.loaded import LoadedTrial, load
from deeper.errors import DeeperError


def train(overrides: Sequence[str] = (), verb: str = "train") -> LoadedTrial:
    """Train one trial as ``python -m deeper.train OVERRIDES`` does, or take it where it is finished, and load it.

    Args:
        overrides: such as ``["model=resnet20", "profile=smoke", "seed=1"]``.
        verb: ``train`` or ``transfer``.

    Raises:
        DeeperError: what the command line said, or it trains nothing, as with ``dry_run=true``.
    """
    listed = isinstance(overrides, Sequence) and not isinstance(overrides, str)
    if not listed or not all(isinstance(override, str) for override in overrides):
        raise DeeperError(f'the overrides are a list: deeper.{verb}(["model=resnet20", "seed=1"])')
    if flags := [override for override in overrides if override.startswith("-")]:
        raise DeeperError(f"{flags[0]} is a flag of the command line; deeper.{verb} trains one trial")
    command = [sys.executable, "-m", f"deeper.{verb}", *overrides, "--json"]
    done = parents.run(command)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"{' '.join(command)} ended with {done.returncode}"]
        raise DeeperError(said[-1].removeprefix("error: "))
    found = json.loads(done.stdout)
    if "home" not in found:
        raise DeeperError(f"deeper.{verb}: these overrides train no trial here, so there is none to load")
    return load(found["trial"], store=Path(found["home"]).parent)
