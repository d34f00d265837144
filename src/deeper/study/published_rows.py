"""The published numbers that a study selects: rows of ``published/*.csv``."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from deeper.errors import DeeperError, hint
from deeper.schema.published import read_rows
from deeper.schema.study import PublishedRows, Study


def published_rows(study: Study, folder: Path, where: str) -> list[tuple[PublishedRows, Sequence[Mapping[str, str]]]]:
    """Every entry of the study's ``published`` with the rows that it selects.

    Args:
        study: the study.
        folder: where the files are.
        where: the study's file, for the error.

    Raises:
        DeeperError: a file is missing or damaged, a column does not exist, or an entry selects nothing.
    """
    return [
        (chosen, _select(chosen, folder, f"{where}: study.published.{index}"))
        for index, chosen in enumerate(study.published)
    ]


def _select(chosen: PublishedRows, folder: Path, where: str) -> list[Mapping[str, str]]:
    rows = read_rows(folder / chosen.file)
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
