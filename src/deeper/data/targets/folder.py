"""Any folder of class folders: the pictures of a class lie in the folder of its name, at any depth.

The folder may have the parts of a split above the class folders, under any of the names in ``SPLITS``: train/ with
test/, or with val/ (as ImageNet has them); where all three are there, val/ is more training pictures. Without them
every class is split by the seed.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from PIL import Image

from deeper.data.pictures import Collection, Picture, decode
from deeper.errors import DeeperError
from deeper.files import below, file_digest, shown

JPEG = {".jpg", ".jpeg", ".jpe", ".jfif"}
SUFFIXES = {*JPEG, ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".avif"}
SPLITS = {  # how people call the parts of a split, in any case
    "train": ("train", "training", "trn"),
    "val": ("val", "valid", "validate", "validation", "dev", "devel", "development"),
    "test": ("test", "testing", "tst", "eval", "evaluation"),
}
PART_OF = {name: part for part, spelled in SPLITS.items() for name in spelled}
# what stands beside the part's name, as in test_set or "Train Images"
BESIDE = re.compile(r"[\W_]*(data|dataset|set|split|folder|images?|imgs?|pictures?|photos?)[\W_]*")
FEWEST = 3
MOST_PIXELS = 120_000_000  # 1.1 GB of memory at most while such a picture is decoded


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
    listed = []
    parents = _class_parents(root)
    if root not in parents:
        beside = set(_folders(root)) - {parent.name for parent in parents}
        dropped |= {f"{shown(name)}/": "a folder beside the parts of the split" for name in sorted(beside)}
    for parent, part in parents.items():
        for category in _folders(parent):
            files = [
                _File(path, shown(path.relative_to(root)), shown(category), part) for path in _files(parent / category)
            ]
            pictures = [file for file in files if _is_picture(file)]
            for file in files:
                if not file.path.is_file():
                    dropped[file.name] = "a link that leads to no file"
                elif not _is_picture(file):
                    dropped[file.name] = f"no picture by its suffix {file.path.suffix.lower()}".rstrip()
            if not pictures:
                dropped[f"{shown((parent / category).relative_to(root))}/"] = "a folder without a picture"
            listed += pictures
    return listed


def _class_parents(root: Path) -> dict[Path, str | None]:
    """The folders that hold class folders, and the part that each is for; None where the folder has no parts.

    Raises:
        DeeperError: some folders look like parts of a split and do not make one.
    """
    by_part = _parts(root)
    if not _make_a_split(by_part):
        for names in by_part.values():
            _check_is_class(root, names[0])
        for name in _folders(root):
            _check_holds_no_split(root, name)
        return {root: None}
    for part, names in by_part.items():
        if len(names) > 1:
            both = " and ".join(f"{name}/" for name in names)
            raise DeeperError(f"{shown(root)} has {both}, each of which may be the {part} part; leave one there")
    meant = {"train": "train", "val": "train" if "test" in by_part else "test", "test": "test"}
    return {root / by_part[part][0]: meant[part] for part in SPLITS if part in by_part}


def _parts(folder: Path) -> dict[str, list[str]]:
    """The folders in ``folder`` that are called like a part of a split, by part."""
    by_part: dict[str, list[str]] = defaultdict(list)
    for name in _folders(folder):
        part = PART_OF.get(name.lower()) or PART_OF.get(BESIDE.sub("", name.lower()))
        if part is not None:
            by_part[part].append(name)
    return by_part


def _make_a_split(parts: Mapping[str, Sequence[str]]) -> bool:
    return "train" in parts and len(parts) > 1


def _check_holds_no_split(root: Path, name: str) -> None:
    """See that a class folder has no split of its own, which nobody would read."""
    parts = _parts(root / name)
    if _make_a_split(parts):
        below = " and ".join(f"{shown(name)}/{names[0]}/" for names in parts.values())
        raise DeeperError(
            f"{shown(root)} has {below}, a split below a folder that would be a class; put the parts above the "
            f"classes, as in train/{shown(name)}/, or name {shown(root / name)} if it is the set"
        )


def _check_is_class(root: Path, name: str) -> None:
    """See that a folder which is called like a part of a split is none: it holds pictures, and not class folders."""
    folder = root / name
    if _folders(folder) and not any(_is_named_picture(path) for path in folder.iterdir()):
        raise DeeperError(
            f"{shown(root)} has {name}/, which looks like a part of a split, and not the parts that belong to it; a "
            f"split is train/ with test/ or val/. To have every class split by the seed, name {shown(folder)}"
        )


def _folders(parent: Path) -> list[str]:
    return sorted(entry.name for entry in parent.iterdir() if entry.is_dir() and not entry.name.startswith("."))


def _files(folder: Path) -> list[Path]:
    return [path for path in below(folder) if not any(name[0] == "." for name in path.relative_to(folder).parts)]


def _is_picture(file: _File) -> bool:
    return _is_named_picture(file.path) and file.path.is_file()


def _is_named_picture(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


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
    return partial(decode, path, MOST_PIXELS, deep=True)


def _by(files: Iterable[_File], attribute: str) -> dict[str, list[_File]]:
    groups = defaultdict(list)
    for file in files:
        groups[getattr(file, attribute)].append(file)
    return dict(groups)
