"""The golden cases: what is computed, and which results version stands for it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from . import networks, run
from .pictures import classes, numbers

Found = tuple[dict[str, Any], dict[str, Any]]


@dataclass(frozen=True)
class Case:
    """One computation whose numbers are stored.

    Attributes:
        key: the results version to raise when the numbers change and were meant to.
        label: what is computed, one of its key's.
        compute: gives the settings of conf/ that the case takes as they are, and the numbers.
        rests_on: names of cases whose change changes this one too: where one of them fails, it is the one to look at.
    """

    key: str
    label: str
    compute: Callable[[], Found]
    rests_on: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return f"{self.key}/{self.label}"


LENET, RESNET = "models.lenet/lenet5", "models.residual/resnet20"
TRAINED = ("fit/lenet5",)
PARTS = "transfer/parts"
OPEN = ("batch", "average", "parameters", "callbacks", "loss")
RESNET8 = ("model=resnet20", "model.depth=8", "model.width=4")


def network_cases() -> list[Case]:
    """Every network: one step."""
    cases = []
    for family, rows in networks.FAMILIES.items():
        for label, row in rows.items():
            cases.append(Case(f"models.{family}", label, lambda label=label, row=row: _network(label, *row)))
    lite = [f"efficientnet_lite{number}" for number in range(3)]
    cases += [Case("models.pretrained", name, lambda name=name: _stepped(run.backbone(name), 64)) for name in lite]
    return cases


def _network(label: str, name: str, side: int, settings: dict[str, Any]) -> Found:
    config = run.model(name, **settings)
    if label in networks.FORWARD_ALONE:
        return run.settings_of(config), run.one_step(config, side, networks.FORWARD_ALONE[label], learns=False)
    return _stepped(config, side)


def _stepped(config: dict[str, Any], side: int) -> Found:
    return run.settings_of(config), run.one_step(config, side)


def fitted(*overrides: str, groups: tuple[str, ...] = (), resumed: bool = False, drop: tuple[str, ...] = ()) -> Found:
    """Ten steps through the suite's ``fit``; of ``groups`` of the configuration the settings are kept as well."""
    config = run.training(overrides or ("model=lenet5",))
    values = run.fit(config, run.data(), resumed)
    kept = {group: run.settings_of(config[group]) for group in groups}
    return kept, {name: value for name, value in values.items() if name not in drop}


def fit_cases() -> list[Case]:
    """Trainer, step, batches, evaluation, checkpoint."""
    trainings = {
        "lenet5": ((), (LENET,)),
        "resnet8": (RESNET8, (RESNET,)),
        "another seed": (("model=lenet5", "seed=4"), (LENET,)),
        "dropout": ((*RESNET8, "model.dropout=0.3"), ("models.residual/resnet20, dropout",)),
        "dropped blocks": (("model=stochastic_depth20", "model.width=4"), ("models.residual/stochastic_depth20",)),
        "drop-path that grows with the steps": (
            *(("model=nasnet_a_small", "model.filters=4", "model.drop_path=0.5", "training.epochs=1"),),
            ("models.nasnet/nasnet_a_small",),
        ),
        "auxiliary heads": (
            *(("model=googlenet_small", "model.width=2", "training.epochs=1", "optimizer.lr=0.01"),),
            ("models.inception/googlenet_small",),
        ),
        "label smoothing": (("model=lenet5", "training.label_smoothing=0.1"), (LENET,)),
        "label smoothing of auxiliary heads": (
            *(("model=googlenet_small", "model.width=2", "training.epochs=1", "optimizer.lr=0.01"),),
            ("models.inception/googlenet_small",),
        ),
        "large evaluation batches": (("model=lenet5", "training.evaluation_batch_size=500"), (LENET,)),
        "gradient norms of every step": ((*RESNET8, "training.gradient_every=1"), (RESNET,)),
        "weights by name": ((*RESNET8, "training.initial_weights=named"), (RESNET,)),
        "evaluation every other epoch": (("model=lenet5", "training.validate_every=2"), (LENET,)),
    }
    smoothed = trainings["label smoothing of auxiliary heads"]
    trainings["label smoothing of auxiliary heads"] = ((*smoothed[0], "training.label_smoothing=0.1"), smoothed[1])
    wild = ("model=lenet5", "optimizer.lr=1e200")
    return [
        *(Case("fit", label, lambda row=row: fitted(*row[0]), row[1]) for label, row in trainings.items()),
        Case("fit", "resumed", lambda: fitted(*RESNET8, resumed=True), (RESNET, "fit/resnet8")),
        Case("fit", "diverged", lambda: fitted(*wild, drop=("losses", "weights", "guesses", "gradients")), (LENET,)),
        Case("fit", "batches", lambda: ({}, run.batches(run.training(()), run.data()))),
        Case("fit", "subset by seed, another size", lambda: ({}, run.loaded(14, 60, 20))),
    ]


def open_cases() -> list[Case]:
    """What is off unless it is asked for; what is timm's stands under ``fit``, which uses it."""
    rows: dict[str, dict[str, tuple[str, ...]]] = {
        "fit": {
            "mixup": ("batch=mixup",),
            "cutmix": ("batch=cutmix",),
            "mixup_cutmix": ("batch=mixup_cutmix",),
            "ema": ("average=ema",),
            "decay_weights": ("parameters=decay_weights",),
            "clipped": ("training.clip_norm=0.5",),
            "accumulated": ("training.accumulate=2", "training.batch_size=4"),
        },
        "batch.erasing": {"erasing": ("batch=erasing", "batch.probability=0.8")},
        "batch.in_turn": {"erased_and_mixed": ("batch=erased_and_mixed",)},
        "average.snapshots": {
            "swa": ("average=swa", "average.start=0.3", "average.every=0.4"),
            "swa, batch normalisation": (*RESNET8, "average=swa", "average.start=0.3", "average.every=0.4"),
        },
        "parameters.by_layer": {"by_layer": ("parameters=by_layer",)},
        "parameters.spare_depthwise": {"spare_depthwise": ("parameters=spare_depthwise",)},
        "parameters.spare_normalisation": {"spare_normalisation": (*RESNET8, "parameters=spare_normalisation")},
        "callbacks.adaptive_clipping": {"adaptive_clipping": ("callbacks=adaptive_clipping",)},
        "loss.binary": {
            "binary": ("loss=binary",),
            "binary, smoothed": ("loss=binary", "training.label_smoothing=0.1"),
            "binary, mixed": ("loss=binary", "batch=mixup", "training.label_smoothing=0.1"),
            "binary, mixed and cut at a threshold": ("loss=binary", "batch=mixup", "loss.threshold=0.2"),
        },
    }
    return [
        Case(key, label, lambda own=own: _opened(own), (LENET, "fit/lenet5"))
        for key, cases in rows.items()
        for label, own in cases.items()
    ]


def _opened(own: tuple[str, ...]) -> Found:
    groups = tuple(one.partition("=")[0] for one in own if one.partition("=")[0] in OPEN)
    return fitted(*(own if own[0] == RESNET8[0] else ("model=lenet5", *own)), groups=groups)


def augment_cases() -> list[Case]:
    """What is done to pictures, alone and in a training."""
    keys = {
        "crop_mirror": "augment.crop",
        "none": "augment.crop",
        "edges": "augment.edges",
        "rand_augment": "augment.rand_augment",
    }
    cases = []
    for name, key in keys.items():
        cases.append(Case(key, f"{name}, pictures", lambda name=name: _augmented(name), ("fit/batches",)))
        train = lambda name=name: fitted("model=lenet5", f"augment={name}", groups=("augment",))  # noqa: E731
        cases.append(Case(key, name, train, TRAINED))
    return [*cases, *(Case("augment.pictures", label, lambda of=of: _cut(*of)) for label, of in CUTS.items())]


CUTS = {
    "resized_crop": ("augment=resized_crop",),
    **{
        name: (f"+recipe={name}",)
        for name in ("alexnet", "zfnet", "resnet_imagenet", "vgg", "googlenet", "efficientnet")
    },
}


def _cut(*overrides: str) -> Found:
    config = run.composed("train", *overrides, "data=imagenet", "profile=full", "data.image_size=48")
    return {}, run.cut(config["augment"])


def _augmented(name: str) -> Found:
    config = run.training((f"augment={name}",))
    return {"augment": run.settings_of(config["augment"])}, run.augmented(config, run.data())


def optimizer_cases() -> list[Case]:
    """The optimizers of conf/optimizer as they stand there; their rates are the profile's."""
    choices = {
        "sgd": ("optimizer=sgd",),
        "sgd, nesterov": ("optimizer=sgd", "optimizer.nesterov=true"),
        "adamw": ("optimizer=adamw",),
        "rmsprop": ("optimizer=rmsprop",),
        "lamb": ("optimizer=lamb",),
    }
    return [Case("optimizers", label, lambda own=own: _optimized(own), TRAINED) for label, own in choices.items()]


def _optimized(own: tuple[str, ...]) -> Found:
    config = run.training(("model=lenet5", *own), pinned=[one for one in run.FIT if "optimizer" not in one])
    return {"optimizer": run.settings_of(config["optimizer"])}, run.fit(config, run.data())


def schedule_cases() -> list[Case]:
    """The schedules of conf/schedule, with and without a warm-up."""
    own = {
        "constant": (),
        "cosine": (),
        "steps": (),
        "exponential": ("schedule.every=0.5",),
        "levels": (),
    }
    cases = []
    for name, settings in own.items():
        for warmup, label in ((0.0, name), (0.6, f"{name}, warm-up")):
            more = (f"schedule={name}", *settings, f"schedule.warmup_epochs={warmup}")
            more += ("schedule.warmup_start=0.1",) if warmup else ()
            train = lambda more=more: fitted("model=lenet5", *more, groups=("schedule",))  # noqa: E731
            cases.append(Case(f"schedule.{name}", label, train, TRAINED))
    plain = lambda: fitted("model=lenet5", "schedule=exponential", groups=("schedule",))  # noqa: E731
    return [*cases, Case("schedule.exponential", "exponential as it stands in conf", plain, TRAINED)]


def probe_cases() -> list[Case]:
    """Measurements on networks as they start."""
    rows = {
        ("lesion", "resnet14"): ("resnet20", {"depth": 14, "width": 4}, {"draws": 2, "most": 4}, RESNET),
        ("lesion", "vgg"): ("vgg11_bn_small", {"width": 4}, {"draws": 2, "most": 2}, "models.vgg/vgg11_bn_small"),
        ("lesion", "densenet"): (
            *("densenet_small", networks.DENSE, {"draws": 2, "most": 2}),
            "models.densenet/densenet_small",
        ),
        ("lesion", "highway"): (
            *("highway_small", {"widths": [4, 6, 8]}, {"draws": 2, "most": 2}),
            "models.highway/highway_small",
        ),
        ("lesion", "some images"): (
            *("resnet20", {"depth": 14, "width": 4}, {"draws": 1, "most": 1, "images": 11}),
            RESNET,
        ),
        ("gradient_noise", "resnet8"): ("resnet20", networks.SMALL, {"batches": 4, "batch_size": 10}, RESNET),
        ("columns", "fractalnet"): (
            *("fractalnet_small", {"widths": [4, 6, 8]}, {}),
            "models.fractalnet/fractalnet_small",
        ),
        ("auxiliary", "googlenet"): ("googlenet_small", {"width": 4}, {}, "models.inception/googlenet_small"),
        ("activations", "resnet8"): ("resnet20", networks.SMALL, {}, RESNET),
        ("activations", "lenet5"): ("lenet5", {}, {}, LENET),
    }
    return [
        Case(f"probes.{probe}", label, lambda probe=probe, row=row: _probed(probe, *row[:3]), (row[3],))
        for (probe, label), row in rows.items()
    ]


def _probed(probe: str, name: str, changed: dict[str, Any], settings: dict[str, Any]) -> Found:
    images = run.data(sizes=(43, 101, 30))
    return {}, run.probed(probe, run.model(name, **changed, in_chans=1), images, **settings)


def analysis_cases() -> list[Case]:
    """What is computed from logits and features."""
    kinds = {
        f"{kind}{', several labels' if several else ''}": (kind, several)
        for kind in ("ridge", "logistic")
        for several in (False, True)
    }
    layers = ("pre_logits", "stages.1")
    return [
        Case("averaging", "three networks", _averaged),
        *(Case("linear", label, lambda row=row: _classified(*row)) for label, row in kinds.items()),
        *(
            Case("features", layer, lambda layer=layer: _extracted(layer), (RESNET, "fit/batches", PARTS))
            for layer in layers
        ),
    ]


def _spread(count: int, width: int, seed: int) -> np.ndarray:
    """Numbers from -4 to 4, count × width."""
    drawn = (numbers(count * width, seed) >> np.uint64(52)).astype(np.float64)
    return (drawn / 512 - 4).reshape(count, width)


def _averaged() -> Found:
    logits = [_spread(20, 10, seed) for seed in (1, 2, 3)]
    logits[1][4, 2] = np.inf
    return {}, run.averaged(logits, classes(20, 4))


def _classified(kind: str, several: bool) -> Found:
    parts = []
    for seed, count in ((20, 60), (30, 24)):
        labels = run.masks(count, 4, seed) if several else classes(count, seed) % 4
        shown = _spread(count, 6, seed + 1)
        shown[:, :4] += 3 * (np.arange(4) == classes(count, seed)[:, None] % 4)
        shown[:, 5] = 1.0
        parts.append((shown, labels))
    return {}, run.classified(kind, *parts, several, "map_voc2007" if several else "mean_per_class")


def _coloured() -> dict[str, Any]:
    return run.model("resnet20", **networks.SMALL, in_chans=3, num_classes=4)


def _extracted(layer: str) -> Found:
    return {}, run.extracted(layer, _coloured(), run.target_set())


def transfer_cases() -> list[Case]:
    """Every mode of transfer learning, layerwise rates, several labels a picture."""
    told, tuned = (PARTS, "features/pre_logits"), (PARTS, "fit/resnet8", RESNET)
    layers = ("transfer.mode.layers.body=0.5", "transfer.mode.layers.decay=0.8")
    rows: dict[str, tuple[tuple[str, ...], bool, int | None, tuple[str, ...]]] = {
        "frozen": (("transfer/mode=frozen",), False, None, (*told, "linear/logistic")),
        "frozen, ridge": (
            *(("transfer/mode=frozen", "transfer.mode.classifier=ridge"), False, None),
            (*told, "linear/ridge"),
        ),
        "frozen, a middle layer": (
            *(("transfer/mode=frozen", "transfer.layer=stages.1"), False, None),
            (PARTS, "features/stages.1", "linear/logistic"),
        ),
        "frozen, several labels": (
            *(("transfer/mode=frozen", "transfer.target.metric=map_voc2007"), True, None),
            ("transfer/parts, several labels", "linear/logistic, several labels", *told),
        ),
        "finetune": (("transfer/mode=finetune",), False, None, tuned),
        "finetune, rates by layer": (("transfer/mode=finetune", *layers), False, None, tuned),
        "finetune, few pictures": (("transfer/mode=finetune", "training.batch_size=4"), False, 3, tuned),
        "finetune, several labels": (
            *(("transfer/mode=finetune", "transfer.target.metric=map_voc2007"), True, None),
            tuned,
        ),
        "scratch": (("transfer/mode=scratch",), False, None, tuned),
    }
    return [
        *(Case("transfer", label, lambda row=row: _transferred(*row[:3]), row[3]) for label, row in rows.items()),
        Case(
            "transfer", "learning rates of layers", lambda: ({}, run.rates(_coloured(), body=0.5, decay=0.8)), (RESNET,)
        ),
        Case("transfer", "parts", lambda: ({}, run.parts(run.target_set()))),
        Case("transfer", "parts, few pictures", lambda: ({}, run.parts(run.target_set(each=2)))),
        Case("transfer", "parts, several labels", lambda: ({}, run.parts(run.target_set(several=True)))),
        Case("transfer", "metrics", _scored),
    ]


def _transferred(overrides: tuple[str, ...], several: bool, each: int | None) -> Found:
    config, values = run.transfer(overrides, _coloured(), run.target_set(several, each))
    return {"mode": run.settings_of(config["transfer"]["mode"])}, values


def _scored() -> Found:
    return {}, run.scored(_spread(40, 4, 40), classes(40, 41) % 4, run.masks(40, 4, 42))


CASES = {
    case.name: case
    for cases in (
        *(network_cases(), fit_cases(), open_cases(), augment_cases(), optimizer_cases(), schedule_cases()),
        *(probe_cases(), analysis_cases(), transfer_cases()),
    )
    for case in cases
}
