"""Clip art: drawings of everyday things in category folders, with a split that no drawing crosses in two variants.

Read from the layout of Debian's ``openclipart-png`` (Open Clip Art Library, public domain). The release has no split;
the one made here puts whole groups of variants (``deeper.data.targets.clipart_variants``) on one side, and depends on
nothing but the names and pictures there are.
"""

import hashlib
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path

from PIL import Image, ImageOps

from deeper.data.pictures import Collection, Picture, without_margins
from deeper.data.targets.clipart_variants import MOST_DRAWN, Drawing, drawn, variants, write_list
from deeper.errors import DeeperError

INSIDE = ("usr/share/openclipart/png", "openclipart/png", "png", ".")


def read(
    folder: str | Path, categories: Sequence[str], test: float = 0.3, trim: bool = True, most: int = MOST_DRAWN
) -> Collection:
    """Drawings of some categories, each with its subfolders; a category is a class.

    Copies and empty drawings are ``dropped``, and variants of a drawing share a group (``find_variants``). A file that
    cannot be decoded is listed all the same.

    Args:
        folder: the root of the unpacked package, or the folder that holds the category folders.
        categories: their paths, such as ``animals/birds``.
        test: share of a category's drawings that are for test, at most.
        trim: cut white margins down to a twenty-fifth of the longer side; many drawings are small on a large page.
        most: pixels of a picture that is decoded at all.

    Raises:
        DeeperError: a category folder is missing or empty, or its drawings are all variants of one another.
    """
    root = _root(Path(folder).expanduser(), categories)
    drawings = list_drawings(root, categories)
    judged = variants(drawings, most)
    kept = [drawing for drawing in drawings if drawing.name not in judged.dropped]
    tested = _tested(kept, judged.groups, test)
    pictures = [
        Picture(
            name=drawing.name,
            label=categories.index(drawing.category),
            part="test" if judged.groups[drawing.name] in tested else "train",
            group=judged.groups[drawing.name],
            open=partial(_opened, drawing.path, trim, most),
        )
        for drawing in kept
    ]
    _check_parts(root, pictures, categories)
    return Collection(list(categories), pictures, judged.dropped)


def list_drawings(root: Path, categories: Sequence[str]) -> list[Drawing]:
    """The .png files of some category folders, in the order of their names.

    Raises:
        DeeperError: a category has none.
    """
    drawings = []
    for category in categories:
        files = sorted(p for p in (root / category).rglob("*") if p.suffix.lower() == ".png" and p.is_file())
        if not files:
            raise DeeperError(
                f"{root / category} holds no .png file; fetch the drawings again or leave the category out"
            )
        drawings += [Drawing(file, file.relative_to(root).as_posix(), category) for file in files]
    return drawings


def _root(folder: Path, categories: Sequence[str]) -> Path:
    """The folder that holds the category folders: ``folder`` or one inside it."""
    missing = {
        root: [category for category in categories if not (root / category).is_dir()]
        for root in (folder / inside for inside in INSIDE)
    }
    root = min(missing, key=lambda root: len(missing[root]))
    if missing[root]:
        raise DeeperError(
            f"{folder} holds no folder {missing[root][0]}; name the folder that holds the category folders of "
            "openclipart-png, or the categories that yours has (transfer.target.reader.categories)"
        )
    return root


def _opened(path: Path, trim: bool, most: int) -> Image.Image:
    picture = drawn(path, most)
    if not trim:
        return picture
    inside = without_margins(picture)
    return ImageOps.expand(inside, max(1, max(inside.size) // 25), "white")


def _tested(kept: Iterable[Drawing], groups: dict[str, str], share: float) -> set[str]:
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
    groups_left = Counter(category for counts in members.values() for category in counts)
    groups_left = Counter({category: count // 2 for category, count in groups_left.items()})
    tested = set()
    for group in sorted(members, key=lambda group: hashlib.sha256(group.encode()).digest()):
        counts = members[group]
        if all(count <= min(room[c], largest[c]) and groups_left[c] > 0 for c, count in counts.items()):
            room.subtract(counts)
            groups_left.subtract(counts.keys())
            tested.add(group)
    return tested


def _check_parts(root: Path, pictures: Iterable[Picture], categories: Sequence[str]) -> None:
    present = {(picture.label, picture.part) for picture in pictures}
    for label, category in enumerate(categories):
        for part in ("train", "test"):
            if (label, part) not in present:
                raise DeeperError(
                    f"{root / category} has no drawing for the {part} part: too few that differ, or all are copies of "
                    "other categories' drawings; leave it out of transfer.target.reader.categories"
                )


if __name__ == "__main__":  # writes the list of variants, see deeper.data.targets.clipart_variants
    from omegaconf import OmegaConf

    from deeper.paths import CONF

    configured = OmegaConf.load(CONF / "transfer" / "target" / "clipart.yaml").reader.categories
    print(write_list(list_drawings(_root(Path(sys.argv[1]), configured), list(configured))))
