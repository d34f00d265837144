"""The ledger as the first page shows it: a line a claim, whether it was trained or counted."""

from collections.abc import Sequence
from dataclasses import dataclass

from deeper.claims import verdicts as claims
from deeper.exact.computed_claim import Finding
from deeper.reporting import words
from deeper.reporting.charts import theme
from deeper.reporting.pages import exact_claims
from deeper.reporting.pages.claim_rows import IN_PERCENT, OPEN, expected, published_effects
from deeper.reporting.pages.finding_words import measured
from deeper.reporting.pages.verdict_words import pair
from deeper.reporting.published_numbers import PublishedNumber
from deeper.schema.ledger import ledger
from deeper.site.scales import COUNTED
from deeper.site.sources import Answer


@dataclass(frozen=True)
class LedgerRow:
    """A claim's line.

    Attributes:
        address: of the page that says more, from the site's root.
        title: the claim in a few words; ``statement`` is the lecture's.
        kind: ``trained`` or ``counted``; ``beside the lectures`` of a statement that a study makes itself.
        families: of the networks that it is about.
        effect: the deciding comparison's mean with its interval, or what was counted; ``value`` sorts it.
        about: which comparison, or count, that is.
        published: what papers report of the effect.
        scale: the profile that it was measured under, ``counted`` where nothing was trained; ``trained_on`` in full.
    """

    claim: str
    title: str
    statement: str
    address: str
    verdict: str
    kind: str
    families: Sequence[str]
    effect: str
    value: float | None
    about: str
    published: str
    scale: str
    trained_on: str


def of_answer(answer: Answer) -> LedgerRow:
    """The line of a claim that was put to a test by training."""
    page, verdict, outcome = answer.page, answer.verdict, answer.verdict.deciding
    found = outcome.difference
    effects = published_effects(verdict, page.results, page.published)
    return LedgerRow(
        claim=verdict.claim,
        title=words.sentence(verdict.about.title),
        statement=words.sentence(verdict.about.statement),
        address=answer.address,
        verdict=verdict.verdict,
        kind="trained" if verdict.about.is_of_a_lecture else "beside the lectures",
        families=sorted({theme.family(arm.network) for arm in answer.arms if arm.network}) or [theme.OTHER],
        effect=measured(outcome),
        value=found.mean if found else None,
        about=f"{outcome.metric.label}, {pair(page.results, outcome.comparison)}{expected(verdict)}",
        published=next((_published(one) for one in effects if IN_PERCENT.match(one.value)), words.NONE),
        scale=page.results.table.profile,
        trained_on=page.scale_of(verdict, data=True).removesuffix(f", profile {page.results.table.profile}"),
    )


def of_finding(finding: Finding) -> LedgerRow:
    """The line of a claim that was counted."""
    part = finding.deciding
    return LedgerRow(
        claim=finding.claim,
        title=words.sentence(ledger()[finding.claim].title),
        statement=words.sentence(ledger()[finding.claim].statement),
        address=f"exact.html#{finding.claim}",
        verdict=finding.in_the_ledger,
        kind=COUNTED,
        families=[theme.family(finding.claim)],
        effect=exact_claims.found(part),
        value=None,
        about=part.what,
        published=exact_claims.says(part),
        scale=COUNTED,
        trained_on="from the networks themselves",
    )


def _published(number: PublishedNumber) -> str:
    """``27.94 → 28.54 % (top-1 val error, ImageNet)``: of what it is, and on which data."""
    value = number.value.replace("-", words.MINUS)
    return f"{value} ({', '.join(filter(None, (number.remarks, number.data)))})"


@dataclass(frozen=True)
class Fold:
    """Lines of the ledger that stand together; those with a ``summary`` are folded under it."""

    name: str
    rows: Sequence[LedgerRow]
    summary: str = ""


def folds(rows: Sequence[LedgerRow]) -> list[Fold]:
    """The decided claims as they are, then the undecided and the counted ones, folded; what has no line is left out."""
    trained = [row for row in rows if row.kind != COUNTED]
    counted = [row for row in rows if row.kind == COUNTED]
    undecided = [row for row in trained if row.verdict in OPEN]
    found = [
        Fold("ledger", [row for row in trained if row.verdict not in OPEN]),
        Fold("undecided", undecided, f"{len(undecided)} undecided: ? cannot tell, ∅ not testable here"),
        Fold("counted", counted, f"{words.plural(len(counted), 'claim')} counted, not trained: {_outcomes(counted)}"),
    ]
    return [fold for fold in found if fold.rows]


def _outcomes(rows: Sequence[LedgerRow]) -> str:
    """``4 contradicted, 18 supported and 2 open to two readings``: what is counted is open in no other way."""
    verdicts = [row.verdict for row in rows]
    said = {claims.CANNOT_TELL: "open to two readings"}
    there = [one for one in claims.VERDICTS if one in verdicts]
    return words.listed([f"{verdicts.count(one)} {said.get(one, one)}" for one in there])
