"""The trials of a search: composed, trained in slots through the ordinary store, and what came of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf, open_dict

from deeper.data.prepared import read_meta
from deeper.errors import DeeperError
from deeper.run import costs as costing
from deeper.run import identity, processes, step_times
from deeper.run import wandb_runs as mirror
from deeper.run.forecast import Forecast, makespan
from deeper.run.jobs import check_images, default_slots, make_job
from deeper.run.slots import Display, Sweep, Task, raise_failures
from deeper.schema.results import Environment
from deeper.schema.search import SearchCost
from deeper.study.composing import Composer, written

OF_SEARCHES = ("search", "space", "searcher", "searches", "slots")
TOLD = ("searcher", "slots", "dry_run", "results")  # of the command line, what makes no other trial

Settings = Mapping[str, Any]
TrialIds = tuple[str, ...]


@dataclass(frozen=True)
class Trained:
    """What came of a network's trials, by seed. An error is 1 where the training broke down without one."""

    trials: tuple[str, ...]
    validation_errors: tuple[float, ...]
    test_errors: tuple[float, ...]
    seconds: float

    @property
    def error(self) -> float:
        """The mean error on validation pictures."""
        return sum(self.validation_errors) / len(self.validation_errors)


class Trainings:
    """Trains networks that differ in some settings.

    Args:
        composer: of configurations.
        line: overrides of the command line.
        slots: trials side by side; None: as many as the machine has room for.
        title: what the display calls them.

    Attributes:
        known: what a file tells of networks whose trials are not in the store, by the trials' ids.
        taken: trials that were taken from there.
        made_with: what trials were measured with, by id; of one that a file stands for, all that the file names.
    """

    def __init__(self, composer: Composer, line: Sequence[str], slots: int | None, title: str):
        self.composer, self.title = composer, title
        self.known: dict[TrialIds, Trained] = {}
        self.taken: set[str] = set()
        self.made_with: dict[str, tuple[Environment, ...]] = {}
        self.given = list(line)
        if "seed" in map(_key, line):
            raise DeeperError("seed: networks are trained with search.trial_seeds, and search.seed is the searcher's")
        self.line = [word for word in line if _key(word) not in TOLD]
        self.first = self.compose({}, 0)
        self.slots = slots or default_slots(self.first)

    def whole(self, overrides: Sequence[str]) -> DictConfig:
        """The configuration of the search itself, with some overrides."""
        names = {_key(override) for override in overrides}
        return self.composer.compose([*(word for word in self.given if _key(word) not in names), *overrides])[1]

    def compose(self, settings: Settings, seed: int) -> DictConfig:
        """The configuration of a trial.

        Raises:
            DeeperError: its network has none of a setting that the space gives it.
        """
        for group, _, name in (key.partition(".") for key in settings):
            if group == "model" and name and "model" not in settings and name.partition(".")[0] not in self.first.model:
                raise DeeperError(
                    f"model={self.first.model.name} has no setting {name}, which is searched; leave it out, or take "
                    "a network that has it"
                )
        overrides = [f"{key}={written(value, quoted=True)}" for key, value in settings.items()]
        line = [word for word in self.line if not _replaced(_name(word), settings)]
        _, config = self.composer.compose([*line, *overrides, f"seed={seed}"])
        with open_dict(config):
            for key in OF_SEARCHES:
                config.pop(key, None)
        return config

    def job(self, settings: Settings, seed: int) -> dict[str, Any]:
        """The job of a trial.

        Raises:
            DeeperError: a setting that cannot be, or data that is not prepared.
        """
        job = make_job(self.compose(settings, seed), self.slots)
        check_images(job["config"])
        return job

    def cost(self, settings: Settings) -> SearchCost:
        """What a network costs."""
        known = costing.of(self.compose(settings, 0))
        return SearchCost(**{name: known[name] for name in SearchCost.model_fields})

    def train(self, networks: Sequence[tuple[str, Settings]], seeds: Sequence[int]) -> list[Trained]:
        """Train networks, each with its words, with every seed, unless the store has them or a file stands for them.

        Raises:
            DeeperError: a mistake of the user's.
            TrialFailed: some did not finish; raised after the others have ended.
        """
        mirror.check(self.first.logger)
        rows = self._rows(networks, seeds)
        told = [self._told(row) for row in rows]
        tasks = [task for row, one in zip(rows, told, strict=True) if one is None for task in row]
        if any(map(_is_missing, tasks)):
            processes.context()
        if tasks:
            raise_failures(Sweep(tasks, self.slots, Display(self.title)).run())
        return [one or self._trained([task.record for task in row]) for row, one in zip(rows, told, strict=True)]

    def left(self, networks: Sequence[tuple[str, Settings]], seeds: Sequence[int]) -> int:
        """How many trials of networks neither the store nor a file has."""
        counted = [(row, sum(map(_is_missing, row))) for row in self._rows(networks, seeds)]
        return sum(count for row, count in counted if count and self._told(row) is None)

    def there(self, networks: Sequence[tuple[str, Settings]], seeds: Sequence[int]) -> list[Trained]:
        """What the store or a file has of networks of which no trial is left."""
        return [
            self._told(row) or self._trained([task.result() for task in row]) for row in self._rows(networks, seeds)
        ]

    def _rows(self, networks: Sequence[tuple[str, Settings]], seeds: Sequence[int]) -> list[list[Task]]:
        return [
            [Task(self.job(settings, seed), f"{words} seed={seed}") for seed in seeds] for words, settings in networks
        ]

    def _told(self, tasks: Sequence[Task]) -> Trained | None:
        """What a file tells of a network, where the store has not all of its trials."""
        found = self.known.get(tuple(task.job["id"] for task in tasks)) if any(map(_is_missing, tasks)) else None
        self.taken |= set(found.trials) if found else set()
        return found

    def _trained(self, records: Sequence[Mapping[str, Any] | None]) -> Trained:
        self.made_with |= {one["id"]: (Environment.model_validate(one["environment"]),) for one in records if one}
        return Trained(
            trials=tuple(record["id"] for record in records if record),
            validation_errors=_errors(records, "validation_error"),
            test_errors=_errors(records, "test_error"),
            seconds=round(sum(record["time"]["total_s"] for record in records if record), 1),
        )

    def hours(self, tasks: Sequence[tuple[Settings, int]]) -> float | None:
        """Hours that trials take, so many of each network; None where nothing tells them."""
        guesses: list[tuple[float, int]] = []
        for settings, count in tasks:
            job = self.job(settings, 0)
            guess = self._past.seconds(job["config"], costing.cost(job["config"])["macs"])
            if guess is None:
                return None
            guesses += [(guess.seconds, self.first.trainer.devices)] * count
        return makespan(guesses, self.slots) / 3600

    @property
    def digest(self) -> str:
        """Of the prepared data."""
        return self._plain["data"]

    @property
    def kind(self) -> str:
        """Of the model and the training that all trials start from, whatever is searched."""
        return identity.kind(self._plain["config"])

    @cached_property
    def _plain(self) -> dict[str, Any]:
        """The job of the command line's own network."""
        return self.job({}, 0)

    @cached_property
    def _past(self) -> Forecast:
        job = self._plain
        data = job["config"]["data"]
        start, stop = read_meta(Path(data["root"]) / data["name"])["splits"]["test"]
        machine = job["environment"]["machine"]
        timed = partial(step_times.seconds_per_image, machine=machine)
        return Forecast(Path(job["config"]["store"]), machine, stop - start, timed, by_class=False)


def plain(block: DictConfig) -> Any:
    """A block of a configuration as it is, resolved."""
    return OmegaConf.to_container(block, resolve=True) if OmegaConf.is_config(block) else block


def _is_missing(task: Task) -> bool:
    """Whether a trial is to be trained: what is damaged is trained again."""
    return task.result() is None


def _replaced(name: str, settings: Settings) -> bool:
    """Whether settings have another value of a name, or another option of the group that it is in."""
    return any(name == key or name.startswith(f"{key}.") for key in settings)


def _name(override: str) -> str:
    return override.lstrip("+~").partition("=")[0]


def _key(override: str) -> str:
    return _name(override).partition(".")[0]


def _errors(records: Sequence[Mapping[str, Any] | None], name: str) -> tuple[float, ...]:
    """The errors of trials; one that broke errs in all: its validation error is of an epoch before."""
    there = [record["metrics"] for record in records if record]
    return tuple(1.0 if None in (one[name], one["train_loss"]) else one[name] for one in there)
