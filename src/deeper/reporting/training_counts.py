"""How many trainings all tables together needed, and how long those took."""

from collections.abc import Sequence
from dataclasses import dataclass

from deeper.reporting.load import StudyResults


@dataclass(frozen=True)
class TrainingCounts:
    """Counts over all tables.

    Attributes:
        distinct: trials, each once, however many studies have it.
        spent_s: their training time, added up, in seconds.
    """

    distinct: int
    spent_s: float


def count_trainings(studies: Sequence[StudyResults]) -> TrainingCounts:
    """The trainings behind several studies. Rows with ``members`` are averages of others and no trainings."""
    seconds = {row.id: row.time.train_s or 0.0 for study in studies for row in study.rows if not row.members}
    return TrainingCounts(len(seconds), sum(seconds.values()))
