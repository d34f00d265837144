"""Measure the ledger in pieces: every study of record, block by block, for so many hours.

python -m deeper.ledger hours=8
python -m deeper.ledger hours=2 'only=[augmentation,depth]'
python -m deeper.ledger dry_run=true      hours that the blocks take, study by study, and no training
"""

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import hydra
from omegaconf import DictConfig

from deeper import cli
from deeper.errors import DeeperError, known
from deeper.paths import CONF, ROOT, git_environment
from deeper.schema.results import RECORD


@hydra.main(version_base="1.3", config_path=str(CONF), config_name="ledger")
@cli.task
def ledger(cfg: DictConfig) -> None:
    from deeper.schema.verbs import LedgerSettings, check_verb
    from deeper.study import campaign

    check_verb(LedgerSettings, cfg)
    studies = list(cfg.studies)
    there = sorted(path.stem for path in (CONF / "study" / RECORD).glob("*.yaml"))
    for study in studies:
        known(study, there, "studies:", f"those of {CONF / 'study' / RECORD}")
    chosen = studies if cfg.only is None else list(cfg.only)
    for study in cfg.more_blocks:
        known(study, studies, "more_blocks:", "the ledger's studies")
    if unknown := [study for study in chosen if study not in studies]:
        raise DeeperError(f"only: the ledger has no study {unknown[0]}; it has {', '.join(studies)}")
    chosen = [study for study in studies if study in chosen]
    folder = Path(cfg.results) / RECORD
    if cfg.commit:
        _check_repository(folder)
    if cfg.dry_run:
        _plan(cfg, chosen)
        return
    folder.mkdir(parents=True, exist_ok=True)
    settings = [f"logger={cfg.mirror}", f"store={cfg.store}", f"results={cfg.results}"]
    settings += [] if cfg.slots is None else [f"hydra.launcher.slots={cfg.slots}"]

    def finished(study: str, block: int) -> None:
        print(
            f"ledger: {study} has {block} of {cfg.more_blocks.get(study, cfg.blocks)} blocks",
            file=sys.stderr,
            flush=True,
        )
        if cfg.commit:
            _commit(folder, f"Ledger: block {block} of {study}")

    def tuned(study: str) -> None:
        if cfg.commit:  # before the blocks, whose trials tell what commit they are of
            _commit(folder, f"Rates of {study} are found")

    all_measured = campaign.measure(
        chosen,
        cfg.blocks,
        folder,
        settings,
        time.monotonic() + 3600 * cfg.hours,
        finished,
        together=cfg.together,
        at_once=cfg.at_once,
        more=dict(cfg.more_blocks),
        tuned=tuned,
    )
    print("ledger: all is measured" if all_measured else "ledger: time is up; the same command goes on from here")


def _plan(cfg: DictConfig, studies: list[str]) -> None:
    from deeper.reporting import plan_text
    from deeper.study import campaign

    overrides = [f"store={cfg.store}", f"results={cfg.results}", f"logger={cfg.mirror}"]
    plans = {}
    for study in studies:
        plans[study] = campaign.forecast(study, cfg.more_blocks.get(study, cfg.blocks), overrides, cfg.slots)
        print(f"ledger: planned {study}", file=sys.stderr, flush=True)
    print(plan_text.ledger(plans))


def _commit(folder: Path, message: str) -> None:
    """Commit tables and rates if there are new ones; a git that is busy leaves it to the next block, and says so."""
    paths = [str(folder), str(CONF / "rates")]
    done = _git("add", *paths)
    if done.returncode == 0 and _git("diff", "--cached", "--quiet", "--", *paths).returncode == 1:
        done = _git("commit", "-q", "-m", message, "--", *paths)
    if done.returncode:
        print("warning: git has not committed the tables; it is tried again after the next block", file=sys.stderr)


def _check_repository(folder: Path) -> None:
    """See that there is a repository to commit a folder of tables to.

    Raises:
        DeeperError: there is none, the folder is elsewhere, or no git.
    """
    if not folder.resolve().is_relative_to(ROOT.resolve()):
        raise DeeperError(f"commit=true: {folder} is not in {ROOT}; name a folder there, or measure with commit=false")
    try:
        top = _git("rev-parse", "--show-toplevel", capture_output=True, text=True)
    except FileNotFoundError:
        raise DeeperError("commit=true: git is not installed; install it, or measure with commit=false") from None
    if top.returncode or Path(top.stdout.strip()).resolve() != ROOT.resolve():
        raise DeeperError(f"commit=true: {ROOT} is no repository of git; clone one, or measure with commit=false")


def _git(*words: str, **how: Any) -> subprocess.CompletedProcess:
    return subprocess.run(["git", *words], cwd=ROOT, check=False, env=git_environment(), **how)


if __name__ == "__main__":
    cli.run(ledger)
