"""Share trials: all that the tables name through a DVC remote, or some networks in git itself.

python -m deeper.share remote=FOLDER                 or s3://bucket/path, ssh://host/path: DVC's own
python -m deeper.share networks=[residual_vs_plain/resnet56]     copies them to networks/, for git

Then commit ``shared/`` or ``networks/``. In a clone ``deeper.load`` fetches a trial that it lacks.
"""

import sys
from collections.abc import Iterable
from pathlib import Path

import hydra
from omegaconf import DictConfig

from deeper import cli, paths
from deeper.errors import DeeperError
from deeper.run.store import Home
from deeper.schema.verbs import ShareSettings, check_verb


@hydra.main(version_base="1.3", config_path=str(paths.CONF), config_name="share")
@cli.task
def share(cfg: DictConfig) -> None:
    """Push the trials of the tables to ``cfg.remote``, or copy those of ``cfg.networks`` to a folder."""
    from deeper.reporting import words
    from deeper.run import shared
    from deeper.study.kept_trials import kept_trials

    check_verb(ShareSettings, cfg)
    store, results = paths.folder("store", cfg.store), paths.folder("results", cfg.results)
    if (cfg.remote is None) == (cfg.networks is None):
        raise DeeperError("name one of two: remote=FOLDER (or s3://…, ssh://…), or networks=[study/arm]")
    if cfg.networks is not None:
        homes = [Home(store, _trial(str(one), results, cfg.seed)) for one in cfg.networks]
        _see_finished(homes)
        size = shared.keep(homes, shared.NETWORKS)
        text = (
            f"{shared.NETWORKS}: {words.plural(len(homes), 'network')}, {words.size(size)}; git add {shared.NETWORKS}"
        )
        cli.tell(text, {"networks": [home.trial for home in homes], "bytes": size})
        return
    named = [trial for trial in kept_trials(store, [results]) if trial.tables]
    whole = [trial.home for trial in named if trial.home.record() is not None]
    if not whole:
        raise DeeperError(f"no table in {results} names a finished trial of {store}")
    new = shared.push(whole, str(cfg.remote))
    text = (
        f"{cfg.remote}: {words.plural(len(whole), 'trial')}, {new} of them new; git add {shared.SHARED} and commit it"
    )
    cli.tell(text, {"remote": str(cfg.remote), "trials": [home.trial for home in whole], "new": new})


def _trial(name: str, results: Path, seed: int | None) -> str:
    """The id of ``study/arm``; an id is one already, and takes no seed."""
    from deeper.api.rows import trial_of

    study, slash, arm = name.rpartition("/")
    if slash:
        return trial_of(study, arm, seed, results)
    if seed is not None:
        raise DeeperError(
            f"seed={seed}: {name} is a trial's id, which has its seed; name study/arm, or leave seed= away"
        )
    return name


def _see_finished(homes: Iterable[Home]) -> None:
    for home in homes:
        home.finished("train its study first")


if __name__ == "__main__":
    sys.argv[1:] = cli.ids_as_text(sys.argv[1:], "networks")
    cli.run(share)
