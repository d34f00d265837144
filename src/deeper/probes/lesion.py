"""What a trained network loses when blocks are taken out of it or exchanged.

Veit, Wilber, Belongie, *Residual networks behave like ensembles of relatively shallow networks*, arXiv 1605.06431, §4.
A block is a child with weights of one of the network's ``stages`` (of its ``layers`` in a Highway network): a residual
block, a convolution of VGG with its normalisation and activation, a dense or a highway layer. What stands in place of
one that is taken out: its input, where the sizes are equal; its shortcut alone, where a residual block changes them;
its input and no new maps, where a dense layer adds some. Others stay: a convolution of VGG that changes the channels,
the first block of a plain network's stage, a DenseNet's transitions. Blocks of one stage that have weights, inputs and
outputs of equal sizes can be exchanged; in a DenseNet no two have.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deeper.data.batches import ImageData
from deeper.models.highway import HighwayNetwork
from deeper.probes.evaluation import error_of
from deeper.seeds import Purpose, seed_of

Group = tuple[nn.Sequential, list[int]]


@dataclass(frozen=True)
class Unit:
    """A block that can be taken out, and what stands in its place as a function of its input and output.

    Attributes:
        name: of the block in the network.
        module: the block.
        without: (input, output) → what the network sees in the output's place.
        stage: the stage it is in.
        place: its index there.
        sizes: of its input, its output and its weights; blocks that agree in them can be exchanged.
    """

    name: str
    module: nn.Module
    without: Callable[[Tensor, Tensor], Tensor]
    stage: nn.Sequential
    place: int
    sizes: tuple


def probe(
    network: nn.Module, data: ImageData, seed: int, draws: int, most: int, images: int | None = None
) -> dict[str, Any]:
    """Errors on validation images of the whole network and of what is left of it.

    Args:
        network: trained, with stages of blocks.
        data: its data; the first ``images`` validation images serve.
        seed: of the random choices.
        draws: random choices for each number of blocks.
        most: blocks taken out, or pairs exchanged, at once: 1, 2, 4 … up to it.
        images: None: all that ``data`` has.

    Returns:
        ``whole``, ``units`` (names), ``deleted`` (an error a unit), ``several`` and ``exchanged`` (lists of errors by
        number of blocks or pairs; empty where no two blocks of a stage are alike).

    Raises:
        ValueError: the network has no stages of blocks, or none that could be taken out.
    """
    pixels, labels = data.normalise(data.validation.images[:images]), data.validation.labels[:images]
    network.eval()
    found = units(network, pixels[:2])
    error = lambda: error_of(network, pixels, labels)  # noqa: E731
    generator = np.random.default_rng(seed_of(seed, Purpose.LESION))
    groups = alike(found)
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
        ValueError: the network has no stages of blocks, or none that could be taken out.
    """
    blocks = {
        f"{name}.{place}": (stage, place, block)
        for name, stage in _stages(network)
        for place, block in enumerate(stage)
        if any(True for _ in block.parameters())
    }
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    with ExitStack() as hooks, torch.inference_mode():
        for name, (_, _, block) in blocks.items():
            keep = lambda module, inputs, output, own=name: seen.update({own: (inputs[0].clone(), output.clone())})  # noqa: E731
            hooks.callback(block.register_forward_hook(keep).remove)
        network(images)
        replacements = {name: _replacement(block, *seen[name]) for name, (*_, block) in blocks.items()}
    found = []
    for name, (stage, place, block) in blocks.items():
        without = replacements[name]
        if without is not None:
            weights = tuple((key, value.shape) for key, value in block.state_dict().items())
            sizes = (*(tensor.shape for tensor in seen[name]), weights)
            found.append(Unit(name, block, without, stage, place, sizes))
    if not found:
        raise ValueError(f"no block of this {type(network).__name__} could be taken out: each changes its input's size")
    return found


def alike(found: Sequence[Unit]) -> list[Group]:
    """Stages with the places of blocks in them that can be exchanged with one another, two or more."""
    groups: dict[tuple, Group] = {}
    for unit in found:
        groups.setdefault((id(unit.stage), unit.sizes), (unit.stage, []))[1].append(unit.place)
    return [group for group in groups.values() if len(group[1]) > 1]


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
    if x.shape[2:] == y.shape[2:] and y.shape[1] > channels and _same(y[:, :channels], x):
        return lambda x, y: torch.cat((x, torch.zeros_like(y[:, channels:])), 1)
    carried = block.shortcut(block.before(x)) if hasattr(block, "shortcut") else None
    return None if carried is None else lambda x, y: block.last(block.shortcut(block.before(x)))


def _same(one: Tensor, other: Tensor) -> bool:
    """Equal numbers, also where a diverged network has none."""
    return torch.equal(one.nan_to_num(), other.nan_to_num())


def _without(chosen: Sequence[Unit], error: Callable[[], float]) -> float:
    with taken_out(chosen):
        return error()


def _exchanged(groups: Sequence[Group], generator: np.random.Generator, pairs: int, error: Callable) -> float:
    sizes = np.array([len(places) for _, places in groups])
    with ExitStack() as stack:
        for _ in range(pairs):
            stage, places = groups[generator.choice(len(groups), p=sizes / sizes.sum())]
            one, other = generator.choice(places, 2, replace=False)
            stack.enter_context(exchanged(stage, int(one), int(other)))
        return error()


def _stages(network: nn.Module) -> list[tuple[str, nn.Sequential]]:
    """The rows of blocks of a network, by name."""
    if isinstance(network, HighwayNetwork):
        return [("layers", network.layers)]
    stages = getattr(network, "stages", None)
    if not isinstance(stages, nn.Sequential) or not all(isinstance(stage, nn.Sequential) for stage in stages):
        raise ValueError(f"{type(network).__name__} has no stages of blocks that could be taken out")
    return [(f"stages.{index}", stage) for index, stage in enumerate(stages)]


def _choice(generator: np.random.Generator, found: Sequence[Unit], count: int) -> list[Unit]:
    return [found[index] for index in sorted(generator.choice(len(found), count, replace=False))]


def _doubling(most: int) -> list[int]:
    return [2**power for power in range(max(0, most).bit_length()) if 2**power <= most]
