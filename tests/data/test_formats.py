import pickle

import numpy as np
import pytest
import released

from deeper.data.formats import parse_idx, read_cifar, read_idx
from deeper.errors import DeeperError

TRAIN, TEST = released.IDX_FILES[:2], released.IDX_FILES[2:]
CLASSES = [str(i) for i in range(10)]
CIFAR10 = {"train": [f"data_batch_{i}" for i in range(1, 6)], "test": ["test_batch"]}
CIFAR100 = {"train": ["train"], "test": ["test"], "labels": "fine_labels", "names": ("meta", "fine_label_names")}


def test_idx_is_read_as_images_with_one_channel():
    data = read_idx(released.idx_files(train=30, test=20), CLASSES, TRAIN, TEST)
    images, labels = released.pictures(30, 10, seed=1)
    assert np.array_equal(data.train_images, images)
    assert np.array_equal(data.train_labels, labels)
    assert data.train_labels.dtype == np.int64
    assert data.test_images.shape == (20, 28, 28, 1)
    assert data.classes == CLASSES


def test_idx_dimensions_are_big_endian():
    array = np.arange(300, dtype=np.uint8).reshape(300, 1, 1)
    assert parse_idx(
        "x", b"\x00\x00\x08\x03\x00\x00\x01\x2c\x00\x00\x00\x01\x00\x00\x00\x01" + array.tobytes(), 3
    ).shape == (
        300,
        1,
        1,
    )


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-1], "truncated"),
        (lambda data: data + b"\0", "padded"),
        (lambda data: data[:7], "not an IDX file"),
        (lambda data: b"", "not an IDX file"),
        (lambda data: b"\0\0\x0d\3" + data[4:], "not an IDX file"),
        (lambda data: released.idx(np.zeros(5)), "not an IDX file"),
    ],
)
def test_idx_that_is_not_whole_is_named(damage, words):
    with pytest.raises(DeeperError, match=rf"^images .*{words}"):
        parse_idx("images", damage(released.idx(np.zeros((2, 3, 3)))), axes=3)


def test_idx_with_another_number_of_labels_or_a_label_too_high_is_refused():
    files = released.idx_files()
    with pytest.raises(DeeperError, match="60 images but 59 labels"):
        read_idx(files | {TRAIN[1]: released.idx(np.zeros(59))}, CLASSES, TRAIN, TEST)
    with pytest.raises(DeeperError, match="training part has labels outside 0…8"):
        read_idx(files, CLASSES[:9], TRAIN, TEST)


def test_cifar10_batches_are_joined_in_order_and_put_channels_last():
    data = read_cifar(released.cifar10_files(), names=("batches.meta", "label_names"), **CIFAR10)
    expected = np.concatenate([released.pictures(20, 10, 3, 32, seed)[0] for seed in range(5)])
    assert np.array_equal(data.train_images, expected)
    assert np.array_equal(data.test_images, released.pictures(20, 10, 3, 32, 5)[0])
    assert np.array_equal(data.train_labels, np.arange(100) % 20 % 10)
    assert data.classes[3] == "class 3"


def test_cifar100_is_read_with_its_fine_labels():
    data = read_cifar(released.cifar100_files(), **CIFAR100)
    assert data.train_images.shape == (200, 32, 32, 3)
    assert np.array_equal(np.bincount(data.train_labels), np.full(100, 2))
    assert len(data.classes) == 100


class Mischief:
    def __reduce__(self):
        return (exec, ("raise SystemExit('ran code from a data file')",))


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "pickle: Ran out of input"),
        (released.cifar100_files()["train"][:-100], "pickle: pickle data was truncated"),
        (pickle.dumps([1]), "no dictionary"),
        (pickle.dumps(Mischief()), "it must not hold a builtins.exec"),
        (pickle.dumps({"data": np.zeros((2, 10), np.uint8), "fine_labels": [0, 1]}), "3072"),
        (released.cifar_batch(*released.pictures(2, 2, 3, 32), "coarse_labels"), "no 'fine_labels'"),
    ],
)
def test_cifar_batch_that_is_not_one_is_named(content, words):
    with pytest.raises(DeeperError, match=rf"^train is not a CIFAR .*{words}"):
        read_cifar(released.cifar100_files() | {"train": content}, **CIFAR100)
