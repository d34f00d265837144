"""Clip art: drawings of everyday things in category folders, with a split that no drawing crosses in two variants.

Read from the layout of Debian's ``openclipart-png`` (Open Clip Art Library, public domain). The release has no split;
the one made here puts whole groups of variants (``deeper.data.targets.likeness``) on one side, and depends on
nothing but the names and pictures there are.
"""

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from deeper.data.pictures import MOST_PIXELS, Collection, Picture, Unreadable, decode
from deeper.data.targets import likeness
from deeper.errors import DeeperError

INSIDE = ("usr/share/openclipart/png", "openclipart/png", "png", ".")
SAME, VARIANT = 4, 70
COLOURS = {"bw", "b", "w", "black", "white", "color", "colour", "coloured"}


@dataclass(frozen=True)
class _Drawing:
    """A file, its name, its category's path; where it can be decoded its fingerprint and whether it is empty."""

    path: Path
    name: str
    category: str
    fingerprint: np.ndarray | None = None
    blank: bool = False


def read(
    folder: str | Path, categories: Sequence[str], test: float = 0.3, trim: bool = True, most: int = MOST_PIXELS
) -> Collection:
    """Drawings of some categories, each with its subfolders; a category is a class.

    Of copies of one drawing in a category the first stays; a drawing that lies in two categories has no label and
    goes, and so does an empty one (all are ``dropped``). Recoloured, mirrored and slightly changed drawings share a
    group, and so do those of a category whose names differ in numbers or a colour. A file that cannot be decoded is
    listed all the same.

    Args:
        folder: the root of the unpacked package, or the folder that holds the category folders.
        categories: their paths, such as ``animals/birds``.
        test: share of a category's drawings that are for test, at most.
        trim: cut white margins down to a twenty-fifth of the longer side; many drawings are small on a large page.
        most: pixels of a picture that is decoded at all.

    Raises:
        DeeperError: a category folder is missing or empty, or its drawings are all variants of one another.
    """
    place = _place(Path(folder).expanduser(), categories)
    drawings = [_looked_at(path, place, category, most) for category in categories for path in _files(place, category)]
    blank = {drawing.name: "nothing is drawn on it" for drawing in drawings if drawing.blank}
    drawings = [drawing for drawing in drawings if not drawing.blank]
    seen = [drawing for drawing in drawings if drawing.fingerprint is not None]
    apart = likeness.distances(np.stack([drawing.fingerprint for drawing in seen])) if seen else np.empty((2, 0, 0))
    dropped = blank | _copies(seen, apart)
    kept = [drawing for drawing in drawings if drawing.name not in dropped]
    groups = _groups(kept, seen, apart)
    tested = _tested(kept, groups, test)
    pictures = [
        Picture(
            name=drawing.name,
            label=categories.index(drawing.category),
            part="test" if groups[drawing.name] in tested else "train",
            group=groups[drawing.name],
            open=partial(_opened, drawing.path, trim, most),
        )
        for drawing in kept
    ]
    _check_parts(place, pictures, categories)
    return Collection(list(categories), pictures, dropped)


def _place(folder: Path, categories: Sequence[str]) -> Path:
    missing = {
        place: [category for category in categories if not (place / category).is_dir()]
        for place in (folder / inside for inside in INSIDE)
    }
    place = min(missing, key=lambda place: len(missing[place]))
    if missing[place]:
        raise DeeperError(
            f"{folder} holds no folder {missing[place][0]}; name the folder that holds the category folders of "
            "openclipart-png, or the categories that yours has (transfer.target.reader.categories)"
        )
    return place


def _files(place: Path, category: str) -> list[Path]:
    found = sorted(path for path in (place / category).rglob("*") if path.suffix.lower() == ".png" and path.is_file())
    if not found:
        raise DeeperError(f"{place / category} holds no .png file; fetch the drawings again or leave the category out")
    return found


def _looked_at(path: Path, place: Path, category: str, most: int) -> _Drawing:
    name = path.relative_to(place).as_posix()
    try:
        picture = decode(path, most)
    except Unreadable:
        return _Drawing(path, name, category)
    return _Drawing(path, name, category, likeness.fingerprint(picture), likeness.is_blank(picture))


def _opened(path: Path, trim: bool, most: int) -> Image.Image:
    picture = decode(path, most)
    if not trim:
        return picture
    drawn = likeness.content(picture)
    return ImageOps.expand(drawn, max(1, max(drawn.size) // 25), "white")


def _copies(seen: Sequence[_Drawing], apart: np.ndarray) -> dict[str, str]:
    """Which drawings go, and why."""
    same = likeness.groups(len(seen), np.argwhere((apart <= SAME).all(0)))
    members = defaultdict(list)
    for drawing, number in zip(seen, same, strict=True):
        members[number].append(drawing)
    dropped = {}
    for first, *others in members.values():
        elsewhere = [drawing for drawing in others if drawing.category != first.category]
        if elsewhere:
            dropped[first.name] = f"the same drawing as {elsewhere[0].name}, of another category"
        for drawing in others:
            if elsewhere:
                other = first if drawing.category != first.category else elsewhere[0]
                dropped[drawing.name] = f"the same drawing as {other.name}, of another category"
            else:
                dropped[drawing.name] = f"the same drawing as {first.name}"
    return dropped


def _groups(kept: Sequence[_Drawing], seen: Sequence[_Drawing], apart: np.ndarray) -> dict[str, str]:
    """Of each drawing's name the name of its group, the first of its members' names."""
    number = {drawing.name: index for index, drawing in enumerate(kept)}
    alike = np.argwhere((apart <= VARIANT).any(0))
    pairs = [(seen[one].name, seen[other].name) for one, other in alike if one < other]
    first_of_stem: dict[tuple[str, str], str] = {}
    for drawing in kept:
        first = first_of_stem.setdefault((drawing.category, stem(drawing.path.stem)), drawing.name)
        pairs.append((first, drawing.name))
    linked = [(number[one], number[other]) for one, other in pairs if one in number and other in number]
    of = likeness.groups(len(kept), linked)
    names: dict[int, str] = {}
    for drawing in sorted(kept, key=lambda drawing: drawing.name):
        names.setdefault(of[number[drawing.name]], drawing.name)
    return {drawing.name: names[of[number[drawing.name]]] for drawing in kept}


def stem(name: str) -> str:
    """What names of variants have in common: the name without colours, numbers, and a letter or two at its end."""
    words = [re.sub(r"\d+$", "", word) for word in re.split(r"[\W_]+", name.lower())]
    words = [word for word in words if word and word not in COLOURS]
    while len(words) > 1 and len(words[-1]) <= 2:
        words.pop()
    return "_".join(words) or name


def _tested(kept: Iterable[_Drawing], groups: dict[str, str], share: float) -> set[str]:
    """The groups that are for test: in the order of their digests, each that fits into what its categories may give.

    That is ``share`` of a category's drawings and half of its groups; groups of more than a quarter of the former stay
    for training, so that the test part is of many drawings.
    """
    members: defaultdict[str, Counter] = defaultdict(Counter)
    for drawing in kept:
        members[groups[drawing.name]][drawing.category] += 1
    number = sum(members.values(), Counter())
    room = Counter({category: max(1, round(share * count)) for category, count in number.items()})
    largest = {category: max(1, count // 4) for category, count in room.items()}
    places = Counter(category for counts in members.values() for category in counts)
    places = Counter({category: count // 2 for category, count in places.items()})
    tested = set()
    for group in sorted(members, key=lambda group: hashlib.sha256(group.encode()).digest()):
        counts = members[group]
        if all(count <= min(room[c], largest[c]) and places[c] > 0 for c, count in counts.items()):
            room.subtract(counts)
            places.subtract(counts.keys())
            tested.add(group)
    return tested


def _check_parts(place: Path, pictures: Iterable[Picture], categories: Sequence[str]) -> None:
    there = {(picture.label, picture.part) for picture in pictures}
    for label, category in enumerate(categories):
        for part in ("train", "test"):
            if (label, part) not in there:
                raise DeeperError(
                    f"{place / category} has no drawing for the {part} part: too few that differ, or all are copies of "
                    "other categories' drawings; leave it out of transfer.target.reader.categories"
                )
