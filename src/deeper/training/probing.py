"""Measurements on finished trials, each in a process of its own, kept in the trial's home and never made twice.

A study names them under ``probes``: a name, the function that measures (``of: deeper.analysis.lesion.probe``), which
weights it looks at (``weights: final`` or ``start``) and its settings. What is kept is named by the digest of all that
and of the code.
"""

import importlib
import inspect
import json
import math
import sys
from collections.abc import Callable, Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import yaml

from deeper.errors import DeeperError
from deeper.training import identity, processes
from deeper.training.store import CONFIG, LOG, WEIGHTS, Home, write_json
from deeper.training.sweep import TrialFailed

FOLDER = "probes"
MOMENTS = ("final", "start")


def place(home: Home, name: str, spec: Mapping[str, Any]) -> Path:
    """The file that keeps a measurement of a trial."""
    return home / FOLDER / f"{name}-{key(home.trial, spec)}.json"


def key(trial: str, spec: Mapping[str, Any]) -> str:
    """What a measurement depends on: the trial, the settings, the code that measures.

    Raises:
        DeeperError: the study's ``probes`` name no function, or weights that are not kept.
    """
    module = str(spec.get("of", "")).rpartition(".")[0]
    files, _ = identity.closure((module,)) if module.startswith("deeper.") else ({}, set())
    if module not in files:
        raise DeeperError(f"a probe's `of` must name a function of deeper.analysis, not {spec.get('of')!r}")
    if spec.get("weights", "final") not in MOMENTS:
        raise DeeperError(f"a probe's weights={spec['weights']!r}: they must be {' or '.join(MOMENTS)}")
    return identity.digest([trial, dict(spec), identity.code(files)])[: identity.LENGTH]


def found(home: Home, probes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The measurements of a trial that are kept: by name, ``{"key", "value"}``."""
    kept = {}
    for name, spec in probes.items():
        try:
            kept[name] = {"key": key(home.trial, spec), "value": json.loads(place(home, name, spec).read_bytes())}
        except (OSError, ValueError):
            continue
    return kept


def run(homes: Sequence[Home], probes: Mapping[str, Mapping[str, Any]], slots: int) -> None:
    """Make the measurements that finished trials lack, ``slots`` at a time; says on standard error how it goes.

    Raises:
        TrialFailed: some could not be made; raised after the others.
    """
    waiting = [
        (home, name, dict(spec))
        for home in {home.trial: home for home in homes}.values()
        for name, spec in probes.items()
        if not place(home, name, spec).exists()
    ]
    count, running, failed = len(waiting), [], []
    try:
        while waiting or running:
            while waiting and len(running) < slots:
                home, name, spec = waiting.pop(0)
                job = {"config": yaml.safe_load((home / CONFIG).read_text()), "id": home.trial, "probe": (name, spec)}
                running.append((name, home, processes.start(job, 1, home / LOG, entry=__name__)))
            wait([handle for *_, process in running for handle in process.handles()], timeout=0.5)
            ended = [one for one in running if one[2].poll()]
            running = [one for one in running if one not in ended]
            failed += [(name, home, process) for name, home, process in ended if process.code != 0]
    finally:
        for *_, process in running:
            process.kill()
    if count:
        print(f"probes: {count - len(failed)} measured, {len(failed)} failed", file=sys.stderr)
    if failed:
        name, home, process = failed[0]
        error = process.error or f"ended with code {process.code}"
        raise TrialFailed(
            f"{len(failed)} of {count} probes failed; {name} on {home.trial}: {error} (log: {home / LOG})"
        )


def train(job: dict[str, Any], say: Callable[[str, Any], None]) -> None:
    """Measure ``job["probe"]`` (name, spec) on a finished trial; what the process of a measurement runs.

    Raises:
        DeeperError: there is no such function, or it cannot measure this network.
    """
    import torch

    from deeper.data.module import load
    from deeper.models.build import build
    from deeper.seeds import seed_of

    config, (name, spec) = job["config"], job["probe"]
    home = Home(config["store"], job["id"])
    torch.set_num_threads(config["trainer"]["threads"])
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(seed_of(config["seed"], 0))
    network = build(config["model"])
    if spec.get("weights", "final") == "final":
        network.load_state_dict(torch.load(home / WEIGHTS))
    settings = {setting: value for setting, value in spec.items() if setting not in ("of", "weights")}
    measure = _function(spec["of"])
    try:
        inspect.signature(measure).bind(network, None, config["seed"], **settings)
    except TypeError as error:
        raise DeeperError(f"probe {name}: {spec['of']} {error}") from error
    try:
        value = measure(network, load(config["data"]), config["seed"], **settings)
    except ValueError as error:
        raise DeeperError(f"probe {name}: {error}") from error
    write_json(place(home, name, spec), _finite(value))


def describe(error: BaseException) -> str:
    from deeper.training.trial import describe as words

    return words(error)


def _function(name: str) -> Callable[..., dict[str, Any]]:
    module, _, function = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), function)
    except AttributeError as error:
        raise DeeperError(f"a probe's `of`: {module} has no {function!r}") from error


def _finite(value: Any) -> Any:
    """Numbers that are not finite become null, which is what JSON has for them."""
    if isinstance(value, Mapping):
        return {name: _finite(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
