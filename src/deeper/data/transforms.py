"""What is done to a picture before a network sees it, where pictures differ in size: lists of torchvision's transforms.

All of them draw from torch's, Python's and numpy's generators, which are seeded anew for every picture from (seed,
epoch, picture): so what is drawn depends on nothing else, such as the number of workers or ranks, and a transform of
torchvision, of timm or of one's own can stand in the lists. What torchvision has not is here. Pictures are uint8
(3, H, W).
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
import torchvision.transforms.v2.functional as F
from torch import Tensor
from torchvision.transforms import InterpolationMode

from deeper.data.rand_augment import operations_of_timm
from deeper.seeds import Purpose, seed_of

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
# Of the colours of ImageNet's pixels, in units of full scale: deviations and directions (Krizhevsky's cuda-convnet
# computed them as AlexNet's §4.1 says; the figures are those of facebook/fb.resnet.torch, datasets/imagenet.lua).
COLOUR_DEVIATIONS = (0.2175, 0.0188, 0.0045)
COLOUR_DIRECTIONS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))

Transform = Callable[[Any], Any]


@dataclass(frozen=True)
class PictureTransforms:
    """From a decoded picture to what a network sees of it, in training and in evaluation.

    Attributes:
        train: one after another, for training pictures; the last gives uint8 (3, H, W), alike for all pictures.
        evaluation: the same without chance, for the validation part and for errors on the training part.
        test: for the test part, where the paper has more crops than one: the last gives several pictures, a sequence or
            uint8 (views, 3, H, W), over whose softmax probabilities the network's prediction is the mean; or a list of
            these, whole pictures at several sizes, that the network is applied to densely. None: as ``evaluation``.
        mean, std: per channel, that pictures are normalised by, in units of full scale.
    """

    train: Sequence[Transform]
    evaluation: Sequence[Transform]
    test: Sequence[Transform] | None = None
    mean: Sequence[float] = IMAGENET_MEAN
    std: Sequence[float] = IMAGENET_STD

    def trained(self, picture: np.ndarray, seed: int, epoch: int, row: int) -> np.ndarray:
        """A training picture in an epoch: uint8 (H, W, 3) of any size → uint8 (3, H, W)."""
        number = seed_of(seed, epoch, row, Purpose.PICTURE)
        torch.default_generator.manual_seed(number)
        random.seed(number)
        np.random.seed(number % 2**32)
        return _applied(self.train, picture)

    def evaluated(self, picture: np.ndarray) -> np.ndarray:
        """A picture as it is evaluated: uint8 (H, W, 3) of any size → uint8 (3, H, W)."""
        return _applied(self.evaluation, picture)

    def tested(self, picture: np.ndarray) -> "np.ndarray | list[np.ndarray]":
        """A test picture: uint8 (H, W, 3) of any size → uint8 (3, H, W), or several, uint8 (views, 3, H, W), or a list
        of such, one a size.
        """
        return _applied(self.evaluation if self.test is None else self.test, picture)

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 (N, 3, H, W) → float32 (N, 3, H, W)."""
        centre = torch.tensor(self.mean, device=images.device)[:, None, None] * 255
        scale = 1 / (torch.tensor(self.std, device=images.device)[:, None, None] * 255)
        return images.to(torch.float32).sub_(centre).mul_(scale)

    @cached_property
    def views(self) -> int:
        """How many pictures a network sees of a test picture."""
        seen = self._seen
        return sum(map(len, seen)) if isinstance(seen, list) else len(seen) if seen.ndim == 4 else 1

    def pictures_of(self, batch_size: int) -> int:
        """How many test pictures make a batch of as many views; whole ones come alone."""
        return 1 if self.dense else max(1, batch_size // self.views)

    @cached_property
    def dense(self) -> bool:
        """Whether a network sees test pictures whole, of their own shapes."""
        return isinstance(self._seen, list)

    @cached_property
    def _seen(self) -> "np.ndarray | list[np.ndarray]":
        return self.tested(np.zeros((300, 400, 3), np.uint8))


def _applied(transforms: Sequence[Transform], picture: np.ndarray) -> Any:
    seen: Any = torch.from_numpy(picture).permute(2, 0, 1)
    for transform in transforms:
        seen = transform(seen)
    if isinstance(seen, Tensor):
        return seen.numpy()
    several = list(seen)
    if several[0].ndim == 4:
        return [scale.numpy() for scale in several]
    return torch.stack(several).numpy()


class ResizedCrop:
    """A crop of random size and shape, resized: Szegedy et al., arXiv 1409.4842, §6.

    The box is timm's, which is torchvision's drawn more quickly; the pixels are torchvision's, with antialiasing.

    Args:
        size: pixels a side.
        scale: of the picture's area.
        ratio: of width to height.
        interpolation: ``bilinear``, ``bicubic``, or ``random``, one or the other.
    """

    def __init__(
        self,
        size: int,
        scale: Sequence[float] = (0.08, 1.0),
        ratio: Sequence[float] = (3 / 4, 4 / 3),
        interpolation: str = "bilinear",
    ):
        from timm.data.transforms import RandomResizedCropAndInterpolation  # importing timm takes a second

        self.box = RandomResizedCropAndInterpolation.get_params
        self.size, self.scale, self.ratio, self.interpolation = [size, size], tuple(scale), tuple(ratio), interpolation

    def __call__(self, picture: Tensor) -> Tensor:
        top, left, height, width = self.box(picture, self.scale, self.ratio)
        kind = self.interpolation if self.interpolation != "random" else random.choice(("bilinear", "bicubic"))
        window = picture[:, top : top + height, left : left + width]
        return F.resize(window, self.size, InterpolationMode(kind), antialias=True)


class PictureRandAugment:
    """Operations drawn from timm's list, one after another: Cubuk et al., arXiv 1909.13719.

    Args:
        operations: how many.
        magnitude: of each, 0 to 10.
        deviation: of the normal noise on it.

    Raises:
        ValueError: a magnitude that is no whole number from 0 to 10.
    """

    def __init__(self, operations: int = 2, magnitude: int = 9, deviation: float = 0.5):
        if magnitude not in range(11):
            raise ValueError(f"magnitude={magnitude}: it must be a whole number from 0 to 10")
        fill = tuple(round(255 * value) for value in IMAGENET_MEAN)
        self.augment = operations_of_timm(operations, magnitude, deviation, fill)

    def __call__(self, picture: Tensor) -> Tensor:
        return F.pil_to_tensor(self.augment(F.to_pil_image(picture)))


class Middle:
    """The square in the middle, ``share`` of the shorter side wide, resized to ``size``: 224 of 256 is 0.875."""

    def __init__(self, size: int, share: float = 0.875, interpolation: str = "bilinear"):
        self.size, self.side, self.kind = size, round(size / share), InterpolationMode(interpolation)

    def __call__(self, picture: Tensor) -> Tensor:
        return F.center_crop(F.resize(picture, [self.side], self.kind, antialias=True), [self.size, self.size])


class ShorterSide:
    """Resize so that the shorter side is as long as drawn between two lengths (pixels), the ratio kept.

    Simonyan and Zisserman, arXiv 1409.1556, §3.1.3: 256 to 512; He et al., arXiv 1512.03385, §3.4: 256 to 480.
    """

    def __init__(self, least: int, most: int):
        self.least, self.most = least, most

    def __call__(self, picture: Tensor) -> Tensor:
        return F.resize(picture, [int(torch.randint(self.least, self.most + 1, ()))], antialias=True)


class ColourShift:
    """Add to all pixels multiples of the principal components of the set's colours (Krizhevsky et al. 2012, §4.1).

    Each component's factor is drawn from a Gaussian of standard deviation ``deviation``, once a picture, times the
    component's own. Those of ImageNet are what is not given.
    """

    def __init__(
        self,
        deviation: float = 0.1,
        deviations: Sequence[float] = COLOUR_DEVIATIONS,
        directions: Sequence[Sequence[float]] = COLOUR_DIRECTIONS,
    ):
        self.deviation = deviation
        self.components = torch.tensor(directions) * torch.tensor(deviations) * 255

    def __call__(self, picture: Tensor) -> Tensor:
        shift = self.components @ (torch.randn(3) * self.deviation)
        return (picture + shift[:, None, None]).round_().clamp_(0, 255).to(torch.uint8)


class BrightnessShift:
    """Add one number to all pixels of a picture, drawn evenly between -``most`` and ``most`` (of 255).

    So TensorFlow changes brightness, in the code of Inception (32 grey levels); torchvision multiplies.
    """

    def __init__(self, most: float):
        self.most = most

    def __call__(self, picture: Tensor) -> Tensor:
        shift = (2 * torch.rand(()) - 1) * self.most
        return (picture + shift).round_().clamp_(0, 255).to(torch.uint8)


class OneOfTenCrops:
    """One of the crops of the corners and the middle, as it is or mirrored (Zeiler and Fergus, arXiv 1311.2901, §3)."""

    def __init__(self, size: int):
        self.size = size

    def __call__(self, picture: Tensor) -> Tensor:
        return F.ten_crop(picture, [self.size, self.size])[int(torch.randint(10, ()))]


class GridOfCrops:
    """A grid of crops over the picture, each as it is and mirrored: (3, H, W) → (2 · across², 3, size, size).

    Simonyan and Zisserman, arXiv 1409.1556, §3.2: 5×5 with mirrors, 50 crops a scale; ``sides`` are the lengths of the
    shorter side, one scale each.

    Raises:
        ValueError: a side is shorter than a crop, or there is no grid.
    """

    def __init__(self, size: int, across: int = 5, sides: Sequence[int] = (256,)):
        if across < 2:
            raise ValueError(f"across={across}: a grid has two crops a side at least; Middle gives one")
        if min(sides) < size:
            raise ValueError(f"sides={list(sides)}: none may be shorter than a crop of size={size}")
        self.size, self.across, self.sides = size, across, list(sides)

    def __call__(self, picture: Tensor) -> Tensor:
        views = []
        for side in self.sides:
            scaled = F.resize(picture, [side], antialias=True)
            height, width = scaled.shape[-2:]
            tops, lefts = self._places(height), self._places(width)
            views += [F.crop(scaled, top, left, self.size, self.size) for top in tops for left in lefts]
        return torch.stack([*views, *(F.horizontal_flip(view) for view in views)])

    def _places(self, length: int) -> list[int]:
        return [round(place * (length - self.size) / (self.across - 1)) for place in range(self.across)]


class GoogLeNetCrops:
    """144 crops of a picture: (3, H, W) → (144, 3, size, size). Szegedy et al., arXiv 1409.4842, §7.

    The shorter side is resized to 256, 288, 320 and 352; of each, the squares on the left, in the middle and on the
    right (top, middle and bottom of an upright picture); of each square the crops of the corners and the middle, and
    the square itself resized; and all of them mirrored.
    """

    def __init__(self, size: int = 224, sides: Sequence[int] = (256, 288, 320, 352)):
        self.size, self.sides = size, list(sides)

    def __call__(self, picture: Tensor) -> Tensor:
        views = []
        for side in self.sides:
            scaled = F.resize(picture, [side], antialias=True)
            height, width = scaled.shape[-2:]
            for part in range(3):
                square = F.crop(scaled, part * (height - side) // 2, part * (width - side) // 2, side, side)
                views += F.five_crop(square, [self.size, self.size])
                views.append(F.resize(square, [self.size, self.size], antialias=True))
        return torch.stack([*views, *(F.horizontal_flip(view) for view in views)])


class WholePicture:
    """The whole picture and its mirror image at several sizes: (3, H, W) → a list of (2, 3, H', W').

    For dense evaluation, as Simonyan and Zisserman, arXiv 1409.1556, §3.2, and He et al., arXiv 1512.03385, §3.4 (sides
    of 224, 256, 384, 480 and 640). ``sides`` are the lengths of the shorter side, one scale each.
    """

    def __init__(self, sides: Sequence[int] = (256,)):
        self.sides = list(sides)

    def __call__(self, picture: Tensor) -> list[Tensor]:
        scales = [F.resize(picture, [side], antialias=True) for side in self.sides]
        return [torch.stack([scale, F.horizontal_flip(scale)]) for scale in scales]
