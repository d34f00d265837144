"""Small sets in the exact formats that the official target sets are released in, and a folder of class folders.

Every class has a colour of its own (``colour``), so that ``seen`` tells the class of a picture from its pixels; no two
pictures are alike. Writers return the folder that stands for the released one.
"""

import colorsys
import itertools
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from scipy.io import savemat

VOC_CLASSES = """aeroplane bicycle bird boat bottle bus car cat chair cow diningtable dog horse motorbike person
pottedplant sheep sofa train tvmonitor""".split()  # noqa: SIM905
CUB_CLASSES = ["Black_footed_Albatross", "Laysan_Albatross", "Sooty_Albatross", "Groove_billed_Ani", "Crested_Auklet"]
CAR_CLASSES = ["AM General Hummer SUV 2000", "Ram C/V Cargo Van Minivan 2012", "BMW M3 Coupe 2012", "smart fortwo 2012"]
VARIANTS = ["707-320", "Boeing 717", "F/A-18", "DHC-8-100", "Model B200", "Yak-42"]
CATEGORIES = ["Faces", "Faces_easy", "accordion", "airplanes", "yin_yang"]
BANNER = 20


def colour(label, of):
    """The colour (red, green, blue; 0 to 255) of class ``label`` of ``of``."""
    return tuple(round(255 * part) for part in colorsys.hsv_to_rgb(label / of, 1, 0.5 + 0.4 * (label % 2)))


def seen(picture, of):
    """The class whose colour most of ``picture`` has."""
    found = np.median(np.asarray(picture).reshape(-1, 3), axis=0)
    return int(np.argmin([np.abs(found - colour(label, of)).sum() for label in range(of)]))


def seen_across(picture, of, count):
    """The classes of ``count`` stripes of equal width, from left to right."""
    pixels = np.asarray(picture)
    edges = np.linspace(0, pixels.shape[1], count + 1).round().astype(int)
    return [seen(pixels[:, left:right], of) for left, right in itertools.pairwise(edges)]


def draw(path, labels, of, number, size=48, banner=0):
    """Save a picture with a stripe for each of ``labels``, a mark that depends on ``number``, a white strip below."""
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.new("RGB", (size, size + banner), "white")
    pen = ImageDraw.Draw(picture)
    edges = np.linspace(0, size, len(labels) + 1).round().astype(int).tolist()
    for label, (left, right) in zip(labels, itertools.pairwise(edges), strict=True):
        pen.rectangle((left, 0, right - 1, size - 1), fill=colour(label, of))
    rng = np.random.default_rng([number, *labels])
    x, y = rng.integers(0, size - size // 6, 2).tolist()
    pen.rectangle((x, y, x + size // 8, y + size // 8), fill=tuple(rng.integers(0, 256, 3).tolist()))
    picture.save(path, quality=95, subsampling=0)


def write_cub(folder, classes=3, train=3, test=2, size=48):
    """CUB_200_2011/ with ``train`` and ``test`` images a class; ids from 1, parts mixed as in the release."""
    root, number = folder / "CUB_200_2011", 0
    names = [f"{i + 1:03d}.{_name(CUB_CLASSES, i)}" for i in range(classes)]
    tables = {name: [] for name in ("images", "image_class_labels", "train_test_split", "bounding_boxes")}
    for label, name in enumerate(names):
        for i in range(train + test):
            number += 1
            file = f"{name}/{name[4:]}_{1000 + 7 * number:04d}_{number}.jpg"
            draw(root / "images" / file, [label], classes, i, size)
            tables["images"].append(f"{number} {file}")
            tables["image_class_labels"].append(f"{number} {label + 1}")
            tables["train_test_split"].append(f"{number} {int(_spread(i, train, test))}")
            tables["bounding_boxes"].append(f"{number} 6.0 2.0 {size - 8}.0 {size - 4}.0")
    tables["classes"] = [f"{i + 1} {name}" for i, name in enumerate(names)]
    for name, rows in tables.items():
        _lines(root / f"{name}.txt", rows)
    return root


def write_cars(folder, classes=3, train=3, test=2, size=48):
    """cars_train/, cars_test/, devkit/ and cars_test_annos_withlabels.mat; classes from 1, as 8-bit numbers."""
    names = [_name(CAR_CLASSES, i) for i in range(classes)]
    for part, count in (("train", train), ("test", test)):
        rows = []
        for number, label in enumerate([c for _ in range(count) for c in range(classes)], 1):
            file = f"{number:05d}.jpg"
            draw(folder / f"cars_{part}" / file, [label], classes, number, size)
            rows.append((3, 5, size - 2, size - 1, label + 1, file))
        write_car_annotations(folder / "devkit" / f"cars_{part}_annos.mat", rows, labelled=part == "train")
        if part == "test":
            write_car_annotations(folder / "cars_test_annos_withlabels.mat", rows)
    savemat(folder / "devkit" / "cars_meta.mat", {"class_names": np.array([names], object)})
    return folder


def write_car_annotations(path, rows, labelled=True):
    """A file of annotations (x1, y1, x2, y2, class, file name), a 1×N structure as in the development kit."""
    fields = ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2", *(["class"] if labelled else []), "fname"]
    content = np.empty((1, len(rows)), [(field, object) for field in fields])
    for i, (*numbers, name) in enumerate(rows):
        content[0, i] = (*(np.array([[number]], np.uint8) for number in numbers[: len(fields) - 1]), name)
    path.parent.mkdir(parents=True, exist_ok=True)
    savemat(path, {"annotations": content})


def write_aircraft(folder, classes=4, train=3, test=2, size=48):
    """fgvc-aircraft-2013b/ with lists of variants, images with a white banner below; half of ``train`` is val."""
    data = folder / "fgvc-aircraft-2013b" / "data"
    variants = [_name(VARIANTS, i) for i in range(classes)]
    parts = {"train": [], "val": [], "test": []}
    for label, variant in enumerate(variants):
        for i in range(train + test):
            number = f"{(7919 * (label * (train + test) + i) + 34309) % 10**7:07d}"
            draw(data / "images" / f"{number}.jpg", [label], classes, i, size, BANNER)
            part = "test" if i >= train else "val" if i % 2 else "train"
            parts[part].append(f"{number} {variant}")
    parts["trainval"] = parts["train"] + parts["val"]
    for part, rows in parts.items():
        _lines(data / f"images_variant_{part}.txt", rows)
    _lines(data / "variants.txt", variants)
    return data.parent


def scenes(classes=3, each=4):
    """Objects (class name, whether difficult) of ``each`` pictures a class; some with a second one, some difficult."""
    found = []
    for label in range(classes):
        for i in range(each):
            objects = [(VOC_CLASSES[label], False)]
            if i % 3 == 1:
                objects.append((VOC_CLASSES[(label + 1) % classes], False))
            if i % 3 == 2:
                objects.append((VOC_CLASSES[(label + 2) % classes], True))
            found.append(objects)
    return found


def write_voc2007(folder, trainval=None, test=None, size=60):
    """VOCdevkit/VOC2007/ of pictures with these objects (``scenes`` where not given), a stripe for each."""
    root, number = folder / "VOCdevkit" / "VOC2007", 0
    for part, listed in (("trainval", trainval or scenes()), ("test", test or scenes(each=2))):
        images = []
        for objects in listed:
            number += 1
            images.append(f"{number:06d}")
            labels = [VOC_CLASSES.index(name) for name, _ in objects]
            draw(root / "JPEGImages" / f"{images[-1]}.jpg", labels, len(VOC_CLASSES), number, size)
            _lines(root / "Annotations" / f"{images[-1]}.xml", _annotation(images[-1], objects, size))
        _lines(root / "ImageSets" / "Main" / f"{part}.txt", images)
    return root


def write_caltech101(folder, classes=3, images=6, size=48):
    """101_ObjectCategories/ with ``images`` pictures a category and BACKGROUND_Google beside them."""
    root = folder / "101_ObjectCategories"
    for label in range(classes):
        for i in range(images):
            draw(root / _name(CATEGORIES, label) / f"image_{i + 1:04d}.jpg", [label], classes, i, size)
    draw(root / "BACKGROUND_Google" / "image_0001.jpg", [0], 1, 0, size)
    (root / "BACKGROUND_Google" / "tmp").touch()
    return root


def write_folder(folder, classes=3, images=4, size=48):
    """Class folders a, b, c, … with ``images`` pictures each."""
    for label in range(classes):
        for i in range(images):
            draw(folder / chr(ord("a") + label) / f"{i}.png", [label], classes, i, size)
    return folder


def _annotation(image, objects, size):
    yield f"<annotation><folder>VOC2007</folder><filename>{image}.jpg</filename>"
    yield f"<size><width>{size}</width><height>{size}</height><depth>3</depth></size><segmented>0</segmented>"
    for i, (name, difficult) in enumerate(objects):
        left, right = round(size * i / len(objects)), round(size * (i + 1) / len(objects))
        yield f"<object><name>{name}</name><pose>Left</pose><truncated>1</truncated>"
        yield f"<difficult>{int(difficult)}</difficult>"
        box = f"<xmin>{left}</xmin><ymin>1</ymin><xmax>{right}</xmax><ymax>{size}</ymax>"
        yield f"<bndbox>{box}</bndbox>"
        if name == "person":
            yield f"<part><name>head</name><bndbox>{box}</bndbox></part>"
        yield "</object>"
    yield "</annotation>"


def _name(known, i):
    return known[i] if i < len(known) else f"Kind_{i}"


def _spread(i, train, test):
    """Whether image ``i`` of a class is for training: the two parts alternate until one is used up."""
    return i % 2 == 0 if i < 2 * min(train, test) else train > test


def _lines(path: Path, rows):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{row}\n" for row in rows))
