"""Typefaces among font files: the regular cut of each, once, however many names its outlines go by.

Clones are found by their outlines, not by a list, because any folder of fonts may be read.
"""

import io
import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont
from scipy.ndimage import distance_transform_edt
from scipy.sparse.csgraph import connected_components

from deeper.errors import reason

SUFFIXES = {".otf", ".ttf", ".ttc"}
WEIGHTS = {"thin", "hairline", "extralight", "ultralight", "light", "semilight", "retina", "medium", "demi", "demibold"}
WEIGHTS |= {"semibold", "bold", "extrabold", "ultrabold", "heavy", "black"}
OTHER_CUTS = WEIGHTS | {"italic", "oblique", "slanted", "initials"}
PLAIN = {"regular", "book", "roman", "normal"}
CLONE = 0.012
_REFERENCE = "RQGMSaegkrtyfs"
_UNASSIGNED = "\U0010ffff"
_CAPITAL, _FINER, _CANVAS = 48, 4, 112
_LEFT, _BASELINE = 8, 72


@dataclass(frozen=True)
class Typeface:
    """A font file, its name below the folder, and the typeface's name."""

    path: Path
    file: str
    name: str


def load(path: Path, size: float) -> ImageFont.FreeTypeFont:
    """A font at ``size`` pixels an em, laid out the same way whatever libraries are there; raises ``OSError``.

    It is given as bytes: of a path that cannot be read Pillow takes the system's font of the same name.
    """
    return ImageFont.truetype(io.BytesIO(path.read_bytes()), size, layout_engine=ImageFont.Layout.BASIC)


def typefaces(folder: Path) -> tuple[list[Typeface], dict[str, str]]:
    """Typefaces below a folder in the order of their files, and why other files are none.

    A cut is regular when its style names no weight, slope or ornament. Fonts with the same outlines, but for small
    corrections, are one typeface under the name of the first: the contours of reference letters, drawn with capitals of
    equal height, are less than 1.2 % of that height apart on average. (Known clones are below 1.1 %, an optical size
    of the same family is 1.4 % away.)
    """
    fonts: list[Typeface] = []
    dropped: dict[str, str] = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES and path.is_file()):
        file = path.relative_to(folder).as_posix()
        try:
            family, style = load(path, 64).getname()
            why_not = _unfit(path, style or "")
        except (OSError, ValueError) as error:
            family, style, why_not = None, None, f"it cannot be read: {reason(error)}"
        if why_not:
            dropped[file] = why_not
        else:
            fonts.append(Typeface(path, file, _typeface_name(family or path.stem, style or "")))
    return _without_clones(fonts, dropped), dropped


def _unfit(path: Path, style: str) -> str | None:
    """Why a font cannot serve; None where it can."""
    other = OTHER_CUTS & set(_words(style))
    if other:
        return f"it is no regular cut ({style})"
    font = load(path, 64)
    missing = bytes(font.getmask(_UNASSIGNED))
    lacking = [letter for letter in string.ascii_letters if bytes(font.getmask(letter)) in (missing, b"")]
    if lacking:
        return f"it lacks {len(lacking)} of 52 letters"
    if _height(font, "x") > 0.9 * _height(font, "H"):
        return "it has no lower case of its own"
    return None


def _height(font: ImageFont.FreeTypeFont, letter: str) -> float:
    _, top, _, bottom = font.getbbox(letter, anchor="ls")
    return bottom - top


def _typeface_name(family: str, style: str) -> str:
    needless = PLAIN | set(_words(family))
    return " ".join([family, *(word for word in style.split() if word.lower() not in needless)])


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z]+", text.lower())


def _without_clones(fonts: Sequence[Typeface], dropped: dict[str, str]) -> list[Typeface]:
    """Of fonts with the same outlines the first; the others are named in ``dropped``."""
    shapes = [_contours(typeface.path) for typeface in fonts]
    same = np.zeros((len(fonts), len(fonts)), bool)
    for row, column in combinations(range(len(fonts)), 2):
        same[row, column] = _mean_gap(shapes[column], shapes[row]) < CLONE * _CAPITAL
    first: dict[int, Typeface] = {}
    names: Counter = Counter()
    for typeface, group in zip(fonts, connected_components(same, directed=False)[1].tolist(), strict=True):
        if group in first:
            dropped[typeface.file] = f"the same outlines as {first[group].file}"
        elif names[typeface.name]:
            dropped[typeface.file] = f"another typeface is called {typeface.name}"
        else:
            first[group] = typeface
            names[typeface.name] += 1
    return list(first.values())


def _contours(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Contours of the reference letters, bool (letters, height, width), and each pixel's distance to them, float32."""
    em = load(path, 512)
    font = load(path, 512 * _CAPITAL * _FINER / _height(em, "H"))
    edges = np.stack([_edges(_drawn(font, letter)) for letter in _REFERENCE])
    return edges, np.stack([distance_transform_edt(~edge) for edge in edges]).astype(np.float32)


def _drawn(font: ImageFont.FreeTypeFont, letter: str) -> np.ndarray:
    large = Image.new("L", (_CANVAS * _FINER, _CANVAS * _FINER))
    left = font.getbbox(letter, anchor="ls")[0]
    where = (_LEFT * _FINER - left, _BASELINE * _FINER)
    ImageDraw.Draw(large).text(where, letter, fill=255, font=font, anchor="ls")
    return np.asarray(large.reduce(_FINER)) > 127


def _edges(ink: np.ndarray) -> np.ndarray:
    inner = ink & np.roll(ink, 1, 0) & np.roll(ink, -1, 0) & np.roll(ink, 1, 1) & np.roll(ink, -1, 1)
    return ink & ~inner


def _mean_gap(a: tuple[np.ndarray, np.ndarray], b: tuple[np.ndarray, np.ndarray]) -> float:
    """Mean distance in pixels from a contour to the nearest point of the other's, both ways, mean over letters."""
    a_to_b = [gaps[edge].mean() for edge, gaps in zip(a[0], b[1], strict=True) if edge.any()]
    b_to_a = [gaps[edge].mean() for edge, gaps in zip(b[0], a[1], strict=True) if edge.any()]
    return float(np.mean(a_to_b + b_to_a))
