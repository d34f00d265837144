"""The smallest images that a chain of layers takes."""

from torch import Tensor, nn


def smallest_side(layers: nn.Module) -> int:
    """Pixels a side that an image must have to pass a chain of convolutions and poolings."""
    side = 1
    for part in reversed([p for p in layers.modules() if isinstance(p, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d)]):
        kernel, stride, padding = (_first(value) for value in (part.kernel_size, part.stride, part.padding))
        if getattr(part, "ceil_mode", False):
            last_window_starts_inside = (side - 1) * stride + 1 - padding
            side = max(1, (side - 2) * stride + kernel + 1 - 2 * padding, last_window_starts_inside)
        else:
            side = max(1, (side - 1) * stride + kernel - 2 * padding)
    return side


def check_side(x: Tensor, smallest: int, name: str) -> None:
    """
    Raises:
        ValueError: the images ``x`` (N, C, H, W) have less than ``smallest`` pixels a side.
    """
    if min(x.shape[2:]) < smallest:
        height, width = x.shape[2:]
        raise ValueError(f"{name} with these layers takes images of {smallest}×{smallest} up, not {height}×{width}")


def _first(value: int | tuple[int, ...]) -> int:
    return value[0] if isinstance(value, tuple) else value
