"""Class folders: the pictures of a class lie in the folder of its name, at any depth.

Above the class folders there may be the parts of a split, under any of the names in ``SPLITS``: train/ with test/, or
with val/ (as ImageNet has them), or all three.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from deeper.errors import DeeperError, reason
from deeper.files import below, changed_at, shown

JPEG = {".jpg", ".jpeg", ".jpe", ".jfif"}
SUFFIXES = {*JPEG, ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".ppm", ".pgm", ".pbm", ".avif"}
SPLITS = {  # how people call the parts of a split, in any case
    "train": ("train", "training", "trn", "trainval"),
    "val": ("val", "valid", "validate", "validation", "dev", "devel", "development", "trainval"),
    "test": ("test", "testing", "tst", "eval", "evaluation", "holdout", "heldout"),
}
PARTS = {word for spelled in SPLITS.values() for word in spelled}
# what stands beside the part's name, as in test_set or "Train Images"
BESIDE = re.compile(r"data|dataset|set|split|folder|images?|imgs?|pictures?|photos?")
LETTERS = re.compile(r"[^\W\d_]+")
CAPITAL = re.compile(r"(?<=[a-z])(?=[A-Z])")  # where a word begins in trainImages

Parts = Mapping[str, Sequence[str]]  # folders by the part of a split that each is called like


@dataclass(frozen=True)
class ClassFile:
    """A picture file below a class folder.

    Attributes:
        path: where it lies.
        name: its path below the root, as text for people.
        category: its class.
        part: ``train``, ``val`` or ``test`` where the folder has the parts of a split, else None.
        size: its bytes.
        changed: when it was last written (``deeper.files.changed_at``).
    """

    path: Path
    name: str
    category: str
    part: str | None
    size: int
    changed: int


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
    root = root.absolute()  # names are what stands after it: of "." and of "/" that is not one character more
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
    hidden = len(str(root / "_")) - 1
    before = len(found.files)
    for path in below(folder):
        name = str(path)[hidden:]
        if "/." in f"/{name}":
            continue
        if not path.is_file():
            found.dropped[shown(name)] = "a link that leads to no file" if path.is_symlink() else "no file"
        elif not is_named_picture(path):
            found.dropped[shown(name)] = f"no picture by its suffix {path.suffix.lower()}".rstrip()
        else:
            facts = path.stat()
            found.files.append(ClassFile(path, shown(name), shown(folder.name), part, facts.st_size, changed_at(facts)))
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
    called = _called_like_parts(root)
    splits = [by_part for by_part in called.values() if _make_a_split(by_part)]
    if not splits:
        _check_not_all_parts(root, called.values())
        for names in called.get((), {}).values():
            _check_is_class(root, names[0])
        for name in _folders(root):
            _check_holds_no_split(root, name)
        return {root: None}
    if len(splits) > 1:
        both = " and ".join(f"{shown(by_part['train'][0])}/" for by_part in splits)
        raise DeeperError(f"{shown(root)} has {both}, each of which may be the train part; leave one there")
    (by_part,) = splits
    if by_part["train"] == by_part.get("val"):  # trainval/, which is both
        by_part = {part: names for part, names in by_part.items() if part != "val"}
    for part, names in by_part.items():
        if sum(names[0] in others for others in by_part.values()) > 1:
            raise DeeperError(
                f"{shown(root)} has {names[0]}/, which may be two parts of a split; call it {part}/ or so"
            )
        if len(names) > 1:
            both = " and ".join(f"{name}/" for name in names)
            raise DeeperError(f"{shown(root)} has {both}, each of which may be the {part} part; leave one there")
        if not _folders(root / names[0]):
            raise DeeperError(
                f"{shown(root)} has {shown(names[0])}/, which looks like the {part} part of a split and holds no class "
                "folders; put its pictures into a folder for each class, or call it otherwise if it is a class"
            )
    return {root / by_part[part][0]: part for part in SPLITS if part in by_part}


def _called_like_parts(folder: Path) -> dict[tuple[str, ...], dict[str, list[str]]]:
    """The folders in ``folder`` that are called like a part of a split, by the other words of their names, and by part.

    So imagenet_train/ and imagenet_val/ stand together, train2017/ has no other words, and training_shoes/ and
    test_tubes/ stand alone.
    """
    called: dict[tuple[str, ...], dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
    for name in _folders(folder):
        words = _words(name)
        others = tuple(word for word in words if word not in PARTS)
        for part, spelled in SPLITS.items():
            if any(word in spelled for word in words):
                called[others][part].append(name)
    return called


def _words(name: str) -> list[str]:
    """The words of a folder's name, in small letters, without numbers and without those of ``BESIDE``."""
    words: list[str] = []
    for letters in LETTERS.findall(name):
        whole = letters.lower()
        words += [whole] if whole in PARTS else map(str.lower, CAPITAL.split(letters))
    bare = [word if word in PARTS else BESIDE.sub("", word) for word in words]
    return [word for word in bare if word]


def _make_a_split(parts: Parts) -> bool:
    return "train" in parts and len({name for names in parts.values() for name in names}) > 1


def _check_not_all_parts(root: Path, called: Iterable[Parts]) -> None:
    """See that not every folder is called like a part of a split, one of them like the training part."""
    together = {part: [name for parts in called for name in parts.get(part, ())] for part in SPLITS}
    together = {part: names for part, names in together.items() if names}
    named = {name for names in together.values() for name in names}
    if len(together) > 1 and _make_a_split(together) and named == set(_folders(root)):
        both = " and ".join(f"{shown(name)}/" for name in sorted(named)[:2])
        raise DeeperError(
            f"{shown(root)} has {both}, which may be parts of a split or classes; call parts train/ and test/ or val/, "
            "and classes otherwise"
        )


def _check_holds_no_split(root: Path, name: str) -> None:
    """See that a class folder has no split of its own, which nobody would read."""
    for parts in _called_like_parts(root / name).values():
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
