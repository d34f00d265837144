"""Which network an arm trains: one of ``conf/model`` as it is, or one that its study changed."""

from typing import Any

from deeper.reporting import words
from deeper.reporting.arm_results import ArmResults
from deeper.schema.study import Study

PREFIX = "model."
NAME = "model.name"


def changed(study: Study, arm: ArmResults) -> str:
    """What the study set otherwise in an arm's network, ``depth 8``; empty where it is the network itself."""
    return words.settings({name.replace("_", " "): value for name, value in _changes(study, arm).items()})


def network_itself(study: Study, arm: ArmResults) -> str | None:
    """The configuration that an arm trains as it is; None where its study changed something in it, or names none."""
    return None if changed(study, arm) else arm.network


def _changes(study: Study, arm: ArmResults) -> dict[str, Any]:
    """Settings of the network by their names; of an average those of the networks that it averages."""
    spec = study.arms[arm.average.of if arm.average else arm.name]
    said = {name.lstrip("+~"): value for name, value in {**(spec.set or {}), **(spec.where or {})}.items()}
    return {
        name.removeprefix(PREFIX): value
        for name, value in said.items()
        if name.startswith(PREFIX) and name != NAME and value is not None
    }
