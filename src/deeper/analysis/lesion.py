"""What a trained network loses when blocks are taken out of it or exchanged.

Veit, Wilber, Belongie, *Residual networks behave like ensembles of relatively shallow networks*, arXiv 1605.06431, §4.
A block is a child of one of the network's ``stages``. What stands in place of one that is taken out: its input, where
the sizes are equal; its shortcut alone, where a residual block changes them; its input and no new maps, where a dense
layer adds some.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deeper.data.module import ImageData
from deeper.seeds import seed_of

BATCH = 500
Group = tuple[nn.Sequential, list[int]]
_PURPOSE = 11


@dataclass(frozen=True)
class Unit:
    """A block that can be taken out: its name, and what stands in its place as a function of its input and output."""

    name: str
    module: nn.Module
    without: Callable[[Tensor, Tensor], Tensor]


def probe(network: nn.Module, data: ImageData, seed: int, images: int, draws: int, most: int) -> dict[str, Any]:
    """Errors on validation images of the whole network and of what is left of it.

    Args:
        network: trained, with ``stages`` of blocks.
        data: its data; the first ``images`` validation images serve.
        seed: of the random choices.
        draws: random choices for each number of blocks.
        most: blocks taken out, or pairs exchanged, at once: 1, 2, 4 … up to it.

    Returns:
        ``whole``, ``units`` (names), ``deleted`` (an error a unit), ``several`` and ``exchanged`` (lists of errors by
        number of blocks or pairs; empty where no two blocks of a stage are alike).

    Raises:
        ValueError: the network has no stages of blocks.
    """
    pixels, labels = data.normalise(data.validation.images[:images]), data.validation.labels[:images]
    network.eval()
    found = units(network, pixels[:2])
    error = lambda: error_of(network, pixels, labels)  # noqa: E731
    generator = np.random.default_rng(seed_of(seed, _PURPOSE))
    groups = _alike(network)
    return {
        "whole": error(),
        "units": [unit.name for unit in found],
        "deleted": [_without([unit], error) for unit in found],
        "several": {
            str(count): [_without(_choice(generator, found, count), error) for _ in range(draws)]
            for count in _doubling(min(most, len(found)))
        },
        "exchanged": {
            str(count): [_exchanged(groups, generator, count, error) for _ in range(draws)]
            for count in _doubling(most if groups else 0)
        },
    }


def units(network: nn.Module, images: Tensor) -> list[Unit]:
    """The blocks of a network that can be taken out, in the order they run.

    Raises:
        ValueError: the network has no ``stages``.
    """
    stages = getattr(network, "stages", None)
    if not isinstance(stages, nn.Sequential):
        raise ValueError(f"{type(network).__name__} has no stages of blocks that could be taken out")
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    blocks = {f"stages.{s}.{b}": block for s, stage in enumerate(stages) for b, block in enumerate(stage)}
    with ExitStack() as hooks, torch.inference_mode():
        for name, block in blocks.items():
            keep = lambda module, inputs, output, name=name: seen.update({name: (inputs[0].clone(), output)})  # noqa: E731
            hooks.callback(block.register_forward_hook(keep).remove)
        network(images)
    found = []
    for name, block in blocks.items():
        without = _replacement(block, *seen[name])
        if without is not None and any(True for _ in block.parameters()):
            found.append(Unit(name, block, without))
    return found


def error_of(network: nn.Module, images: Tensor, labels: Tensor) -> float:
    """Share of wrong answers."""
    with torch.inference_mode():
        guesses = torch.cat([network(batch).argmax(1) for batch in images.split(BATCH)])
    wrong = int((guesses != labels).sum())
    return wrong / len(labels)


@contextmanager
def taken_out(chosen: Sequence[Unit]) -> Iterator[None]:
    """The network without some of its blocks."""
    with ExitStack() as hooks:
        for unit in chosen:
            hook = unit.module.register_forward_hook(
                lambda module, inputs, output, u=unit: u.without(inputs[0], output)
            )
            hooks.callback(hook.remove)
        yield


@contextmanager
def exchanged(stage: nn.Sequential, one: int, other: int) -> Iterator[None]:
    """A stage with two of its blocks in each other's place."""
    stage[one], stage[other] = stage[other], stage[one]
    try:
        yield
    finally:
        stage[one], stage[other] = stage[other], stage[one]


def _replacement(block: nn.Module, x: Tensor, y: Tensor) -> Callable[[Tensor, Tensor], Tensor] | None:
    channels = x.shape[1]
    if x.shape == y.shape:
        return lambda x, y: x
    if x.shape[2:] == y.shape[2:] and y.shape[1] > channels and torch.equal(y[:, :channels], x):
        return lambda x, y: torch.cat((x, torch.zeros_like(y[:, channels:])), 1)
    carried = block.shortcut(block.before(x)) if hasattr(block, "shortcut") else None
    return None if carried is None else lambda x, y: block.last(block.shortcut(block.before(x)))


def _without(chosen: Sequence[Unit], error: Callable[[], float]) -> float:
    with taken_out(chosen):
        return error()


def _exchanged(groups: Sequence[Group], generator: np.random.Generator, pairs: int, error: Callable) -> float:
    sizes = np.array([len(alike) for _, alike in groups])
    with ExitStack() as stack:
        for _ in range(pairs):
            stage, alike = groups[generator.choice(len(groups), p=sizes / sizes.sum())]
            one, other = generator.choice(alike, 2, replace=False)
            stack.enter_context(exchanged(stage, int(one), int(other)))
        return error()


def _alike(network: nn.Module) -> list[Group]:
    """Every stage with blocks of the same shapes as its last one, which can be exchanged."""
    groups = []
    for stage in network.stages:
        shapes = [tuple((k, v.shape) for k, v in block.state_dict().items()) for block in stage]
        alike = [index for index, shape in enumerate(shapes) if shape and shape == shapes[-1]]
        if len(alike) > 1:
            groups.append((stage, alike))
    return groups


def _choice(generator: np.random.Generator, found: Sequence[Unit], count: int) -> list[Unit]:
    return [found[index] for index in sorted(generator.choice(len(found), count, replace=False))]


def _doubling(most: int) -> list[int]:
    return [2**power for power in range(max(0, most).bit_length()) if 2**power <= most]
