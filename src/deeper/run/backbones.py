"""A finished trial of the suite as the start of another training."""

from pathlib import Path
from typing import Any

import torch
from torch import nn

from deeper.models.build import build
from deeper.run.store import WEIGHTS, Home


def trained(trial: str, store: str, pretrained: bool = True, in_chans: int = 3, num_classes: int = 1000) -> nn.Module:
    """The network of a finished trial with a fresh classifier: (N, in_chans, H, W) → (N, num_classes).

    Args:
        trial: its id.
        store: the folder of all trials.
        pretrained: start from its weights; not when only counted (on meta).
        in_chans: channels of the input; with ``pretrained`` those it was trained with.
        num_classes: outputs of the new classifier; 0 leaves it off.

    Raises:
        ValueError: the trial is not there, not finished, or takes other channels.
    """
    config = settings(store, trial)
    own = config["data"]["channels"]
    if pretrained and own != in_chans:
        raise ValueError(f"trial {trial} takes {own} channels, not {in_chans}: say transfer.backbone.channels={own}")
    network = build({**config["model"], "in_chans": in_chans})
    if pretrained and torch.get_default_device().type != "meta":
        network.load_state_dict(torch.load(Home(store, trial) / WEIGHTS, map_location="cpu", weights_only=True))
    network.reset_classifier(num_classes)
    return network


def settings(store: Path | str, trial: str, root: Path | str | None = None) -> dict[str, Any]:
    """The frozen configuration of a finished trial; ``root`` is where the prepared sets are, None: where they were.

    Raises:
        DeeperError: the trial is not there, not finished, or damaged.
    """
    home = Home(store, trial)
    home.finished("train it first, or name another")
    return home.config(root)
