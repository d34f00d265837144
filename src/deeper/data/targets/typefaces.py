"""Typefaces: which open font a short string of letters is set in; a fine-grained set drawn from font files.

The class is the typeface. All are drawn with the same strings, so letters tell nothing, and the strings of the test
part share no three letters in a row with those of the training part. Size and place vary with string and typeface.
"""

import hashlib
import string
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from PIL import Image, ImageDraw

from deeper.data.pictures import Collection, Picture, Unreadable
from deeper.data.targets.font_files import Typeface, load, typefaces
from deeper.errors import DeeperError, reason

FINER = 4
WIDTH, HEIGHT = (0.75, 0.95), 0.6
MIDDLE = (0.3, 0.7)
TRIES = 50


def read(
    folder: str | Path, size: int, classes: int = 40, train: int = 24, test: int = 12, shortest: int = 3,
    longest: int = 6, seed: int = 0,
) -> Collection:  # fmt: skip
    """Pictures of strings in the regular cut of each typeface below ``folder``; a picture's group is its string.

    Args:
        folder: where the font files are, at any depth.
        size: pixels a side, as drawn.
        classes: typefaces at most; of more, those with the smallest digests of their names.
        train, test: strings a typeface.
        shortest, longest: letters of a string.
        seed: of the strings, and of size and place.

    Raises:
        DeeperError: there are no two typefaces, or not so many strings.
    """
    root = Path(folder).expanduser()
    fonts, dropped = typefaces(root)
    if len(fonts) < 2:
        raise DeeperError(
            f"{root} holds regular cuts of {len(fonts)} typefaces, two are the least; name a folder that has more .otf "
            "or .ttf files"
        )
    ranked = sorted(fonts, key=lambda typeface: hashlib.sha256(typeface.name.encode()).digest())
    dropped |= {typeface.file: f"more than {classes} typefaces" for typeface in ranked[classes:]}
    chosen = sorted(ranked[:classes], key=lambda typeface: typeface.name)
    words = strings(train + test, shortest, longest, seed)
    pictures = [
        Picture(
            name=f"{typeface.name}/{word}",
            label=label,
            part="train" if number < train else "test",
            group=word,
            open=partial(draw, typeface, word, size, seed),
        )
        for label, typeface in enumerate(chosen)
        for number, word in enumerate(words)
    ]
    return Collection([typeface.name for typeface in chosen], pictures, dropped)


def strings(count: int, shortest: int, longest: int, seed: int) -> list[str]:
    """Strings of different letters, every other one with a capital first; no two share three letters in a row.

    Raises:
        DeeperError: there are not so many.
    """
    if not 3 <= shortest <= longest <= 26:
        raise DeeperError(f"transfer.target.reader.shortest={shortest}, longest={longest}: give 3 to 26, in this order")
    words: list[str] = []
    used: set[str] = set()
    lots = (_lots(seed, number) for number in range(TRIES * count))
    while len(words) < count:
        word = next((_word(lot, shortest, longest) for lot in lots), None)
        if word is None:
            raise DeeperError(f"there are no {count} strings that differ enough; ask for fewer a typeface")
        threes = {word[start : start + 3] for start in range(len(word) - 2)}
        if not threes & used:
            used |= threes
            words.append(word.capitalize() if len(words) % 2 else word)
    return words


def draw(typeface: Typeface, word: str, size: int, seed: int = 0) -> Image.Image:
    """A string in black on white, RGB, ``size`` pixels a side; raises ``Unreadable``."""
    try:
        return _drawn(typeface.path, word, size, _lots(seed, typeface.name, word))
    except OSError as error:
        raise Unreadable(reason(error)) from error


def _drawn(path: Path, word: str, size: int, lots: Iterator[float]) -> Image.Image:
    side = size * FINER
    left, top, right, bottom = load(path, 256).getbbox(word, anchor="ls")
    wanted = _between(WIDTH, next(lots)) * side
    font = load(path, 256 * min(wanted / (right - left), HEIGHT * side / (bottom - top)))
    left, top, right, bottom = font.getbbox(word, anchor="ls")
    across, down = next(lots), _between(MIDDLE, next(lots))
    where = ((side - right + left) * across - left, (side - bottom + top) * down - top)
    large = Image.new("L", (side, side), 255)
    ImageDraw.Draw(large).text(where, word, fill=0, font=font, anchor="ls")
    return large.reduce(FINER).convert("RGB")


def _between(ends: tuple[float, float], lot: float) -> float:
    return ends[0] + (ends[1] - ends[0]) * lot


def _word(lots: Iterator[float], shortest: int, longest: int) -> str:
    letters = list(string.ascii_lowercase)
    length = shortest + int((longest - shortest + 1) * next(lots))
    return "".join(letters.pop(int(len(letters) * next(lots))) for _ in range(length))


def _lots(*what: object) -> Iterator[float]:
    """Numbers from 0 to 1, 1 excluded, that depend on ``what`` alone."""
    number = 0
    while True:
        digest = hashlib.sha256("/".join(map(str, (*what, number))).encode()).digest()
        yield from (int.from_bytes(digest[start : start + 4]) / 2**32 for start in range(0, len(digest), 4))
        number += 1
