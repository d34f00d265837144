"""ELPV: solar cells by their electroluminescence, whole or defective.

Deitsch, Christlein, Berger, Buerhop-Lutz, Maier, Gallwitz, Riess, *Automatic classification of defective photovoltaic
module cells in electroluminescence images*, arXiv 1807.02894. 2,624 grey pictures of 300×300; ``labels.csv`` has
of each the probability that it is defective (0, 1/3, 2/3 or 1) and whether it is mono- or polycrystalline. More than
one half is defective, as in the paper's two classes, and three of four pictures (1,968) are for training (§4.2).

The cells come from 44 modules which the labels do not name, so a split at random, the paper's too, can have one module
on both sides.
"""

from collections import defaultdict
from functools import partial
from hashlib import sha256
from pathlib import Path

from deeper.data.pictures import Collection, Picture, decode
from deeper.data.targets.official_release import Release, damaged, lines, locate

CLASSES = ("functional", "defective")
KINDS = ("mono", "poly")
LABELS = "labels.csv"
RELEASE = Release(
    title="ELPV",
    roots=(".", "data", "elpv_dataset/data", "src/elpv_dataset/data"),
    holds=(LABELS, "images/cell[0-9]*.png"),
    packed=(),
    source="pip install elpv-dataset, or see https://github.com/zae-bayern/elpv-dataset",
)


def read(folder: str | Path, train: int = 1968, seed: int = 0) -> Collection:
    """``train`` pictures for training and the others for test, drawn by ``seed``.

    Each kind of cell with each probability has its share of both parts. The order of the draw is that of the SHA-256 of
    seed and name.

    Raises:
        DeeperError: the release is not there, a line of its labels cannot be read, or it has not more pictures than
            ``train``.
    """
    root = locate(folder, RELEASE, {})
    cells = [_cell(root / LABELS, number, line) for number, line in lines(root / LABELS)]
    if not 0 < train < len(cells):
        raise damaged(root / LABELS, f"it names {len(cells)} pictures where train={train} are for training")
    chosen = _training(cells, train, seed)
    pictures = [
        Picture(path, int(probability > 0.5), "train" if path in chosen else "test", path, partial(decode, root / path))
        for path, probability, _ in cells
    ]
    return Collection(CLASSES, pictures, {})


def _cell(file: Path, number: int, line: str) -> tuple[str, float, str]:
    """Path, probability of a defect and kind that a line tells."""
    words = line.split()
    try:
        path, probability, kind = words[0], float(words[1]), words[2]
    except (IndexError, ValueError):
        raise damaged(file, f"{line!r} is not a path, a probability and a kind", number) from None
    if not 0 <= probability <= 1 or kind not in KINDS or len(words) > 3:
        raise damaged(file, f"{line!r} is not a path, a probability from 0 to 1 and mono or poly", number)
    return path, probability, kind


def _training(cells: list[tuple[str, float, str]], train: int, seed: int) -> set[str]:
    """Of each kind and probability as many as its share of ``train``; the largest rests get what rounding leaves."""
    alike: dict[tuple[str, float], list[str]] = defaultdict(list)
    for path, probability, kind in cells:
        alike[kind, probability].append(path)
    shares = {key: len(paths) * train / len(cells) for key, paths in sorted(alike.items())}
    counts = {key: int(share) for key, share in shares.items()}
    rests = sorted(shares, key=lambda key: counts[key] - shares[key])
    for key in rests[: train - sum(counts.values())]:
        counts[key] += 1
    return {path for key, paths in alike.items() for path in _drawn(paths, seed)[: counts[key]]}


def _drawn(paths: list[str], seed: int) -> list[str]:
    return sorted(paths, key=lambda path: sha256(f"{seed}/{path}".encode()).digest())
