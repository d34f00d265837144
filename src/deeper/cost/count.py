"""What a network costs, counted on the meta device: nothing is computed and nothing is allocated.

Multiply-adds are those of convolutions and linear layers (PyTorch's flop formulas, halved). Activation bytes are what
autograd keeps for the backward pass of one more image in training mode, auxiliary heads included and no block dropped.
Depth and receptive field follow the data through the operations that really run, so any network can be counted,
whatever its code looks like. Squeeze-and-excitation's gates, which re-scale maps by numbers averaged over all
positions, are on no path: a ResNet-50 with them has 50 weight layers and sees as far as without.
"""

import math
import re
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from fractions import Fraction
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry
from torch.utils.weak import WeakTensorKeyDictionary

from deeper.errors import DeeperError
from deeper.models.parts.drop_path import SharedDraw

aten = torch.ops.aten
Pair = tuple[Fraction, Fraction]


@dataclass(frozen=True)
class Cost:
    """Costs of one image through one network.

    Attributes:
        params: trainable parameters, those of auxiliary heads included.
        macs: multiply-adds of convolutions and linear layers, forward, in evaluation mode.
        activation_bytes: bytes kept for the backward pass of one image, in training mode.
        depth: weight layers (convolutions and products with a parameter) on the longest path from input to output.
        receptive_field: input pixels that one unit of the last feature map sees, along the longer side, borders
            ignored; None where positions were mixed in a way that is not followed, as by attention.
    """

    params: int
    macs: int
    activation_bytes: int
    depth: int
    receptive_field: int | None

    def as_dict(self) -> dict[str, int | None]:
        return asdict(self)


@dataclass(frozen=True)
class Forward:
    """What a forward pass of one image tells; as in ``Cost``."""

    macs: int
    depth: int
    receptive_field: int | None


@dataclass(frozen=True)
class _Trace:
    """What is known of a tensor: weight layers behind it, receptive field, distance of neighbours in pixels.

    Field and distance are pairs, of heights and widths; ``field`` is None where positions were mixed in ways that are
    not followed. ``pooled``: it was gathered over all positions.
    """

    depth: int = 0
    field: Pair | None = (Fraction(1), Fraction(1))
    jump: Pair = (Fraction(1), Fraction(1))
    pooled: bool = False

    @staticmethod
    def join(traces: list["_Trace"]) -> "_Trace":
        if all(t == traces[0] for t in traces[1:]):
            return traces[0]
        fields = [t.field for t in traces]
        return _Trace(
            max(t.depth for t in traces),
            None if None in fields else tuple(map(max, zip(*fields, strict=True))),
            tuple(map(max, zip(*(t.jump for t in traces), strict=True))),
            all(t.pooled for t in traces),
        )

    @property
    def pixels(self) -> int | None:
        """The receptive field's longer side."""
        return self.field and math.ceil(max(self.field))

    def window(self, seen: tuple[int, ...], step: tuple) -> "_Trace":
        """After a window of ``seen`` neighbours that moves by ``step`` of them."""
        if seen == step == (1, 1):
            return self
        field = self.field and tuple(f + (n - 1) * j for f, n, j in zip(self.field, seen, self.jump, strict=True))
        return replace(self, field=field, jump=tuple(j * s for j, s in zip(self.jump, step, strict=True)))

    def mixed(self) -> "_Trace":
        return self if self.pooled else replace(self, field=None)

    def deeper(self) -> "_Trace":
        return replace(self, depth=self.depth + 1)


def _pair(args: tuple, index: int, default: Any = (1, 1)) -> tuple:
    value = args[index] if len(args) > index else ()
    if isinstance(value, list | tuple):
        return tuple(value) if len(value) == 2 else tuple(value) * 2 or default
    return (value, value)


def _span(kernel: tuple, dilation: tuple) -> tuple[int, ...]:
    return tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))


def _convolution(trace: _Trace, args: tuple) -> _Trace:
    kernel, trace = tuple(args[1].shape[2:]), trace.deeper()
    if len(kernel) != 2:
        return trace.mixed()
    span, stride = _span(kernel, _pair(args, 5)), _pair(args, 3)
    if not args[6]:
        return trace.window(span, stride)
    seen = tuple(-(-n // s) for n, s in zip(span, stride, strict=True))
    return trace.window(seen, tuple(Fraction(1, s) for s in stride))


def _average_pool(trace: _Trace, args: tuple) -> _Trace:
    kernel = _pair(args, 1)
    if kernel == tuple(args[0].shape[-2:]) and _pair(args, 3, (0, 0)) in ((0, 0), (False, False)):
        return replace(trace, pooled=True)
    return trace.window(kernel, _pair(args, 2, kernel))


def _max_pool(trace: _Trace, args: tuple) -> _Trace:
    kernel = _pair(args, 1)
    return trace.window(_span(kernel, _pair(args, 4)), _pair(args, 2, kernel))


def _adaptive_pool(trace: _Trace, args: tuple) -> _Trace:
    sizes = list(zip(args[0].shape[-2:], _pair(args, 1), strict=True))
    if all(out == 1 for _, out in sizes):
        return replace(trace, pooled=True)
    seen = tuple(max(-(-(i + 1) * n // out) - i * n // out for i in range(out)) for n, out in sizes)
    return trace.window(seen, tuple(Fraction(n, out) for n, out in sizes))


def _columns(trace: _Trace, args: tuple) -> _Trace:
    return trace.window(_span(_pair(args, 1), _pair(args, 2)), _pair(args, 4))


def _axis(tensor: Tensor, dim: int) -> int | None:
    axis = dim % tensor.dim() - 2
    return axis if tensor.dim() >= 4 and axis in (0, 1) else None


def _along(axis: int | None, value: int) -> tuple[int, ...]:
    return tuple(value if own == axis else 1 for own in (0, 1))


def _unfold(trace: _Trace, args: tuple) -> _Trace:
    axis = _axis(args[0], args[1])
    return trace.window(_along(axis, args[2]), _along(axis, args[3]))


def _slice(trace: _Trace, args: tuple) -> _Trace:
    axis = _axis(args[0], args[1] if len(args) > 1 else 0)
    return trace.window((1, 1), _along(axis, args[4] if len(args) > 4 else 1))


def _index(trace: _Trace, args: tuple) -> _Trace:
    chosen = [dim for dim, index in enumerate(args[1]) if index is not None]
    return trace.mixed() if any(_axis(args[0], dim) is not None for dim in chosen) else trace


def _index_select(trace: _Trace, args: tuple) -> _Trace:
    return trace if _axis(args[0], args[1]) is None else trace.mixed()


def _permute(trace: _Trace, args: tuple) -> _Trace:
    """Six dimensions are blocks of positions, as in a pixel shuffle or a window of attention."""
    return trace.mixed() if args[0].dim() > 5 else trace


def _reduce(trace: _Trace, args: tuple) -> _Trace:
    over = {dim % args[0].dim() for dim in args[1] or ()} if len(args) > 1 else set()
    return replace(trace, pooled=trace.pooled or (args[0].dim() == 4 and {2, 3} <= over))


def _mixed(trace: _Trace, args: tuple) -> _Trace:
    return trace.mixed()


_FACTORS = {
    aten.linear.default: (0, 1),
    aten.mm.default: (0, 1),
    aten.bmm.default: (0, 1),
    aten.addmm.default: (1, 2),
    aten.baddbmm.default: (1, 2),
}
_RULES = {
    aten.convolution.default: _convolution,
    aten.max_pool2d_with_indices.default: _max_pool,
    aten.avg_pool2d.default: _average_pool,
    aten._adaptive_avg_pool2d.default: _adaptive_pool,
    aten.adaptive_max_pool2d.default: _adaptive_pool,
    aten.im2col.default: _columns,
    aten.unfold.default: _unfold,
    aten.slice.Tensor: _slice,
    aten.index.Tensor: _index,
    aten.index_select.default: _index_select,
    aten.permute.default: _permute,
    aten.mean.dim: _reduce,
    aten.amax.default: _reduce,
    aten.sum.dim_IntList: _reduce,
}
_MIXING = ("scaled_dot_product", "pixel_", "roll", "col2im", "grid_sampler", "upsample_", "fft_", "as_strided")
_GATES = (aten.mul.Tensor, aten.mul_.Tensor)


_NORMS = (aten.native_batch_norm.default, aten._native_batch_norm_legit_no_training.default)


def _are_alike(one: Any, other: Any) -> bool:
    both = isinstance(one, Tensor) and isinstance(other, Tensor)
    return both and (one.shape, one.dtype, one.stride()) == (other.shape, other.dtype, other.stride())


def _reduced(image: Tensor, dims: list[int] | None, keep: bool = False) -> Tensor:
    gone = {dim % image.dim() for dim in (dims or range(image.dim()))}
    shape = [1 if dim in gone else size for dim, size in enumerate(image.shape) if keep or dim not in gone]
    return image.new_empty(shape)


class _Meta(TorchDispatchMode):
    """Runs operations, some by their shapes alone: PyTorch's own batch normalisation takes most of a count's time, and
    its sums, means and products import all of torch.compile, which takes longer than a count.
    """

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """A mode that is to be kept from torch.compile imports all of it too."""
        return False

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        if function in _NORMS:
            image = args[0]
            channel = image.new_empty(image.shape[1])
            return torch.empty_like(image), channel, torch.empty_like(channel)
        if function is aten.add.Tensor and _are_alike(*args[:2]):
            return torch.empty_like(args[0])
        if function is aten.mean.dim and not kwargs:
            return _reduced(*args)
        if function is aten.addmm.default and not kwargs:
            return args[1].new_empty(args[1].shape[0], args[2].shape[1])
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
        traces = [self.known[t] for t in inputs if t in self.known]
        trace = self._trace(function, args, traces) if traces else None
        for tensor in outputs if trace else ():
            self.known[tensor] = trace
        macs = _macs(function, args, kwargs or {}, result)
        self.macs += macs
        self.see(function, inputs, outputs, macs)
        return result

    def _trace(self, function: Any, args: tuple, traces: list[_Trace]) -> _Trace:
        if function in _GATES and len({trace.pooled for trace in traces}) == 2:
            traces = [trace for trace in traces if not trace.pooled]
        trace = _Trace.join(traces)
        if function in _FACTORS:
            data = all(args[index] in self.known for index in _FACTORS[function])
            return trace.mixed() if data else trace.deeper()
        return _rule(function)(trace, args)


@cache
def _rule(function: Any) -> Callable[[_Trace, tuple], _Trace]:
    name = function._overloadpacket.__name__.lstrip("_")
    return _RULES.get(function) or (_mixed if name.startswith(_MIXING) else lambda trace, args: trace)


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
        trace = follow.known.get(logits_of(network.eval()(image)), _Trace())
    return Forward(follow.macs, trace.depth, trace.pixels)


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


def extra_head_params(model: Any) -> int:
    """Of the parameters that ``count_config`` counts those of auxiliary heads, which run in training alone."""
    if not model.get("auxiliary"):
        return 0
    with_heads, without = (
        sum(p.numel() for p in build_on_meta(settings).parameters() if p.requires_grad)
        for settings in (model, {**model, "auxiliary": False})
    )
    return with_heads - without


def count_config(model: Any, channels: int, size: int) -> Cost:
    """Count the network that a ``model`` configuration names, without allocating its weights.

    Raises:
        DeeperError: the configuration does not make a network, or the network does not take such an image.
    """
    network = build_on_meta(model)
    try:
        return count(network, channels, size)
    except (RuntimeError, ValueError, AssertionError, IndexError) as error:
        raise refused(model, channels, size, error) from error


def refused(model: Any, channels: int, size: int, error: Exception) -> DeeperError:
    """What to say of a network that could not be run on such an image."""
    reason = next(iter(str(error).splitlines()), "") or type(error).__name__
    if re.search("Output size is too small|Kernel size can't be greater|Expected more than 1 value per", reason):
        reason = "they are too small for its layers; take a larger data.image_size, or a network that ends in _small"
    return DeeperError(f"model {model.get('name', '')}: it cannot take {channels}×{size}×{size} images: {reason}")
