"""The trials of a store: what they are, how large, which tables use them; and the removal of those that none uses."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from deeper.errors import DeeperError
from deeper.files import facts_below, fits, json_value, yaml_value
from deeper.run.store import CHECKPOINT, CONFIG, RECORD, Home

ID = re.compile(r"[0-9a-f]{16}")
QUOTED_ID = re.compile(r'"([0-9a-f]{16})"')


@dataclass(frozen=True)
class KeptTrial:
    """A trial's home.

    Attributes:
        what: network and seed; of a transfer also target and mode.
        state: ``finished``, ``diverged``, ``stopped`` (it goes on from its checkpoint), ``unfinished`` or ``damaged``.
        when: of the record, or of the last change; UTC.
        size: bytes of all its files.
        tables: the tables and searches that name it, or a trial that started from it.
    """

    home: Home
    what: str
    state: str
    when: str
    size: int
    tables: tuple[str, ...]


def kept_trials(store: Path, results: Iterable[Path]) -> list[KeptTrial]:
    """Every trial of a store, the last one first.

    Raises:
        DeeperError: there is no such store, or a table cannot be read.
    """
    if not store.is_dir():
        raise DeeperError(f"there is no folder {store}; store=FOLDER names the one with the trials")
    homes = [Home(store, path.name) for path in sorted(store.iterdir()) if ID.fullmatch(path.name) and path.is_dir()]
    configs = {home.trial: _read(home / CONFIG, yaml_value) for home in homes}
    used = _used(results, configs)
    found = [_kept(home, configs[home.trial], tuple(sorted(used[home.trial]))) for home in homes]
    return sorted(found, key=lambda trial: (trial.when, trial.home.trial), reverse=True)


def remove(trials: Iterable[KeptTrial]) -> list[KeptTrial]:
    """Remove homes, but for those that another process works on; those that were removed.

    A home that is a link to another place is taken out of the store, and what it points to stays.
    """
    return [trial for trial in trials if trial.home.remove()]


def named(trials: Iterable[KeptTrial], name: str) -> KeptTrial:
    """The one trial whose id begins with ``name``.

    Raises:
        DeeperError: there is none, or there are several.
    """
    found = [trial for trial in trials if trial.home.trial.startswith(name)]
    if len(found) != 1:
        several = f"are {len(found)} trials whose ids begin" if found else "is no trial whose id begins"
        raise DeeperError(f"show={name}: there {several} with it; python -m deeper.trials lists them")
    return found[0]


def _used(results: Iterable[Path], configs: Mapping[str, Mapping[str, Any]]) -> dict[str, set[str]]:
    """The tables and searches that use each trial: those that name it, and those that name one that started from it."""
    used: dict[str, set[str]] = defaultdict(set)
    found = ((folder, path) for folder in results for path in sorted(folder.rglob("*.json")))
    for top, path in found:
        try:
            said = path.read_text()
            json_value(said)
        except (OSError, ValueError) as error:
            raise DeeperError(
                f"{path} cannot be read ({error}), so what it uses is not known; mend it first"
            ) from error
        for trial in QUOTED_ID.findall(said):
            used[trial].add(str(path.relative_to(top).with_suffix("")))
    for trial in configs:
        for start in _starts(trial, configs):
            used[start] |= used[trial]
    return used


def _starts(trial: str, configs: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The trial that one started from, the one that this started from, and so on."""
    found: list[str] = []
    start = _at(configs[trial], "transfer", "backbone", "trial")
    while isinstance(start, str) and start not in found:
        found.append(start)
        start = _at(configs.get(start), "transfer", "backbone", "trial")
    return found


def _kept(home: Home, config: Mapping[str, Any], tables: tuple[str, ...]) -> KeptTrial:
    files = facts_below(home.path)
    record = _read(home / RECORD, json_value)
    last = max((one.st_mtime for one in files), default=home.path.stat().st_mtime)
    return KeptTrial(
        home,
        _what(config),
        _state(home, record),
        str(record.get("finished_at") or _time(last)),
        sum(one.st_size for one in files),
        tables,
    )


def _what(config: Mapping[str, Any]) -> str:
    if not config:
        return "unknown"
    mode, target = _at(config, "transfer", "mode", "name"), _at(config, "transfer", "target", "name")
    way = f" {mode} on {target}" if mode and target else ""
    return f"{_at(config, 'model', 'name') or 'a network'}{way} seed {config.get('seed')}"


def _at(config: Any, *keys: str) -> Any:
    """A value inside; None where it is not there. A home that was damaged may hold anything."""
    for key in keys:
        config = config.get(key) if isinstance(config, Mapping) else None
    return config


def _state(home: Home, record: Mapping[str, Any]) -> str:
    if (home / RECORD).exists():
        whole = "status" in record and "digest" in record and fits(record)
        return str(record["status"]) if whole else "damaged"
    return "stopped" if (home / CHECKPOINT).exists() else "unfinished"


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _read(path: Path, value_of: Callable[[bytes], Any]) -> Mapping[str, Any]:
    """A file's mapping; an empty one where it is not there or none."""
    try:
        value = value_of(path.read_bytes())
    except (OSError, ValueError, yaml.YAMLError):
        return {}
    return value if isinstance(value, Mapping) else {}
