"""The tables of all studies, ``results/<study>.json``, parsed and checked before anything is computed."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from deeper.schema.baselines import FILE as BASELINES
from deeper.schema.results import TOY, Environment, StudyTable, TrialRow, read_table
from deeper.schema.search import PREFIX
from deeper.schema.study import Study

DRAWN_BY = "data.subset_seed"


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
        return self.table.profile != TOY

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
        """Dotted names of the settings in which trials differ.

        A row does not say by what its pictures are drawn where that is its seed, so one seed of all is left out once.
        """
        drawn_by = {row.settings.get(DRAWN_BY, row.seed) for row in self.rows}
        return set().union(*(row.settings for row in self.rows)) - ({DRAWN_BY} if len(drawn_by) == 1 else set())


def load(folder: Path) -> list[StudyResults]:
    """Every study's table in ``folder``, by name; a folder that is not there holds none.

    Raises:
        DeeperError: a file is not JSON, of another schema, lacks something, or contradicts itself.
    """
    return [read(path) for path in _tables(folder)]


def is_there(folder: Path) -> bool:
    """Whether ``folder`` holds any table."""
    return bool(_tables(folder))


def _tables(folder: Path) -> list[Path]:
    """The ``*.json`` of a folder but for the baselines and the searches."""
    return [
        path for path in sorted(folder.glob("*.json")) if path.name != BASELINES and not path.stem.startswith(PREFIX)
    ]


def read(path: Path) -> StudyResults:
    """One study's results. Raises ``DeeperError`` that names the file and the key."""
    return StudyResults(path, read_table(path))
