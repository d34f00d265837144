"""CUB-200-2011 as released: text tables whose lines are an image's id, from 1, and what is table of it.

Wah, Branson, Welinder, Perona, Belongie: The Caltech-UCSD Birds-200-2011 dataset, CNS-TR-2011-001, 2011.
"""

import re
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from deeper.data.pictures import Collection, Picture, decode
from deeper.data.targets.official_release import Packed, Release, damaged, lines, locate

ARCHIVES = {"CUB_200_2011.tgz": "97eceeb196236b17998738112f37df78"}
PARTS = {"1": "train", "0": "test"}
TABLES = ("classes.txt", "images.txt", "image_class_labels.txt", "train_test_split.txt")
RELEASE = Release(
    title="CUB-200-2011",
    roots=("CUB_200_2011", "."),
    holds=(*TABLES, "images"),
    packed=(Packed("CUB_200_2011", ("CUB_200_2011.tgz",)),),
    source="see https://data.caltech.edu/records/65de6-vp158",
)


def read(folder: str | Path, archives: Mapping[str, str | None] = ARCHIVES) -> Collection:
    """Every image of images.txt, in the part that train_test_split.txt says, class names without their numbers.

    Raises:
        DeeperError: the release is not there, or its tables do not agree with each other.
    """
    root = locate(folder, RELEASE, archives)
    classes, images, labels, parts = (_table(root / name) for name in TABLES)
    if sorted(classes) != list(range(1, len(classes) + 1)):
        raise damaged(root / TABLES[0], f"its ids are not 1 to {len(classes)}")
    pictures, seen = [], set()
    for table, name in ((labels, TABLES[2]), (parts, TABLES[3])):
        _same_images(root, images, table, name)
    for image, (line, name) in images.items():
        if name in seen:
            raise damaged(root / TABLES[1], f"{name} has two numbers", line)
        seen.add(name)
        label, part = _label(root, *labels[image], len(classes)), _part(root, *parts[image])
        pictures.append(Picture(name, label, part, name, partial(decode, root / "images" / name)))
    return Collection([_plain(classes[number][1]) for number in sorted(classes)], pictures, {})


def _table(file: Path) -> dict[int, tuple[int, str]]:
    table: dict[int, tuple[int, str]] = {}
    for line, text in lines(file):
        key, _, value = text.partition(" ")
        if not key.isdecimal() or not value:
            raise damaged(file, f"an id and a value expected, not {text[:80]!r}", line)
        if int(key) in table:
            raise damaged(file, f"id {key} stands on line {table[int(key)][0]} already", line)
        table[int(key)] = line, value.strip()
    return table


def _same_images(root: Path, images: Mapping[int, tuple], table: Mapping[int, tuple], name: str) -> None:
    for image, (line, _) in images.items():
        if image not in table:
            raise damaged(root / name, f"it says nothing of image {image} (images.txt, line {line})")
    for image, (line, _) in table.items():
        if image not in images:
            raise damaged(root / name, f"image {image} is not in images.txt", line)


def _label(root: Path, line: int, value: str, classes: int) -> int:
    if not value.isdecimal() or not 1 <= int(value) <= classes:
        raise damaged(root / TABLES[2], f"class {value} is not one of the {classes} in classes.txt", line)
    return int(value) - 1


def _part(root: Path, line: int, value: str) -> str:
    if value not in PARTS:
        raise damaged(root / TABLES[3], f"1 (training) or 0 (test) expected, not {value!r}", line)
    return PARTS[value]


def _plain(name: str) -> str:
    return re.sub(r"^\d+\.", "", name).replace("_", " ")
