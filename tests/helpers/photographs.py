"""A small folder of photographs in ImageNet's form: JPEG files of any size below train/ and val/, a class a folder."""

from pathlib import Path

import numpy as np
from PIL import Image

PARTS = {"train": 12, "val": 5}


def write(root: Path, classes: int = 3, parts: dict[str, int] | None = None) -> Path:
    """Write so many pictures of each class into each part; a class is a colour in noise, so it can be learned."""
    generator = np.random.default_rng(0)
    for part, each in (PARTS if parts is None else parts).items():
        for label in range(classes):
            folder = root / part / f"n{label:08d}"
            folder.mkdir(parents=True, exist_ok=True)
            for number in range(each):
                picture(folder / f"{part}_{number}.JPEG", label, generator)
    return root


def picture(path: Path, label: int, generator: np.random.Generator) -> None:
    """Write one picture, upright or lying."""
    height, width = generator.integers(30, 50, 2)
    pixels = generator.integers(0, 90, (height, width, 3))
    pixels[..., label % 3] += 140
    Image.fromarray(pixels.astype(np.uint8)).save(path, format="JPEG", quality=90)
