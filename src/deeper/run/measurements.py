"""Measurements on finished trials, each in a process of its own, kept in the trial's home and never made twice.

A study names them under ``probes``: a name, the function that measures (``of: deeper.probes.lesion.probe``) and its
settings, and what every probe can have:

- ``weights``: ``final`` (if nothing is said) or ``start``;
- ``validation``: how many images of the validation split it sees, null for all; if nothing is said, those of the trial;
- ``arms``: a list of the study's arms that it is for, if not for all;
- ``alone``: true for one that measures time and must have the machine to itself; these run last, one after another,
  a seed of every arm and then the next, so that what slows the machine for a while slows all arms alike.

What is kept is named by the digest of the trial, all of that but ``arms``, and the results version, and carries a
digest of what it says. While it fits that it is never measured again, so a measurement need not repeat to the bit.
"""

import importlib
import inspect
import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from deeper.errors import DeeperError
from deeper.files import read_sealed, sealed, write_json
from deeper.run import identity
from deeper.run.slots import Display, Sweep, Task, raise_failures
from deeper.run.store import WEIGHTS, Home

FOLDER = "probes"
COMMON = ("of", "weights", "validation", "arms", "alone")


def place(home: Home, name: str, spec: Mapping[str, Any]) -> Path:
    """The file that keeps a measurement of a trial."""
    return home / FOLDER / f"{name}-{key(home.trial, spec)}.json"


def key(trial: str, spec: Mapping[str, Any]) -> str:
    """What a measurement depends on: the trial, the settings, the results version of what measures.

    Raises:
        DeeperError: ``of`` names no function of ``deeper.probes``.
    """
    if not str(spec.get("of", "")).startswith("deeper.probes."):
        raise DeeperError(f"a probe's `of` must name a function of deeper.probes, not {spec.get('of')!r}")
    return identity.measurement_key(trial, spec)


def found(home: Home, probes: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The measurements of a trial that are kept: by name, ``{"key", "value"}``."""
    kept = {name: (key(home.trial, spec), read_sealed(place(home, name, spec))) for name, spec in probes.items()}
    return {name: {"key": of, "value": value} for name, (of, value) in kept.items() if value is not None}


class Measurement(Task):
    """A probe of a finished trial, on its way; ``job["probe"]`` is its (name, spec)."""

    done: ClassVar[str] = "measured"
    entry: ClassVar[str] = __name__

    def __post_init__(self) -> None:
        super().__post_init__()
        name, spec = self.job["probe"]
        self.key = str(place(self.home, name, spec))
        self.kind += f" {name}"
        self.devices, self.alone, self.exact = 1, spec.get("alone", False), False

    def result(self) -> dict[str, Any] | None:
        return read_sealed(Path(self.key))

    def check(self) -> None:
        """A measurement needs no GPU."""

    def busy(self) -> bool:
        return False

    def seconds(self) -> None:
        return None

    def news(self) -> str:
        return self.done

    def tidy(self) -> None:
        """The trial's home is its own."""

    def differences(self) -> list[str]:
        return []

    def publish(self) -> None:
        """A measurement is read when the study's table is written."""


def run(
    asked: Iterable[tuple[Home, Mapping[str, Mapping[str, Any]]]],
    slots: int,
    display: Display | None = None,
    roots: Mapping[str, str] | None = None,
) -> None:
    """Make the measurements that finished trials lack; says on standard error how it goes.

    Args:
        asked: trials, each with the probes it must have.
        slots: how many are made side by side; those that must be ``alone`` come last, one at a time.
        display: shows how it goes; None: the usual one.
        roots: where the prepared sets are, by trial; of others where they were when it was trained.

    Raises:
        TrialFailed: some could not be made; raised after the others.
    """
    wanted = {place(home, name, spec): (home, name, dict(spec)) for home, own in asked for name, spec in own.items()}
    roots = roots or {}
    tasks = [_task(*task, roots.get(task[0].trial)) for path, task in wanted.items() if read_sealed(path) is None]
    if tasks:
        raise_failures(Sweep(tasks, slots, display or Display("probes")).run(), "probes")


def _task(home: Home, name: str, spec: dict[str, Any], root: str | None) -> Measurement:
    return Measurement(
        {"config": home.config(root), "id": home.trial, "probe": (name, spec)}, f"{name} on {home.trial}"
    )


def train(job: dict[str, Any], say: Callable[[str, Any], None]) -> None:
    """Measure ``job["probe"]`` (name, spec) on a finished trial; what the process of a measurement runs.

    The function gets the network, the data, the trial's seed and the probe's settings; one that has an argument
    ``config`` also the trial's configuration.

    Raises:
        DeeperError: there is no such function, it cannot measure this network, or the data is not what the trial saw.
    """
    import torch

    from deeper.data.batches import load
    from deeper.fit.step import exact_numbers
    from deeper.models.build import start

    config, (name, spec) = job["config"], job["probe"]
    if "transfer" in config:
        raise DeeperError(f"probe {name}: a transfer sees a target set, which no probe reads; measure a training")
    home = Home(config["store"], job["id"])
    torch.set_num_threads(config["trainer"]["threads"])
    torch.use_deterministic_algorithms(True)
    exact_numbers()
    network = start(config)
    if spec.get("weights", "final") == "final":
        network.load_state_dict(torch.load(home / WEIGHTS, weights_only=True))
    settings = {setting: value for setting, value in spec.items() if setting not in COMMON}
    measure = _function(spec["of"])
    if "config" in inspect.signature(measure).parameters:
        settings["config"] = config
    try:
        inspect.signature(measure).bind(network, None, config["seed"], **settings)
    except TypeError as error:
        raise DeeperError(f"probe {name}: {spec['of']} {error}") from error
    data = load(_data(config["data"], spec))
    _check_same(home, config, data.digest)
    try:
        value = measure(network, data, config["seed"], **settings)
    except ValueError as error:
        raise DeeperError(f"probe {name}: {error}") from error
    write_json(place(home, name, spec), sealed(_finite(value)))


def describe(error: BaseException) -> str:
    from deeper.run.trial import describe as words

    return words(error)


def _check_same(home: Home, config: Mapping[str, Any], digest: str) -> None:
    """See that the data is that of the trial's record."""
    folder = Path(config["data"]["root"]) / config["data"]["name"]
    if digest != home.finished("train it first")["data"]:
        raise DeeperError(
            f"trial {home.trial} was trained on other data than is in {folder}; data.root=FOLDER names another place"
        )


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
