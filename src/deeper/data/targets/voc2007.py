"""PASCAL VOC 2007 as released: lists of images, and of each an XML file with its objects, some marked as difficult.

Everingham, Van Gool, Williams, Winn, Zisserman: The PASCAL visual object classes challenge 2007. A picture counts for a
class where one of its objects is of it; where all of them are difficult, it counts neither for nor against.
"""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

from deeper.data.pictures import Collection, Picture, decode
from deeper.data.targets.multilabel import mask
from deeper.data.targets.official_release import Packed, Release, damaged, lines, locate

ARCHIVES = {
    "VOCtrainval_06-Nov-2007.tar": "c52e279531787c972589f7e41ab4ae64",
    "VOCtest_06-Nov-2007.tar": "b6e924de25625d8de591ea690078ad9f",
}
CLASSES = [
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow", "diningtable", "dog"),
    *("horse", "motorbike", "person", "pottedplant", "sheep", "sofa", "train", "tvmonitor"),
]
LISTS = {"train": "trainval.txt", "test": "test.txt"}
RELEASE = Release(
    title="PASCAL VOC 2007",
    roots=("VOCdevkit/VOC2007", "VOC2007", "."),
    holds=(*(f"ImageSets/Main/{name}" for name in LISTS.values()), "Annotations", "JPEGImages"),
    packed=(Packed("VOCdevkit", tuple(ARCHIVES)),),
    source="see http://host.robots.ox.ac.uk/pascal/VOC/voc2007/",
)


def read(folder: str | Path, archives: Mapping[str, str | None] = ARCHIVES) -> Collection:
    """The images of trainval.txt and test.txt; labels are masks over the 20 classes (see ``multilabel``).

    An image whose annotation has no object at all is left out.

    Raises:
        DeeperError: the release is not there, an image is listed twice, or an annotation is missing or damaged.
    """
    root = locate(folder, RELEASE, archives)
    pictures: dict[str, Picture] = {}
    dropped: dict[str, str] = {}
    for part, listing in LISTS.items():
        for line, image in lines(root / "ImageSets" / "Main" / listing):
            name = f"{image}.jpg"
            if name in pictures or name in dropped:
                raise damaged(root / "ImageSets" / "Main" / listing, f"image {image} was listed before", line)
            label = _label(root / "Annotations" / f"{image}.xml")
            if label == 0:
                dropped[name] = "its annotation has no object"
                continue
            pictures[name] = Picture(name, label, part, name, partial(decode, root / "JPEGImages" / name))
    return Collection(list(CLASSES), list(pictures.values()), dropped, several=True)


def _label(file: Path) -> int:
    try:
        objects = ElementTree.parse(file).getroot().findall("object")
    except OSError as error:
        raise damaged(file, f"it cannot be read ({error.strerror})") from error
    except (ElementTree.ParseError, LookupError, ValueError) as error:
        raise damaged(file, f"it is not XML ({error})") from error
    classes: dict[bool, set[int]] = {False: set(), True: set()}  # of plain objects, of difficult ones
    for item in objects:
        name = item.findtext("name", "").strip()
        if name not in CLASSES:
            raise damaged(file, f"object {name!r} is none of the 20 classes")
        classes[item.findtext("difficult", "0").strip() == "1"].add(CLASSES.index(name))
    return mask(classes[False], classes[True])
