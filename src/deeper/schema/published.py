"""The shelf of published numbers: ``published/*.csv``, each with the columns that are read of it."""

import csv
import math
from pathlib import Path

from deeper.errors import DeeperError, hint

PAIRS, SEARCH, IMAGENET = "pairs.csv", "search.csv", "imagenet.csv"
SOURCE = ("source", "confidence")
COLUMNS = {
    "cifar.csv": ("architecture", "depth", "data", "augmentation", "test_error_percent", "runs", *SOURCE),
    "ablations.csv": (
        *("change", "baseline", "variant", "metric", "baseline_value", "variant_value", "data"),
        *SOURCE,
    ),
    "fashion_mnist.csv": ("architecture", "variant", "test_accuracy", *SOURCE),
    IMAGENET: ("architecture", "variant", "top1_error", "top5_error", "test_top5_error", "protocol", *SOURCE),
    PAIRS: ("claim", "of", "against", "baseline", "variant", "metric", "data"),
    SEARCH: ("search", "networks", "cost", *SOURCE),
}
NUMBERS = {"fashion_mnist.csv": ("test_accuracy",), IMAGENET: ("top1_error",)}  # that are computed with; may be empty
RESTORE = "restore it from version control"


def read_rows(path: Path) -> list[dict[str, str]]:
    """The rows of one of the shelf's files, a value by column.

    Raises:
        DeeperError: it is missing or damaged, lacks a column, or has a word where a number is computed with.
    """
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
            columns = list(reader.fieldnames or [])
    except FileNotFoundError:
        raise DeeperError(f"{path} is missing; {RESTORE}, or name the folder, published=FOLDER") from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise DeeperError(f"{path} is damaged ({error}); {RESTORE}") from None
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise DeeperError(f"{path}: row {number} has not one value a column; {RESTORE}")
    for column in COLUMNS.get(path.name, ()):
        if column not in columns:
            raise DeeperError(f"{path} has no column {column!r} ({hint(column, columns)}); mend it, or {RESTORE}")
    for number, row in enumerate(rows, 1):
        for column in NUMBERS.get(path.name, ()):
            if row[column] and not _is_finite(row[column]):
                raise DeeperError(f"{path}: row {number}: {column} must be a number, not {row[column]!r}; mend it")
    return rows


def _is_finite(text: str) -> bool:
    try:
        return math.isfinite(float(text))
    except ValueError:
        return False
