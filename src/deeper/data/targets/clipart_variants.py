"""Which drawings of a clip-art folder are copies, and which are variants of one another.

For the categories of ``conf/transfer/target/clipart.yaml``, as released, the answer is a list in the package,
``clipart_variants.json`` (40 kB): it does not change with a library that decodes or resizes pictures in another way.
For any other drawings the answer is computed from their perceptual hashes and their names. (A list of all 7,978
drawings of the release would be 235 kB.) The list was written from the unpacked Debian package openclipart-png
1:0.18+dfsg-19 by

    python -m deeper.data.targets.clipart FOLDER > src/deeper/data/targets/clipart_variants.json
"""

import json
import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.sparse import csr_array
from scipy.sparse.csgraph import connected_components

from deeper.data.pictures import FULL_SCALES, Unreadable, decode, in_eight_bits, is_blank
from deeper.data.targets.perceptual_hash import distances, fingerprint
from deeper.files import digest, file_digest

LIST = Path(__file__).with_name("clipart_variants.json")
SAME, VARIANT = 4, 70  # bits of 255: copies differ in no more, in tones and contours; variants in one of the two
MOST_DRAWN = 40_000_000  # pixels of a drawing that is decoded at all; the list was made with it
WHITE = {"integers": FULL_SCALES[-1]}  # drawings have the full range of PNG
COLOURS = {"bw", "b", "w", "black", "white", "color", "colour", "coloured"}


@dataclass(frozen=True)
class Drawing:
    """A drawing's file, its path below the category folders, and the category's."""

    path: Path
    name: str
    category: str


@dataclass(frozen=True)
class Variants:
    """What ``find_variants`` says of drawings, all by name.

    Attributes:
        dropped: why a drawing is left out.
        groups: of every other drawing the name of its group, which is the first of its members' names.
    """

    dropped: dict[str, str]
    groups: dict[str, str]


def variants(drawings: Sequence[Drawing], most: int = MOST_DRAWN) -> Variants:
    """Copies and variants of drawings: from the list where it is of these very files, else by ``find_variants``."""
    content = json.loads(LIST.read_bytes())
    if content["digest"] != _digest(drawings, most):
        return find_variants(drawings, most)
    group_of = {name: first for first, others in content["groups"].items() for name in others}
    kept = [drawing.name for drawing in drawings if drawing.name not in content["dropped"]]
    return Variants(content["dropped"], {name: group_of.get(name, name) for name in kept})


def write_list(drawings: Sequence[Drawing]) -> str:
    """The text of ``clipart_variants.json`` for some drawings."""
    judged = find_variants(drawings)
    members = defaultdict(list)
    for name, group in sorted(judged.groups.items()):
        if name != group:
            members[group].append(name)
    content = {"digest": _digest(drawings, MOST_DRAWN), "dropped": judged.dropped, "groups": members}
    return json.dumps(content, indent=1)


def find_variants(drawings: Sequence[Drawing], most: int = MOST_DRAWN) -> Variants:
    """Copies and variants of drawings, from their pictures and names.

    Of copies of one drawing in a category the first stays; a drawing that lies in two categories has no label and is
    dropped, and so is an empty one. Recoloured, mirrored and slightly changed drawings share a group, and so do those
    of a category whose names differ in numbers or a colour. A drawing that cannot be decoded is judged by its name.

    Args:
        most: pixels of a picture that is decoded at all.
    """
    dropped: dict[str, str] = {}
    decoded, prints = [], []
    for drawing in drawings:
        try:
            picture = drawn(drawing.path, most)
        except Unreadable:
            continue
        if is_blank(picture):
            dropped[drawing.name] = "nothing is drawn on it"
        else:
            decoded.append(drawing)
            prints.append(fingerprint(picture))
    apart = distances(np.stack(prints)) if prints else np.empty((2, 0, 0))
    dropped |= _copies(decoded, (apart <= SAME).all(0))
    kept = [drawing for drawing in drawings if drawing.name not in dropped]
    return Variants(dropped, _groups(kept, decoded, (apart <= VARIANT).any(0)))


def drawn(path: Path, most: int) -> Image.Image:
    """A drawing as RGB; raises ``Unreadable`` as ``deeper.data.pictures.decode``."""
    return in_eight_bits(decode(path, most), WHITE)


def stem(name: str) -> str:
    """What names of variants have in common: the name without colours, numbers, and a letter or two at its end."""
    words = [re.sub(r"\d+$", "", word) for word in re.split(r"[\W_]+", name.lower())]
    words = [word for word in words if word and word not in COLOURS]
    while len(words) > 1 and len(words[-1]) <= 2:
        words.pop()
    return "_".join(words) or name


def _copies(decoded: Sequence[Drawing], same: np.ndarray) -> dict[str, str]:
    """Which drawings are left out as copies, and why; ``same`` is bool (N, N)."""
    members = defaultdict(list)
    for drawing, number in zip(decoded, _components(same), strict=True):
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


def _groups(kept: Sequence[Drawing], decoded: Sequence[Drawing], alike: np.ndarray) -> dict[str, str]:
    """The group of each drawing that is kept; ``alike`` is bool (N, N) over those that were decoded."""
    row = {drawing.name: number for number, drawing in enumerate(kept)}
    linked = np.zeros((len(kept), len(kept)), bool)
    both = [number for number, drawing in enumerate(decoded) if drawing.name in row]
    rows = [row[decoded[number].name] for number in both]
    linked[np.ix_(rows, rows)] = alike[np.ix_(both, both)]
    first_of_stem: dict[tuple[str, str], int] = {}
    for number, drawing in enumerate(kept):
        linked[first_of_stem.setdefault((drawing.category, stem(drawing.path.stem)), number), number] = True
    component = _components(linked)
    names: dict[int, str] = {}
    for name in sorted(row):
        names.setdefault(component[row[name]], name)
    return {name: names[component[number]] for name, number in row.items()}


def _components(linked: np.ndarray) -> list[int]:
    """The number of each row's component in the graph whose edges are bool (N, N)."""
    return connected_components(csr_array(linked), directed=False)[1].tolist() if len(linked) else []


def _digest(drawings: Sequence[Drawing], most: int) -> str | None:
    """Of names and files of drawings, and of what else the list depends on; None where a file cannot be read."""
    try:
        return digest([most, [[drawing.name, drawing.category, file_digest(drawing.path)] for drawing in drawings]])
    except OSError:
        return None
