"""What a calibration chose: for every network the setting with the lowest validation error; no test error is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from deeper.claims import statistics
from deeper.errors import DeeperError
from deeper.reporting.records import Results


@dataclass(frozen=True)
class Row:
    """One network: mean validation error by setting (None where there is none) and the best setting."""

    subject: str
    errors: Sequence[float | None]
    best: int


@dataclass(frozen=True)
class Table:
    """Networks by settings; ``settings`` are the values tried of ``key``."""

    subject: str
    key: str
    settings: Sequence[object]
    rows: Sequence[Row]

    @property
    def edges(self) -> int:
        """How many did best at the first or the last of the values that they were given, of two or more."""
        given = [[index for index, error in enumerate(row.errors) if error is not None] for row in self.rows]
        return sum(len(own) > 1 and row.best in (own[0], own[-1]) for row, own in zip(self.rows, given, strict=True))

    def chosen(self) -> dict[str, object]:
        """The best setting of each network."""
        return {row.subject: self.settings[row.best] for row in self.rows}


def table(results: Results) -> Table:
    """Raises ``DeeperError`` where the arms are not those of ``by: [what it is chosen for, …, the setting]``."""
    by = results.study.get("by")
    if not isinstance(by, Sequence) or len(by) < 2:
        raise DeeperError(f"{results.path}: a calibration has arms `by` two settings, the network and what is chosen")
    *subject, key = by
    errors: dict[str, dict[object, float]] = {}
    for name, arm in results.arms.items():
        found = [t["metrics"]["validation_error"] for t in results.trials(name)]
        known = [error for error in found if error is not None]
        if known:
            own = " ".join(str(arm["where"][name]) for name in subject)
            errors.setdefault(own, {})[arm["where"][key]] = statistics.mean(known).mean
    settings = list(dict.fromkeys(setting for row in errors.values() for setting in row))
    rows = []
    for who, found in errors.items():
        row = [found.get(setting) for setting in settings]
        best = min((error, index) for index, error in enumerate(row) if error is not None)[1]
        rows.append(Row(who, row, best))
    return Table(", ".join(subject), key, settings, rows)
