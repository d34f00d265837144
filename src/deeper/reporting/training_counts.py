"""How many trainings all tables together needed, how many of them serve several studies, and what that saved."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from deeper.reporting.load import StudyResults


@dataclass(frozen=True)
class TrainingCounts:
    """Counts over all tables.

    Attributes:
        rows: of trained networks.
        distinct: trials behind them.
        shared: trials that stand in more than one study's table.
        averages: rows for which nothing was trained.
        classifiers: of the distinct trials, linear classifiers on the features of a frozen network.
        spent_s: training time of the distinct trials, added up, in seconds.
        saved_s: what the rows beyond the first of each trial would have taken.
        commits: of the code that trained, in the order of the tables, twelve digits each.
        dirty: whether any of them had uncommitted changes.
    """

    rows: int
    distinct: int
    shared: int
    averages: int
    classifiers: int
    spent_s: float
    saved_s: float
    commits: Sequence[str]
    dirty: bool


def count_trainings(studies: Sequence[StudyResults]) -> TrainingCounts:
    """The trainings behind several studies. Rows with ``members`` are averages of others and no trainings."""
    rows = [(study, row) for study in studies for row in study.rows]
    trained = [(study, row) for study, row in rows if not row.members]
    uses = Counter(row.id for _, row in trained)
    seconds = {row.id: row.time.train_s or 0.0 for _, row in trained}
    places = Counter(trial for _, trial in {(study.name, row.id) for study, row in trained})
    environments = [study.table.environments[row.environment] for study, row in trained]
    return TrainingCounts(
        rows=len(trained),
        distinct=len(uses),
        shared=sum(n > 1 for n in places.values()),
        averages=len(rows) - len(trained),
        classifiers=len({row.id for _, row in trained if row.transfer and row.transfer.mode == "frozen"}),
        spent_s=sum(seconds.values()),
        saved_s=sum((n - 1) * seconds[trial] for trial, n in uses.items()),
        commits=list(dict.fromkeys((environment.commit or "unknown")[:12] for environment in environments)),
        dirty=any(environment.dirty for environment in environments),
    )
