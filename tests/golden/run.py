"""The only place where the golden trainings touch the suite: whatever is moved or renamed is followed here alone.

Every function takes plain values and returns plain values (numbers, lists, dictionaries) that no name of the code
enters, so that moving or renaming code changes none of them. All is computed in double precision, with weights drawn
in double precision: drawn in single precision, they differ by 1e-8 from one kind of processor to another.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.nn.functional as F
from hydra import compose, initialize_config_dir
from hydra.utils import instantiate
from omegaconf import OmegaConf
from torch import Tensor, nn

from deeper.cost.networks import PaperNetwork
from deeper.data import batches as image_batches
from deeper.data import prepared
from deeper.data.batches import EvaluationBatches, ImageData, Split, TrainingBatches
from deeper.data.targets import multilabel
from deeper.data.targets import target_set as target
from deeper.fit import features, linear
from deeper.fit import fit as fitting
from deeper.fit import parameter_groups as layerwise
from deeper.fit.outcome import Surroundings, TrialOutcome
from deeper.fit.scores import METRICS
from deeper.models.build import build
from deeper.paths import CONF
from deeper.probes import activations, auxiliary, columns, gradient_noise, lesion
from deeper.seeds import seed_of
from deeper.study import averaging, ensembles

from .pictures import numbers, pictures, pixels

SEED = 3
THREADS = 1
MOST = 24
MEAN, STD = 0.35, 0.25
PROBES: dict[str, Callable[..., dict[str, Any]]] = {
    "activations": activations.probe,
    "auxiliary": auxiliary.probe,
    "columns": columns.probe,
    "gradient_noise": gradient_noise.probe,
    "lesion": lesion.probe,
}
WEIGHTS, STEP, SHARED = 0, 3, 4  # purposes of seeds, as the trainer has them
FIT = (  # all that a training reads and a case does not set itself: only the case of a default notices when it changes
    "data=fashion_mnist",
    "augment=none",
    "optimizer=sgd",
    "optimizer.lr=0.05",
    "optimizer.momentum=0.9",
    "optimizer.weight_decay=0.001",
    "optimizer.nesterov=false",
    "schedule=constant",
    "training.epochs=2",
    "training.batch_size=8",
    "training.evaluation_batch_size=9",
    "training.label_smoothing=0.0",
    "training.gradient_every=2",
    f"seed={SEED}",
    "trainer.accelerator=cpu",
    "trainer.precision=64-true",
    "logger=none",
)


@contextmanager
def exact() -> Iterator[None]:
    """Double precision and a fixed number of threads, and afterwards what was before."""
    before = torch.get_default_dtype(), torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    torch.set_default_dtype(torch.float64)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    try:
        yield
    finally:
        torch.set_default_dtype(before[0])
        torch.set_num_threads(before[1])
        torch.use_deterministic_algorithms(before[2])


def model(name: str, **settings: Any) -> dict[str, Any]:
    """The configuration of conf/model/<name>.yaml on its paper's input, with some settings changed."""
    return PaperNetwork(name, **settings).config


def backbone(name: str) -> dict[str, Any]:
    """The network of conf/transfer/backbone/<name>.yaml without its weights, for ten classes."""
    config = composed("transfer", f"transfer/backbone={name}", "transfer/mode=scratch", "transfer.target.classes=10")
    return config["model"]


def composed(verb: str, *overrides: str) -> dict[str, Any]:
    """A resolved configuration of ``train`` or ``transfer``."""
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        return OmegaConf.to_container(compose(verb, list(overrides)), resolve=True)


def settings_of(config: Mapping[str, Any]) -> dict[str, Any]:
    """What a configuration sets, without the names of classes and of itself."""
    return {key: value for key, value in config.items() if not key.startswith("_") and key not in ("name", "form")}


def network_of(config: Mapping[str, Any], seed: int = SEED) -> nn.Module:
    """The network as a trial's seed starts it."""
    torch.manual_seed(seed_of(seed, WEIGHTS))
    return build(config)


def one_step(config: Mapping[str, Any], side: int, count: int = 4, learns: bool = True) -> dict[str, Any]:
    """A network's logits, loss and gradient in step 5 of 10, and its losses after the update.

    The update is written out (w ← w - 0.01 · gradient), so no optimizer's setting enters.

    Args:
        config: of the network.
        side: of the images.
        count: of the images.
        learns: false: logits and loss alone, for networks of a library that are as large as they are.
    """
    step, rate = 5, 0.01
    with exact():
        network = network_of(config)
        images = torch.from_numpy((pixels(count, side, config["in_chans"], 1) - 127.5) / 64).permute(0, 3, 1, 2)
        labels = torch.arange(count) * 3 % 10
        with torch.set_grad_enabled(learns):
            outputs = drawn(network, images, step)
            loss = total(network, outputs, labels)
        found = {
            "weights": norms(list(network.parameters())),  # batch normalisation would hide another scale of theirs
            "loss": float(loss.detach()),
            "logits": [head.detach()[:2].tolist() for head in outputs],
        }
        if not learns:
            return found
        loss.backward()
        found["gradients"] = norms([weight.grad for weight in network.parameters()])
        with torch.no_grad():
            for weight in network.parameters():
                if weight.grad is not None:
                    weight -= rate * weight.grad
            found["loss after"] = float(total(network, drawn(network, images, step + 1), labels))
            found["loss in evaluation"] = float(F.cross_entropy(network.eval()(images), labels))
        return found


def drawn(network: nn.Module, images: Tensor, step: int, steps: int = 10, seed: int = SEED) -> tuple[Tensor, ...]:
    """The outputs of all heads in training mode with the draws of a step, as the trainer seeds them.

    ``tests/golden/test_golden.py`` holds this against the trainer itself.
    """
    torch.default_generator.manual_seed(seed_of(seed, step, 0, STEP))
    shared = torch.Generator().manual_seed(seed_of(seed, step, SHARED))
    for part in network.modules():
        if hasattr(part, "draw"):
            part.draw(shared)
        if hasattr(part, "pace"):
            part.pace(step / steps)
    output = network.train()(images)
    return output if isinstance(output, tuple) else (output,)


def total(network: nn.Module, outputs: Sequence[Tensor], labels: Tensor) -> Tensor:
    """The loss of all heads."""
    main, *others = (F.cross_entropy(head, labels) for head in outputs)
    return main + sum(network.auxiliary_weight * other for other in others)


def norms(tensors: Sequence[Tensor | None]) -> list[float]:
    """Euclidean norms in the order given, of at most ``MOST`` groups of neighbours; None counts as zero."""
    squares = np.array([0.0 if one is None else float(one.detach().double().square().sum()) for one in tensors])
    return [float(np.sqrt(group.sum())) for group in np.array_split(squares, min(MOST, len(squares)))]


def data(side: int = 12, channels: int = 1, sizes: tuple[int, int, int] = (43, 20, 30)) -> ImageData:
    """Training, validation and test images."""
    parts = [pictures(count, side, channels, 10 * place) for place, count in enumerate(sizes, 1)]
    splits = [Split(torch.from_numpy(images), torch.from_numpy(labels)) for images, labels in parts]
    return ImageData(*splits, [MEAN] * channels, [STD] * channels, "golden")


class Steps(pl.Callback):
    """Writes down every step: its loss, its learning rates, the samples of its batch."""

    def __init__(self):
        self.losses: list[float] = []
        self.rates: list[list[float]] = []
        self.samples: list[list[int]] = []

    def on_train_batch_start(self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, index: int) -> None:
        self.samples.append(batch[2].tolist())

    def on_before_optimizer_step(self, trainer: pl.Trainer, module: pl.LightningModule, optimizer: Any) -> None:
        rates = [group["lr"] for group in optimizer.param_groups]
        self.rates.append(rates if len(rates) < 3 else [rates[0], rates[len(rates) // 2], rates[-1]])

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        self.losses.append(float(outputs["loss"]))


class _Stopped(Exception):
    pass


class _StopBeforeSecondEpoch(pl.Callback):
    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        if trainer.fit_loop.epoch_progress.current.processed == 1:
            raise _Stopped


def training(overrides: Sequence[str], pinned: Sequence[str] = FIT) -> dict[str, Any]:
    """The resolved configuration of a training."""
    config = composed("train", "profile=first_ledger", *pinned, *overrides)
    config["trainer"]["threads"] = THREADS
    return config


def fit(config: dict[str, Any], images: ImageData, resumed: bool = False) -> dict[str, Any]:
    """Train through the suite's own ``fit``: every step, every epoch, and what came out.

    Args:
        config: of ``training``.
        images: its data.
        resumed: stop after the first epoch and go on from the checkpoint.
    """
    steps = Steps()
    with exact(), tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "checkpoint" if resumed else None
        if resumed:
            with suppress(_Stopped):
                fitting.fit(config, images, _around(checkpoint, [Steps(), _StopBeforeSecondEpoch()]))
        outcome = fitting.fit(config, images, _around(checkpoint, [steps]))
    return _told(outcome, steps)


def _around(checkpoint: Path | None, callbacks: list[pl.Callback]) -> Surroundings:
    return Surroundings(checkpoint, callbacks=lambda steps: callbacks)


def _told(outcome: TrialOutcome, steps: Steps) -> dict[str, Any]:
    return {
        "losses": steps.losses,
        "rates": steps.rates,
        "samples": steps.samples,
        "epochs": [{key: value for key, value in row.items() if key != "seconds"} for row in outcome.history],
        "metrics": dict(outcome.metrics),
        "guesses": outcome.logits.argmax(1).tolist(),
        "labels": outcome.labels.tolist(),
        "gradients": [_some(row) for row in (outcome.gradients["start"] or [], *outcome.gradients["epochs"])],
        "weights": norms(list(outcome.weights.values())),
        "images": outcome.images,
        "diverged": outcome.reason is not None,
    }


def _some(row: Sequence[float]) -> list[float]:
    """At most ``MOST`` numbers of a row, evenly spread."""
    places = sorted({round(place) for place in np.linspace(0, len(row) - 1, MOST)}) if row else []
    return [row[place] for place in places]


def first_step(config: dict[str, Any], images: ImageData) -> tuple[float, float]:
    """The loss of a training's first step as the trainer has it, and as ``drawn`` and ``total`` have it."""
    steps = Steps()
    with exact():
        fitting.fit(config, images, _around(None, [steps]))
        network, chosen = network_of(config["model"]), torch.tensor(steps.samples[0])
        outputs = drawn(network, images.normalise(images.train.images[chosen]).double(), 0, len(steps.losses))
        return steps.losses[0], float(total(network, outputs, images.train.labels[chosen]).detach())


def augmented(config: dict[str, Any], images: ImageData) -> dict[str, Any]:
    """Sums over the pictures of the first two epochs of a configuration's augmentation, by position."""
    found = []
    with exact():
        for epoch in range(2):
            batches = list(_batches(config, images, epoch))
            pictures_ = torch.cat([batch[0] for batch in batches]).double()
            found.append({"rows": pictures_.sum((0, 1, 3)).tolist(), "columns": pictures_.sum((0, 1, 2)).tolist()})
            found[-1]["sums"] = pictures_.sum((1, 2, 3)).tolist()
    return {"epochs": found}


def cut(block: Mapping[str, Any]) -> dict[str, Any]:
    """Sums by channel of what transforms make of two pictures, lying and upright: in two epochs, evaluated, tested."""
    with exact():
        made = instantiate(block, _convert_="all")
        lying = np.kron(pixels(1, 20, 3, 7)[0, :15], np.ones((20, 20, 1), np.uint8))
        found: dict[str, Any] = {}
        for name, picture in (("lying", lying), ("upright", np.ascontiguousarray(lying.transpose(1, 0, 2)))):
            trained = [made.trained(picture, SEED, epoch, row) for epoch in range(2) for row in range(3)]
            found[name] = {"trained": [sums(one) for one in trained], "evaluated": sums(made.evaluated(picture))}
            found[name]["tested"] = sums(made.tested(picture))
        return {**found, "normalised": float(made.normalise(torch.from_numpy(trained[0])[None]).double().sum())}


def sums(picture: np.ndarray | list[np.ndarray]) -> list[float]:
    """Of a picture by channel, and of the same weighted by position; of all views together, one size after another."""
    if isinstance(picture, list):
        return [value for size in picture for value in sums(size)]
    weights = np.arange(picture[..., 0, :, :].size).reshape(picture[..., 0, :, :].shape) % 997
    channels = np.moveaxis(picture, -3, 0).astype(np.float64)
    return [float(value) for channel in channels for value in (channel.sum(), (channel * weights).sum())]


def _batches(config: dict[str, Any], images: ImageData, epoch: int, rank: int = 0, world: int = 1) -> TrainingBatches:
    size, seed, place = config["training"]["batch_size"], config["seed"], torch.device("cpu")
    return TrainingBatches(images, instantiate(config["augment"]), size, seed, lambda: epoch, place, rank, world)


def batches(config: dict[str, Any], images: ImageData) -> dict[str, Any]:
    """The samples of every batch of two epochs of training and of an evaluation, for each of two ranks and for one."""
    found: dict[str, Any] = {}
    with exact():
        for rank, world in ((0, 1), (0, 2), (1, 2)):
            epochs = [[batch[2].tolist() for batch in _batches(config, images, e, rank, world)] for e in range(2)]
            seen = EvaluationBatches(images, images.test, 7, torch.device("cpu"), rank, world)
            evaluated = [(batch[2].tolist(), batch[1].tolist(), float(batch[0].double().sum())) for batch in seen]
            found[f"rank {rank} of {world}"] = {"training": epochs, "evaluation": evaluated}
    return found


def loaded(side: int, train_size: int, validation_size: int) -> dict[str, Any]:
    """What a prepared set gives at another size than its own, and which images a seed's subset takes."""
    images, labels = pictures(200, 20, 1, 70)
    labels[:50] //= 2  # classes of several sizes
    tests, answers = pictures(30, 20, 1, 80)
    with exact(), tempfile.TemporaryDirectory() as folder:
        names = [str(label) for label in range(10)]
        prepared.write_set(
            Path(folder) / "golden", "golden", prepared.LabelledImages(images, labels, tests, answers, names), 50, {}
        )
        found: dict[str, Any] = {}
        for seed in (0, 1):
            asked = {"root": folder, "name": "golden", "image_size": side, "train_size": train_size}
            got = image_batches.load(asked | {"validation_size": validation_size, "subset_seed": seed})
            found[f"subset {seed}"] = {
                **{name: getattr(got, name).labels.tolist() for name in ("train", "validation")},
                **{
                    f"{name} sums": [int(i.long().sum()) for i in getattr(got, name).images]
                    for name in ("train", "test")
                },
            }
        normal = got.normalise(got.test.images[:2]).double()
    return found | {"mean": got.mean, "std": got.std, "normalised": normal.sum((1, 2)).tolist()}


def probed(name: str, config: Mapping[str, Any], images: ImageData, /, **settings: Any) -> dict[str, Any]:
    """What a probe measures on a network as it starts; names of parts are left out."""
    with exact():
        return _unnamed(PROBES[name](network_of(config), images, SEED, **settings))


def _unnamed(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _unnamed(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return len(value) if value and all(isinstance(part, str) for part in value) else [_unnamed(p) for p in value]
    return value


def averaged(logits: Sequence[np.ndarray], labels: np.ndarray) -> dict[str, Any]:
    """The error and the loss of networks together, and how seeds are cut into groups."""
    found = ensembles.log_mean_probabilities(logits)
    return {
        **ensembles.measure(logits, labels),
        "log probabilities": found[:2].tolist(),
        "groups": [list(group) for group in averaging.groups([7, 3, 5, 1, 9], 2)],
    }


def classified(kind: str, train: tuple, validation: tuple, several: bool, metric: str) -> dict[str, Any]:
    """The best linear classifier of two parts (features, labels)."""
    own, held_out = (linear.Labelled(*part, 4, several) for part in (train, validation))
    found = linear.best(kind, [1e-3, 0.1, 10.0], own, held_out, METRICS[metric])
    score = METRICS[metric](found(held_out.features), held_out.labels)
    others = {name: getattr(found, name) for name in ("mean", "std", "bias")}
    return {
        "strength": found.strength,
        "score": score,
        "weights": found.weight.tolist(),
        **{name: value.tolist() for name, value in others.items()},
    }


def scored(logits: np.ndarray, labels: np.ndarray, masks: np.ndarray) -> dict[str, float]:
    """Every metric of a target set."""
    return {name: score(logits, masks if name == "map_voc2007" else labels) for name, score in METRICS.items()}


def masks(count: int, classes: int, seed: int) -> np.ndarray:
    """Labels of pictures with several classes each, some of them uncertain."""
    rows = [(int(one) & 0xFF, (int(one) >> 8) & 0xFF) for one in numbers(count, seed)]
    there = [
        [c for c in range(classes) if c == row % classes or one >> c & one >> (c + 3) & 1]
        for row, (one, _) in enumerate(rows)
    ]
    unsure = [[c for c in range(classes) if other >> c & other >> (c + 2) & 1] for _, other in rows]
    return np.array([multilabel.mask(one, other) for one, other in zip(there, unsure, strict=True)], np.int64)


def target_set(several: bool = False, each: int | None = None, side: int = 12, classes: int = 4) -> target.TargetSet:
    """A target set of 40 pictures for training and validation, in groups of at most two, and 16 for test."""
    pool, tested = 40, 16
    images, labels = pictures(pool + tested, side, 3, 50)
    labels = masks(pool + tested, classes, 60) if several else labels % classes
    meta = {
        "name": "golden",
        "classes": [str(label) for label in range(classes)],
        "several": several,
        "splits": {"train": [0, pool], "validation": [pool, pool], "test": [pool, pool + tested]},
        "files": {name: {"sha256": ""} for name in ("images.npy", "labels.npy", target.GROUPS)},
    }
    first = target._first(labels) if several else labels
    groups = np.where(np.arange(len(labels)) % 3 == 1, np.arange(len(labels)) - 1, np.arange(len(labels)))
    parts = target.draw(first, groups, pool, SEED, 0.25, each)
    whole = prepared.ArraySet(Path("golden"), meta, images, labels)
    return target.TargetSet(whole, parts, 3, [0.5, 0.4, 0.3], [0.25, 0.2, 0.3])


def parts(images: target.TargetSet) -> dict[str, Any]:
    """Which pictures a seed's parts hold."""
    return {name: getattr(images.parts, name).tolist() for name in ("train", "validation", "test")}


def transfer(overrides: Sequence[str], network: Mapping[str, Any], images: target.TargetSet) -> tuple[dict, dict]:
    """A trial of transfer learning through the suite's own ``fit``: its configuration and what came out."""
    pinned = [one for one in FIT if not one.startswith("data=")]
    config = composed("transfer", *pinned, "transfer.target.classes=4", *overrides)
    config["trainer"]["threads"] = THREADS
    config["model"] = dict(network)
    steps = Steps()
    with exact():
        around = Surroundings(callbacks=lambda _: [steps])
        outcome = fitting.fit(config, images, around)
    return config, _told(outcome, steps)


def rates(network: Mapping[str, Any], **settings: float) -> dict[str, Any]:
    """The learning rates of a network's layers and the parameters that have them."""
    with exact():
        groups = list(layerwise.by_layer(network_of(network), 1.0, **settings))
    return {"rates": [group["lr"] for group in groups], "tensors": [len(group["params"]) for group in groups]}


def extracted(layer: str, network: Mapping[str, Any], images: target.TargetSet) -> dict[str, Any]:
    """What a network with random weights says of a target set's pictures at a layer."""
    with exact():
        extractor = features.Extractor(network_of(network), layer, images, 9, torch.device("cpu"))
        found = extractor(images.split(images.parts.train)).astype(np.float64)
    return {"shape": list(found.shape), "pictures": found.sum(1).tolist(), "features": found.sum(0).tolist()}
