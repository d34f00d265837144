"""Small data sets in the formats that the real ones are released in, and the configurations that describe them."""

import gzip
import hashlib
import io
import pickle
import struct
import tarfile

import numpy as np
from hydra import compose, initialize_config_dir
from omegaconf import DictConfig, OmegaConf

from deeper.paths import CONF

IDX_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def pictures(count, classes, channels=1, size=28, seed=0):
    """``count`` random images N×H×W×C and labels that go round the classes."""
    images = np.random.default_rng(seed).integers(0, 256, (count, size, size, channels), dtype=np.uint8)
    return images, np.arange(count) % classes


def idx(array):
    """An IDX file of unsigned bytes."""
    array = np.asarray(array, np.uint8)
    return bytes((0, 0, 8, array.ndim)) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()


def idx_files(train=60, test=20, classes=10):
    """The four files of a set like Fashion-MNIST, content by name."""
    parts = (pictures(train, classes, seed=1), pictures(test, classes, seed=2))
    contents = [idx(array) for images, labels in parts for array in (images[..., 0], labels)]
    return dict(zip(IDX_FILES, contents, strict=True))


def cifar_batch(images, labels, key="labels"):
    """A batch of the python release: rows of 3072 bytes, channel by channel, under the module names of old numpy."""
    rows = images.transpose(0, 3, 1, 2).reshape(len(images), -1)
    batch = pickle.dumps({"data": rows, key: [int(label) for label in labels]}, protocol=2)
    return batch.replace(b"cnumpy._core.multiarray\n", b"cnumpy.core.multiarray\n")


def cifar10_files():
    """The seven files of a set like CIFAR-10 with 20 images a batch."""
    names = [*(f"data_batch_{number}" for number in range(1, 6)), "test_batch"]
    files = {name: cifar_batch(*pictures(20, 10, 3, 32, seed)) for seed, name in enumerate(names)}
    return files | {"batches.meta": pickle.dumps({"label_names": [f"class {i}" for i in range(10)]}, protocol=2)}


def cifar100_files():
    """The three files of a set like CIFAR-100 with two images a class for training."""
    files = {"train": cifar_batch(*pictures(200, 100, 3, 32, 0), "fine_labels")}
    files["test"] = cifar_batch(*pictures(100, 100, 3, 32, 1), "fine_labels")
    return files | {"meta": pickle.dumps({"fine_label_names": [f"fine {i}" for i in range(100)]}, protocol=2)}


def write(folder, files, compress=False):
    """Write ``files`` into ``folder``, as .gz where asked."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        if compress:
            (folder / f"{name}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / name).write_bytes(content)
    return folder


def tar(path, files, folder):
    """Write ``files`` as a .tar.gz whose members lie in ``folder``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{name}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return path


def config(name, files, root, *overrides, held_out=10) -> DictConfig:
    """The ``data`` configuration of ``name``, told to expect ``files`` and to hold out ``held_out`` images."""
    with initialize_config_dir(version_base="1.3", config_dir=str(CONF)):
        data = compose("prepare", [f"data={name}", f"data.root={root}", *overrides]).data
    kinds = {kind for facts in data.layout.files.values() for kind in facts}
    OmegaConf.update(data, "held_out", held_out)
    data.layout.files = {
        file: {kind: len(content) if kind == "bytes" else hashlib.new(kind, content).hexdigest() for kind in kinds}
        for file, content in files.items()
    }
    return data
