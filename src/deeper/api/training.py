"""Training from a notebook or a script: the command line in a process of its own."""

import sys
from collections.abc import Sequence

from hydra import compose, initialize_config_dir
from hydra.core.global_hydra import GlobalHydra

from deeper import parents
from deeper.api.loaded import LoadedTrial, load
from deeper.errors import DeeperError
from deeper.paths import CONF
from deeper.run.jobs import make_job


def train(overrides: Sequence[str] = (), verb: str = "train") -> LoadedTrial:
    """Train one trial as ``python -m deeper.train OVERRIDES`` does, or take it where it is finished, and load it.

    Args:
        overrides: such as ``["model=resnet20", "profile=smoke", "seed=1"]``.
        verb: ``train`` or ``transfer``.

    Raises:
        DeeperError: what the command line said.
    """
    listed = isinstance(overrides, Sequence) and not isinstance(overrides, str)
    if not listed or not all(isinstance(override, str) for override in overrides):
        raise DeeperError(f'the overrides are a list: deeper.{verb}(["model=resnet20", "seed=1"])')
    if flags := [override for override in overrides if override.startswith("-")]:
        raise DeeperError(f"{flags[0]} is a flag of the command line; deeper.{verb} trains one trial")
    command = [sys.executable, "-m", f"deeper.{verb}", *overrides]
    done = parents.run(command)
    if done.returncode:
        said = done.stderr.strip().splitlines() or [f"{' '.join(command)} ended with {done.returncode}"]
        raise DeeperError(said[-1].removeprefix("error: "))
    GlobalHydra.instance().clear()
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        job = make_job(compose(verb, list(overrides)))
    return load(job["id"], store=job["config"]["store"])
