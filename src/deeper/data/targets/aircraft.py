"""FGVC-Aircraft (2013b) as released: lists of image number and variant; the bottom of every image is a text banner.

Maji, Kannala, Rahtu, Blaschko, Vedaldi: Fine-grained visual classification of aircraft, arXiv:1306.5151, 2013.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from PIL import Image

from deeper.data.pictures import Collection, Picture, Unreadable, decode
from deeper.data.targets.official_release import Packed, Release, damaged, lines, locate

ARCHIVES = {"fgvc-aircraft-2013b.tar.gz": "d4acdd33327262359767eeaa97a4f732"}
LISTS = {"train": "images_variant_trainval.txt", "test": "images_variant_test.txt"}
RELEASE = Release(
    title="FGVC-Aircraft",
    roots=("fgvc-aircraft-2013b", "."),
    holds=("data/variants.txt", *(f"data/{name}" for name in LISTS.values()), "data/images"),
    packed=(Packed("fgvc-aircraft-2013b", ("fgvc-aircraft-2013b.tar.gz",)),),
    source="see https://www.robots.ox.ac.uk/~vgg/data/fgvc-aircraft/",
)


def read(folder: str | Path, banner: int = 20, archives: Mapping[str, str | None] = ARCHIVES) -> Collection:
    """The images of both lists by variant, without the ``banner`` rows of pixels (copyright text) at their bottom.

    Raises:
        DeeperError: the release is not there, or a list is damaged or names a variant that variants.txt has not.
    """
    data = locate(folder, RELEASE, archives) / "data"
    classes = _variants(data / "variants.txt")
    pictures: dict[str, Picture] = {}
    for part, name in LISTS.items():
        for line, text in lines(data / name):
            number, _, variant = text.partition(" ")
            if variant not in classes:
                raise damaged(data / name, f"{variant!r} is not a variant of variants.txt", line)
            if number in pictures:
                raise damaged(data / name, f"image {number} was listed before, in {LISTS[pictures[number].part]}", line)
            file = f"{number}.jpg"
            show = partial(_without_banner, data / "images" / file, banner)
            pictures[number] = Picture(file, classes[variant], part, file, show)
    return Collection(list(classes), list(pictures.values()), {})


def _variants(file: Path) -> dict[str, int]:
    classes: dict[str, int] = {}
    for line, variant in lines(file):
        if variant in classes:
            raise damaged(file, f"variant {variant!r} was listed before", line)
        classes[variant] = len(classes)
    return classes


def _without_banner(path: Path, rows: int) -> Image.Image:
    picture = decode(path)
    if picture.height <= rows:
        raise Unreadable(f"its {picture.height} rows of pixels are no more than the banner's {rows}")
    return picture.crop((0, 0, picture.width, picture.height - rows))
