"""The trials that are kept: list them, show one, remove what no table uses, with kept features.

python -m deeper.trials
python -m deeper.trials show=ID
python -m deeper.trials remove=true                  says what would go, and removes nothing
python -m deeper.trials remove=true dry_run=false

In a notebook ``deeper.trials()`` gives them as rows (``deeper.api.rows``).
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import hydra
from hydra.core.hydra_config import HydraConfig
from omegaconf import DictConfig

from deeper import cli, paths
from deeper.errors import DeeperError
from deeper.files import facts_below
from deeper.reporting.terminal_table import aligned
from deeper.reporting.words import size
from deeper.run import feature_store
from deeper.run.store import CONFIG
from deeper.schema.verbs import TrialsSettings, check_verb
from deeper.study import kept_trials
from deeper.study.kept_trials import KeptTrial


@hydra.main(version_base="1.3", config_path=str(paths.CONF), config_name="trials")
@cli.task
def trials(cfg: DictConfig) -> None:
    check_verb(TrialsSettings, cfg)
    store = paths.folder("store", cfg.store)
    named = [cfg.results] if isinstance(cfg.results, str) else list(cfg.results)
    results = [paths.folder("results", name) for name in named]
    if cfg.remove:
        _check_folders(results)
    kept = kept_trials.kept_trials(store, results)
    if cfg.show is not None:
        one = kept_trials.named(kept, str(cfg.show))
        cli.tell(_told(one), {"trials": [_facts(one)], "damaged": one.home.damaged(), "record": one.home.record()})
    elif cfg.remove:
        _remove(kept, store, cfg.dry_run)
    else:
        cli.tell(_list(kept) if kept else f"no trial is in {store}", {"trials": list(map(_facts, kept))})


def _check_folders(results: Sequence[Path]) -> None:
    """See that the folders of the tables are there: each that the user names, of the usual ones some.

    Raises:
        DeeperError: one is not; what its tables use would be removed.
    """
    absent = [folder for folder in results if not folder.is_dir()]
    named = any(word.lstrip("+~").startswith("results=") for word in HydraConfig.get().overrides.task)
    if absent and (named or absent == results):
        raise DeeperError(
            f"there is no folder {' and '.join(map(str, absent))}, so it is not known which trials its tables use; "
            "results=FOLDER names those that are there"
        )


def _remove(kept: Sequence[KeptTrial], store: Path, dry_run: bool) -> None:
    """Remove the trials that no table uses, and the features that no other would take up; say what went or would go."""
    unused = [trial for trial in kept if not trial.tables]
    gone = unused if dry_run else kept_trials.remove(unused)
    lines = [_list(gone) if gone else "every trial is in a table"]
    features = feature_store.unused(store, (trial.home for trial in kept if trial not in gone))
    sizes = {folder: sum(one.st_size for one in facts_below(folder)) for folder in features}
    if not dry_run:
        features = list(filter(feature_store.remove, features))
    if features:
        total = sum(sizes[folder] for folder in features)
        lines.append(f"features that no other trial would take up: {size(total)} in {features[0].parent}")
    if (gone or features) and dry_run:
        lines.append("nothing was removed; dry_run=false removes them")
    if len(gone) < len(unused):
        lines.append(f"{len(unused) - len(gone)} stay: another process is at work on them")
    facts = {"trials": list(map(_facts, gone)), "features": list(map(str, features)), "removed": not dry_run}
    cli.tell("\n".join(lines), facts)


def _facts(trial: KeptTrial) -> dict[str, Any]:
    """A trial for ``--json``."""
    facts = {key: getattr(trial, key) for key in ("what", "state", "when", "size", "tables")}
    return {"id": trial.home.trial, "home": str(trial.home.path), **facts}


def _list(kept: Sequence[KeptTrial]) -> str:
    rows = [[t.home.trial, t.what, t.state, t.when, ", ".join(t.tables) or "in no table", size(t.size)] for t in kept]
    total = [f"{len(kept)} trials", "", "", "", "", size(sum(trial.size for trial in kept))]
    head = ["trial", "what", "state", "when", "tables", "size"]
    return aligned(head, [*rows, total], left=5, rule_before_last=True)


def _told(trial: KeptTrial) -> str:
    damaged = trial.home.damaged()
    record = trial.home.record() or {}
    why = f" ({record['reason']})" if record.get("reason") else ""
    lines = [
        f"{trial.home.trial}: {trial.what}, {trial.state}{why}, {trial.when}, {size(trial.size)} in {trial.home.path}",
        f"tables: {', '.join(trial.tables) or 'none'}",
        f"files: {', '.join(damaged)} not what the record says" if damaged else "files: as the record says",
    ]
    lines += [f"{key}: {value}" for key, value in record.get("metrics", {}).items() if value is not None]
    if (trial.home / CONFIG).exists():
        lines += ["", (trial.home / CONFIG).read_text(errors="replace").rstrip()]
    return "\n".join(lines)


def _from_notebook() -> Callable[..., Any]:
    from deeper.api.rows import trials

    return trials


if __name__ == "__main__":
    sys.argv[1:] = cli.ids_as_text(sys.argv[1:], "show")
    cli.run(trials)
cli.callable_as(__name__, _from_notebook)
