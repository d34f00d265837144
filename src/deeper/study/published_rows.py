"""The published numbers that a study selects: rows of ``published/*.csv``."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from deeper.errors import DeeperError, hint
from deeper.schema.study import PublishedRows, Study


def published_rows(study: Study, folder: Path, where: str) -> list[tuple[PublishedRows, Sequence[Mapping[str, str]]]]:
    """Every entry of the study's ``published`` with the rows that it selects.

    Args:
        study: the study.
        folder: where the files are.
        where: the study's file, for the error.

    Raises:
        DeeperError: a file is missing, a column does not exist, or an entry selects nothing.
    """
    return [
        (chosen, _select(chosen, folder, f"{where}: study.published.{index}"))
        for index, chosen in enumerate(study.published)
    ]


def _select(chosen: PublishedRows, folder: Path, where: str) -> list[Mapping[str, str]]:
    rows = _rows(folder / chosen.file)
    columns = list(rows[0]) if rows else []
    for column in chosen.where:
        if column not in columns:
            raise DeeperError(f"{where}.where: {chosen.file} has no column {column!r}; {hint(column, columns)}")
    selected = [row for row in rows if all(row[column] == str(value) for column, value in chosen.where.items())]
    if not selected:
        raise DeeperError(f"{where}: {chosen.file} has no row with {chosen.where}{_closest(chosen, rows)}")
    return selected


def _closest(chosen: PublishedRows, rows: Sequence[Mapping[str, str]]) -> str:
    """The value that may have been meant, of the first column that has none like it."""
    for column, value in chosen.where.items():
        values = list(dict.fromkeys(row[column] for row in rows))
        if str(value) not in values and (words := hint(value, values)).startswith("did you mean"):
            return f"; {words}"
    return ""


def _rows(path: Path) -> list[Mapping[str, str]]:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            rows = list(reader)
    except FileNotFoundError:
        raise DeeperError(
            f"{path} is missing; restore it from version control or name the folder, published=FOLDER"
        ) from None
    except (csv.Error, UnicodeDecodeError) as error:
        raise DeeperError(f"{path} is damaged ({error}); restore it from version control") from None
    for number, row in enumerate(rows, 1):
        if None in row or None in row.values():
            raise DeeperError(f"{path}: row {number} has not one value a column; restore it from version control")
    return rows
