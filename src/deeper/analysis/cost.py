"""What a network costs, counted on the meta device: nothing is computed and nothing is allocated.

Multiply-adds are those of convolutions and linear layers (PyTorch's flop formulas, halved). Activation bytes are what
autograd keeps for the backward pass of one more image in training mode, auxiliary heads included and no block dropped.
Depth and receptive field follow the data through the operations that really run, so any network can be counted,
whatever its code looks like. Squeeze-and-excitation's gates, which re-scale maps by numbers averaged over all
positions, are on no path: a ResNet-50 with them has 50 weight layers and sees as far as without.
"""

from dataclasses import asdict, dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry
from torch.utils.weak import WeakTensorKeyDictionary

from deeper.errors import DeeperError
from deeper.models.dropping import SharedDraw

aten = torch.ops.aten


@dataclass(frozen=True)
class Cost:
    """Costs of one image through one network.

    Attributes:
        params: trainable parameters, those of auxiliary heads included.
        macs: multiply-adds of convolutions and linear layers, forward, in evaluation mode.
        activation_bytes: bytes kept for the backward pass of one image, in training mode.
        depth: weight layers (convolutions and linear) on the longest path from input to output.
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
class Forward:
    """What a forward pass of one image tells; as in ``Cost``."""

    macs: int
    depth: int
    receptive_field: int


@dataclass(frozen=True)
class _Trace:
    """What is known of a tensor: weight layers behind it, receptive field, distance of neighbours in pixels.

    ``pooled``: it was averaged over all positions.
    """

    depth: int = 0
    field: int = 1
    jump: int = 1
    pooled: bool = False

    @staticmethod
    def join(traces: list["_Trace"]) -> "_Trace":
        if not traces:
            return _Trace()
        return _Trace(
            max(t.depth for t in traces),
            max(t.field for t in traces),
            max(t.jump for t in traces),
            all(t.pooled for t in traces),
        )

    def window(self, kernel: int, stride: int, dilation: int = 1) -> "_Trace":
        return replace(self, field=self.field + (kernel - 1) * dilation * self.jump, jump=self.jump * stride)

    def deeper(self) -> "_Trace":
        return replace(self, depth=self.depth + 1)


def _first(value: Any, default: int = 1) -> int:
    if isinstance(value, list | tuple):
        return int(value[0]) if value else default
    return int(value)


def _convolution(trace: _Trace, args: tuple) -> _Trace:
    weight, stride, dilation = args[1], args[3], args[5]
    return trace.window(weight.shape[2], _first(stride), _first(dilation)).deeper()


def _pool(trace: _Trace, args: tuple) -> _Trace:
    kernel = _first(args[1])
    return trace.window(kernel, _first(args[2] if len(args) > 2 else [], kernel))


def _max_pool(trace: _Trace, args: tuple) -> _Trace:
    kernel, dilation = _first(args[1]), _first(args[4] if len(args) > 4 else [])
    return trace.window(kernel, _first(args[2] if len(args) > 2 else [], kernel), dilation)


def _slice(trace: _Trace, args: tuple) -> _Trace:
    dim, step = args[1] if len(args) > 1 else 0, args[4] if len(args) > 4 else 1
    return replace(trace, jump=trace.jump * step) if args[0].dim() == 4 and dim in (2, -2) else trace


def _mean(trace: _Trace, args: tuple) -> _Trace:
    over = {dim % args[0].dim() for dim in args[1] or ()} if len(args) > 1 else set()
    return replace(trace, pooled=trace.pooled or (args[0].dim() == 4 and {2, 3} <= over))


_LINEAR = (aten.addmm.default, aten.mm.default, aten.linear.default, aten.bmm.default, aten.baddbmm.default)
_RULES = {
    aten.convolution.default: _convolution,
    aten.max_pool2d_with_indices.default: _max_pool,
    aten.avg_pool2d.default: _pool,
    aten.slice.Tensor: _slice,
    aten.mean.dim: _mean,
    **dict.fromkeys(_LINEAR, lambda trace, args: trace.deeper()),
}
_GATES = (aten.mul.Tensor, aten.mul_.Tensor)


_NORMS = (aten.native_batch_norm.default, aten._native_batch_norm_legit_no_training.default)


class _Meta(TorchDispatchMode):
    """Runs operations, batch normalisation by its shapes alone: PyTorch's own takes most of a count's time."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function in _NORMS:
            image = args[0]
            channel = image.new_empty(image.shape[1])
            return torch.empty_like(image), channel, torch.empty_like(channel)
        return function(*args, **(kwargs or {}))


class Follow(_Meta):
    """Counts multiply-adds and carries what is known of a tensor from every operation's inputs to its outputs."""

    def __init__(self):
        super().__init__()
        self.known: WeakTensorKeyDictionary = WeakTensorKeyDictionary()
        self.macs = 0

    def see(self, function: Any, inputs: list[Tensor], outputs: list[Tensor], macs: int) -> None:
        """Called after each operation; a subclass may keep what it wants."""

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        result = super().__torch_dispatch__(function, types, args, kwargs)
        inputs, outputs = _tensors((args, kwargs)), _tensors(result)
        trace = self._trace(function, args, [self.known[t] for t in inputs if t in self.known])
        for tensor in outputs:
            self.known[tensor] = trace
        macs = _macs(function, args, kwargs or {}, result)
        self.macs += macs
        self.see(function, inputs, outputs, macs)
        return result

    def _trace(self, function: Any, args: tuple, traces: list[_Trace]) -> _Trace:
        if function in _GATES and len({trace.pooled for trace in traces}) == 2:
            traces = [trace for trace in traces if not trace.pooled]
        trace = _Trace.join(traces)
        rule = _RULES.get(function)
        return rule(trace, args) if rule else trace


def _tensors(value: Any) -> list[Tensor]:
    return [leaf for leaf in tree_leaves(value) if isinstance(leaf, Tensor)]


def _macs(function: Any, args: tuple, kwargs: dict, result: Any) -> int:
    formula = flop_registry.get(function._overloadpacket)
    return formula(*args, **kwargs, out_val=result) // 2 if formula else 0


def logits_of(output: Any) -> Tensor:
    """The logits of a network's output, which may have auxiliary ones behind them."""
    return output[0] if isinstance(output, list | tuple) else output


def _saved_bytes(network: nn.Module, shape: tuple[int, ...]) -> int:
    weights = {p.untyped_storage()._cdata for p in (*network.parameters(), *network.buffers())}
    kept: dict[int, tuple[Any, int]] = {}

    def pack(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        if storage._cdata not in weights:
            kept[storage._cdata] = (storage, storage.nbytes())
        return tensor

    with _Meta(), torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
        output = network(torch.empty(shape, device="meta"))
    del output
    return sum(size for _, size in kept.values())


def _train_without_dropping(network: nn.Module) -> None:
    network.train()
    for part in network.modules():
        if isinstance(part, SharedDraw):
            part.training = False


def count(network: nn.Module, channels: int, size: int) -> Cost:
    """Count a network for one ``channels`` × ``size`` × ``size`` image in float32.

    The network may live on any device with weights or on ``meta``; it is moved to ``meta`` in place.
    """
    network = network.to("meta")
    params = sum(p.numel() for p in network.parameters() if p.requires_grad)
    forward = run_forward(network, channels, size)
    _train_without_dropping(network)
    two, three = (_saved_bytes(network, (n, channels, size, size)) for n in (2, 3))
    network.train()
    return Cost(params, forward.macs, three - two, forward.depth, forward.receptive_field)


def run_forward(network: nn.Module, channels: int, size: int) -> Forward:
    """What one image's forward pass tells of a network on ``meta``, which is put in evaluation mode."""
    image = torch.empty((1, channels, size, size), device="meta")
    with torch.no_grad(), Follow() as follow:
        follow.known[image] = _Trace()
        trace = follow.known[logits_of(network.eval()(image))]
    return Forward(follow.macs, trace.depth, trace.field)


class _NoDraw(TorchFunctionMode):
    """Leaves out the drawing of weights that are not there."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        drawn = getattr(function, "__module__", None) == "torch.nn.init"
        return args[0] if drawn and args else function(*args, **(kwargs or {}))


def build_on_meta(model: Any) -> nn.Module:
    """The network that a ``model`` configuration names, without its weights.

    Raises:
        DeeperError: the configuration does not make a network.
    """
    from deeper.models.build import build

    with torch.device("meta"), _NoDraw():
        return build(model)


def count_config(model: Any, channels: int, size: int) -> Cost:
    """Count the network that a ``model`` configuration names, without allocating its weights.

    Raises:
        DeeperError: the configuration does not make a network, or the network does not take such an image.
    """
    network = build_on_meta(model)
    try:
        return count(network, channels, size)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise refused(model, channels, size, error) from error


def refused(model: Any, channels: int, size: int, error: Exception) -> DeeperError:
    """What to say of a network that could not be run on such an image."""
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    return DeeperError(f"model {model.get('name', '')}: it cannot take {channels}×{size}×{size} images: {reason}")
