"""The learning rate of every arm of a study, found by rule: ``--multirun study=… tune=true``.

Rates are 0.1 times a power of two. Three are tried first, and then, as long as the lowest or the highest of those tried
errs as little as the best, the next one beyond it: so the best has a worse one on either side. Where all err alike
(nothing has learned), rates down to a sixteenth and up to sixteen times are tried; if that changes nothing, the middle
one is taken.
*Best* is the lowest error on validation pictures, with a seed that no verdict uses and half of the study's epochs. The
test set decides nothing here.

A transfer that trains no network has no rate to search. Another one's validation pictures are those that its seed holds
out.

What was tried is written to ``rates/<study>.yaml`` beside the folder ``study``, which the study's file reads: commit
it. An arm that another study has too, under whatever name, is not searched again.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from omegaconf import DictConfig

from deeper.data.prepared import read_meta
from deeper.errors import DeeperError
from deeper.files import writable, write_bytes
from deeper.run.jobs import make_job
from deeper.run.store import Home
from deeper.schema.study import RateSearch, Study, is_flat
from deeper.study.arms import settings
from deeper.study.checked_jobs import check_budgets
from deeper.study.composing import Composer, overrides_of_arm
from deeper.study.rates import alike, read_rates

FIRST = (0.05, 0.1, 0.2)
LEAST, MOST = 0.1 / 2**9, 0.1 * 2**7
FLAT_LEAST, FLAT_MOST = 0.1 / 2**4, 0.1 * 2**4  # as far as is tried where all err alike
SEED = 100
HEAD = """# Learning rates of study {study}, written by
#   python -m deeper.{command} tune=true
# tried: error on {validation} validation pictures after {epochs} epochs, seed {seed}; null: not finite
"""

Errors = Mapping[float, float | None]


def next_rates(tried: Errors) -> list[float]:
    """The rates to try next; none where the best of those tried has a worse one on either side.

    Raises:
        DeeperError: the best is at the end of all that is tried, or every training broke.
    """
    if not tried:
        return list(FIRST)
    best = best_rate(tried)
    low, high = min(tried), max(tried)
    if is_flat(tried.values()):
        following = [rate for rate in (low / 2, high * 2) if FLAT_LEAST <= rate <= FLAT_MOST]
        if not following and tried[best] is None:
            raise DeeperError(f"training breaks at every learning rate from {low:g} to {high:g}")
        return following
    ends = {low: low / 2, high: high * 2}
    following = [beyond for end, beyond in ends.items() if tried[end] == tried[best]]
    for rate in following:
        if not LEAST <= rate <= MOST:
            raise DeeperError(f"the error still falls at a learning rate of {best:g}; does the network learn at all?")
    return following


def best_rate(tried: Errors) -> float:
    """The rate of the lowest error; of equal ones the middle rate. An error that is None counts as infinite."""
    errors = {rate: math.inf if tried[rate] is None else tried[rate] for rate in sorted(tried)}
    lowest = [rate for rate, error in errors.items() if error == min(errors.values())]
    return lowest[(len(lowest) - 1) // 2]


@dataclass
class ArmSearch:
    """The search for one arm: its overrides, what it is, and the errors by rate."""

    name: str
    overrides: list[str]
    kind: str
    epochs: int
    train: int
    validation: int
    tried: dict[float, float | None]

    def same(self, other: RateSearch) -> bool:
        """Whether another study's search was of the same trials."""
        return all(getattr(self, fact) == getattr(other, fact) for fact in ("kind", "epochs", "train", "validation"))


class Tuning:
    """Rounds of trials until every arm has its rate.

    Args:
        study: with arms that have ``set``.
        config: of the sweep.
        line: overrides of the command line.
        composer: of jobs.
        folder: of configurations, in which the study's file is.

    Raises:
        DeeperError: the study has no arms that can be searched, one is off its budget, or its rates cannot be written.
    """

    def __init__(self, study: Study, config: DictConfig, line: Sequence[str], composer: Composer, folder: Path):
        if not config.dry_run:
            writable(folder / "rates", "the folder of rates", "--config-dir")
        self.study, self.profile = study, config.profile
        verb, named = config.hydra.job.config_name, f"--multirun study={config.hydra.runtime.choices.study}"
        self.command = f"{verb} {named}" + ("" if verb == "transfer" else f" profile={config.profile}")
        self.path = folder / "rates" / f"{study.name}.yaml"
        arms = settings(study, config.profile)
        if not arms:
            raise DeeperError(f"study {study.name} has no arms with settings (`set`) whose rates could be searched")
        composed = {name: self._composed(name, chosen, line, composer) for name, chosen in arms.items()}
        check_budgets(study, [config for _, config in composed.values()])
        found = (self._arm(name, *own) for name, own in composed.items())
        self.arms = [arm for arm in found if arm is not None]
        if not self.arms:
            raise DeeperError(f"study {study.name} trains no network whose learning rate could be searched")
        known = [search for path in sorted(self.path.parent.glob("*.yaml")) for search in read_rates(path).values()]
        for arm in self.arms:
            arm.tried = {float(r): e for search in known if arm.same(search) for r, e in search.tried.items()}
        self.asked: list[tuple[ArmSearch, float]] = []

    def _composed(
        self, name: str, chosen: Mapping[str, Any], line: Sequence[str], composer: Composer
    ) -> tuple[list[str], DictConfig]:
        own = {key: value for key, value in chosen.items() if key not in ("seed", "recipe.lr")}
        overrides = [*overrides_of_arm(name, own), *line, f"seed={SEED}"]
        return overrides, composer.compose(overrides)[1]

    def _arm(self, name: str, overrides: list[str], composed: DictConfig) -> ArmSearch | None:
        config = make_job(composed)["config"]
        if "transfer" in config and config["transfer"]["mode"]["name"] == "frozen":
            return None
        epochs = max(1, config["training"]["epochs"] // 2)
        overrides = [*overrides, *_length(epochs)]
        train, validation = _pictures(config)
        if "transfer" not in config:
            overrides.append(f"data.validation_size={validation}")
        return ArmSearch(name, overrides, alike(config), epochs, train, validation, {})

    def jobs(self) -> list[list[str]]:
        """Overrides of the next round's jobs; none where all is found."""
        self.asked = [(arm, rate) for arm in self.arms for rate in next_rates(arm.tried)]
        return [[*arm.overrides, f"recipe.lr={rate}"] for arm, rate in self.asked]

    def take(self, configs: Sequence[DictConfig], trials: Sequence[str]) -> None:
        """Read the errors of the round, and write what is known."""
        for (arm, rate), cfg, trial in zip(self.asked, configs, trials, strict=True):
            arm.tried[rate] = Home(cfg.store, trial).record()["metrics"]["validation_error"]
        self.write()

    def write(self) -> None:
        """Write ``conf/rates/<study>.yaml``."""
        said = [arm for arm in self.arms if any(error is not None for error in arm.tried.values())]
        rates = {arm.name: self._found(arm).model_dump(mode="json") for arm in said}
        size = {"validation": self.arms[0].validation, "epochs": self.arms[0].epochs}
        head = HEAD.format(study=self.study.name, command=self.command, seed=SEED, **size)
        self.path.parent.mkdir(exist_ok=True)
        write_bytes(self.path, (head + yaml.safe_dump(rates, sort_keys=False, width=200)).encode())

    def _found(self, arm: ArmSearch) -> RateSearch:
        tried = {f"{rate:.12g}": arm.tried[rate] for rate in sorted(arm.tried)}
        size = {"epochs": arm.epochs, "train": arm.train, "validation": arm.validation}
        return RateSearch(
            rate=best_rate(arm.tried), tried=tried, seeds=(SEED,), profile=self.profile, kind=arm.kind, **size
        )


def _pictures(config: Mapping[str, Any]) -> tuple[int, int]:
    """How many pictures a search's trials train on, and on how many the best is chosen."""
    if "transfer" in config:
        from deeper.fit.fit import load

        parts = load(dict(config)).parts
        return len(parts.train), len(parts.validation)
    start, stop = read_meta(Path(config["data"]["root"]) / config["data"]["name"])["splits"]["validation"]
    return config["data"]["train_size"], stop - start


def _length(epochs: int) -> tuple[str, ...]:
    return f"training.epochs={epochs}", f"training.validate_every={epochs}"
