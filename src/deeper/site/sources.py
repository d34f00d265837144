"""Where the site's numbers come from: the ledger of record, and what was measured beside it and before."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from deeper.claims import verdicts as claims
from deeper.claims.verdicts import Verdict
from deeper.errors import DeeperError
from deeper.reporting import load, published_numbers
from deeper.reporting.arm_results import ArmResults, arm_results
from deeper.reporting.pages import study
from deeper.reporting.pages.study import StudyPage
from deeper.reporting.replication import replications
from deeper.schema.baselines import FILE as BASELINES
from deeper.schema.baselines import Baselines, read_baselines
from deeper.schema.results import FIRST_LEDGER, RECORD

LEDGERS = {RECORD: "ledger of record", FIRST_LEDGER: "first ledger"}  # by profile


@dataclass(frozen=True)
class Source:
    """The tables of one folder; ``record`` says whether they are the ledger of record."""

    record: bool
    pages: Sequence[StudyPage]
    baselines: Baselines

    def address(self, page: StudyPage) -> str:
        """Of a study's page, from the site's root, without its ending."""
        return f"studies/{'record-' if self.record else ''}{page.name}"

    def name(self, page: StudyPage) -> str:
        """Which ledger a page is of: ``ledger of record``, ``first ledger``; outside of both, its profile."""
        profile = page.results.table.profile
        return LEDGERS.get(profile, f"profile {profile}")

    def title(self, page: StudyPage) -> str:
        """The study's title, which says where it is of the first ledger: a study of record may have the same one."""
        first = page.results.table.profile == FIRST_LEDGER
        return f"{page.study.title} ({LEDGERS[FIRST_LEDGER]})" if first else page.study.title


@dataclass(frozen=True)
class Answer:
    """A claim as a study answers it, with where it stands."""

    source: Source
    page: StudyPage
    verdict: Verdict

    @property
    def address(self) -> str:
        return f"{self.source.address(self.page)}.html#{self.verdict.claim}"

    @property
    def arms(self) -> list[ArmResults]:
        """The arms that its comparisons name."""
        names = {arm for outcome in self.verdict.outcomes for arm in outcome.comparison.arms}
        return [arm for arm in self.page.arms if arm.name in names]


def gather(results: Path, shelf: Path) -> list[Source]:
    """The ledger of record first, where it has tables, and then the other studies.

    Raises:
        DeeperError: there is no folder ``results``, or a file in it or in ``shelf`` is damaged or missing.
    """
    if not results.is_dir():
        raise DeeperError(f"there is no folder {results}; results=FOLDER names the one with the studies' tables")
    folders = [(results / RECORD, True), (results, False)]
    return [_source(folder, record, shelf) for folder, record in folders if load.is_there(folder)]


def answers(sources: Sequence[Source]) -> list[Answer]:
    """Every claim that was put to a test, as the first source that has it answers it: the record's word goes first."""
    taken: set[str] = set()
    found = []
    for source in sources:
        own = [Answer(source, page, verdict) for page in source.pages for verdict in page.verdicts]
        found += [answer for answer in own if answer.verdict.claim not in taken]
        taken |= {answer.verdict.claim for answer in own}
    return found


def _source(folder: Path, record: bool, shelf: Path) -> Source:
    tables = [one for one in load.load(folder) if one.measures]
    baselines = read_baselines(folder / BASELINES)
    verdicts = claims.evaluate([one.table for one in tables], baselines)
    by_study = {one.name: [verdict for verdict in verdicts if verdict.study == one.name] for one in tables}
    family = [one.table for one in tables]
    pages = [
        study.build(
            one,
            arm_results(one.table),
            by_study[one.name],
            {},
            published_numbers.select(one.study, shelf, str(one.path)),
            replications(one, by_study[one.name], family, baselines),
        )
        for one in tables
    ]
    return Source(record, pages, baselines)
