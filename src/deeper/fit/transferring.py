"""From a resolved configuration and a target set to a trial of transfer learning.

Every line here can change a trial's result and is part of its identity, as in ``deeper.fit.fit``.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.utils.deterministic
from hydra.utils import instantiate

from deeper.data.batches import EvaluationBatches, TrainingBatches
from deeper.data.targets import target_set as target
from deeper.data.targets.target_set import TargetSet
from deeper.errors import DeeperError
from deeper.fit import features, linear
from deeper.fit import fit as fitting
from deeper.fit.callbacks import Checkpoint, GradientNorms, History
from deeper.fit.finetuning import FineTuner, SeveralLabels
from deeper.fit.fit import Outcome, Surroundings
from deeper.fit.scores import METRICS
from deeper.models.build import build
from deeper.seeds import seed_of

_WEIGHTS = 0
_LOSSES = ("train_loss", "validation_loss", "test_loss")


@dataclass
class Transferred(Outcome):
    """``Outcome`` of a transfer; ``metrics`` holds errors that are 1 minus the target set's own metric.

    Attributes:
        times: of a frozen network ``features_s`` (of all pictures of the set, when they were computed),
            ``classifier_s`` (all strengths tried) and ``cached`` (whether the features were there); else nothing.
    """

    times: dict[str, Any] = field(default_factory=dict)


@dataclass
class Around(Surroundings):
    """``Surroundings`` of a transfer.

    Attributes:
        keep: given what computes the features of the set, gives them (float32, N×D), the seconds that took, and whether
            they were there already.
    """

    keep: Callable[[Callable[[], np.ndarray]], tuple[np.ndarray, float, bool]] = lambda compute: (compute(), 0.0, False)


def load(config: dict[str, Any]) -> TargetSet:
    """The target set as the trial sees it.

    Raises:
        DeeperError: as ``deeper.data.targets.target_set.load``.
    """
    data, transfer = config["data"], config["transfer"]
    return target.load(
        Path(data["root"]) / data["name"],
        data["image_size"],
        data["channels"],
        transfer["backbone"]["mean"],
        transfer["backbone"]["std"],
        config["seed"],
        transfer["held_out"],
        transfer["per_class"],
    )


def fit(config: dict[str, Any], data: TargetSet, around: Around) -> Transferred:
    """Probe, fine-tune or train from scratch what ``config`` describes; a training goes on from its checkpoint.

    Raises:
        DeeperError: the configuration asks for something impossible.
    """
    torch.set_num_threads(config["trainer"]["threads"])
    torch.set_float32_matmul_precision("highest")
    torch.utils.deterministic.fill_uninitialized_memory = False
    torch.manual_seed(seed_of(config["seed"], _WEIGHTS))
    network = build(config["model"])
    if config["transfer"]["mode"]["name"] == "frozen":
        return _probe(config, data, network, around)
    return _train(config, data, network, around)


def _probe(config: dict[str, Any], data: TargetSet, network: torch.nn.Module, around: "Around") -> Transferred:
    mode, parts = config["transfer"]["mode"], data.parts
    device = torch.device("cuda" if config["trainer"]["accelerator"] == "gpu" else "cpu")
    network.eval()
    size = config["training"]["evaluation_batch_size"]
    extractor = features.Extractor(network, config["transfer"]["layer"], data, size, device)
    found, seconds, cached = around.keep(lambda: extractor(data.split()))

    labels = data.prepared.labels
    classes, score = config["data"]["classes"], METRICS[config["transfer"]["target"]["metric"]]
    began = time.perf_counter()

    def labelled(rows: np.ndarray) -> linear.Labelled:
        return linear.Labelled(np.asarray(found[rows], np.float64), labels[rows], classes, data.several)

    train, validation = labelled(parts.train), labelled(parts.validation)
    try:
        fitted = linear.best(mode["classifier"], mode["strengths"], train, validation, score)
    except ValueError as error:
        raise DeeperError(str(error)) from error
    classifier_s = round(time.perf_counter() - began, 3)
    logits = {name: fitted(found[getattr(parts, name)]) for name in ("train", "validation", "test")}
    metrics = {f"{name}_error": 1 - score(own, labels[getattr(parts, name)]) for name, own in logits.items()}
    weights = {name: torch.from_numpy(np.asarray(getattr(fitted, name))) for name in ("mean", "std", "weight", "bias")}
    return Transferred(
        metrics={**metrics, **dict.fromkeys(_LOSSES), "strength": fitted.strength, "pictures": len(parts.train)},
        history=[],
        gradients={"layers": [], "start": [], "epochs": []},
        logits=logits["test"],
        labels=labels[parts.test],
        weights=weights,
        train_s=classifier_s,
        images=0,
        reason=None,
        times={"features_s": seconds, "classifier_s": classifier_s, "cached": cached},
    )


def _train(config: dict[str, Any], data: TargetSet, network: torch.nn.Module, around: Around) -> Transferred:
    recipe, options, mode = config["training"], config["trainer"], config["transfer"]["mode"]
    images = data.data()
    batch_size = recipe["batch_size"]
    steps_per_epoch = len(images.train) // batch_size
    fitting._check(batch_size, options["devices"], len(images.train))
    steps = steps_per_epoch * recipe["epochs"]
    if options["compile"]:
        network.compile()
    module = (SeveralLabels if data.several else FineTuner)(
        network,
        instantiate(config["optimizer"]),
        instantiate(config["schedule"]),
        config["data"]["classes"],
        (steps, steps_per_epoch),
        config["seed"],
        recipe["label_smoothing"],
        options["channels_last"],
        layers=mode["layers"],
    )
    gradients = GradientNorms(recipe["gradient_every"])
    history = History(gradients, around.publish)
    checkpoint = Checkpoint(around.checkpoint, around.every, around.made_with)
    callbacks = [gradients, history, *around.callbacks(steps), checkpoint]
    trainer = fitting._trainer(options, recipe["epochs"], bool(module.drawing), callbacks, around)
    place = {"device": trainer.strategy.root_device, "rank": trainer.global_rank, "world": trainer.world_size}
    training = TrainingBatches(
        images,
        instantiate(config["augment"]),
        batch_size,
        config["seed"],
        lambda: trainer.fit_loop.epoch_progress.current.processed,
        **place,
    )
    size = recipe["evaluation_batch_size"]
    resume = around.checkpoint if around.checkpoint is not None and around.checkpoint.exists() else None
    validation = EvaluationBatches(images, images.validation, size, **place)
    trainer.fit(module, training, validation, ckpt_path=resume, weights_only=False)

    score = METRICS[config["transfer"]["target"]["metric"]]
    metrics: dict[str, float | None] = {"pictures": len(images.train)}
    for name in ("train", "validation", "test"):
        split = getattr(images, name)
        module.keep_logits(len(split))
        trainer.validate(module, EvaluationBatches(images, split, size, **place), verbose=False)
        if trainer.world_size > 1:
            torch.distributed.all_reduce(module.logits)
        logits = module.logits.float().cpu().numpy()
        known = np.isfinite(logits).all()
        metrics[f"{name}_error"] = 1 - score(logits, split.labels.numpy()) if known else None
        loss = module.evaluation_result()["loss"]
        metrics[f"{name}_loss"] = loss if np.isfinite(loss) else None

    return Transferred(
        metrics=metrics,
        history=history.rows,
        gradients=gradients.as_dict(),
        logits=logits,
        labels=images.test.labels.numpy(),
        weights={k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()},
        train_s=sum(row["seconds"] for row in history.rows),
        images=steps_per_epoch * batch_size * len(history.rows),
        reason=history.reason,
    )
