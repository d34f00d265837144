"""How long trials will take and how much they will keep, from the trials that a store holds.

A trial takes as long as the trials of the same kind did, those with the same settings but for the seed. Where there is
none it takes as many seconds for an image and a multiply-add as the trials nearest in multiply-adds did, those of the
same class of network. Where there are none either, a few training steps of the network are timed; a transfer, whose
network may not be trained, is told by trials of other networks. Trials on this machine go before those on others; toy
runs tell of toy runs alone, for most of their seconds are spent before the first step. A single trial is told
within a factor of two, mostly: what else its machine had to do is not known.
"""

import functools
import heapq
import math
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from statistics import median
from typing import Any

import yaml

from deeper.files import json_value, yaml_value
from deeper.run.identity import kind
from deeper.run.store import CONFIG, RECORD
from deeper.schema.results import TOY

NEAREST = 9
KIND, CLASS, STEPS = "trials of the same settings", "trials of the same class of network", "steps timed here"
OTHER = "trials of other networks"
START = 1.5  # seconds of a trial before its first step
BACKWARD = 3  # forward passes that a step of training costs
PROFILE = re.compile(r"^profile: (\S+)", re.MULTILINE)
SEEDS = re.compile(r"^(seed|  subset_seed): .*$", re.MULTILINE)
TARGET = re.compile(r"^model:\n(?:  .*\n)*?  _target_: (\S+)", re.MULTILINE)


Timer = Callable[[Mapping[str, Any], int], float]


@dataclass(frozen=True)
class Guess:
    """Seconds of one trial, and what they rest on: one of the four above, on this machine or not."""

    seconds: float
    basis: str
    here: bool


class Past:
    """A finished trial of the store; its configuration is read only where it is asked for."""

    def __init__(self, home: Path):
        record = json_value((home / RECORD).read_bytes())
        self.home = home
        self.seconds = float(record["time"]["total_s"])
        self.macs = int(record["cost"]["macs"])
        self.machine = record["environment"]["machine"]

    @cached_property
    def text(self) -> str:
        try:
            return (self.home / CONFIG).read_text(errors="replace")
        except OSError:
            return ""

    @cached_property
    def target(self) -> str | None:
        found = TARGET.search(self.text)
        return found[1] if found else None

    @cached_property
    def is_toy(self) -> bool:
        found = PROFILE.search(self.text)
        return found is not None and found[1] == TOY

    @cached_property
    def config(self) -> dict[str, Any]:
        return _read(self.text)

    @cached_property
    def kind(self) -> str | None:
        """None where the configuration is damaged."""
        return _kind(SEEDS.sub(r"\1: 0", self.text))


def _read(text: str) -> dict[str, Any]:
    return yaml_value(text)


@functools.cache
def _kind(text: str) -> str | None:
    """Of a configuration whose seeds are 0, for they are no part of a kind: reading takes milliseconds, and a store
    holds many that differ in nothing else."""
    try:
        return kind(_read(text))
    except (ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError):
        return None


class Forecast:
    """What the finished trials of a store tell of those to come.

    Args:
        store: the folder of all trials.
        machine: the one that they will run on, as records describe it.
        test: images that a trial is tested on.
        timed: times a step of a resolved configuration's network of so many multiply-adds: seconds an image.
        by_class: whether networks of one class tell of each other; those that a search makes are of one class, and have
            many layers or few at equal multiply-adds.
    """

    def __init__(
        self,
        store: Path,
        machine: Mapping[str, Any],
        test: int,
        timed: Timer | None = None,
        by_class: bool = True,
    ):
        self.test, self.timed, self.by_class = test, timed, by_class
        past = _past(store)
        here = [one for one in past if one.machine == machine]
        self.here, self.past = bool(here), here or past
        self.families: dict[str | None, list[Past]] = defaultdict(list)
        self.medians: dict[str, dict[str | None, float]] = {}
        for one in self.past:
            self.families[one.target].append(one)

    def _alike(self, target: str, own: str) -> float | None:
        """The median of the seconds of finished trials of this kind."""
        if target not in self.medians:
            kinds = defaultdict(list)
            for one in self.families.get(target, ()):
                kinds[one.kind].append(one.seconds)
            self.medians[target] = {found: median(seconds) for found, seconds in kinds.items()}
        return self.medians[target].get(own)

    def seconds(self, config: Mapping[str, Any], macs: int) -> Guess | None:
        """Of the trial of a resolved configuration; None where nothing tells it."""
        target = config["model"]["_target_"]
        family, same = self.families.get(target, []), self._alike(target, kind(config))
        if same is not None:
            return Guess(same, KIND, self.here)
        toy = config.get("profile") == TOY
        family, told = ([one for one in some if toy or not one.is_toy] for some in (family, self.past))
        if not (family and self.by_class) and self.timed and "transfer" not in config:
            each = self.timed(config, macs) / BACKWARD  # of an image that goes forwards once
            return Guess(START + each * self._passes(config), STEPS, True)
        near = sorted(family or told, key=lambda one: abs(math.log(max(one.macs, 1) / max(macs, 1))))[:NEAREST]
        near = [one for one in near if one.kind]
        if not near:
            return None
        rate = median(one.seconds / (max(one.macs, 1) * self._passes(one.config)) for one in near)
        return Guess(rate * max(macs, 1) * self._passes(config), CLASS if family else OTHER, self.here)

    def _passes(self, config: Mapping[str, Any]) -> int:
        """Images that go through the network forwards, those that train it three times over."""
        data, epochs = config["data"], config["training"]["epochs"]
        return (BACKWARD * epochs + 1) * data["train_size"] + epochs * data["validation_size"] + self.test


def kept_bytes(params: int, test: int, classes: int) -> int:
    """The size of a finished trial's home: weights and buffers, compressed logits, and the small files."""
    return round(4 * params * 1.02 + 4 * test * classes * 0.93) + 30_000


def makespan(tasks: Iterable[tuple[float, int]], slots: int) -> float:
    """Seconds until the last of ``tasks`` (seconds, slots that it takes) ends, the longest first."""
    free = [0.0] * slots
    for seconds, needed in sorted(tasks, reverse=True):
        taken = [heapq.heappop(free) for _ in range(min(needed, slots))]
        for _ in taken:
            heapq.heappush(free, max(taken) + seconds)
    return max(free)


def _past(store: Path) -> list[Past]:
    found = []
    for record in sorted(store.glob(f"*/{RECORD}")):
        try:
            found.append(Past(record.parent))
        except (OSError, ValueError, KeyError, TypeError):
            continue
    return found
