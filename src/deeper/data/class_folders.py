"""Class folders: the pictures of a class lie in the folder of its name, at any depth.

Above the class folders there may be the parts of a split, under any of the names in ``SPLITS``: train/ with test/, or
with val/ (as ImageNet has them), or all three.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deeper.errors import DeeperError, reason
from deeper.files import below, shown

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


@dataclass(frozen=True)
class ClassFile:
    """A picture file below a class folder.

    Attributes:
        path: where it lies.
        name: its path below the root, as text for people.
        category: its class.
        part: ``train``, ``val`` or ``test`` where the folder has the parts of a split, else None.
        size: its bytes.
    """

    path: Path
    name: str
    category: str
    part: str | None
    size: int


@dataclass(frozen=True)
class ClassFolders:
    """What a folder of class folders holds.

    Attributes:
        files: of pictures, by part and by class, each in the order of their names.
        empty: class folders without a picture, as (part, class).
        dropped: by name, why a file or a folder is none of them.
    """

    files: list[ClassFile]
    empty: list[tuple[str | None, str]]
    dropped: dict[str, str]


def class_folders(root: Path) -> ClassFolders:
    """List a folder. Hidden files and folders are passed over.

    Raises:
        DeeperError: it cannot be read, or has parts of a split that do not make one.
    """
    found = ClassFolders([], [], {})
    try:
        parents = _class_parents(root)
        if root not in parents:
            beside = set(_folders(root)) - {parent.name for parent in parents}
            for name in sorted(beside):
                found.dropped[f"{shown(name)}/"] = "a folder beside the parts of the split"
        for parent, part in parents.items():
            for category in _folders(parent):
                _add_class(found, root, parent / category, part)
    except OSError as error:
        place = shown(error.filename or root)
        raise DeeperError(f"{place} cannot be read ({reason(error)}); let this user read it, or take it out") from error
    return found


def _add_class(found: ClassFolders, root: Path, folder: Path, part: str | None) -> None:
    hidden = len(str(root)) + 1
    before = len(found.files)
    for path in below(folder):
        name = str(path)[hidden:]
        if "/." in f"/{name}":
            continue
        if not path.is_file():
            found.dropped[shown(name)] = "a link that leads to no file"
        elif not is_named_picture(path):
            found.dropped[shown(name)] = f"no picture by its suffix {path.suffix.lower()}".rstrip()
        else:
            found.files.append(ClassFile(path, shown(name), shown(folder.name), part, path.stat().st_size))
    if len(found.files) == before:
        found.empty.append((part, shown(folder.name)))
        found.dropped[f"{shown(folder.relative_to(root))}/"] = "a folder without a picture"


def is_named_picture(path: Path) -> bool:
    """Whether a file has the suffix of a picture."""
    return path.suffix.lower() in SUFFIXES


def _class_parents(root: Path) -> dict[Path, str | None]:
    """The folders that hold class folders, and the part that each is; None where the folder has no parts.

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
    return {root / by_part[part][0]: part for part in SPLITS if part in by_part}


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
        inside = " and ".join(f"{shown(name)}/{names[0]}/" for names in parts.values())
        raise DeeperError(
            f"{shown(root)} has {inside}, a split below a folder that would be a class; put the parts above the "
            f"classes, as in train/{shown(name)}/, or name {shown(root / name)} if it is the set"
        )


def _check_is_class(root: Path, name: str) -> None:
    """See that a folder which is called like a part of a split is none: it holds pictures, and not class folders."""
    folder = root / name
    if _folders(folder) and not any(is_named_picture(path) for path in folder.iterdir()):
        raise DeeperError(
            f"{shown(root)} has {name}/, which looks like a part of a split, and not the parts that belong to it; a "
            f"split is train/ with test/ or val/. To have every class split by the seed, name {shown(folder)}"
        )


def _folders(parent: Path) -> list[str]:
    return sorted(entry.name for entry in parent.iterdir() if entry.is_dir() and not entry.name.startswith("."))
