"""Stanford Cars as released: MATLAB files of the development kit, classes from 1, one folder of images a part.

Krause, Stark, Deng, Fei-Fei: 3D object representations for fine-grained categorization, 3dRR 2013. The
development kit's own cars_test_annos.mat has no labels; those of the test images are a file beside it,
cars_test_annos_withlabels.mat.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from deeper.data.pictures import Collection, Picture, decode
from deeper.data.targets.official_release import Packed, Release, damaged, locate
from deeper.errors import DeeperError, reason

ARCHIVES = {
    "cars_train.tgz": "065e5b463ae28d29e77c1b4b166cfe61",
    "cars_test.tgz": "4ce7ebf6a94d07f1952d94dd34c4d501",
    "car_devkit.tgz": "c3b158d763b6e2245038c8ad08e45376",
}
TEST_LABELS = "cars_test_annos_withlabels.mat"
RELEASE = Release(
    title="Stanford Cars",
    roots=(".", "stanford_cars"),
    holds=("devkit/cars_meta.mat", "devkit/cars_train_annos.mat", "cars_train", "cars_test"),
    packed=tuple(
        Packed(folder, (archive,))
        for folder, archive in zip(("cars_train", "cars_test", "devkit"), ARCHIVES, strict=True)
    ),
    source=f"{TEST_LABELS} is needed too; the official page (ai.stanford.edu/~jkrause/cars) serves them no more, "
    "copies must be placed by hand",
)


def read(folder: str | Path, archives: Mapping[str, str | None] = ARCHIVES) -> Collection:
    """Every annotated image; cars_test_annos_withlabels.mat may lie beside the image folders or in devkit/.

    Raises:
        DeeperError: the release is not there, or an annotation file is missing, damaged or without labels.
    """
    root = locate(folder, RELEASE, archives)
    meta, annotations = root / "devkit" / "cars_meta.mat", root / "devkit" / "cars_train_annos.mat"
    classes = [str(name) for name in _load(meta, "class_names")]
    pictures = _pictures("train", annotations, root / "cars_train", len(classes))
    pictures += _pictures("test", _test_labels(root), root / "cars_test", len(classes))
    return Collection(classes, pictures, {})


def _test_labels(root: Path) -> Path:
    for file in (root / TEST_LABELS, root / "devkit" / TEST_LABELS):
        if file.is_file():
            return file
    raise DeeperError(
        f"{root} lacks {TEST_LABELS}, which has the labels of the test images (the development kit's "
        "cars_test_annos.mat has none); put it beside cars_test/"
    )


def _pictures(part: str, file: Path, images: Path, classes: int) -> list[Picture]:
    table = _load(file, "annotations")
    for field in ("class", "fname"):
        if field not in (table.dtype.names or ()):
            raise damaged(file, f"its annotations have no field {field!r}")
    pictures: dict[str, Picture] = {}
    for number, row in enumerate(table, 1):
        name, label = f"{images.name}/{row['fname']}", _whole(row["class"])
        if not 1 <= label <= classes:
            raise damaged(file, f"annotation {number} ({name}): class {row['class']} is not from 1 to {classes}")
        if name in pictures:
            raise damaged(file, f"annotation {number} ({name}) is not the first of that image")
        pictures[name] = Picture(name, label - 1, part, name, partial(decode, images / str(row["fname"])))
    return list(pictures.values())


def _load(file: Path, variable: str) -> np.ndarray:
    try:
        content = loadmat(file, squeeze_me=True, variable_names=[variable])
    except Exception as error:
        raise damaged(file, f"it cannot be read as a MATLAB file ({reason(error)})") from error
    if np.size(content.get(variable, ())) == 0:
        raise damaged(file, f"it has no {variable}")
    return np.atleast_1d(content[variable])


def _whole(value: object) -> int:
    return int(value) if np.ndim(value) == 0 and isinstance(value, int | float | np.number) else 0
