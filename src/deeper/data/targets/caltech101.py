"""Caltech-101 as released: a folder of pictures a category, and no split of its own.

Fei-Fei, Fergus, Perona: Learning generative visual models from few training examples, CVPR Workshop 2004. The usual
protocol: 30 pictures a class for training, at most 50 of the others for test, accuracy averaged over the classes.
BACKGROUND_Google is no class; Faces and Faces_easy are two of the 101.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from hashlib import sha256
from pathlib import Path

from deeper.data.pictures import Collection, Picture, decode
from deeper.data.targets.official_release import Packed, Release, locate
from deeper.errors import DeeperError

ARCHIVES = {
    "caltech-101.zip": "3138e1922a9193bfa496528edbbc45d0",
    "101_ObjectCategories.tar.gz": "b224c7392d521a49829488ab0f1120d9",
}
FOLDER = "101_ObjectCategories"
BACKGROUND = "BACKGROUND_Google"
RELEASE = Release(
    title="Caltech-101",
    roots=(FOLDER, f"caltech-101/{FOLDER}", f"caltech101/{FOLDER}", "."),
    holds=("*/image_[0-9]*.jpg",),
    packed=(
        Packed(FOLDER, (f"{FOLDER}.tar.gz",)),
        Packed(FOLDER, (f"caltech-101/{FOLDER}.tar.gz",)),
        Packed(FOLDER, ("caltech-101.zip",), member=f"caltech-101/{FOLDER}.tar.gz"),
    ),
    source="see https://data.caltech.edu/records/mzrjq-6wc02",
)


def read(
    folder: str | Path,
    train: int = 30,
    test: int = 50,
    seed: int = 0,
    archives: Mapping[str, str | None] = ARCHIVES,
) -> Collection:
    """``train`` pictures of each class for training and at most ``test`` of the others for test, drawn by ``seed``.

    The order of the draw is that of the SHA-256 of seed and name. Pictures beyond ``test`` are in neither part, and not
    among the ``dropped``.

    Raises:
        DeeperError: the release is not there, or a class has no more than ``train`` pictures.
    """
    root = locate(folder, RELEASE, archives)
    classes = sorted(
        entry.name for entry in root.iterdir() if entry.is_dir() and entry.name[0] != "." and entry.name != BACKGROUND
    )
    pictures = []
    for label, name in enumerate(classes):
        files = sorted(file.name for file in (root / name).glob("image_[0-9]*.jpg"))
        if len(files) <= train:
            raise DeeperError(
                f"{root / name} holds {len(files)} pictures where {train} are for training and the others for test; "
                f"the released folder has more: unpack it again, or lower transfer.target.reader.train"
            )
        parts = _draw(name, files, train, test, seed)
        for file in (file for file in files if file in parts):
            path = f"{name}/{file}"
            pictures.append(Picture(path, label, parts[file], path, partial(decode, root / path)))
    return Collection(classes, pictures, {})


def _draw(category: str, files: Sequence[str], train: int, test: int, seed: int) -> dict[str, str]:
    drawn = sorted(files, key=lambda file: sha256(f"{seed}/{category}/{file}".encode()).digest())
    return dict.fromkeys(drawn[:train], "train") | dict.fromkeys(drawn[train : train + test], "test")
