"""What the heads of a trained network with auxiliary classifiers say alone and together.

Szegedy et al., *Going deeper with convolutions*, arXiv 1409.4842, §5, throw the auxiliary heads away at test; here they
are asked too. All answers come from one and the same trained network, in one pass over the images.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from deeper.data.batches import ImageData
from deeper.models.inception import GoogLeNet, log_mean_probability
from deeper.probes import evaluation


def probe(network: nn.Module, data: ImageData, seed: int) -> dict[str, Any]:
    """Errors and losses on validation images of the main head, of each auxiliary head, and of their average.

    Returns:
        ``main``, ``averaged`` (the mean of all heads' probabilities) and a list ``auxiliary``, from input to output;
        each answer is ``{"error", "loss"}``.

    Raises:
        ValueError: the network has no auxiliary heads.
    """
    if not isinstance(network, GoogLeNet) or not network.heads:
        raise ValueError(f"this {type(network).__name__} has no auxiliary heads; name the arms that do: arms: [...]")
    pixels, labels = data.normalise(data.validation.images), data.validation.labels
    main, *auxiliary = answers(network.eval(), pixels)
    judged = lambda logits: {  # noqa: E731
        "error": evaluation.error(logits, labels),
        "loss": evaluation.loss(logits, labels),
    }
    return {
        "main": judged(main),
        "averaged": judged(log_mean_probability((main, *auxiliary))),
        "auxiliary": [judged(logits) for logits in auxiliary],
    }


def answers(network: GoogLeNet, images: Tensor) -> list[Tensor]:
    """Logits (N, classes) of the main head and of each auxiliary one; the network is in evaluation mode."""
    heads = [network.head, *network.heads]
    kept: list[list[Tensor]] = [[] for _ in heads]
    with _averaging(network), _outputs(heads, kept):
        evaluation.logits_of(network, images)
    return [torch.cat(parts) for parts in kept]


@contextmanager
def _outputs(heads: Sequence[nn.Module], kept: Sequence[list[Tensor]]) -> Iterator[None]:
    with ExitStack() as hooks:
        for head, parts in zip(heads, kept, strict=True):
            keep = lambda module, inputs, output, parts=parts: parts.append(output)  # noqa: E731
            hooks.callback(head.register_forward_hook(keep).remove)
        yield


@contextmanager
def _averaging(network: GoogLeNet) -> Iterator[None]:
    """In evaluation mode the auxiliary heads run only where they are averaged in."""
    before, network.average_auxiliary = network.average_auxiliary, True
    try:
        yield
    finally:
        network.average_auxiliary = before
