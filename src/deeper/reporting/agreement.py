"""How well two measurings of the same studies agree: by claim, the effect before and now; by trial, the numbers."""

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from deeper.claims import verdicts as claims
from deeper.claims.metrics import FRACTION
from deeper.claims.verdicts import Outcome, Verdict
from deeper.errors import DeeperError
from deeper.paths import git_environment
from deeper.reporting import load, words
from deeper.reporting.load import StudyResults
from deeper.reporting.terminal_table import aligned
from deeper.schema.baselines import FILE as BASELINES
from deeper.schema.baselines import Baselines, read_baselines
from deeper.schema.results import TrialRow

HEAD = ["claim", "verdict", "number", "before", "now", "so"]


@dataclass(frozen=True)
class Measured:
    """The tables of a folder, with its baselines."""

    studies: Sequence[StudyResults]
    baselines: Baselines


@dataclass(frozen=True)
class Agreement:
    """A claim before and now, and the comparison that it hung on before."""

    study: StudyResults
    before: Verdict
    now: Verdict

    @property
    def effects(self) -> tuple[Outcome, Outcome | None]:
        """The deciding comparison before, and what it is now; None where it is none of the claim's any more."""
        deciding = self.before.deciding
        alike = (one for one in self.now.outcomes if one.comparison == deciding.comparison)
        return deciding, next(alike, None)

    @property
    def says(self) -> str:
        """Whether the effect now lies within the interval that was told before."""
        before, now = (one and one.difference for one in self.effects)
        if now is None:
            return "not measured now"
        if before is None:
            return "not measured before"
        if before.mean == now.mean:
            return "the same"
        if not before.has_interval:
            return "no interval before"
        return "within the interval" if before.lower <= now.mean <= before.upper else "OUTSIDE the interval"

    @property
    def has_moved(self) -> bool:
        """Whether the verdict or the effect is another."""
        return self.says != "the same" or self.before.verdict != self.now.verdict


def read(old: str, committed: Path) -> Measured:
    """The tables of a folder, or those that stood in the folder ``committed`` at a commit.

    Raises:
        DeeperError: there is neither such a folder nor such a commit, it has no table, or one cannot be read.
    """
    if Path(old).is_dir():
        return measured(Path(old))
    with tempfile.TemporaryDirectory() as folder:
        _extract(old, committed, Path(folder))
        try:
            return measured(Path(folder) / committed)
        except DeeperError as error:
            raise DeeperError(f"compare={old}: {str(error).removeprefix(f'{folder}/')}") from None


def measured(folder: Path) -> Measured:
    """The tables and baselines of a folder."""
    studies = [one for one in load.load(folder) if one.measures]
    if not studies:
        raise DeeperError(f"{folder} has no table to compare with")
    return Measured(studies, read_baselines(folder / BASELINES))


def text(before: Measured, now: Measured, name: str, only: Collection[str] = ()) -> str:
    """What moved, for a terminal: of every study that both have, or ``only`` some, in one family with all of both."""
    shared = {one.name: one for one in before.studies if one.name in {other.name for other in now.studies}}
    studies = [one for one in now.studies if one.name in shared and (not only or one.name in only)]
    if not studies:
        raise DeeperError(f"compare={name}: it has none of the studies {', '.join(one.name for one in now.studies)}")
    # A run of one's own has no baselines: those of the same pictures are the same wherever they were computed.
    before, now = _with_baselines(before, now), _with_baselines(now, before)
    judged = [_judged(side, before, now) for side in (before, now)]
    found = [
        Agreement(one, old, new)
        for one in studies
        for old in judged[0]
        for new in judged[1]
        if (old.study, old.claim) == (new.study, new.claim) == (one.name, new.claim)
    ]
    shown = [one for one in found if len(studies) == 1 or one.has_moved]  # of a whole ledger: what moved
    rows = [_row(one) for one in sorted(shown, key=lambda one: -one.says.startswith("OUTSIDE"))]
    trials = _trials([(shared[one.name], one) for one in studies])
    if not found:
        return trials
    table = f"{aligned(HEAD, rows, left=len(HEAD))}\n\n" if rows else ""
    return f"Compared with {name}\n\n{table}{_summary(found)}\n{trials}"


def _with_baselines(side: Measured, other: Measured) -> Measured:
    return replace(side, baselines=side.baselines.filled_from(other.baselines))


def _judged(side: Measured, before: Measured, now: Measured) -> list[Verdict]:
    """The verdicts of a side, in the family of all studies there are: what stands on the one side alone counts too."""
    own = {one.name for one in side.studies}
    others = {one.name: one.table for other in (before, now) for one in other.studies if one.name not in own}
    return claims.evaluate([one.table for one in side.studies], side.baselines, others.values())


def _row(one: Agreement) -> list[str]:
    old, new = one.effects
    verdict = one.before.verdict
    changed = verdict if verdict == one.now.verdict else f"{verdict} -> {one.now.verdict}"
    pair = words.arms(old.comparison, one.study.label)
    return [one.now.claim, changed, f"{old.metric.label}, {pair}", _effect(old), _effect(new), one.says]


def _effect(outcome: Outcome | None) -> str:
    if outcome is None:
        return words.NONE
    return words.difference(outcome.metric, outcome.difference, bare=outcome.metric.unit == FRACTION)


def _summary(found: Sequence[Agreement]) -> str:
    inside = sum(one.says in ("the same", "within the interval") for one in found)
    moved = sum(one.before.verdict != one.now.verdict for one in found)
    verdicts = f"{words.plural(moved, 'verdict')} changed" if moved else "no verdict changed"
    return f"{inside} of {words.plural(len(found), 'effect')} within the interval told before; {verdicts}"


def _trials(pairs: Sequence[tuple[StudyResults, StudyResults]]) -> str:
    """A line a study; those that are as they were, of several, in one."""
    alike = [now for before, now in pairs if len(pairs) > 1 and _seen(before) == _seen(now)]
    lines = [_line(before, now) for before, now in pairs if now not in alike]
    if alike:
        count = words.plural(sum(len(one.rows) for one in alike), "trial")
        lines.append(f"{words.plural(len(alike), 'table')} as before: {count}, the same settings and numbers")
    return "\n".join(lines)


def _seen(study: StudyResults) -> dict:
    return {(row.arm, row.seed): (row.id, _numbers(row)) for row in study.rows}


def _line(before: StudyResults, now: StudyResults) -> str:
    """How many trials of the same settings have the same numbers, and how far the others' test errors are apart."""
    old = {(row.arm, row.seed): row for row in before.rows}
    pairs = [(old[key], row) for row in now.rows if (key := (row.arm, row.seed)) in old and old[key].id == row.id]
    alike = sum(_numbers(one) == _numbers(other) for one, other in pairs)
    apart = [abs(one.metrics.test_error - other.metrics.test_error) for one, other in pairs if _both(one, other)]
    said = f"{now.name}: {len(pairs):,} of {words.plural(len(now.rows), 'trial')} have the settings of before"
    said += f", {alike:,} of them the same numbers" if pairs else ""
    return said + (f"; test errors differ by at most {words.number(100 * max(apart))} points" if any(apart) else "")


def _numbers(row: TrialRow) -> tuple:
    return row.status, row.metrics


def _both(one: TrialRow, other: TrialRow) -> bool:
    return None not in (one.metrics.test_error, other.metrics.test_error)


def _extract(commit: str, committed: Path, folder: Path) -> None:
    """The tables that a commit has in a folder of the repository, written to ``folder``."""
    command = ["git", "archive", "--format=tar", "--end-of-options", commit, f":(glob){committed.as_posix()}/*.json"]
    try:
        done = subprocess.run(command, capture_output=True, env=git_environment())
    except FileNotFoundError:
        raise DeeperError(f"compare={commit}: git is not installed; install it, or name a folder of results") from None
    if done.returncode:
        said = done.stderr.decode(errors="replace").strip().splitlines()
        raise DeeperError(f"compare={commit}: neither a folder nor a commit with {committed} ({(said or ['git'])[-1]})")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")
