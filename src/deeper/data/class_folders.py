"""Class folders: the pictures of a class lie in the folder of its name, at any depth.

Above the class folders there may be the parts of a split, under any of the names in ``SPLITS``: train/ with test/, or
with val/ (as ImageNet has them), or all three.
"""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from deeper.errors import DeeperError, reason
from deeper.files import below, shown

JPEG = {".jpg", ".jpeg", ".jpe", ".jfif"}
SUFFIXES = {*JPEG, ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".avif"}
SPLITS = {  # how people call the parts of a split, in any case
    "train": ("train", "training"),
    "val": ("val", "valid", "validate", "validation", "dev", "devel", "development"),
    "test": ("test", "testing", "eval", "evaluation"),
}


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
        if not path.exists():
            found.dropped[shown(name)] = "a link that leads nowhere"
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
    by_part: dict[str, list[str]] = defaultdict(list)
    for name in _folders(root):
        for part, spelled in SPLITS.items():
            if name.lower() in spelled:
                by_part[part].append(name)
    if "train" not in by_part or len(by_part) == 1:
        for names in by_part.values():
            _check_is_class(root, names[0])
        return {root: None}
    for part, names in by_part.items():
        if len(names) > 1:
            both = " and ".join(f"{name}/" for name in names)
            raise DeeperError(f"{shown(root)} has {both}, each of which may be the {part} part; leave one there")
    return {root / by_part[part][0]: part for part in SPLITS if part in by_part}


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
