"""What the networks of a study are: the configuration of each arm, and what the head of its file says."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deeper.paths import CONF
from deeper.reporting.summary import Arm

FAMILY = re.compile(r"^ *- (base/\S+)@_here_", re.MULTILINE)
WHERE = re.compile(r"; (?:see|the switches are told in) deeper\.models\.\w+")


@dataclass(frozen=True)
class Network:
    """An arm's label, its configuration in ``conf/model``, settings changed from it, and what it is in words."""

    label: str
    name: str
    settings: Sequence[str]
    words: str


def of(study: Mapping[str, Any], arms: Sequence[Arm]) -> list[Network]:
    """The networks of the arms that name one by ``set``, in the study's order."""
    found = []
    for arm in arms:
        chosen = (study["arms"][arm.name] or {}).get("set") or {}
        if "model" in chosen:
            own = [f"{key}={value}" for key, value in chosen.items() if key.startswith("model.")]
            found.append(Network(arm.label, str(chosen["model"]), own, about(str(chosen["model"]))))
    return found


def about(name: str, folder: Path = CONF / "model") -> str:
    """The comment at the head of a network's file, or of its family's where it has none; empty where none is known."""
    try:
        content = (folder / f"{name}.yaml").read_text(encoding="utf-8")
    except OSError:
        return ""
    family = FAMILY.search(content)
    return _head(content) or (about(family[1], folder) if family else "")


def _head(content: str) -> str:
    lines = []
    for line in content.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.lstrip("# "))
    return WHERE.sub("", " ".join(lines))
