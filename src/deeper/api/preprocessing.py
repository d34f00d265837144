"""From original pictures to what a loaded network sees: for sets kept as arrays, and for pictures from disk."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from hydra.utils import instantiate
from PIL import Image
from torch import Tensor

from deeper.data.batches import EvaluationBatches, Split, normalise, shares
from deeper.data.decoding import decoded
from deeper.data.pictures import Unreadable, decode, in_eight_bits, upright
from deeper.data.resized import resize
from deeper.data.streamed import normalised
from deeper.data.targets.target_arrays import FITS
from deeper.data.targets.target_set import grey
from deeper.data.transforms import PictureTransforms
from deeper.errors import DeeperError

Picture = str | Path | Image.Image
Pictures = np.ndarray | Picture | Sequence[Picture]


@dataclass(frozen=True)
class Preprocessing:
    """From original pictures to what a network sees: (N, channels, image_size, image_size), normalised.

    Attributes:
        channels: 1 or 3.
        size: pixels a side of the pictures as their set is kept.
        image_size: pixels a side that the network was trained at; resized from ``size`` with antialiasing.
        mean, std: per channel, in units of full scale.
        fit: how a picture that is no square becomes one: ``crop`` (its middle) or ``pad`` (on white).
        white: what is white in grey pictures of more than eight bits, by kind (``deeper.data.pictures.whites``).
    """

    channels: int
    size: int
    image_size: int
    mean: tuple[float, ...]
    std: tuple[float, ...]
    fit: str = "crop"
    white: Mapping[str, int] = field(default_factory=dict)

    def __call__(self, pictures: Pictures) -> Tensor:
        """float32 (N, channels, image_size, image_size); arguments and errors as of ``arrays``."""
        return self.normalise(torch.from_numpy(self.arrays(pictures)))

    def arrays(self, pictures: Pictures) -> np.ndarray:
        """Pictures at the size that the network was trained at, uint8 (N, image_size, image_size, channels).

        Args:
            pictures: uint8 (N, H, W), (N, H, W, channels) or (N, H, W, 3), H and W being ``size`` or ``image_size``; or
                a file or one of Pillow's images, of any size and mode, or a list of these.

        Raises:
            DeeperError: an array of another type or shape, no picture, or one that cannot be read.
        """
        images = pictures if isinstance(pictures, np.ndarray) else self._opened(pictures)
        images = images[..., None] if images.ndim == 3 else images
        sides = {(side, side, channels) for side in (self.size, self.image_size) for channels in (self.channels, 3)}
        if images.dtype != np.uint8 or images.ndim != 4 or images.shape[1:] not in sides:
            raise DeeperError(
                f"pictures are {images.dtype} of shape {images.shape}; the network takes uint8 (N, {self.size}, "
                f"{self.size}, {self.channels}), or files, or Pillow's images"
            )
        if not len(images):
            raise DeeperError("there are no pictures; name one or more")
        images = resize(images, self.image_size)
        return np.ascontiguousarray(images if images.shape[3] == self.channels else grey(images))

    def batches(self, pictures: Pictures, size: int, device: torch.device) -> Iterator[Tensor]:
        """What the network sees, in batches as the trial's own evaluation has them."""
        images = torch.from_numpy(self.arrays(pictures))
        labels = torch.zeros(len(images), dtype=torch.int64)
        for seen, _, _ in EvaluationBatches(self, Split(images, labels), size, device):
            yield seen

    def about(self) -> dict[str, Any]:
        """What JSON has of it."""
        return asdict(self)

    def normalise(self, images: Tensor) -> Tensor:
        """uint8 (N, H, W, channels) → float32 (N, channels, H, W)."""
        return normalise(images, self.mean, self.std)

    def _opened(self, pictures: Picture | Sequence[Picture]) -> np.ndarray:
        found = [self._one(picture) for picture in _listed(pictures)]
        return np.stack(found) if found else np.empty((0, self.size, self.size, 3), np.uint8)

    def _one(self, picture: Picture) -> np.ndarray:
        """uint8 (size, size, 3), as its set is kept; grey is made of it where it is resized."""
        try:
            seen = in_eight_bits(_upright(picture), self.white)
        except Unreadable as error:
            raise DeeperError(f"{picture}: the picture cannot be read: {error}") from error
        return np.array(FITS[self.fit](seen, self.size))


@dataclass(frozen=True)
class PicturePreprocessing:
    """The same for a network that was trained on pictures from disk, of any size.

    Attributes:
        augment: the trial's block of transforms (docs/pictures.md).
        channels: 3.
        image_size: pixels a side that the network was trained at.
        white: as of ``Preprocessing``.
    """

    augment: Mapping[str, Any]
    channels: int
    image_size: int
    white: Mapping[str, int] = field(default_factory=dict)

    @cached_property
    def transforms(self) -> PictureTransforms:
        """The trial's, made anew."""
        return instantiate(dict(self.augment), _convert_="all")

    def __call__(self, pictures: Pictures) -> Tensor:
        """float32 (N, 3, image_size, image_size), as in evaluation: one view of each picture.

        Args:
            pictures: files or Pillow's images, of any size and mode; one, or a list of them; or uint8 (N, H, W, 3).

        Raises:
            DeeperError: an array of another type or shape, no picture, or one that cannot be read.
        """
        seen = np.stack([self.transforms.evaluated(picture) for picture in self._opened(pictures)])
        return self.transforms.normalise(torch.from_numpy(seen))

    def batches(self, pictures: Pictures, size: int, device: torch.device) -> Iterator[Any]:
        """Test pictures as ``deeper.fit.step.predicted`` takes them, in batches as the trial has them."""
        opened = self._opened(pictures)
        for places in shares(len(opened), self.transforms.pictures_of(size), 0, 1):
            seen = [self.transforms.tested(opened[place]) for place in places]
            if self.transforms.dense:
                yield normalised([list(map(torch.from_numpy, one)) for one in seen], self.transforms, device)
            else:
                yield normalised(torch.from_numpy(np.stack(seen)), self.transforms, device)

    def about(self) -> dict[str, Any]:
        """What JSON has of it."""
        return asdict(self)

    def _opened(self, pictures: Pictures) -> list[np.ndarray]:
        if isinstance(pictures, np.ndarray):
            if pictures.dtype != np.uint8 or pictures.ndim != 4 or pictures.shape[3] != self.channels:
                raise DeeperError(
                    f"pictures are {pictures.dtype} of shape {pictures.shape}; the network takes uint8 (N, H, W, 3), "
                    "or files, or Pillow's images"
                )
            found = list(pictures)
        else:
            found = [_pixels(one, self.white) for one in _listed(pictures)]
        if not found:
            raise DeeperError("there are no pictures; name one or more")
        return found


def _listed(pictures: Picture | Iterable[Picture]) -> list[Picture]:
    """One picture or several as a list.

    Raises:
        DeeperError: something else is among them, such as an array.
    """
    several = isinstance(pictures, Iterable) and not isinstance(pictures, Picture | Tensor)
    some = list(pictures) if several else [pictures]
    if other := [one for one in some if not isinstance(one, Picture)]:
        raise DeeperError(
            f"a picture cannot be of type {type(other[0]).__name__}; name files or Pillow's images, or give one uint8 "
            "array (N, H, W, channels) of all of them (numpy.stack makes it)"
        )
    return some


def _upright(picture: Picture) -> Image.Image:
    return upright(picture) if isinstance(picture, Image.Image) else decode(Path(picture))


def _pixels(picture: Picture, white: Mapping[str, int]) -> np.ndarray:
    """uint8 (H, W, 3), decoded as in training."""
    try:
        if isinstance(picture, Image.Image):
            return np.array(in_eight_bits(upright(picture), white))
        return decoded(Path(picture).read_bytes(), white)
    except (Unreadable, OSError) as error:
        reason = getattr(error, "strerror", None) or error
        raise DeeperError(f"{picture}: the picture cannot be read: {reason}") from error
