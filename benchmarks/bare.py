"""A trial's training and evaluation as a bare PyTorch loop, in a process like a trial's: the suite is held against it.

The same network, data, batches, optimizer and threads; nothing is measured, scheduled, kept or reported on the way.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import torch
import torch.nn.functional as F
from hydra.utils import instantiate
from torch import Tensor, nn

from benchmarks.loader import image_loader
from deeper.data.batches import EvaluationBatches, ImageData, TrainingBatches, load
from deeper.fit import step
from deeper.models.build import build
from deeper.run.trial import describe

__all__ = ["describe", "train"]

Batches = Iterable[tuple[Tensor, ...]]


def train(job: Mapping[str, Any], say: Callable[[str, Any], None]) -> None:
    """Run the loop of ``job`` and hand its seconds over as an epoch's row.

    Args:
        job: a trial's, and ``feed``: where training batches come from, a key of ``FEEDS``.
        say: takes ``("epoch", {"train_s", "evaluation_s", "feed_s"})``.
    """
    config = job["config"]
    torch.set_num_threads(config["trainer"]["threads"])
    step.exact_numbers()
    data = load(config["data"])
    epochs = FEEDS[job["feed"]](config, data)
    device = device_of(config)
    network = build(config["model"]).to(device, memory_format=torch.channels_last)
    step.compile_as(network, config["trainer"]["compile"])
    optimizer = instantiate(config["optimizer"])(network.parameters())
    validation, training, test = ([*_evaluation(config, data, s)] for s in (data.validation, data.train, data.test))
    train_s = evaluation_s = 0.0
    for batches in epochs:
        train_s += _seconds(fit_epoch, network, optimizer, batches)
        evaluation_s += _seconds(evaluate, network, validation)
    for batches in (training, test):
        evaluation_s += _seconds(evaluate, network, batches)
    say("epoch", {"train_s": train_s, "evaluation_s": evaluation_s})


def fit_epoch(network: nn.Module, optimizer: torch.optim.Optimizer, batches: Batches) -> None:
    network.train()
    for images, labels, *_ in batches:
        loss = F.cross_entropy(network(images.contiguous(memory_format=torch.channels_last)), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()


@torch.inference_mode()
def evaluate(network: nn.Module, batches: Batches) -> tuple[float, float]:
    """Summed loss and right answers."""
    network.eval()
    device = next(network.parameters()).device
    loss, right = torch.zeros((), device=device), torch.zeros((), device=device)
    for images, labels, *_ in batches:
        logits = network(images)
        loss += F.cross_entropy(logits, labels, reduction="sum")
        right += (logits.argmax(1) == labels).sum()
    return float(loss), float(right)


def suite(config: Mapping[str, Any], data: ImageData, epoch: int = 0) -> TrainingBatches:
    """The suite's own augmented batches of an epoch."""
    augment, recipe = instantiate(config["augment"]), config["training"]
    return TrainingBatches(data, augment, recipe["batch_size"], config["seed"], lambda: epoch, device_of(config))


def _ready(config: Mapping[str, Any], data: ImageData) -> list[Batches]:
    return [list(suite(config, data, epoch)) for epoch in range(config["training"]["epochs"])]


def _suite(config: Mapping[str, Any], data: ImageData) -> list[Batches]:
    return [suite(config, data, epoch) for epoch in range(config["training"]["epochs"])]


def _loader(workers: int) -> Callable[[Mapping[str, Any], ImageData], Iterator[Batches]]:
    def epochs(config: Mapping[str, Any], data: ImageData) -> Iterator[Batches]:
        loader = image_loader(data, config["augment"]["pad"], config["training"]["batch_size"], workers)
        return (loader for _ in range(config["training"]["epochs"]))

    return epochs


FEEDS = {"ready": _ready, "suite": _suite, "loader0": _loader(0), "loader2": _loader(2)}


def _evaluation(config: Mapping[str, Any], data: ImageData, split: Any) -> EvaluationBatches:
    return EvaluationBatches(data, split, config["training"]["evaluation_batch_size"], device_of(config))


def device_of(config: Mapping[str, Any]) -> torch.device:
    """Where a trial with these settings runs."""
    wanted = config["trainer"]["accelerator"]
    there = torch.cuda.is_available() and wanted in ("auto", "gpu")
    return torch.device("cuda" if there else "cpu")


def _seconds(function: Callable[..., Any], *arguments: Any) -> float:
    """Of the call, with all that it started on a GPU."""
    began = time.perf_counter()
    function(*arguments)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - began
