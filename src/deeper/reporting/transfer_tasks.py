"""The arms of a study of transfer learning, by the target set and the pretrained network that they are of."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

from deeper.claims import statistics
from deeper.claims.statistics import Mean
from deeper.errors import DeeperError
from deeper.reporting.arm_results import ArmResults
from deeper.reporting.load import StudyResults
from deeper.schema.results import TargetOfRow

LAST = "pre_logits"
MODES = {"frozen": "frozen", "finetune": "fine-tuned", "scratch": "from scratch"}
SEVERAL_LABELS = "map_voc2007"
NETWORKS = {
    "efficientnet_lite0": "EfficientNet-Lite0",
    "efficientnet_lite1": "EfficientNet-Lite1",
    "efficientnet_lite2": "EfficientNet-Lite2",
    "trial": "a trial of this suite",
    "hog": "histograms of gradients",
}
METRICS = {
    "accuracy": "accuracy",
    "mean_per_class": "mean per-class accuracy",
    SEVERAL_LABELS: "11-point mean average precision",
}


@dataclass(frozen=True)
class TransferArm:
    """An arm, and what its trials have in common.

    Attributes:
        per_class: training pictures a class at most; None is all.
        layer: a frozen network's layer whose features are used.
        classes: of the target set.
    """

    arm: ArmResults
    mode: str
    per_class: int | None
    layer: str
    classes: int

    @property
    def score(self) -> Mean | None:
        """The target set's own metric on the test pictures, a fraction, over seeds."""
        return _mean([1 - error for error in self.arm.values["test_error"]])

    @property
    def all_pictures(self) -> list[int]:
        """Training pictures of each seed that recorded them."""
        return [row.metrics.pictures for row in self.arm.rows if row.metrics.pictures is not None]

    @property
    def pictures(self) -> float:
        """Training pictures a class, mean over classes and seeds; NaN where that was not recorded."""
        return statistics.mean(self.all_pictures).mean / self.classes if self.all_pictures else math.nan

    def seconds(self, key: str) -> Mean | None:
        """Mean over seeds of a time of each trial."""
        return _mean([value for row in self.arm.rows if (value := getattr(row.time, key)) is not None])


@dataclass(frozen=True)
class TransferTask:
    """A target set under a pretrained network, and the arms that are of it, in the study's order."""

    target: TargetOfRow
    backbone: str
    classes: Sequence[str]
    arms: Sequence[TransferArm]

    @property
    def name(self) -> str:
        return self.target.name

    @property
    def title(self) -> str:
        return self.target.title

    @property
    def network(self) -> str:
        """What the features come from."""
        return NETWORKS.get(self.backbone, self.backbone)

    @property
    def metric(self) -> str:
        return METRICS.get(self.target.metric, self.target.metric)

    @property
    def full(self) -> int | None:
        """Training pictures a class at most in the arms that are compared: what most modes have, the most of those."""
        last = [arm for arm in self.arms if arm.layer == LAST]
        sizes = dict.fromkeys(arm.per_class for arm in last)
        modes = {size: len({arm.mode for arm in last if arm.per_class == size}) for size in sizes}
        return max(sizes, key=lambda size: (modes[size], math.inf if size is None else size), default=None)

    def main(self, mode: str) -> TransferArm | None:
        """The arm of a mode with the most training pictures, on the last layer's features; the study's first one."""
        full = self.full
        return next((a for a in self.arms if (a.mode, a.layer, a.per_class) == (mode, LAST, full)), None)

    def by_pictures(self, mode: str) -> list[TransferArm]:
        """A mode's arms with a score, one for each number of training pictures, the fewest first."""
        first: dict[int | None, TransferArm] = {}
        for arm in self.arms:
            if (arm.mode, arm.layer) == (mode, LAST) and arm.score and arm.pictures > 0:
                first.setdefault(arm.per_class, arm)
        return sorted(first.values(), key=lambda arm: arm.pictures)

    def by_layer(self) -> list[TransferArm]:
        """Frozen arms with a score, one for each layer, from input to output."""
        full, first = self.full, {}
        for arm in self.arms:
            if (arm.mode, arm.per_class) == ("frozen", full) and arm.score:
                first.setdefault(arm.layer, arm)
        return sorted(first.values(), key=lambda arm: _depth(arm.layer))

    def gain(self, of: str, over: str) -> Mean | None:
        """What a mode scores more than another, paired by seed; None where no seed has both."""
        arms = [self.main(mode) for mode in (of, over)]
        if None in arms:
            return None
        first, second = ({row.seed: row.metrics.test_error for row in arm.arm.rows} for arm in arms)
        both = [seed for seed in first if first[seed] is not None and second.get(seed) is not None]
        if not both:
            return None
        return statistics.difference([1 - first[seed] for seed in both], [1 - second[seed] for seed in both])


def transfer_tasks(results: StudyResults, arms: Sequence[ArmResults]) -> list[TransferTask]:
    """Target sets and pretrained networks in the order of the study's arms.

    Raises:
        DeeperError: the results are not of a study of transfer learning.
    """
    targets = results.table.targets
    by_task: dict[tuple[str, str], list[TransferArm]] = {}
    for arm in arms:
        block = arm.rows[0].transfer
        if block is None or block.target.name not in targets:
            raise DeeperError(
                f"{results.path}: arm {arm.name!r} is none of transfer learning, which page: transfer is for; "
                "run it with python -m deeper.transfer"
            )
        classes = len(targets[block.target.name].classes)
        one = TransferArm(arm, block.mode, block.per_class, block.layer, classes)
        by_task.setdefault((block.target.name, block.backbone), []).append(one)
    return [
        TransferTask(members[0].arm.rows[0].transfer.target, backbone, targets[name].classes, members)
        for (name, backbone), members in by_task.items()
    ]


def layer_name(layer: str) -> str:
    """``stage 3`` for ``network.blocks.2``, ``last`` for what the classifier sees; any other by its own name."""
    if layer == LAST:
        return "last"
    stage = re.fullmatch(r"(?:.*\.)?(?:blocks|stages|layers)\.(\d+)", layer)
    return f"stage {int(stage[1]) + 1}" if stage else layer.removeprefix("network.")


def _depth(layer: str) -> tuple[bool, list[tuple[int, str]]]:
    """Numbers in a layer's name count as numbers; the classifier's own input is the last."""
    parts = re.findall(r"\d+|\D+", layer)
    return layer == LAST, [(int(part), "") if part.isdigit() else (-1, part) for part in parts]


def _mean(values: Sequence[float]) -> Mean | None:
    return statistics.mean(values, limits=statistics.PERCENTAGE) if values else None
