"""Published numbers that stand beside a study's own: rows of ``published/*.csv`` that its file selects."""

import csv
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deeper.errors import DeeperError
from deeper.reporting.text import number

Row = Mapping[str, str]


@dataclass(frozen=True)
class Figure:
    """One published number as a page shows it.

    ``arm`` is the study's arm it stands beside, or None; ``value`` an error in words, ``accuracy`` the accuracy where
    that is what was published.
    """

    arm: str | None
    network: str
    value: str
    remarks: str
    data: str
    source: str
    confidence: str
    accuracy: str = ""


def select(study: Mapping[str, Any], folder: Path, where: str) -> list[Figure]:
    """The rows that the study's ``published`` list names, in its order.

    Raises:
        DeeperError: a file or column is unknown, an arm does not exist, or a selection finds nothing.
    """
    return [figure for choice in study.get("published") or [] for figure in _chosen(choice, study, folder, where)]


def _chosen(choice: Any, study: Mapping[str, Any], folder: Path, where: str) -> list[Figure]:
    if not isinstance(choice, Mapping) or not {"file", "where"} <= set(choice) <= {"file", "where", "arm"}:
        raise DeeperError(f"{where}: an entry of published has file, where and, if any, arm; not {choice!r}")
    name, wanted, arm = choice["file"], choice["where"], choice.get("arm")
    if name not in SHOWN:
        raise DeeperError(f"{where}: published file {name!r} is not one of {', '.join(SHOWN)}")
    if arm is not None and arm not in study["arms"]:
        raise DeeperError(f"{where}: published rows for arm {arm!r}, which the study does not have")
    rows = _rows(folder / name)
    unknown = set(wanted) - set(rows[0] if rows else {})
    if unknown:
        raise DeeperError(f"{where}: {folder / name} has no column {sorted(unknown)[0]!r}")
    found = [row for row in rows if all(row[column] == str(value) for column, value in wanted.items())]
    if not found:
        raise DeeperError(f"{where}: {folder / name} has no row with {dict(wanted)}")
    return [SHOWN[name](row, arm) for row in found]


def _rows(path: Path) -> Sequence[Row]:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except FileNotFoundError:
        raise DeeperError(
            f"{path} is missing; restore it from version control or name the folder, published=FOLDER"
        ) from None


def _cifar(row: Row, arm: str | None) -> Figure:
    error = row["test_error_percent"].replace(">", "> ")
    value = f"{error} %" if error else "–"
    return _figure(row, arm, f"{row['architecture']}, {row['depth']} layers", value, row["runs"], row["data"])


def _ablation(row: Row, arm: str | None) -> Figure:
    network, value = (f"{row[a]} → {row[b]}" for a, b in (("baseline", "variant"), ("baseline_value", "variant_value")))
    return _figure(row, arm, network, f"{value} %", row["metric"].replace(" error %", " error"), row["data"])


def _fashion_mnist(row: Row, arm: str | None) -> Figure:
    network = ", ".join(filter(None, (row["architecture"], row["variant"])))
    accuracy = 100 * float(row["test_accuracy"])
    figure = _figure(row, arm, network, f"{number(100 - accuracy, 1)} %", "", "Fashion-MNIST")
    return replace(figure, accuracy=f"{number(accuracy, 1)} %")


def _figure(row: Row, arm: str | None, network: str, value: str, remarks: str, data: str) -> Figure:
    return Figure(arm, network, value, remarks, data, row["source"], row["confidence"])


SHOWN: dict[str, Callable[[Row, str | None], Figure]] = {
    "cifar.csv": _cifar,
    "ablations.csv": _ablation,
    "fashion_mnist.csv": _fashion_mnist,
}
