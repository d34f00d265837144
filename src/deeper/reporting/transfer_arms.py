"""The arms of a study of transfer learning, by the target set and the pretrained network that they are of."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.claims import statistics
from deeper.claims.statistics import Difference, Mean
from deeper.errors import DeeperError
from deeper.reporting.records import Results
from deeper.reporting.summary import Arm

LAST = "pre_logits"
MODES = {"frozen": "frozen", "finetune": "fine-tuned", "scratch": "from scratch"}
METRICS = {
    "accuracy": "accuracy",
    "mean_per_class": "mean per-class accuracy",
    "map_voc2007": "11-point mean average precision",
}
KEYS = ("target", "mode", "per_class", "layer", "backbone")


@dataclass(frozen=True)
class TransferArm:
    """An arm, and what its trials have in common.

    Attributes:
        per_class: training pictures a class at most; None is all.
        layer: a frozen network's layer whose features are used.
        classes: of the target set.
    """

    arm: Arm
    target: Mapping[str, Any]
    mode: str
    per_class: int | None
    layer: str
    backbone: str
    classes: int

    @property
    def score(self) -> Mean | None:
        """The target set's own metric on the test pictures, a fraction, over seeds."""
        return _mean([1 - error for error in self.arm.values["test_error"]])

    @property
    def pictures(self) -> float:
        """Training pictures a class, mean over classes and seeds; NaN where that was not recorded."""
        found = self.numbers("metrics", "pictures")
        return statistics.mean(found).mean / self.classes if found else math.nan

    def numbers(self, block: str, key: str) -> list[float]:
        """A number of each trial's ``metrics`` or ``time``, those that have it."""
        values = [trial[block].get(key) for trial in self.arm.trials]
        return [float(value) for value in values if value is not None and math.isfinite(value)]

    def mean(self, block: str, key: str) -> Mean | None:
        """Mean over seeds of such a number."""
        return _mean(self.numbers(block, key))


@dataclass(frozen=True)
class Task:
    """A target set under a pretrained network, and the arms that are of it, in the study's order."""

    target: Mapping[str, Any]
    backbone: str
    classes: Sequence[str]
    arms: Sequence[TransferArm]

    @property
    def name(self) -> str:
        return self.target["name"]

    @property
    def title(self) -> str:
        return self.target["title"]

    @property
    def metric(self) -> str:
        return METRICS.get(self.target["metric"], self.target["metric"])

    @property
    def full(self) -> int | None:
        """Training pictures a class at most in the arms that are compared: what most modes have, the most of those."""
        sizes = dict.fromkeys(arm.per_class for arm in self.arms if arm.layer == LAST)
        modes = {size: len({a.mode for a in self.arms if a.layer == LAST and a.per_class == size}) for size in sizes}
        return max(sizes, key=lambda size: (modes[size], math.inf if size is None else size), default=None)

    def main(self, mode: str) -> TransferArm | None:
        """The arm of a mode with the most training pictures, on the last layer's features; the study's first one."""
        full = self.full
        return next((a for a in self.arms if (a.mode, a.layer, a.per_class) == (mode, LAST, full)), None)

    def by_pictures(self, mode: str) -> list[TransferArm]:
        """A mode's arms with a score, one for each number of training pictures, the fewest first."""
        found: dict[int | None, TransferArm] = {}
        for arm in self.arms:
            if (arm.mode, arm.layer) == (mode, LAST) and arm.score and arm.pictures > 0:
                found.setdefault(arm.per_class, arm)
        return sorted(found.values(), key=lambda arm: arm.pictures)

    def by_layer(self) -> list[TransferArm]:
        """Frozen arms with a score, one for each layer, from input to output."""
        full, found = self.full, {}
        for arm in self.arms:
            if (arm.mode, arm.per_class) == ("frozen", full) and arm.score:
                found.setdefault(arm.layer, arm)
        return sorted(found.values(), key=lambda arm: _depth(arm.layer))

    def gain(self, of: str, over: str) -> Difference | None:
        """What a mode scores more than another, paired by seed; None where no seed has both."""
        arms = [self.main(mode) for mode in (of, over)]
        if None in arms:
            return None
        first, second = ({t["seed"]: t["metrics"]["test_error"] for t in arm.arm.trials} for arm in arms)
        both = [seed for seed in first if first[seed] is not None and second.get(seed) is not None]
        if not both:
            return None
        return statistics.difference([1 - first[seed] for seed in both], [1 - second[seed] for seed in both])


def tasks(results: Results, arms: Sequence[Arm]) -> list[Task]:
    """Target sets and pretrained networks in the order of the study's arms.

    Raises:
        DeeperError: the results are not of a study of transfer learning.
    """
    targets = results.content.get("targets")
    found: dict[tuple[str, str], list[TransferArm]] = {}
    for arm in arms:
        block = arm.trials[0].get("transfer") or {}
        if not set(KEYS) <= set(block) or block["target"]["name"] not in (targets or {}):
            raise DeeperError(
                f"{results.path}: arm {arm.name!r} is none of transfer learning, which page: transfer is for; "
                "run it with python -m deeper.transfer"
            )
        name = block["target"]["name"]
        one = TransferArm(arm, **{key: block[key] for key in KEYS}, classes=len(targets[name]["classes"]))
        found.setdefault((name, one.backbone), []).append(one)
    return [Task(own[0].target, key[1], targets[key[0]]["classes"], own) for key, own in found.items()]


def layer_name(layer: str) -> str:
    """``stage 3`` for ``network.blocks.2``, ``last`` for what the classifier sees; any other by its own name."""
    if layer == LAST:
        return "last"
    found = re.fullmatch(r"(?:.*\.)?(?:blocks|stages|layers)\.(\d+)", layer)
    return f"stage {int(found[1]) + 1}" if found else layer.removeprefix("network.")


def _depth(layer: str) -> tuple[bool, list[tuple[int, str]]]:
    """Numbers in a layer's name count as numbers; the classifier's own input is the last."""
    parts = re.findall(r"\d+|\D+", layer)
    return layer == LAST, [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _mean(values: Sequence[float]) -> Mean | None:
    return statistics.mean(values) if values else None
