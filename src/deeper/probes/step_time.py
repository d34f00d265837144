"""How long a step of a trial's training takes, and an evaluation, an image: timed on its own network and batch size.

A training step is forward pass, loss (auxiliary heads included) and backward pass in training mode, without the
optimizer; an evaluation is a forward pass without gradients. Where the network leaves parts out, each step draws what
it leaves out as the training's own steps do. So a step's time is a median over rounds of the same steps, in which what
else the machine did drops out, and the training's is the mean over steps, in which every draw counts.

Such a probe needs the machine to itself: ``alone: true``.
"""

import os
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from statistics import fmean, median
from typing import Any

import torch
import torch.utils.deterministic
from torch import Tensor, nn

from deeper.data.batches import ImageData
from deeper.fit import step
from deeper.seeds import Purpose, seed_of

DTYPES = {"32-true": torch.float32, "64-true": torch.float64, "bf16-true": torch.bfloat16, "16-true": torch.float16}
MIXED = {"bf16-mixed": torch.bfloat16, "16-mixed": torch.float16}


def probe(
    network: nn.Module,
    data: ImageData,
    seed: int,
    config: Mapping[str, Any],
    steps: int = 20,
    rounds: int = 3,
    warmup: int = 3,
) -> dict[str, Any]:
    """Time the trial's network on one device of the kind it was trained on, in its precision and with its threads.

    Args:
        network: the trial's.
        data: its data; training images as they are.
        seed: of what the network draws.
        config: the trial's configuration.
        steps: training steps that are timed.
        rounds: how often each of them is, and the evaluation of one batch.
        warmup: steps before, of which no time is taken.

    Returns:
        ``step_ms`` and ``eval_ms_per_image``, milliseconds; ``steps_ms``, the medians of the single steps;
        ``batch_size`` and ``evaluation_batch_size``, the images of a device's step; ``threads``; ``device``.
    """
    options = config["trainer"]
    device = torch.device("cuda" if options["accelerator"] == "gpu" and torch.cuda.is_available() else "cpu")
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    shares = [config["training"][key] // options["devices"] for key in ("batch_size", "evaluation_batch_size")]
    timed = Timed(network, options, device)
    with _as_in_training(options["deterministic"]):
        images, labels = timed.batch(data, max(1, shares[0]))
        seconds = lambda index: timed.step(images, labels, seed_of(seed, index, Purpose.STEP_TIME))  # noqa: E731
        for index in range(warmup):
            seconds(index)
        each = list(zip(*([seconds(index) for index in range(steps)] for _ in range(rounds)), strict=True))
        images, _ = timed.batch(data, max(1, shares[1]))
        timed.evaluation(images)
        evaluations = [timed.evaluation(images) for _ in range(rounds)]
    medians = [1000 * median(times) for times in each]
    return {
        "step_ms": _rounded(fmean(medians)),
        "eval_ms_per_image": _rounded(1000 * median(evaluations) / len(images)),
        "steps_ms": [_rounded(one) for one in medians],
        "batch_size": max(1, shares[0]),
        "evaluation_batch_size": len(images),
        "threads": torch.get_num_threads(),
        "device": torch.cuda.get_device_name(device) if device.type == "cuda" else "cpu",
    }


class Timed:
    """A network on a device, in the precision and memory format that a ``trainer`` configuration says."""

    def __init__(self, network: nn.Module, options: Mapping[str, Any], device: torch.device):
        self.device, self.dtype = device, DTYPES.get(options["precision"], torch.float32)
        self.format = torch.channels_last if options["channels_last"] else torch.contiguous_format
        self.mixed = MIXED.get(options["precision"])
        self.network = network.to(device, self.dtype, memory_format=self.format)
        self.draws = step.Draws(network)
        step.exact_numbers()
        step.compile_as(self.network, options["compile"])

    def batch(self, data: ImageData, size: int) -> tuple[Tensor, Tensor]:
        """So many training images and labels, some more than once where there are fewer."""
        index = torch.arange(size) % len(data.train)
        images = data.normalise(data.train.images[index].to(self.device))
        return images.to(dtype=self.dtype, memory_format=self.format), data.train.labels[index].to(self.device)

    def step(self, images: Tensor, labels: Tensor, seed: int) -> float:
        """Seconds of one training step, whose draws ``seed`` says."""
        self.network.train().zero_grad(set_to_none=True)
        self.draws.begin_step(self.device, seed, seed, progress=1.0)
        return self._seconds(lambda: self._loss(images, labels).backward())

    def evaluation(self, images: Tensor) -> float:
        """Seconds of one forward pass in evaluation mode."""
        self.network.eval()
        with torch.inference_mode():
            return self._seconds(lambda: self._forward(images))

    def _forward(self, images: Tensor) -> Any:
        precision: AbstractContextManager = nullcontext()
        if self.mixed is not None:
            precision = torch.autocast(self.device.type, self.mixed)
        with precision:
            return self.network(images)

    def _loss(self, images: Tensor, labels: Tensor) -> Tensor:
        return step.loss_of(self.network, self._forward(images), labels, step.CrossEntropy())

    def _seconds(self, work: Callable[[], Any]) -> float:
        self._wait()
        began = time.perf_counter()
        work()
        self._wait()
        return time.perf_counter() - began

    def _wait(self) -> None:
        if self.device.type == "cuda":
            torch.cuda.synchronize(self.device)


@contextmanager
def _as_in_training(deterministic: bool):
    """Algorithms and memory as the trainer has them, and afterwards as they were."""
    algorithms = torch.are_deterministic_algorithms_enabled()
    filled = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(deterministic)
    torch.utils.deterministic.fill_uninitialized_memory = False
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(algorithms)
        torch.utils.deterministic.fill_uninitialized_memory = filled


def _rounded(milliseconds: float) -> float:
    return float(f"{milliseconds:.5g}")
