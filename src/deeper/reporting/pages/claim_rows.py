"""A row of the ledger: a claim in a few words, its verdict, the effect with the interval that decides, the scale."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from deeper.claims import verdicts as claims
from deeper.claims.metrics import FRACTION
from deeper.claims.verdicts import Outcome, Verdict
from deeper.reporting import words
from deeper.reporting.load import StudyResults
from deeper.reporting.pages.finding_words import measured
from deeper.reporting.published_numbers import PublishedNumber
from deeper.reporting.study_scale import scale_of
from deeper.schema.results import FIRST_LEDGER

# Profiles by the scale that a claim is measured at.
STEPS = {"first_ledger": 1, "pocket": 2, "record": 2, "full": 3, "paper": 4}
SCALES = {
    1: "500 steps on small pictures",
    2: "networks that have learned",
    3: "all of Fashion-MNIST",
    4: "the papers' own scale",
}  # what each step is, in words
IN_PERCENT = re.compile(r"[-+−]?[\d.]+ (points|→ [\d.]+ %)")
SHOWN = ("train_error", "test_error", "gain_over_best", "averaging_gain")  # what published errors may stand beside
EPOCHS = "epochs_to_15"  # what a published factor of speed may stand beside
OPEN = (claims.CANNOT_TELL, claims.NOT_TESTABLE)


class VerdictRow:
    """What a row of the ledger says of the verdict behind it."""

    answer: Verdict

    @property
    def claim(self) -> str:
        return self.answer.claim

    @property
    def verdict(self) -> str:
        return self.answer.verdict

    @property
    def title(self) -> str:
        return self.answer.about.title

    @property
    def effect(self) -> str:
        """``test error +7.63 [+3.35, +11.92]``: of the deciding comparison; errors in points without naming them."""
        return effect(self.answer.deciding)

    @property
    def pair(self) -> str:
        """``Plain-56 − ResNet-56``: what minus what the effect is; where one arm stands alone, its name."""
        return words.arms(self.answer.deciding.comparison, self.label)

    @property
    def expected(self) -> str:
        return expected(self.answer)

    def label(self, arm: str) -> str:
        """What the page calls an arm."""
        raise NotImplementedError

    @property
    def profile(self) -> str:
        """What the claim was measured under."""
        raise NotImplementedError

    @property
    def dots(self) -> str:
        """``●○○○``: the scale, of four."""
        return dots(self.profile)


@dataclass(frozen=True)
class ClaimRow(VerdictRow):
    """A claim as a study answers it.

    Attributes:
        published: every number that stands beside the study.
        folder: that of the study's page, seen from the index: empty, or ``record/``.
    """

    results: StudyResults
    answer: Verdict
    published: Sequence[PublishedNumber]
    folder: str = ""

    @property
    def page(self) -> str:
        return f"{self.folder}{self.results.name}.md"

    @property
    def pair(self) -> str:
        """What minus what; where a share of another difference is taken away, also the difference without it."""
        outcome, said = self.answer.deciding, super().pair
        alone = claims.without_share(outcome, self.results.rows, self.answer.family)
        if alone is outcome:
            return said
        pair, found = words.arms(alone.comparison, self.label), words.difference(alone.metric, alone.difference)
        return f"{said}; {pair} alone {found}"

    def label(self, arm: str) -> str:
        return self.results.label(arm)

    @property
    def published_effect(self) -> str:
        """What was published of the pair that the verdict hangs on, its way round: ``29.6 → 29.7 %``; else nothing."""
        return next((number.value for number in published_effects(self.answer, self.results, self.published)), "")

    @property
    def profile(self) -> str:
        return self.results.table.profile

    @property
    def measured_on(self) -> str:
        """``Fashion-MNIST, 4,000 training images of 12×12 pixels, 4 epochs``: of the arms that are compared."""
        compared = {arm for outcome in self.answer.outcomes for arm in outcome.comparison.arms}
        return scale_of(self.results, [row for row in self.results.rows if row.arm in compared]).whole


def expected(answer: Verdict) -> str:
    """``; expected: not higher by 1.00 points or more``; nothing where the sign of the effect says all."""
    comparison = answer.deciding.comparison
    if comparison.margin is None and comparison.expect in ("higher", "lower"):
        return ""
    return f"; expected: {words.expectation(comparison, with_region=False)}"


def dots(profile: str) -> str:
    """``●○○○``: the scale of a profile, of four."""
    return _dots(STEPS.get(profile, 0))


def legend() -> str:
    """``●○○○ 500 steps on small pictures (`first_ledger`), …``: every scale with the profiles that have it."""
    named = {step: [f"`{profile}`" for profile, one in STEPS.items() if one == step] for step in SCALES}
    return ", ".join(f"{_dots(step)} {said} ({', '.join(named[step])})" for step, said in SCALES.items())


def _dots(filled: int) -> str:
    return "●" * filled + "○" * (len(SCALES) - filled)


def claim_rows(
    studies: Iterable[tuple[StudyResults, Sequence[Verdict], Sequence[PublishedNumber]]], folder: str = ""
) -> list[ClaimRow]:
    """A row for each claim that a study answers."""
    return [
        ClaimRow(results, verdict, published, folder)
        for results, verdicts, published in studies
        for verdict in verdicts
    ]


def newest(rows: Sequence[VerdictRow], again: Sequence[VerdictRow]) -> dict[str, VerdictRow]:
    """The rows by claim, by verdict in the order of ``claims.VERDICTS``; claims that were asked ``again`` by that.

    Of one verdict those of the larger scale come first.
    """
    by_claim = {row.claim: row for row in (*rows, *again)}

    def order(item: tuple[str, VerdictRow]) -> tuple[int, int]:
        return claims.VERDICTS.index(item[1].verdict), -STEPS.get(item[1].profile, 0)

    return dict(sorted(by_claim.items(), key=order))


def published_effects(
    verdict: Verdict, results: StudyResults, numbers: Sequence[PublishedNumber]
) -> list[PublishedNumber]:
    """What was published of the two arms that the verdict hangs on, in their order: errors, or how much faster one is.

    There is none where the comparison is of something else, or no row of ``pairs.csv`` is of its arms.
    """
    comparison = verdict.deciding.comparison
    is_of_speed = comparison.metric == EPOCHS
    if comparison.metric not in SHOWN and not is_of_speed:
        return []
    way = (comparison.of, comparison.against or "")
    ways = {(verdict.claim, *way): False, (verdict.claim, *reversed(way)): True}
    found = [(number, ways[pair]) for number in numbers for pair in number.pairs if pair in ways]
    return [
        replace(number, value=change, remarks=number.remarks.replace("accuracy", "error"))
        for number, turned in found
        if number.is_of_speed == is_of_speed and (change := number.effect(turned))
    ]


def against(rows: Iterable[VerdictRow]) -> list[VerdictRow]:
    """What goes against the lectures, wholly or in part, by networks that have learned; the contradicted first."""
    told = [row for row in rows if row.answer.about.is_of_a_lecture and STEPS.get(row.profile, 0) > STEPS[FIRST_LEDGER]]
    return [row for verdict in (claims.CONTRADICTED, claims.MIXED) for row in told if row.verdict == verdict]


def effect(outcome: Outcome) -> str:
    """An outcome's metric and its mean with the interval that decides; an error's unit, points, is left out."""
    return f"{outcome.metric.label} {measured(outcome, bare=outcome.metric.unit == FRACTION)}"


def by_verdict(rows: Mapping[str, VerdictRow]) -> dict[str, list[VerdictRow]]:
    """The rows of each verdict that there is."""
    found: dict[str, list[VerdictRow]] = {}
    for row in rows.values():
        found.setdefault(row.verdict, []).append(row)
    return found
