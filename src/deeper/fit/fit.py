"""From a resolved configuration and data to a trained, evaluated network.

Every line here can change a trial's result; keeping, logging and reporting are elsewhere.
"""

import inspect
import io
import math
import os
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
import torch.utils.deterministic
from hydra.utils import instantiate
from pytorch_lightning.plugins import TorchCheckpointIO
from pytorch_lightning.plugins.environments import LightningEnvironment, TorchElasticEnvironment
from torch import nn

from deeper.data import batches
from deeper.data.batches import Batch, SetPart, TrialData
from deeper.data.targets import target_set
from deeper.data.targets.target_set import TargetSet
from deeper.data.transforms import PictureTransforms
from deeper.errors import DeeperError
from deeper.fit import frozen, parameter_groups, step
from deeper.fit.callbacks import AveragedWeights, Checkpoint, GradientNorms, History
from deeper.fit.module import ImageClassifier
from deeper.fit.outcome import Surroundings, TrialOutcome
from deeper.fit.ranks import MeetingStrategy
from deeper.fit.scores import METRICS
from deeper.fit.training_loop import shorten
from deeper.models.build import start
from deeper.models.network import Network

_CHANCE_MARGIN = 0.02
_HALF = ("bf16-true", "16-true")

# Lightning takes an argument that it is not given from the environment (PL_TRAINER_*); so it is given all of them.
_TRAINER = {n: p.default for n, p in inspect.signature(pl.Trainer.__init__).parameters.items() if n != "self"}

Evaluate = Callable[..., dict[str, float]]


def load(config: dict[str, Any]) -> TrialData | TargetSet:
    """The data of a trial, as it sees them.

    Raises:
        DeeperError: they are not prepared, are damaged, or are not as many as asked for.
    """
    data, transfer = config["data"], config.get("transfer")
    if transfer is None:
        if not data.get("streamed"):
            return batches.load(data)
        from deeper.data import streamed  # importing torchvision takes a second

        return streamed.load(data, config["runtime"]["workers"])
    return target_set.load(
        Path(data["root"]) / data["name"],
        data["image_size"],
        data["channels"],
        transfer["backbone"]["mean"],
        transfer["backbone"]["std"],
        config["seed"],
        transfer["held_out"],
        transfer["per_class"],
    )


def fit(config: dict[str, Any], data: TrialData | TargetSet, around: Surroundings) -> TrialOutcome:
    """Train and evaluate the trial that ``config`` describes; goes on from a checkpoint if there is one.

    In a process that is one of several ranks, all ranks call this and all return the same metrics.

    Args:
        config: of a training from scratch, or, with a block ``transfer``, of a transfer in any of its modes.
        data: what ``load`` gives of it.
        around: what cannot change the result.

    Raises:
        DeeperError: the configuration asks for something impossible.
    """
    torch.set_num_threads(config["trainer"]["threads"])
    step.exact_numbers()
    torch.utils.deterministic.fill_uninitialized_memory = False  # costs time; nothing reads what it did not write
    network = start(config)
    if "transfer" not in config:
        return _train(config, data, _loss(config), network, around)
    if config["transfer"]["mode"]["name"] == "frozen":
        return frozen.fit(config, data, network, around)
    loss = step.SeveralLabels(config["data"]["classes"]) if data.several else _loss(config)
    return _train(config, data.data(), loss, network, around)


def _loss(config: dict[str, Any]) -> step.Loss:
    """What is trained for where a picture has one label."""
    make = instantiate(config["loss"]) if config.get("loss") else step.CrossEntropy
    return make(smoothing=config["training"]["label_smoothing"])


def _train(
    config: dict[str, Any], data: TrialData, loss: step.Loss, network: nn.Module, around: Surroundings
) -> TrialOutcome:
    recipe, options, classes = config["training"], config["trainer"], config["data"]["classes"]
    _check(config, loss, len(data.train))
    images_per_step = recipe["batch_size"] * recipe.get("accumulate", 1)
    steps_per_epoch = len(data.train) // images_per_step
    steps = steps_per_epoch * recipe["epochs"]
    step.compile_as(network, options["compile"])
    transform = config.get("batch")
    module = ImageClassifier(
        network,
        instantiate(config["optimizer"], _convert_="all"),  # plain lists: checkpoints hold them
        instantiate(config["schedule"]),
        loss,
        classes,
        (steps, steps_per_epoch),
        config["seed"],
        options["channels_last"],
        parameters=_parameter_groups(config),
        transform=transform and instantiate(transform)(num_classes=classes),
    )

    if options["compile"] == "reduce-overhead" and module.draws.dropping:
        raise DeeperError("trainer.compile=reduce-overhead takes no network that leaves parts out; compile=true does")

    def pictures() -> Iterable[Batch]:
        """All training pictures, on every rank."""
        device = trainer.strategy.root_device
        return data.evaluation_batches(augment, data.train, recipe["evaluation_batch_size"], device=device)

    augment = instantiate(config["augment"], _convert_="all")  # plain lists: they are walked for every picture
    _check_dense(network, augment, config["data"])
    gradients = GradientNorms(recipe["gradient_every"])
    history = History(gradients, around.publish)
    callbacks = [
        gradients,
        history,  # before the averaged weights: putting them in is no part of an epoch's time
        *_open_callbacks(config, (steps, steps_per_epoch), pictures),
        *around.callbacks(steps),
    ]
    callbacks.append(Checkpoint(around.checkpoint, around.every, around.made_with))
    trainer = _trainer(config, steps_per_epoch, bool(module.draws.dropping), callbacks)
    place = {"device": trainer.strategy.root_device, "rank": trainer.global_rank, "world": trainer.world_size}
    training = data.training_batches(
        augment,
        recipe["batch_size"],
        config["seed"],
        lambda: trainer.fit_loop.epoch_progress.current.processed,
        **place,
    )

    def evaluation(split: SetPart) -> Iterable[Batch]:
        return data.evaluation_batches(augment, split, recipe["evaluation_batch_size"], **place)

    def evaluate(split: SetPart, logits: bool = True) -> dict[str, float]:
        module.keep_logits(len(split) if logits else None)
        trainer.validate(module, evaluation(split), verbose=False)
        if logits and trainer.world_size > 1:
            torch.distributed.all_reduce(module.logits)
        return module.evaluation_result()

    resume = around.checkpoint if around.checkpoint is not None and around.checkpoint.exists() else None
    if trainer.world_size > 1 and not trainer.strategy.as_the_first(resume is not None):
        resume = None
    trainer.fit(module, training, evaluation(data.validation), ckpt_path=resume, weights_only=True)
    if "transfer" in config:
        score = METRICS[config["transfer"]["target"]["metric"]]
        metrics, chance = _scored(evaluate, module, data, score), None
    else:
        metrics = _counted(evaluate, data, history.rows[-1] if history.rows else {})
        chance = _chance(metrics["train_error"], classes)
    return TrialOutcome(
        metrics={k: v if v is not None and np.isfinite(v) else None for k, v in metrics.items()},
        history=history.rows,
        gradients=gradients.as_dict(),
        logits=module.logits.float().cpu().numpy(),
        labels=data.test.labels.numpy(),
        weights={k: v.detach().cpu().contiguous() for k, v in network.state_dict().items()},
        train_s=sum(row["seconds"] for row in history.rows),
        images=steps_per_epoch * images_per_step * len(history.rows),
        reason=history.reason or chance,
    )


def _check(config: dict[str, Any], loss: step.Loss, samples: int) -> None:
    """See that a step has its images, and that what is on goes together."""
    recipe, options = config["training"], config["trainer"]
    batch_size, together, devices = recipe["batch_size"], recipe.get("accumulate", 1), options["devices"]
    if batch_size > samples:
        raise DeeperError(f"training.batch_size={batch_size} is more than the {samples} training images; make it less")
    if batch_size * together > samples:
        raise DeeperError(
            f"training.accumulate={together} batches of {batch_size} are more than the {samples} training images; "
            "make it less"
        )
    if batch_size % devices:
        raise DeeperError(f"training.batch_size={batch_size} is not a multiple of trainer.devices={devices}")
    if config.get("batch") and isinstance(loss, step.SeveralLabels):
        raise DeeperError("batch transforms mix single labels, and this set has several a picture; use batch=none")
    if config.get("loss") and isinstance(loss, step.SeveralLabels):
        raise DeeperError("this set has several labels a picture, and a loss of its own; use loss=none")
    if config.get("average") and options["precision"] in _HALF:
        raise DeeperError(
            f"average: numbers of trainer.precision={options['precision']} are too coarse for it; use bf16-mixed"
        )
    clips = "training.clip_norm" if recipe.get("clip_norm") else "callbacks" if config.get("callbacks") else ""
    if clips and options["precision"] == "16-mixed" and config["optimizer"].get("fused"):
        raise DeeperError(f"{clips} with trainer.precision=16-mixed needs optimizer.fused=false")
    if options["compile"] == "reduce-overhead" and together > 1:
        raise DeeperError("trainer.compile=reduce-overhead records steps of one batch; training.accumulate=1, or true")
    if options["sync_batchnorm"] and devices > 1 and options["accelerator"] != "gpu":
        raise DeeperError("trainer.sync_batchnorm=true is for GPUs; ranks on the CPU train with false")


def _check_dense(network: nn.Module, augment: Any, data: Mapping[str, Any]) -> None:
    """See, before hours of training, that the network can be applied to whole test pictures where they come so.

    At the size that it is trained at, dense evaluation must be the network itself. It is not where maps are averaged to
    a smaller grid before hidden layers.
    """
    if not isinstance(augment, PictureTransforms) or not augment.dense:
        return
    name, crops = type(network).__name__, "let augment.test give crops"
    if not isinstance(network, Network):
        raise DeeperError(f"augment.test: {name} cannot be applied to whole pictures; {crops}")
    shape = (1, data["channels"], data["image_size"], data["image_size"])
    own = torch.linspace(-1, 1, math.prod(shape)).view(shape)
    smallest = min(augment.tested(np.zeros((300, 300, 3), np.uint8)), key=lambda scale: scale.shape[-1])
    try:
        with torch.inference_mode():
            network.eval()
            alike = torch.allclose(network.forward_dense(own), network(own), rtol=1e-3, atol=1e-4)
            network.forward_dense(augment.normalise(torch.from_numpy(smallest)))
    except (ValueError, RuntimeError) as error:  # PyTorch's own words where a layer takes one size alone
        reason = str(error).splitlines()[0]
        raise DeeperError(f"augment.test: {name} cannot be applied to whole pictures of its sides: {reason}") from error
    finally:
        network.train()
    if not alike:
        raise DeeperError(
            f"augment.test: {name} averages its maps of {data['image_size']}-pixel pictures before its hidden layers, "
            f"so it has no dense form; {crops}, or take the data.image_size of its paper"
        )


def _parameter_groups(config: dict[str, Any]) -> Callable[[nn.Module], Any] | None:
    """What makes the optimizer's groups: ``parameters``, or in a transfer the mode's rates by layer."""
    layers = config["transfer"]["mode"]["layers"] if "transfer" in config else None
    if not config.get("parameters"):
        return layers and partial(parameter_groups.by_layer, rate=config["optimizer"]["lr"], **layers)
    if layers and any(factor != 1 for factor in layers.values()):
        raise DeeperError("parameters and transfer.mode.layers both make the optimizer's groups; leave one as it was")
    return instantiate(config["parameters"])


def _open_callbacks(
    config: dict[str, Any], steps: tuple[int, int], pictures: Callable[[], Iterable[Batch]]
) -> list[pl.Callback]:
    """Averaged weights and the configuration's own callbacks, where there are any."""
    make = config.get("average")
    average = [AveragedWeights(instantiate(make), steps, pictures)] if make else []
    return [*average, *(instantiate(block) for block in (config.get("callbacks") or {}).values())]


def _counted(evaluate: Evaluate, data: TrialData, last: Mapping[str, Any]) -> dict[str, float | None]:
    """Errors and losses after a training from scratch.

    Those of the validation part are its last row's: of a training that broke, of the epoch before.
    """
    train = {f"train_{key}": value for key, value in evaluate(data.train, logits=False).items()}
    validation = {f"validation_{key}": last.get(f"validation_{key}") for key in ("error", "loss")}
    return {**train, **validation, **{f"test_{key}": value for key, value in evaluate(data.test).items()}}


def _scored(evaluate: Evaluate, module: ImageClassifier, data: TrialData, score: Callable) -> dict[str, float | None]:
    """Errors by the target set's own metric, and losses, after a transfer."""
    metrics: dict[str, float | None] = {"pictures": len(data.train)}
    for name in ("train", "validation", "test"):
        split = getattr(data, name)
        loss = evaluate(split)["loss"]
        logits = module.logits.float().cpu().numpy()
        metrics[f"{name}_error"] = 1 - score(logits, split.labels.numpy()) if np.isfinite(logits).all() else None
        metrics[f"{name}_loss"] = loss
    return metrics


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


def _trainer(config: dict[str, Any], steps_per_epoch: int, dropping: bool, callbacks: list[pl.Callback]) -> pl.Trainer:
    options, recipe = config["trainer"], config["training"]
    gpu = options["accelerator"] == "gpu"
    if gpu:
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if options["devices"] > 1:
        strategy: Any = MeetingStrategy(
            process_group_backend="nccl" if gpu else "gloo",
            cluster_environment=TorchElasticEnvironment(),
            find_unused_parameters=options["find_unused_parameters"] or dropping,
        )
        plugins = [_DirectIO()]
    else:
        strategy, plugins = "auto", [LightningEnvironment(), _DirectIO()]
    together = recipe.get("accumulate", 1)
    on_node = int(os.environ.get("LOCAL_WORLD_SIZE", options["devices"])) if options["devices"] > 1 else 1
    told = {
        "accelerator": options["accelerator"],
        "devices": on_node,
        "num_nodes": options["devices"] // on_node,
        "strategy": strategy,
        "plugins": plugins,
        "precision": options["precision"],
        "deterministic": options["deterministic"],
        "sync_batchnorm": options["sync_batchnorm"],
        "max_epochs": recipe["epochs"],
        "limit_train_batches": steps_per_epoch * together,  # whole steps: what is left of the last one is left out
        "accumulate_grad_batches": together,
        "check_val_every_n_epoch": recipe.get("validate_every", 1),
        "gradient_clip_val": recipe.get("clip_norm"),
        "gradient_clip_algorithm": "norm",
        "callbacks": callbacks,
        "logger": False,  # History hands the rows on
        "enable_progress_bar": False,
        "enable_checkpointing": False,
        "enable_model_summary": False,
        "num_sanity_val_steps": 0,
        "use_distributed_sampler": False,
    }
    trainer = pl.Trainer(**{**_TRAINER, **told})
    shorten(trainer)
    return trainer
