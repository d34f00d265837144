"""Read the formats that image sets are released in, from bytes to arrays.

A reader is a function of the files' content, ``{name: bytes}``, that returns ``LabelledImages``. It is named in the
configuration of a data set (``data.reader``). The formats: IDX (yann.lecun.com/exdb/mnist) and the python version of
CIFAR (www.cs.toronto.edu/~kriz/cifar.html).
"""

import io
import pickle
import struct
from collections.abc import Mapping, Sequence

import numpy as np

from deeper.data.prepared import LabelledImages
from deeper.errors import DeeperError

IDX_UINT8 = 0x08


def read_idx(
    content: Mapping[str, bytes], classes: Sequence[str], train: Sequence[str], test: Sequence[str]
) -> LabelledImages:
    """Read a set in LeCun's IDX format: ``train`` and ``test`` name the file of images and the file of labels of each.

    Raises:
        DeeperError: a file is not IDX of unsigned bytes, or its length does not fit its header.
    """
    parts = []
    for images, labels in (train, test):
        parts += [parse_idx(images, content[images], axes=3)[..., None], parse_idx(labels, content[labels], axes=1)]
    return _labelled(*parts, classes)


def read_cifar(
    content: Mapping[str, bytes],
    train: Sequence[str],
    test: Sequence[str],
    names: Sequence[str],
    labels: str = "labels",
) -> LabelledImages:
    """Read CIFAR's python pickles: ``train`` and ``test`` name the batches, ``names`` the file and key of class names.

    ``labels`` is the key of the labels: ``labels`` in CIFAR-10, ``fine_labels`` in CIFAR-100.

    Raises:
        DeeperError: a file is not a batch of 32×32 colour images, or holds anything but arrays, lists and strings.
    """
    batches = {name: _cifar_batch(name, content[name], labels) for name in (*train, *test)}
    file, key = names
    classes = _unpickle(file, content[file]).get(key)
    if not classes:
        raise DeeperError(f"{file} has no {key}: it is not the released file")
    parts = [np.concatenate([batches[name][i] for name in part]) for part in (train, test) for i in (0, 1)]
    return _labelled(*parts, classes)


def parse_idx(name: str, data: bytes, axes: int) -> np.ndarray:
    """Return the array of an IDX file of unsigned bytes with ``axes`` axes.

    Raises:
        DeeperError: the header is another one, or the length does not fit it.
    """
    header = 4 + 4 * axes
    if len(data) < header or data[:4] != bytes((0, 0, IDX_UINT8, axes)):
        raise DeeperError(f"{name} is not an IDX file of unsigned bytes with {axes} axes")
    shape = struct.unpack(f">{axes}I", data[4:header])
    expected = header + int(np.prod(shape, dtype=np.int64))
    if len(data) != expected:
        raise DeeperError(f"{name} is truncated or padded: {expected} bytes expected, {len(data)} found")
    return np.frombuffer(data, np.uint8, offset=header).reshape(shape)


def _cifar_batch(name: str, data: bytes, key: str) -> tuple[np.ndarray, np.ndarray]:
    batch = _unpickle(name, data)
    pixels, labels = batch.get("data"), batch.get(key)
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim != 2 or pixels.shape[1] != 3072:
        raise DeeperError(f"{name} is not a CIFAR batch: 'data' must be N x 3072 unsigned bytes")
    if labels is None:
        raise DeeperError(f"{name} is not a CIFAR batch: it has no {key!r}")
    return pixels.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1), np.asarray(labels)


class _PlainUnpickler(pickle.Unpickler):
    """Arrays, lists and strings alone: any other class in a pickle could run code."""

    allowed = {("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode")}

    def find_class(self, module: str, name: str):
        if name == "_reconstruct" and module in ("numpy.core.multiarray", "numpy._core.multiarray"):
            return np._core.multiarray._reconstruct
        if (module, name) in self.allowed:
            return super().find_class(module, name)
        raise pickle.UnpicklingError(f"it must not hold a {module}.{name}")


def _unpickle(name: str, data: bytes) -> dict:
    try:
        value = _PlainUnpickler(io.BytesIO(data), encoding="latin1").load()
    except Exception as error:
        raise DeeperError(f"{name} is not a CIFAR pickle: {error}") from error
    if not isinstance(value, dict):
        raise DeeperError(f"{name} is not a CIFAR pickle: it holds no dictionary")
    return value


def _labelled(train_images, train_labels, test_images, test_labels, classes: Sequence[str]) -> LabelledImages:
    for part, images, labels in (("training", train_images, train_labels), ("test", test_images, test_labels)):
        if len(images) != len(labels):
            raise DeeperError(f"the {part} part has {len(images)} images but {len(labels)} labels")
        if len(labels) and not 0 <= labels.min() <= labels.max() < len(classes):
            raise DeeperError(f"the {part} part has labels outside 0…{len(classes) - 1}")
    if train_images.shape[1:] != test_images.shape[1:]:
        raise DeeperError(f"training images are {train_images.shape[1:]}, test images {test_images.shape[1:]}")
    return LabelledImages(
        np.ascontiguousarray(train_images),
        train_labels.astype(np.int64),
        np.ascontiguousarray(test_images),
        test_labels.astype(np.int64),
        [str(name) for name in classes],
    )
