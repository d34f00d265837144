"""The tables of all studies, ``results/<study>.json``, parsed and checked before anything is computed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deeper.reporting import words
from deeper.schema.results import Environment, StudyTable, TrialRow, read_table
from deeper.schema.study import Study

SMOKE = "smoke"  # the profile that only shows that the machinery works
COMPUTES_NOTHING = ("python", "hydra-core", "wandb", "dvc")  # of the versions in an environment
IS_NO_PROCESSOR = ("cores", "memory_gib", "os", "gpus", "cpu")  # of a machine's facts


@dataclass(frozen=True)
class StudyResults:
    """A study's table and the file that it is from, for the errors and the pictures beside it."""

    path: Path
    table: StudyTable

    @property
    def study(self) -> Study:
        return self.table.study

    @property
    def name(self) -> str:
        return self.table.study.name

    @property
    def page(self) -> str:
        """The kind of its page: ``study``, ``zoo`` (accuracy against cost), ``transfer`` or ``calibration``."""
        return self.table.study.page

    @property
    def rows(self) -> Sequence[TrialRow]:
        return self.table.trials

    @property
    def measures(self) -> bool:
        """Whether it says anything of the networks: a smoke run does not, and has no verdicts."""
        return self.table.profile != SMOKE

    def label(self, arm: str) -> str:
        return self.table.study.label(arm)

    def is_averaged(self, arm: str | None) -> bool:
        """Whether an arm's rows are groups of another arm's networks, averaged."""
        return arm is not None and self.table.study.arms[arm].average is not None

    def processors(self, *arms: str) -> list[str]:
        """What the trials of these arms (of all, where none is named) ran on: their times compare where it is one."""
        return list(dict.fromkeys(environment.processor for environment in self.environments(*arms)))

    def environments(self, *arms: str) -> list[Environment]:
        """Those of the trials of these arms, of all where none is named, in the order of the rows."""
        numbers = dict.fromkeys(row.environment for row in self.rows if not arms or row.arm in arms)
        return [self.table.environments[number] for number in numbers]

    @cached_property
    def varying(self) -> set[str]:
        """Dotted names of the settings in which trials differ."""
        return set().union(*(row.settings for row in self.rows))


def load(folder: Path) -> list[StudyResults]:
    """Every ``*.json`` of ``folder`` by name; a folder that is not there holds none.

    Raises:
        DeeperError: a file is not JSON, of another schema, lacks something, or contradicts itself.
    """
    return [StudyResults(path, read_table(path)) for path in sorted(folder.glob("*.json"))]


def measured_with(environment: Environment) -> dict[str, str]:
    """What can change a result: versions of libraries that compute, and the processor with what is known of it."""
    facts = {name: str(version) for name, version in environment.versions.items() if name not in COMPUTES_NOTHING}
    facts["processor"] = environment.processor
    known = {**environment.machine, **(environment.model_extra or {})}
    return facts | {name: _said(value) for name, value in known.items() if name not in IS_NO_PROCESSOR and value}


def measured_differently(environments: Sequence[Environment]) -> dict[str, list[str]]:
    """The facts of ``measured_with`` that are not the same in all environments, with every value there is."""
    facts = [measured_with(environment) for environment in environments]
    names = dict.fromkeys(name for one in facts for name in one)
    values = {name: list(dict.fromkeys(one.get(name, "not recorded") for one in facts)) for name in names}
    return {name: differing for name, differing in values.items() if len(differing) > 1}


def _said(value: Any) -> str:
    return words.settings(value) if isinstance(value, Mapping) else words.setting(value)
