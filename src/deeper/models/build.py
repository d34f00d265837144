"""From a configuration to a network."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import torch
from hydra.errors import InstantiationException
from hydra.utils import instantiate
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode

from deeper.errors import DeeperError
from deeper.models.parts.checks import check_numbers
from deeper.models.timm_contract import TimmContract, described
from deeper.seeds import Purpose, number_of, seed_of

DESCRIPTIVE = ("name", "form")


def build(model: Mapping[str, Any]) -> nn.Module:
    """The network that a ``model`` configuration (``_target_`` and its arguments) names.

    ``name`` and ``form`` (the input that the paper's network takes and its row in published/structure.csv) describe it
    and are no arguments.

    Raises:
        DeeperError: no such class, or it refuses its arguments; the message is the class's own.
    """
    arguments = {key: value for key, value in model.items() if key not in DESCRIPTIVE}
    check_numbers(arguments, "model")
    try:
        network = instantiate(arguments)
    except InstantiationException as error:
        cause = error.__cause__ or error
        reason = " ".join(str(cause).splitlines()[:2])
        raise DeeperError(f"model {model.get('name', '')}: {reason}") from error
    if isinstance(network, TimmContract):
        network.pretrained_cfg = described(network, model)
    return network


def start(config: Mapping[str, Any]) -> nn.Module:
    """The network of a trial's configuration with the weights that its seed draws.

    With ``training.initial_weights=named`` every parameter is drawn from its own seed, made of the trial's seed, the
    parameter's name and its shape: networks that share a parameter start it alike, whatever else they have. With
    ``stream`` all are drawn one after the other, so that one layer more changes all that come after it.

    Raises:
        DeeperError: as ``build``.
    """
    model, seed = config["model"], config["seed"]
    torch.manual_seed(seed_of(seed, Purpose.WEIGHTS))
    if config["training"].get("initial_weights", "stream") == "stream":
        return build(model)
    # Names are known when a network is whole, and its weights are drawn before: so it is built twice.
    with _Draws(lambda draw: None) as draws:
        first = build(model)
    names = {_place(parameter): name for name, parameter in first.named_parameters()}
    drawn = [names.get(_place(tensor)) for tensor in draws.tensors]
    times: Counter[str] = Counter()

    def generator(draw: int) -> torch.Generator | None:
        if (name := drawn[draw]) is None:
            return None
        times[name] += 1
        shape = first.get_parameter(name).shape
        return torch.Generator().manual_seed(seed_of(seed, Purpose.WEIGHTS, number_of(name), *shape, times[name]))

    torch.manual_seed(seed_of(seed, Purpose.WEIGHTS))
    with _Draws(generator):
        return build(model)


class _Draws(TorchDispatchMode):
    """Sees every random filling of a tensor, and gives it the generator that a function of its number names."""

    RANDOM = ("normal_", "uniform_", "bernoulli_", "exponential_", "random_", "cauchy_", "log_normal_", "geometric_")

    def __init__(self, generator: Callable[[int], torch.Generator | None]):
        super().__init__()
        self.generator = generator
        self.tensors: list[Tensor] = []  # kept, so that no other takes the place of one in memory

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        named = named or {}
        if function.overloadpacket.__name__ in self.RANDOM and named.get("generator") is None:
            own = self.generator(len(self.tensors))
            self.tensors.append(arguments[0])
            named = named if own is None else {**named, "generator": own}
        return function(*arguments, **named)


def _place(tensor: Tensor) -> int:
    return tensor.untyped_storage().data_ptr()
