"""What each column of a trained fractal network can do alone.

Larsson, Maire, Shakhnarovich, *FractalNet: ultra-deep neural networks without residuals*, arXiv 1605.07648, §4.3.
All columns run on the weights that were trained together. A layer's batch normalisation has one set of statistics,
whichever path the data took through it: running means over all training steps, those of the whole network and those
that trained a column alone. They are used as they are, for the whole network and for each column.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from torch import nn

from deeper.data.batches import ImageData
from deeper.models.fractalnet import FractalNet
from deeper.probes.evaluation import error_of


def probe(network: nn.Module, data: ImageData, seed: int) -> dict[str, Any]:
    """Errors on validation images of the whole network and of each of its columns.

    Returns:
        ``whole``; ``columns``, errors from the shallowest to the deepest; ``convolutions`` of each column.

    Raises:
        ValueError: the network is not a fractal one, or was trained as one column.
    """
    if not isinstance(network, FractalNet):
        raise ValueError(f"{type(network).__name__} has no columns; name the arms that have some: arms: [...]")
    if network.column is not None:
        raise ValueError(f"the network was trained as its column {network.column} alone: the others learnt nothing")
    pixels, labels = data.normalise(data.validation.images), data.validation.labels
    network.eval()
    whole, alone = error_of(network, pixels, labels), []
    for column in range(network.columns):
        with only(network, column):
            alone.append(error_of(network, pixels, labels))
    lengths = [sum(len(block.layers(column)) for block in network.blocks) for column in range(network.columns)]
    return {"whole": whole, "columns": alone, "convolutions": lengths}


@contextmanager
def only(network: FractalNet, column: int) -> Iterator[None]:
    """The network as one of its columns."""
    network.column = column
    try:
        yield
    finally:
        network.column = None
