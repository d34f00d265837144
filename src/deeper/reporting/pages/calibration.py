"""What a calibration chose: for every network the setting with the lowest validation error; no test error is read."""

from collections.abc import Sequence
from dataclasses import dataclass

from deeper.claims import statistics
from deeper.errors import DeeperError
from deeper.reporting.load import StudyResults


@dataclass(frozen=True)
class CalibratedNetwork:
    """Mean validation error by setting (None where there is none), and the place of the best setting."""

    subject: str
    errors: Sequence[float | None]
    best: int

    @property
    def is_best_at_an_edge(self) -> bool:
        """Whether the best of two or more values that it was given is the first or the last of them."""
        given = [place for place, error in enumerate(self.errors) if error is not None]
        return len(given) > 1 and self.best in (given[0], given[-1])


@dataclass(frozen=True)
class CalibrationPage:
    """Networks by settings; ``settings`` are the values tried of ``key``."""

    subject: str
    key: str
    settings: Sequence[object]
    networks: Sequence[CalibratedNetwork]

    @property
    def edges(self) -> int:
        return sum(network.is_best_at_an_edge for network in self.networks)

    def chosen(self) -> dict[str, object]:
        """The best setting of each network."""
        return {network.subject: self.settings[network.best] for network in self.networks}


def build(results: StudyResults) -> CalibrationPage:
    """Raises ``DeeperError`` where the arms are not those of ``by: [what it is chosen for, …, the setting]``."""
    if len(results.study.by) < 2:
        raise DeeperError(f"{results.path}: a calibration has arms `by` two settings, the network and what is chosen")
    *subject, key = results.study.by
    errors: dict[str, dict[object, float]] = {}
    for name, arm in results.table.arms.items():
        measured = [e for row in results.table.rows(name) if (e := row.metrics.validation_error) is not None]
        if measured:
            network = " ".join(str(arm.where[name]) for name in subject)
            errors.setdefault(network, {})[arm.where[key]] = statistics.mean(measured).mean
    settings = list(dict.fromkeys(setting for by_setting in errors.values() for setting in by_setting))
    networks = []
    for network, by_setting in errors.items():
        row = [by_setting.get(setting) for setting in settings]
        best = min((error, place) for place, error in enumerate(row) if error is not None)[1]
        networks.append(CalibratedNetwork(network, row, best))
    return CalibrationPage(", ".join(subject), key, settings, networks)
