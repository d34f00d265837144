"""Published numbers that stand beside a study's own: rows of ``published/*.csv`` that its file selects."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from deeper.reporting import words
from deeper.schema.published import PAIRS, read_rows
from deeper.schema.study import Study
from deeper.study.published_rows import published_rows

CsvRow = Mapping[str, str]

AUGMENTED = {"yes": "augmented", "no": "not augmented"}
UNITS = {"%": " %", "points": " points", "M": " M", "times faster": " times", "layers": " layers"}


@dataclass(frozen=True)
class PublishedNumber:
    """One published number as a page shows it.

    Attributes:
        arm: the study's arm it stands beside, or None.
        value: what was published, in words; an error where nothing else is said.
        accuracy: in per cent, where that is what was published.
        change: what was changed, where it is the effect of a change.
        claim: the only claim that this effect is about; None for every claim of the study.
        before, after: names and values of what was changed and of what came of it, as they were published.
        metric: what was measured, as it was published.
        pairs: claims with the two arms, ``of`` and ``against``, whose difference this is.
    """

    arm: str | None
    network: str
    value: str
    remarks: str
    data: str
    source: str
    confidence: str
    accuracy: float | None = None
    change: str = ""
    claim: str | None = None
    before: tuple[str, str] = ("", "")
    after: tuple[str, str] = ("", "")
    metric: str = ""
    pairs: tuple[tuple[str, str, str], ...] = ()

    def effect(self, is_turned: bool) -> str:
        """The change as errors, ``29.6 → 29.7 %`` or ``−1.4 points``; ``is_turned`` takes it from after to before.

        What was published as a factor stays one: ``6 times faster``.
        """
        if self.is_of_speed:
            return f"{self.after[1]} times {'slower' if is_turned else 'faster'}"
        values = [value for _, value in (self.before, self.after) if value]
        if not all(map(_is_number, values)):
            return ""
        if len(values) == 1:
            return f"{_signed(values[0], is_turned)} points"
        errors = [_as_error(value) if "accuracy" in self.metric else value for value in values]
        return f"{' → '.join(reversed(errors) if is_turned else errors)} %"

    @property
    def is_of_speed(self) -> bool:
        """Whether it says how many times faster a training error was reached."""
        return self.metric.endswith("times faster")

    @property
    def is_recalled(self) -> bool:
        """Whether nobody has checked it."""
        return self.confidence == "recalled"


def select(study: Study, folder: Path, where: str) -> list[PublishedNumber]:
    """The rows that the study's ``published`` list names, in its order, each once.

    Raises:
        DeeperError: a file or column is missing, or a selection finds nothing; names ``where``, the study's file.
    """
    known = _pairs(folder)
    numbers = [
        replace(READERS[choice.file](row, choice.arm), claim=choice.claim, pairs=known.get(_key(row), ()))
        for choice, rows in published_rows(study, folder, where)
        for row in rows
    ]
    return list(dict.fromkeys(numbers))


def _pairs(folder: Path) -> dict[tuple[str, ...], tuple[tuple[str, str, str], ...]]:
    """By row of ``ablations.csv`` the claims and arms whose difference it is; none where the file is not there."""
    path = folder / PAIRS
    found: dict[tuple[str, ...], tuple[tuple[str, str, str], ...]] = {}
    for row in read_rows(path) if path.exists() else ():
        found[_key(row)] = (*found.get(_key(row), ()), (row["claim"], row["of"], row["against"]))
    return found


def _key(row: CsvRow) -> tuple[str, ...]:
    return tuple(row.get(name, "") for name in ("baseline", "variant", "metric", "data"))


def _cifar(row: CsvRow, arm: str | None) -> PublishedNumber:
    error = row["test_error_percent"].replace(">", "> ")
    value = f"{error} %" if error else words.NONE
    remarks = ", ".join(filter(None, (AUGMENTED.get(row["augmentation"], row["augmentation"]), row["runs"])))
    return _number(row, arm, f"{row['architecture']}, {row['depth']} layers", value, remarks, row["data"])


def _ablation(row: CsvRow, arm: str | None) -> PublishedNumber:
    """``27.94 → 28.54 %``, ``71.7 → 70.6 % accuracy``; a difference that was published as one, ``+7 points``."""
    kind, _, rest = row["metric"].partition(", ")
    measured = kind.removesuffix(" %")
    values = [row[key] for key in ("baseline_value", "variant_value") if row[key]]
    unit = " %" if kind.endswith(" %") else UNITS.get(rest, "") if any(map(_is_number, values)) else ""
    network = " → ".join(row[key] for key in ("baseline", "variant") if row[key])
    remarks = measured if unit.strip() and rest in UNITS else ", ".join(filter(None, (measured, rest)))
    value = " → ".join(values) + unit + (" accuracy" if measured.endswith("accuracy") else "")
    ends = {key: (row[name], row[f"{name}_value"]) for key, name in (("before", "baseline"), ("after", "variant"))}
    return replace(
        _number(row, arm, network, value, remarks, row["data"]), change=row["change"], metric=row["metric"], **ends
    )


def _imagenet(row: CsvRow, arm: str | None) -> PublishedNumber:
    network = ", ".join(filter(None, (row["architecture"], row["variant"])))
    kinds = (("top1_error", "top-1"), ("top5_error", "top-5"), ("test_top5_error", "top-5 on the test server"))
    value = ", ".join(f"{row[key]} % {kind}" for key, kind in kinds if row[key]) or words.NONE
    return _number(row, arm, network, value, row["protocol"], "ImageNet")


def _fashion_mnist(row: CsvRow, arm: str | None) -> PublishedNumber:
    network = ", ".join(filter(None, (row["architecture"], row["variant"])))
    accuracy = 100 * float(row["test_accuracy"])
    number = _number(row, arm, network, f"{words.number(100 - accuracy, 1)} %", "", "Fashion-MNIST")
    return replace(number, accuracy=accuracy)


def _signed(value: str, is_turned: bool) -> str:
    """``−1.4``, and turned ``+1.4``."""
    size = value.lstrip("+-")
    return f"{words.MINUS if value.startswith('-') != is_turned else '+'}{size}"


def _as_error(accuracy: str) -> str:
    """``28.3`` of an accuracy of ``71.7``."""
    decimals = len(accuracy.partition(".")[2])
    return f"{100 - float(accuracy):.{decimals}f}"


def _is_number(value: str) -> bool:
    """A plain one: ``-1.4`` is, ``about 0.5`` and ``20h42m`` are none."""
    return value.lstrip("+-").replace(".", "", 1).isdigit()


def _number(row: CsvRow, arm: str | None, network: str, value: str, remarks: str, data: str) -> PublishedNumber:
    return PublishedNumber(arm, network, value, remarks, data, row["source"], row["confidence"])


READERS: dict[str, Callable[[CsvRow, str | None], PublishedNumber]] = {
    "cifar.csv": _cifar,
    "ablations.csv": _ablation,
    "fashion_mnist.csv": _fashion_mnist,
    "imagenet.csv": _imagenet,
}
