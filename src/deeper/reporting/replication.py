"""A study measured again on another machine: ``replications/<name>/<study>.json`` beside its table, kept apart from it.

The same trials (settings and seed) end with other bits there. A machine's part in a trial's error is in the spread of
its seeds already, as a seed's chance is; here it is measured by itself.
"""

import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from deeper.claims import verdicts as claims
from deeper.claims.verdicts import Verdict
from deeper.reporting import load, words
from deeper.reporting.agreement import Agreement
from deeper.reporting.load import StudyResults
from deeper.schema.baselines import Baselines
from deeper.schema.results import StudyTable, TrialRow

FOLDER = "replications"


@dataclass(frozen=True)
class Spread:
    """How far the test errors of an arm are apart, as standard deviations of one trial, in fractions.

    Attributes:
        machines: of one seed on the two machines.
        seeds: of the seeds on the first machine; None where there is one.
        trials: seeds that both have with the same settings, ``alike`` those of them with the same numbers.
    """

    arm: str
    machines: float
    seeds: float | None
    trials: int
    alike: int


@dataclass(frozen=True)
class Replication:
    """A study's second measurement: its claims beside those of the first, and the spread of every arm."""

    results: StudyResults
    agreements: Sequence[Agreement]
    spreads: Sequence[Spread]

    @property
    def machine(self) -> str:
        """What tells the machine apart: ``Intel Xeon (AVX512)``."""
        found = []
        for one in self.results.environments():
            instructions = (one.instruction_set or {}).get("torch")
            found.append(f"{one.processor} ({instructions})" if instructions else one.processor)
        return " and ".join(dict.fromkeys(found))

    @property
    def agrees(self) -> str:
        """``every verdict again``, ``4 of 5 verdicts again``."""
        same = sum(one.before.verdict == one.now.verdict for one in self.agreements)
        if same == len(self.agreements):
            return "every verdict again"
        return f"{same} of {words.plural(len(self.agreements), 'verdict')} again"


def replications(
    results: StudyResults, verdicts: Sequence[Verdict], family: Sequence[StudyTable], baselines: Baselines | None
) -> list[Replication]:
    """Those that lie beside a study's table, by name; ``verdicts`` are its own, in the family of all these tables.

    Raises:
        DeeperError: a table is damaged.
    """
    others = [table for table in family if table.study.name != results.name]
    paths = sorted(results.path.parent.glob(f"{FOLDER}/*/{results.path.name}"))
    return [_replication(results, load.read(path), verdicts, others, baselines) for path in paths]


def _replication(
    first: StudyResults,
    second: StudyResults,
    verdicts: Sequence[Verdict],
    others: Sequence[StudyTable],
    baselines: Baselines | None,
) -> Replication:
    now = {one.claim: one for one in claims.evaluate([second.table], baselines, others)}
    agreements = [Agreement(first, before, now[before.claim]) for before in verdicts if before.claim in now]
    by_seed = {(row.arm, row.id): row for row in second.rows}
    spreads = (_spread(arm, first.table.rows(arm), by_seed) for arm in first.table.arms)
    return Replication(second, agreements, [spread for spread in spreads if spread])


def _spread(arm: str, rows: Sequence[TrialRow], second: Mapping[tuple[str, str], TrialRow]) -> Spread | None:
    """None where the second machine has none of the arm's trials."""
    pairs = [(row, second[arm, row.id]) for row in rows if (arm, row.id) in second]
    errors = [(one.metrics.test_error, other.metrics.test_error) for one, other in pairs]
    apart = [one - other for one, other in errors if None not in (one, other)]
    if not apart:
        return None
    machines = math.sqrt(sum(gap**2 for gap in apart) / len(apart) / 2)  # the difference of two has twice the variance
    known = [row.metrics.test_error for row in rows if row.metrics.test_error is not None]
    seeds = statistics.stdev(known) if len(known) > 1 else None
    alike = sum((one.status, one.metrics) == (other.status, other.metrics) for one, other in pairs)
    return Spread(arm, machines, seeds, len(pairs), alike)
