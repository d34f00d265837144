"""A walk through a network, layer by layer in the order they run, as lectures go through AlexNet and VGG-16.

A row is a call of a module that has no parts of its own, or an operation that a larger module does itself (an addition,
a concatenation, a mean over positions). Views and parts that hand their input on (``nn.Identity``, dropout) have no
row. Nothing is computed.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.weak import WeakTensorKeyDictionary

from deeper.cost.count import Follow, build_on_meta, refused

OWN_NAMES = {"constant_pad_nd": "pad", "max_pool2d_with_indices": "max_pool2d", "convolution": "conv2d"}


@dataclass(frozen=True)
class LayerCost:
    """One row.

    Attributes:
        name: the module's path, or ``network`` for what the network itself does.
        kind: its class, or the operation in lower case.
        shape: of its output without the batch; None for a part that only runs in training, such as an auxiliary head.
        params: trainable parameters, counted where they are used first.
        macs: multiply-adds of one image.
        activations: numbers that it writes to new memory; 0 where it works in place or hands its input on.
        kernel: height and width of the window of a convolution or a pooling; None for others.
        groups: of a convolution.
        inputs: the rows, by their places, whose outputs it takes; none of what takes the image alone.
    """

    name: str
    kind: str
    shape: tuple[int, ...] | None
    params: int = 0
    macs: int = 0
    activations: int = 0
    kernel: tuple[int, int] | None = field(default=None, compare=False)
    groups: int = field(default=1, compare=False)
    inputs: tuple[int, ...] = field(default=(), compare=False)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


class _Call:
    """A module that is running: what it has done itself so far."""

    def __init__(self, name: str, module: nn.Module, params: int):
        self.name, self.module, self.params, self.macs = name or "network", module, params, 0
        self.whole = params > 0 or next(module.children(), None) is None
        self.worked = params > 0


class _Walk(Follow):
    def __init__(self, network: nn.Module, image: Tensor):
        super().__init__()
        self.rows: list[LayerCost] = []
        self.calls: list[_Call] = []
        self.unused = {_memory(p): p.numel() for p in network.parameters() if p.requires_grad}
        self.written = {_memory(image)}
        self.alive: list[Any] = [image.untyped_storage()]
        self.sources: WeakTensorKeyDictionary = WeakTensorKeyDictionary()  # of a tensor: the rows it comes from

    def enter(self, name: str, module: nn.Module) -> None:
        own = sum(self.unused.pop(_memory(p), 0) for p in module.parameters(recurse=False))
        self.calls.append(_Call(name, module, own))

    def leave(self, output: Any) -> None:
        call = self.calls.pop()
        if call.whole and call.worked and isinstance(output, Tensor):
            module, numbers = call.module, (call.params, call.macs, self._new(output))
            window = _window(getattr(module, "kernel_size", None)), getattr(module, "groups", 1)
            self._add(output, call.name, type(module).__name__, *numbers, *window)

    def see(self, function: Any, inputs: list[Tensor], outputs: list[Tensor], macs: int) -> None:
        call = self.calls[-1]
        sources = frozenset().union(*(self.sources.get(tensor, ()) for tensor in inputs))
        for tensor in outputs if sources else ():
            self.sources[tensor] = sources
        if not (inputs and outputs and _computes(function)):
            return
        params = sum(self.unused.pop(_memory(tensor), 0) for tensor in inputs)
        if call.whole:
            call.params, call.macs, call.worked = call.params + params, call.macs + macs, True
        else:
            self._operation(call, function, outputs[0], params, macs)

    def _operation(self, call: _Call, function: Any, output: Tensor, params: int, macs: int) -> None:
        kind = function._overloadpacket.__name__.strip("_").removeprefix("native_")
        kind = OWN_NAMES.get(kind, kind)
        self._add(output, call.name, kind, params, macs, self._new(output))

    def _add(self, output: Tensor, name: str, kind: str, *rest: Any) -> None:
        """One row more; what takes ``output`` from now on takes it from there."""
        row = LayerCost(name, kind, tuple(output.shape[1:]), *rest)
        self.rows.append(replace(row, inputs=tuple(sorted(self.sources.get(output, ())))))
        self.sources[output] = frozenset([len(self.rows) - 1])

    def _new(self, output: Tensor) -> int:
        if _memory(output) in self.written:
            return 0
        self.written.add(_memory(output))
        self.alive.append(output.untyped_storage())
        return output[0].numel()


def _window(kernel: Any) -> tuple[int, int] | None:
    if kernel is None or isinstance(kernel, int):
        return kernel and (kernel, kernel)
    return tuple(kernel) if len(kernel) == 2 else None


def _memory(tensor: Tensor) -> int:
    """What tells the memory of a tensor, and of views of it, from others'."""
    return tensor.untyped_storage()._cdata


def _computes(function: Any) -> bool:
    """Whether an operation makes new numbers out of old ones, in new memory or in place."""
    schema = function._schema
    return not any(ret.alias_info is not None and not ret.alias_info.is_write for ret in schema.returns)


def walk(network: nn.Module, channels: int, size: int) -> list[LayerCost]:
    """The layers of a network for one ``channels`` × ``size`` × ``size`` image, in evaluation mode.

    Parts that did not run stand at the end, without a shape. The network is moved to ``meta`` in place.
    """
    network = network.to("meta").eval()
    image = torch.empty((1, channels, size, size), device="meta")
    follow = _Walk(network, image)
    hooks = []
    for name, module in network.named_modules():
        hooks.append(module.register_forward_pre_hook(lambda module, _, name=name: follow.enter(name, module)))
        hooks.append(module.register_forward_hook(lambda module, _, output: follow.leave(output)))
    try:
        with torch.no_grad(), follow:
            network(image)
    finally:
        for hook in hooks:
            hook.remove()
    return follow.rows + _unused(network, follow.unused)


def _unused(network: nn.Module, unused: dict[int, int]) -> list[LayerCost]:
    rows = []
    for name, module in network.named_modules():
        params = sum(unused.pop(_memory(p), 0) for p in module.parameters(recurse=False))
        if params:
            rows.append(LayerCost(name, type(module).__name__, None, params))
    return rows


def walk_config(model: Any, channels: int, size: int) -> list[LayerCost]:
    """The layers of the network that a ``model`` configuration names.

    Raises:
        DeeperError: the configuration does not make a network, or the network does not take such an image.
    """
    network = build_on_meta(model)
    try:
        return walk(network, channels, size)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise refused(model, channels, size, error) from error
