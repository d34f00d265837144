"""How many trainings all tables together needed, how many of them serve several studies, and what that saved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deeper.reporting.records import Results


@dataclass(frozen=True)
class Trainings:
    """Counts over all tables.

    Attributes:
        rows: of trained networks.
        distinct: trials behind them.
        shared: trials that stand in more than one study's table.
        averages: rows for which nothing was trained.
        probes: of the distinct trials, linear classifiers on the features of a frozen network.
        spent_s: training time of the distinct trials, added up, in seconds.
        saved_s: what the rows beyond the first of each trial would have taken.
        commits: of the code that trained, in the order of the tables, twelve digits each.
        dirty: whether any of them had uncommitted changes.
    """

    rows: int
    distinct: int
    shared: int
    averages: int
    probes: int
    spent_s: float
    saved_s: float
    commits: Sequence[str]
    dirty: bool


def count(results: Sequence[Results]) -> Trainings:
    """The trainings behind several studies. Rows with ``members`` are averages of others and no trainings."""
    rows = [(one, trial) for one in results for trial in one.content["trials"]]
    trained = [(one, trial) for one, trial in rows if not trial.get("members")]
    uses = Counter(trial["id"] for _, trial in trained)
    seconds = {trial["id"]: trial["time"]["train_s"] or 0.0 for _, trial in trained}
    studies = Counter(trial for _, trial in {(one.name, trial["id"]) for one, trial in trained})
    places = [one.content["environments"][trial["environment"]] for one, trial in trained]
    return Trainings(
        rows=len(trained),
        distinct=len(uses),
        shared=sum(n > 1 for n in studies.values()),
        averages=len(rows) - len(trained),
        probes=len({trial["id"] for _, trial in trained if (trial.get("transfer") or {}).get("mode") == "frozen"}),
        spent_s=sum(seconds.values()),
        saved_s=_saved(uses, seconds),
        commits=list(dict.fromkeys((place["commit"] or "unknown")[:12] for place in places)),
        dirty=any(place.get("dirty") for place in places),
    )


def _saved(uses: Mapping[str, int], seconds: Mapping[str, float]) -> float:
    return sum((n - 1) * seconds[trial] for trial, n in uses.items())
