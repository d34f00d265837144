"""From a resolved configuration and data to a trained, evaluated network.

Every line here can change a trial's result and is part of its identity; keeping, logging and reporting are elsewhere.
"""

import io
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.utils.deterministic
from hydra.utils import instantiate
from pytorch_lightning.plugins import TorchCheckpointIO
from pytorch_lightning.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from pytorch_lightning.strategies import DDPStrategy

from deeper.data.batches import EvaluationBatches, ImageData, TrainingBatches
from deeper.errors import DeeperError
from deeper.fit.callbacks import Checkpoint, GradientNorms, History
from deeper.fit.module import ImageClassifier
from deeper.models.build import build
from deeper.seeds import seed_of

_WEIGHTS = 0
_CHANCE_MARGIN = 0.02


@dataclass
class Surroundings:
    """What a training needs of its surroundings and what cannot change its result.

    Attributes:
        checkpoint: where to keep the checkpoint and to go on from if it is there; None keeps none.
        every: epochs between checkpoints.
        made_with: what computes here (``deeper.run.provenance.computes``), kept in the checkpoint.
        publish: called with the history after every epoch.
        callbacks: called with the number of steps of the whole training, more Lightning callbacks.
        loggers: Lightning loggers.
    """

    checkpoint: Path | None = None
    every: int = 1
    made_with: dict[str, Any] | None = None
    publish: Callable[[list[dict[str, Any]]], None] = lambda rows: None
    callbacks: Callable[[int], list[pl.Callback]] = lambda steps: []
    loggers: list[Any] = field(default_factory=list)


@dataclass
class Outcome:
    """A trained network and what was measured of it.

    Attributes:
        metrics: errors (fractions) and losses on the training subset, the validation and the test split.
        history: one row an epoch.
        gradients: see ``GradientNorms``.
        logits, labels: of the test split, in order; float32 (N, classes) and int64 (N,).
        weights: the final ``state_dict``, on the CPU.
        train_s: seconds in training steps, over all resumptions.
        images: training images seen.
        reason: why the trial counts as diverged, else None.
    """

    metrics: dict[str, float | None]
    history: list[dict[str, Any]]
    gradients: dict[str, Any]
    logits: np.ndarray
    labels: np.ndarray
    weights: dict[str, torch.Tensor]
    train_s: float
    images: int
    reason: str | None


def fit(config: dict[str, Any], data: ImageData, around: Surroundings) -> Outcome:
    """Train and evaluate the trial that ``config`` describes; goes on from a checkpoint if there is one.

    In a process that is one of several ranks, all ranks call this and all return the same metrics.

    Raises:
        DeeperError: the configuration asks for something impossible.
    """
    recipe, options = config["training"], config["trainer"]
    batch_size = recipe["batch_size"]
    steps_per_epoch = len(data.train) // batch_size
    _check(batch_size, options["devices"], len(data.train))
    steps = steps_per_epoch * recipe["epochs"]

    torch.set_num_threads(options["threads"])
    torch.set_float32_matmul_precision("highest")
    torch.utils.deterministic.fill_uninitialized_memory = False  # costs time; nothing reads what it did not write
    torch.manual_seed(seed_of(config["seed"], _WEIGHTS))
    network = build(config["model"])
    if options["compile"]:
        network.compile()
    module = ImageClassifier(
        network,
        instantiate(config["optimizer"]),
        instantiate(config["schedule"]),
        config["data"]["classes"],
        (steps, steps_per_epoch),
        config["seed"],
        recipe["label_smoothing"],
        options["channels_last"],
    )
    gradients = GradientNorms(recipe["gradient_every"])
    history = History(gradients, around.publish)
    checkpoint = Checkpoint(around.checkpoint, around.every, around.made_with)
    callbacks = [gradients, history, *around.callbacks(steps), checkpoint]
    trainer = _trainer(options, recipe["epochs"], bool(module.drawing), callbacks, around)
    place = {"device": trainer.strategy.root_device, "rank": trainer.global_rank, "world": trainer.world_size}
    training = TrainingBatches(
        data,
        instantiate(config["augment"]),
        batch_size,
        config["seed"],
        lambda: trainer.fit_loop.epoch_progress.current.processed,
        **place,
    )

    def evaluation(split):
        return EvaluationBatches(data, split, recipe["evaluation_batch_size"], **place)

    resume = around.checkpoint if around.checkpoint is not None and around.checkpoint.exists() else None
    trainer.fit(module, training, evaluation(data.validation), ckpt_path=resume, weights_only=False)
    trainer.validate(module, evaluation(data.train), verbose=False)
    metrics: dict[str, float | None] = {f"train_{k}": v for k, v in module.evaluation_result().items()}
    last = history.rows[-1] if history.rows else {}
    metrics |= {f"validation_{k}": last.get(f"validation_{k}") for k in ("error", "loss")}
    module.keep_logits(len(data.test))
    trainer.test(module, evaluation(data.test), verbose=False)
    metrics |= {f"test_{k}": v for k, v in module.evaluation_result().items()}
    if trainer.world_size > 1:
        torch.distributed.all_reduce(module.logits)

    return Outcome(
        metrics={k: v if v is not None and np.isfinite(v) else None for k, v in metrics.items()},
        history=history.rows,
        gradients=gradients.as_dict(),
        logits=module.logits.float().cpu().numpy(),
        labels=data.test.labels.numpy(),
        weights={k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()},
        train_s=sum(row["seconds"] for row in history.rows),
        images=steps_per_epoch * batch_size * len(history.rows),
        reason=history.reason or _chance(metrics["train_error"], config["data"]["classes"]),
    )


def _check(batch_size: int, devices: int, samples: int) -> None:
    if batch_size > samples:
        raise DeeperError(f"training.batch_size={batch_size} is more than the {samples} training images; make it less")
    if batch_size % devices:
        raise DeeperError(f"training.batch_size={batch_size} is not a multiple of trainer.devices={devices}")


def _chance(error: float, classes: int) -> str | None:
    chance = 1 - 1 / classes
    if error < chance - _CHANCE_MARGIN:
        return None
    return f"training error {error:.3f} is at chance level ({chance:.3f})"


class _DirectIO(TorchCheckpointIO):
    """Writes where it is told; ``Checkpoint`` sees to it that the file takes its place whole."""

    def save_checkpoint(self, checkpoint: Mapping[str, Any], path: Any, storage_options: Any = None) -> None:
        content = io.BytesIO()  # torch.save hides what the disk says, such as that it is full
        torch.save(checkpoint, content)
        Path(path).write_bytes(content.getbuffer())


def _trainer(
    options: dict[str, Any], epochs: int, dropping: bool, callbacks: list[pl.Callback], around: Surroundings
) -> pl.Trainer:
    gpu = options["accelerator"] == "gpu"
    if gpu:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if options["devices"] > 1:
        strategy: Any = DDPStrategy(
            process_group_backend="nccl" if gpu else "gloo",
            cluster_environment=TorchElasticEnvironment(),
            find_unused_parameters=options["find_unused_parameters"] or dropping,
            timeout=timedelta(minutes=30),
        )
        plugins = [_DirectIO()]
    else:
        strategy, plugins = "auto", [LightningEnvironment(), _DirectIO()]
    return pl.Trainer(
        accelerator=options["accelerator"],
        devices=options["devices"],
        strategy=strategy,
        plugins=plugins,
        precision=options["precision"],
        deterministic=options["deterministic"],
        sync_batchnorm=options["sync_batchnorm"],
        max_epochs=epochs,
        callbacks=callbacks,
        logger=around.loggers or False,
        enable_progress_bar=False,
        enable_checkpointing=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
    )
