"""How noisy a network's gradient is, layer by layer, over mini-batches.

For each weight of a convolution or linear layer, over B mini-batches with gradients g_b: the *signal* is the squared
length of the mean gradient, freed of the part that the noise of B batches leaves in it; the *noise* is the variance of
one batch's gradient, summed over the weight's numbers. Their ratio is shown in decibels, and the signal's share of
both: 1 without noise, 0 where the batches have nothing in common (its estimate can fall a little below).
"""

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deeper.data.batches import ImageData
from deeper.fit import step
from deeper.seeds import Purpose, seed_of


def probe(network: nn.Module, data: ImageData, seed: int, batches: int, batch_size: int) -> dict[str, Any]:
    """Signal-to-noise ratio of each layer's gradient, in training mode, on training images as they are.

    Args:
        network: as it starts, or trained.
        data: its data.
        seed: of the batches.
        batches: mini-batches, B.
        batch_size: images of each.

    Returns:
        ``layers`` (names), ``signal_share``, None where a number is not finite, and ``snr_db``, None also where the
        signal is lost in the noise.
    """
    layers = {name: part.weight for name, part in network.named_modules() if isinstance(part, nn.Conv2d | nn.Linear)}
    total = [torch.zeros_like(weight, dtype=torch.float64) for weight in layers.values()]
    squares = torch.zeros(len(layers), dtype=torch.float64)
    network.train()
    generator = np.random.default_rng(seed_of(seed, Purpose.GRADIENT_NOISE))
    for _ in range(batches):
        index = torch.from_numpy(generator.choice(len(data.train), batch_size, replace=False))
        gradients = _gradients(network, data.normalise(data.train.images[index]), data.train.labels[index], layers)
        for place, gradient in enumerate(gradients):
            total[place] += gradient
            squares[place] += gradient.square().sum()
    means = torch.stack([(part / batches).square().sum() for part in total])
    noise = (squares / batches - means) * batches / (batches - 1)
    signal = means - noise / batches
    return {
        "layers": [f"{name}.weight" for name in layers],
        "signal_share": [_share(s, n) for s, n in zip(signal.tolist(), noise.tolist(), strict=True)],
        "snr_db": [_decibels(s, n) for s, n in zip(signal.tolist(), noise.tolist(), strict=True)],
    }


def _gradients(network: nn.Module, images: Tensor, labels: Tensor, layers: dict[str, Tensor]) -> list[Tensor]:
    loss = step.CrossEntropy()(step.heads(network(images))[0], labels)  # the main head's alone
    gradients = torch.autograd.grad(loss, list(layers.values()), allow_unused=True)
    return [torch.zeros_like(w) if g is None else g for g, w in zip(gradients, layers.values(), strict=True)]


def _share(signal: float, noise: float) -> float | None:
    whole = signal + noise
    return round(signal / whole, 6) if math.isfinite(whole) and whole > 0 else None


def _decibels(signal: float, noise: float) -> float | None:
    if not (math.isfinite(signal) and math.isfinite(noise)) or signal <= 0 or noise <= 0:
        return None
    return round(10 * math.log10(signal / noise), 3)
