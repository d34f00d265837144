"""A folder of grey pictures of more than eight bits: a class is a brightness in noise, so it can be learned."""

from pathlib import Path

import numpy as np
from PIL import Image

WHITE = {"integers": 4095, "fractions": 1}


def write(root: Path, kind: str = "integers", classes: int = 3, each: int = 12) -> Path:
    """Write so many pictures of each class, PNG of twelve bits or TIFF of fractions up to one."""
    generator = np.random.default_rng(0)
    for label in range(classes):
        (root / f"kind {label}").mkdir(parents=True)
        for number in range(each):
            shares = generator.random((40, 36)) * 0.3 + 0.6 * label / classes
            shares[0, 0] = 0.9
            path = root / f"kind {label}" / f"{number:02}"
            if kind == "integers":
                Image.fromarray((shares * 4095).astype(np.uint16)).save(path.with_suffix(".png"))
            else:
                Image.fromarray(shares.astype(np.float32)).save(path.with_suffix(".tif"))
    return root
