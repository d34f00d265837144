"""What a frozen network says of pictures."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from deeper.data.batches import EvaluationBatches, Split
from deeper.data.targets.target_set import TargetSet
from deeper.errors import DeeperError

PRE_LOGITS = "pre_logits"


class Extractor:
    """What a frozen network says of pictures at one of its layers.

    Args:
        network: with timm's contract (``forward_features``, ``forward_head``).
        layer: a module's name, whose maps or tokens are averaged over positions; ``pre_logits``: what the classifier
            sees.
        data: says how pictures are normalised.
        batch_size: pictures at once.

    Raises:
        DeeperError: the network has no such layer.
    """

    def __init__(self, network: nn.Module, layer: str, data: TargetSet, batch_size: int, device: torch.device):
        self.network, self.layer, self.data = network.to(device).eval(), layer, data
        self.batch_size, self.device = batch_size, device
        check_layer(network, layer)
        self.part = dict(network.named_modules()).get(layer)

    def __call__(self, images: Split) -> np.ndarray:
        """float32 (N, D)."""
        batches = EvaluationBatches(self.data, images, self.batch_size, self.device)
        with torch.no_grad():
            return torch.cat([self._of(pictures) for pictures, _, _ in batches]).cpu().numpy()

    def _of(self, pictures: Tensor) -> Tensor:
        if self.part is None:
            maps = self.network.forward_features(pictures)
            return self.network.forward_head(maps, pre_logits=True).flatten(1).float()
        caught: list[Tensor] = []
        handle = self.part.register_forward_hook(lambda module, inputs, output: caught.append(output))
        try:
            self.network(pictures)
        finally:
            handle.remove()
        if not caught or not isinstance(caught[0], Tensor):
            raise DeeperError(f"layer {self.layer} gives no maps when the network runs; name another")
        return self._pooled(caught[0]).float()

    def _pooled(self, maps: Tensor) -> Tensor:
        """(N, C), (N, tokens, C), and maps with channels where the network keeps them, to (N, C)."""
        if maps.ndim == 4:
            return maps.mean((1, 2) if getattr(self.network, "channels_last", False) else (2, 3))
        if maps.ndim not in (2, 3):
            raise DeeperError(f"layer {self.layer} gives a tensor of {maps.ndim} axes; name another")
        return maps.mean(1) if maps.ndim == 3 else maps


def check_layer(network: nn.Module, layer: str) -> None:
    """See that a network, which may be without weights, has a layer.

    Raises:
        DeeperError: it has not.
    """
    parts = dict(network.named_modules())
    if layer != PRE_LOGITS and (not layer or layer not in parts):
        raise DeeperError(f"transfer.layer={layer}: the network has {PRE_LOGITS}, {', '.join(_some(parts))}")


def _some(parts: dict[str, Any]) -> list[str]:
    """Names of the layers worth naming: at most two dots deep, and not more than twenty."""
    return [name for name in parts if name and name.count(".") <= 2][:20]
