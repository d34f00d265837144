"""Measurements on finished trials, each in a process of its own, kept in the trial's home and never made twice.

A study names them under ``probes``: a name, the function that measures (``of: deeper.probes.lesion.probe``) and its
settings, and what every probe can have:

- ``weights``: ``final`` (if nothing is said) or ``start``;
- ``validation``: how many images of the validation split it sees, null for all; if nothing is said, those of the trial;
- ``arms``: a list of the study's arms that it is for, if not for all;
- ``alone``: true for one that measures time and must have the machine to itself; these run last, one after another,
  a seed of every arm and then the next, so that what slows the machine for a while slows all arms alike.

What is kept is named by the digest of the trial, all of that but ``arms``, and the results version. It is never
measured again, so a measurement need not repeat to the bit.
"""

import importlib
import inspect
import json
import math
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import yaml

from deeper.errors import DeeperError
from deeper.files import write_json
from deeper.run import identity, processes
from deeper.run.slots import TrialFailed
from deeper.run.store import CONFIG, LOG, WEIGHTS, Home

FOLDER = "probes"
COMMON = ("of", "weights", "validation", "arms", "alone")
Task = tuple[Home, str, dict[str, Any]]
Made = tuple[str, Home, processes.Running]


def place(home: Home, name: str, spec: Mapping[str, Any]) -> Path:
    """The file that keeps a measurement of a trial."""
    return home / FOLDER / f"{name}-{key(home.trial, spec)}.json"


def key(trial: str, spec: Mapping[str, Any]) -> str:
    """What a measurement depends on: the trial, the settings, the results version of what measures.

    Raises:
        DeeperError: the study's ``probes`` name no function, or what every probe can have has no such value.
    """
    if not str(spec.get("of", "")).startswith("deeper.probes."):
        raise DeeperError(f"a probe's `of` must name a function of deeper.probes, not {spec.get('of')!r}")
    return identity.measurement_key(trial, spec)


def found(home: Home, probes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The measurements of a trial that are kept: by name, ``{"key", "value"}``."""
    kept = {}
    for name, spec in probes.items():
        try:
            kept[name] = {"key": key(home.trial, spec), "value": json.loads(place(home, name, spec).read_bytes())}
        except (OSError, ValueError):
            continue
    return kept


def run(asked: Iterable[tuple[Home, Mapping[str, Mapping[str, Any]]]], slots: int) -> None:
    """Make the measurements that finished trials lack; says on standard error how it goes.

    Args:
        asked: trials, each with the probes it must have.
        slots: how many are made side by side; those that must be ``alone`` come last, one at a time.

    Raises:
        TrialFailed: some could not be made; raised after the others.
    """
    wanted = {place(home, name, spec): (home, name, dict(spec)) for home, own in asked for name, spec in own.items()}
    lacking = [task for path, task in wanted.items() if not path.exists()]
    together, alone = ([task for task in lacking if task[2].get("alone", False) is last] for last in (False, True))
    failed = _measure(together, slots) + _measure(sorted(alone, key=lambda task: _seed(task[0])), 1)
    if lacking:
        print(f"probes: {len(lacking) - len(failed)} measured, {len(failed)} failed", file=sys.stderr)
    if failed:
        name, home, process = failed[0]
        error = process.error or f"ended with code {process.code}"
        raise TrialFailed(
            f"{len(failed)} of {len(lacking)} probes failed; {name} on {home.trial}: {error} (log: {home / LOG})"
        )


def _seed(home: Home) -> int:
    return yaml.safe_load((home / CONFIG).read_text())["seed"]


def _measure(tasks: Sequence[Task], slots: int) -> list[Made]:
    """Run measurements, ``slots`` at a time; those that failed."""
    waiting, running, failed = list(tasks), [], []
    try:
        while waiting or running:
            while waiting and len(running) < slots:
                home, name, spec = waiting.pop(0)
                job = {"config": yaml.safe_load((home / CONFIG).read_text()), "id": home.trial, "probe": (name, spec)}
                running.append((name, home, processes.start(job, 1, home / LOG, entry=__name__)))
            wait([handle for *_, process in running for handle in process.handles()], timeout=0.5)
            ended = [one for one in running if one[2].poll()]
            running = [one for one in running if one not in ended]
            failed += [one for one in ended if one[2].code != 0]
    finally:
        for *_, process in running:
            process.kill()
    return failed


def train(job: dict[str, Any], say: Callable[[str, Any], None]) -> None:
    """Measure ``job["probe"]`` (name, spec) on a finished trial; what the process of a measurement runs.

    The function gets the network, the data, the trial's seed and the probe's settings; one that has an argument
    ``config`` also the trial's configuration.

    Raises:
        DeeperError: there is no such function, or it cannot measure this network.
    """
    import torch

    from deeper.data.batches import load
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
    settings = {setting: value for setting, value in spec.items() if setting not in COMMON}
    measure = _function(spec["of"])
    if "config" in inspect.signature(measure).parameters:
        settings["config"] = config
    try:
        inspect.signature(measure).bind(network, None, config["seed"], **settings)
    except TypeError as error:
        raise DeeperError(f"probe {name}: {spec['of']} {error}") from error
    try:
        value = measure(network, load(_data(config["data"], spec)), config["seed"], **settings)
    except ValueError as error:
        raise DeeperError(f"probe {name}: {error}") from error
    write_json(place(home, name, spec), _finite(value))


def describe(error: BaseException) -> str:
    from deeper.run.trial import describe as words

    return words(error)


def _data(data: Mapping[str, Any], spec: Mapping[str, Any]) -> dict[str, Any]:
    """A trial's data with the validation images that the probe sees."""
    return {**data, "validation_size": spec["validation"]} if "validation" in spec else dict(data)


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
