"""From a configuration to a network."""

from collections.abc import Mapping
from typing import Any

from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch import nn

from deeper.errors import DeeperError


def build(model: Mapping[str, Any]) -> nn.Module:
    """The network that a ``model`` configuration (``_target_`` and its arguments) names.

    Raises:
        DeeperError: no such class, or it refuses its arguments; the message is the class's own.
    """
    arguments = {key: value for key, value in model.items() if key != "name"}
    try:
        return instantiate(arguments)
    except InstantiationException as error:
        cause = error.__cause__ or error
        raise DeeperError(f"model {model.get('name', '')}: {str(cause).splitlines()[0]}") from error
