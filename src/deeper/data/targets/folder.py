"""Any folder of class folders: the pictures of a class lie in the folder of its name, at any depth.

The folder may have the parts of a split above the class folders (``deeper.data.class_folders``); where train/, val/ and
test/ are there, val/ is more training pictures. Without them every class is split by the seed.
"""

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PIL import Image

from deeper.data.class_folders import class_folders
from deeper.data.pictures import Collection, Picture, decode
from deeper.errors import DeeperError
from deeper.files import file_digest

FEWEST = 3


@dataclass(frozen=True)
class _File:
    path: Path
    name: str
    category: str
    part: str | None
    group: str = ""


def read(folder: str | Path, test: float = 0.25, seed: int = 0) -> Collection:
    """Every picture file below the class folders, classes in the order of their names.

    Without a split of its own, the share ``test`` of each class is drawn by ``seed`` for test: one picture at least,
    and two stay for training. Files with the same bytes are one group and stay on one side. Left out, and named in
    ``dropped``: a training picture that is also a test picture, a picture that is in two classes, files that are no
    pictures by their suffix, and classes of fewer than three pictures. Hidden files and folders are passed over.

    Raises:
        DeeperError: the folder is not there, holds fewer than two classes, its parts differ in their classes, or it has
            parts of a split that do not make one.
    """
    root = Path(folder).expanduser()
    if not root.is_dir():
        raise DeeperError(f"{root} is not a folder; name one that holds a folder of pictures for each class")
    if not 0 < test < 1:
        raise DeeperError(f"transfer.target.reader.test={test:g} is no share; give one between 0 and 1")
    dropped: dict[str, str] = {}
    files = _without_copies(_grouped(_listed(root, dropped)), dropped)
    if any(file.part is None for file in files):
        files = _split(files, test, seed, dropped)
    return Collection(*_labelled(root, files), dropped)


def _listed(root: Path, dropped: dict[str, str]) -> list[_File]:
    found = class_folders(root)
    dropped |= found.dropped
    parts = {file.part for file in found.files}
    meant = {"train": "train", "val": "train" if "test" in parts else "test", "test": "test", None: None}
    return [_File(file.path, file.name, file.category, meant[file.part]) for file in found.files]


def _grouped(files: Sequence[_File]) -> list[_File]:
    sizes = Counter(file.path.stat().st_size for file in files)
    return [replace(file, group=_group(file, sizes)) for file in files]


def _group(file: _File, sizes: Mapping[int, int]) -> str:
    """The SHA-256 of a file, or its name where no other has its size."""
    if sizes[file.path.stat().st_size] == 1:
        return file.name
    try:
        return file_digest(file.path)
    except OSError:
        return file.name


def _without_copies(files: Sequence[_File], dropped: dict[str, str]) -> list[_File]:
    kept, groups = [], _by(files, "group")
    for file in files:
        copies = groups[file.group]
        elsewhere = [copy for copy in copies if copy.category != file.category]
        tested = [copy for copy in copies if copy.part == "test" and file.part == "train"]
        if elsewhere or tested:
            dropped[file.name] = f"the same file as {(elsewhere or tested)[0].name}"
        else:
            kept.append(file)
    return kept


def _split(files: Iterable[_File], test: float, seed: int, dropped: dict[str, str]) -> list[_File]:
    parted = []
    for category, members in _by(files, "category").items():
        groups = list(_by(members, "group"))
        if len(groups) < FEWEST:
            dropped |= {file.name: f"{category} has fewer than {FEWEST} different pictures" for file in members}
            continue
        groups.sort(key=lambda group: hashlib.sha256(f"{seed}/{group}".encode()).digest())
        tested = set(groups[: min(max(1, round(test * len(groups))), len(groups) - FEWEST + 1)])
        parted += [replace(file, part="test" if file.group in tested else "train") for file in members]
    return parted


def _labelled(root: Path, files: Sequence[_File]) -> tuple[list[str], list[Picture]]:
    classes = sorted({file.category for file in files})
    if len(classes) < 2:
        raise DeeperError(
            f"{root} holds pictures of {len(classes)} classes, two are the least; put there a folder of pictures for "
            "each class, three or more in each, or name the folder that has them"
        )
    for part in ("train", "test"):
        lacking = sorted(set(classes) - {file.category for file in files if file.part == part})
        if lacking:
            raise DeeperError(f"{root} has no {part} pictures of {', '.join(lacking[:5])}; both parts need every class")
    return classes, [
        Picture(file.name, classes.index(file.category), file.part, file.group, _decoder(file.path)) for file in files
    ]


def _decoder(path: Path) -> Callable[[], Image.Image]:
    return partial(decode, path)


def _by(files: Iterable[_File], attribute: str) -> dict[str, list[_File]]:
    groups = defaultdict(list)
    for file in files:
        groups[getattr(file, attribute)].append(file)
    return dict(groups)
