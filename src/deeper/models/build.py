"""From a configuration to a network."""

from collections.abc import Mapping
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch import nn

from deeper.errors import DeeperError

DESCRIPTIVE = ("name", "form")


def build(model: Mapping[str, Any]) -> nn.Module:
    """The network that a ``model`` configuration (``_target_`` and its arguments) names.

    ``name`` and ``form`` (the input that the paper's network takes and its row in published/structure.csv) describe it
    and are no arguments.

    Raises:
        DeeperError: no such class, or it refuses its arguments; the message is the class's own.
    """
    arguments = {key: value for key, value in model.items() if key not in DESCRIPTIVE}
    try:
        return instantiate(arguments)
    except InstantiationException as error:
        cause = error.__cause__ or error
        reason = " ".join(str(cause).splitlines()[:2])
        raise DeeperError(f"model {model.get('name', '')}: {reason}") from error
