"""Loading ``results/<study>.json`` (docs/formats.md), refusing what is damaged before anything is computed."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from deeper.schema.results import StudyTable, as_json, read_table


@dataclass(frozen=True)
class Results:
    """One study's results; ``content`` is what the file says."""

    path: Path
    content: Mapping[str, Any]

    @cached_property
    def table(self) -> StudyTable:
        return StudyTable.model_validate(self.content)

    @property
    def study(self) -> Mapping[str, Any]:
        return self.content["study"]

    @property
    def name(self) -> str:
        return self.study["name"]

    @property
    def page(self) -> str:
        """The kind of its page: ``study``, ``zoo`` (accuracy against cost), ``transfer`` or ``calibration``."""
        return self.study.get("page", "study")

    @property
    def arms(self) -> Mapping[str, Mapping[str, Any]]:
        """Arms that have trials, in the study's order."""
        present = {trial["arm"] for trial in self.content["trials"]}
        return {name: arm for name, arm in self.study["arms"].items() if name in present}

    def label(self, arm: str) -> str:
        return (self.study["arms"][arm] or {}).get("label", arm)

    def averaged(self, arm: str) -> bool:
        """Whether an arm's rows are groups of another arm's networks, averaged."""
        return "average" in (self.study["arms"][arm] or {})

    def trials(self, arm: str) -> list[Mapping[str, Any]]:
        """An arm's trials by seed."""
        return sorted((t for t in self.content["trials"] if t["arm"] == arm), key=lambda t: t["seed"])

    def processors(self, *arms: str) -> list[str]:
        """What the trials of these arms (of all, where none is named) ran on: their times compare where it is one."""
        places = self.content["environments"]
        trials = (trial for trial in self.content["trials"] if not arms or trial["arm"] in arms)
        machines = [places[trial["environment"]]["machine"] for trial in trials]
        return list(dict.fromkeys(", ".join(one.get("gpus") or [one.get("cpu") or "unknown"]) for one in machines))


def load(folder: Path) -> list[Results]:
    """Every ``*.json`` of ``folder`` by name; a folder that is not there holds none.

    Raises:
        DeeperError: a file is not JSON, of another schema, lacks something, or contradicts itself.
    """
    return [read(path) for path in sorted(folder.glob("*.json"))]


def read(path: Path) -> Results:
    """One results file. Raises ``DeeperError`` that names the file and what is wrong with it."""
    return Results(path, as_json(read_table(path)))
