"""What a network costs, counted on the meta device: nothing is computed and nothing is allocated.

Multiply-adds are those of convolutions and linear layers (PyTorch's flop counter, halved). Activation bytes are what
autograd keeps for the backward pass of one more image in training mode. Depth and receptive field follow the data
through the operations that really run, so any network can be counted, whatever its code looks like.
"""

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_flatten
from torch.utils.flop_counter import FlopCounterMode
from torch.utils.weak import WeakTensorKeyDictionary

aten = torch.ops.aten


@dataclass(frozen=True)
class Cost:
    """Costs of one image through one network.

    Attributes:
        params: trainable parameters.
        macs: multiply-adds of convolutions and linear layers, forward.
        activation_bytes: bytes kept for the backward pass of one image, in training mode.
        depth: weight layers (convolutions and linear) on the longest path without projection shortcuts' help:
            the longest path from input to output.
        receptive_field: input pixels (height, width alike) that one unit of the last feature map sees, borders
            ignored.
    """

    params: int
    macs: int
    activation_bytes: int
    depth: int
    receptive_field: int

    def as_dict(self) -> dict[str, int]:
        return asdict(self)


@dataclass(frozen=True)
class _Trace:
    """What is known of a tensor: weight layers behind it, receptive field, distance of neighbours in pixels."""

    depth: int = 0
    field: int = 1
    jump: int = 1

    @staticmethod
    def join(traces: list["_Trace"]) -> "_Trace":
        return _Trace(
            max((t.depth for t in traces), default=0),
            max((t.field for t in traces), default=1),
            max((t.jump for t in traces), default=1),
        )

    def window(self, kernel: int, stride: int, dilation: int = 1) -> "_Trace":
        return _Trace(self.depth, self.field + (kernel - 1) * dilation * self.jump, self.jump * stride)

    def deeper(self) -> "_Trace":
        return _Trace(self.depth + 1, self.field, self.jump)


def _first(value: Any, default: int = 1) -> int:
    return int(value[0]) if isinstance(value, list | tuple) and value else default


def _convolution(trace: _Trace, args: tuple) -> _Trace:
    weight, stride, dilation = args[1], args[3], args[5]
    return trace.window(weight.shape[2], _first(stride), _first(dilation)).deeper()


def _pool(trace: _Trace, args: tuple) -> _Trace:
    kernel = _first(args[1])
    stride = _first(args[2], kernel) if len(args) > 2 else kernel
    return trace.window(kernel, stride)


def _stride(trace: _Trace, args: tuple) -> _Trace:
    dim, step = args[1] if len(args) > 1 else 0, args[4] if len(args) > 4 else 1
    return _Trace(trace.depth, trace.field, trace.jump * step) if dim in (2, -2) else trace


_LINEAR = (aten.addmm.default, aten.mm.default, aten.linear.default, aten.bmm.default, aten.baddbmm.default)
_RULES = {
    aten.convolution.default: _convolution,
    aten.max_pool2d_with_indices.default: _pool,
    aten.avg_pool2d.default: _pool,
    aten.slice.Tensor: _stride,
    **dict.fromkeys(_LINEAR, lambda trace, args: trace.deeper()),
}


class _Follow(TorchDispatchMode):
    """Carries a ``_Trace`` from every operation's inputs to its outputs."""

    def __init__(self, parameters: list[Tensor]):
        super().__init__()
        self.known: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        for tensor in parameters:
            self.known[tensor] = _Trace()

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = function(*args, **(kwargs or {}))
        inputs = [t for t in tree_flatten((args, kwargs))[0] if isinstance(t, Tensor)]
        trace = _Trace.join([self.known.get(t, _Trace()) for t in inputs])
        rule = _RULES.get(function)
        if rule is not None:
            trace = rule(trace, args)
        for tensor in tree_flatten(result)[0]:
            if isinstance(tensor, Tensor):
                self.known[tensor] = trace
        return result


def _logits(output: Any) -> Tensor:
    return output[0] if isinstance(output, list | tuple) else output


def _saved_bytes(network: nn.Module, shape: tuple[int, ...]) -> int:
    weights = {p.untyped_storage()._cdata for p in (*network.parameters(), *network.buffers())}
    kept: dict[int, tuple[Any, int]] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = (storage, storage.nbytes())
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = network(torch.empty(shape, device="meta"))
    del output
    return sum(size for _, size in kept.values())


def count(network: nn.Module, channels: int, size: int) -> Cost:
    """Count a network for one ``channels`` × ``size`` × ``size`` image in float32.

    The network may live on any device with weights or on ``meta``; it is moved to ``meta`` in place.
    """
    network = network.to("meta")
    params = sum(p.numel() for p in network.parameters() if p.requires_grad)
    network.eval()
    image = torch.empty((1, channels, size, size), device="meta")
    counter = FlopCounterMode(display=False)
    with torch.no_grad(), counter, _Follow([*network.parameters(), *network.buffers()]) as follow:
        trace = follow.known[_logits(network(image))]
    network.train()
    two, three = (_saved_bytes(network, (n, channels, size, size)) for n in (2, 3))
    return Cost(params, counter.get_total_flops() // 2, three - two, trace.depth, trace.field)


def count_config(model: Any, channels: int, size: int) -> Cost:
    """Count the network that a ``model`` configuration names, without allocating its weights.

    Raises:
        DeeperError: the configuration does not make a network.
    """
    from deeper.models.build import build

    with torch.device("meta"):
        network = build(model)
    return count(network, channels, size)
