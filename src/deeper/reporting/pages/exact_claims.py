"""The page of the exact claims: what the texts say, what was computed, and which of two texts is right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deeper.exact import computed_claim
from deeper.exact.computed_claim import ABOUT, DEPENDS, DIFFERENCE, DISAGREEMENTS, FAILS, HOLDS, Finding, Part

MARKS = {
    HOLDS: "✓ holds",
    ABOUT: "✓ holds about",
    DEPENDS: "◐ depends on the reading",
    FAILS: "**✗ does not hold**",
}
FORMATS = {
    computed_claim.SHAPE: lambda value: "×".join(map(str, value)),
    computed_claim.SHARE: lambda value: f"{100 * value:.1f} %",
    computed_claim.RATIO: lambda value: f"{value:.3g}",
    computed_claim.POINTS: lambda value: f"{value:.2f} points",
    computed_claim.MEGABYTES: lambda value: f"{value:.0f} MB",
}


@dataclass(frozen=True)
class ExactPage:
    """Everything the page and the index show of the exact claims."""

    findings: Sequence[Finding]

    @property
    def summary(self) -> str:
        """``10 hold to the digit, 9 hold within their tolerance, 5 do not hold``; what none does is left out."""
        holding = self._of(HOLDS)
        exactly = sum(finding.to_the_digit for finding in holding)
        counts = {
            "hold to the digit": exactly,
            "hold to rounding or meet a bound": len(holding) - exactly,
            "hold within their tolerance": len(self._of(ABOUT)),
            "depend on the reading": len(self.unsettled),
            "do not hold": len(self.wrong),
        }
        return ", ".join(f"{count} {words}" for words, count in counts.items() if count)

    @property
    def wrong(self) -> list[Finding]:
        return self._of(FAILS)

    @property
    def unsettled(self) -> list[Finding]:
        return self._of(DEPENDS)

    @property
    def disagreements(self) -> list[tuple[Finding, Finding]]:
        """Pairs of texts that contradict each other, the right one first; one is right in each."""
        by_claim = {finding.claim: finding for finding in self.findings}
        pairs = [[by_claim[claim] for claim in pair] for pair in DISAGREEMENTS if set(pair) <= set(by_claim)]
        return [(first, second) if first.verdict != FAILS else (second, first) for first, second in pairs]

    def _of(self, verdict: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.verdict == verdict]


def mark(finding: Finding | Part) -> str:
    return MARKS[finding.verdict]


def found(part: Part) -> str:
    """What was found, as its unit asks for; rounding, which is another on every processor, by its bound."""
    if part.unit == DIFFERENCE:
        return f"under {part.given:.0e}" if part.found <= part.given else f"{part.found:.1e}"
    return _value(part.found, part.unit)


def says(part: Part) -> str:
    """What the text says, with the relation: ``60,000,000``, ``at least 33.3 %``."""
    if part.unit == DIFFERENCE:
        return "none, to rounding"
    relation = "" if part.relation == "is" else f"{part.relation} "
    return relation + _value(part.given, part.unit)


def tolerance(part: Part) -> str:
    """``5 %`` of what the text says, what was chosen here, or none."""
    if part.choice:
        return part.choice
    if part.unit == DIFFERENCE:
        return f"{part.given:.0e}"
    return f"{100 * part.tolerance:g} %" if part.tolerance else "none"


def _value(value: Any, unit: str) -> str:
    return FORMATS.get(unit, lambda value: f"{value:,.0f}")(value)
