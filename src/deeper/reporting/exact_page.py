"""The page of the exact claims: what the texts say, what was computed, and which of two texts is right."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from deeper.exact import computed_claim as findings
from deeper.exact.computed_claim import ABOUT, DEPENDS, DISAGREEMENTS, FAILS, HOLDS, Finding, Part

MARKS = {
    HOLDS: "✓ holds",
    ABOUT: "✓ holds about",
    DEPENDS: "◐ depends on the reading",
    FAILS: "**✗ does not hold**",
}


@dataclass(frozen=True)
class ExactPage:
    """Everything the page and the index show of the exact claims."""

    findings: Sequence[Finding]

    def by_verdict(self, verdict: str) -> list[Finding]:
        return [finding for finding in self.findings if finding.verdict == verdict]

    @property
    def summary(self) -> str:
        """``10 hold to the digit, 9 hold within their tolerance, 5 do not hold``; what none does is left out."""
        holding = self.by_verdict(HOLDS)
        exactly = sum(finding.to_the_digit for finding in holding)
        counts = {
            "hold to the digit": exactly,
            "hold to rounding or meet a bound": len(holding) - exactly,
            "hold within their tolerance": len(self.by_verdict(ABOUT)),
            "depend on the reading": len(self.unsettled),
            "do not hold": len(self.wrong),
        }
        return ", ".join(f"{count} {words}" for words, count in counts.items() if count)

    @property
    def wrong(self) -> list[Finding]:
        return self.by_verdict(FAILS)

    @property
    def unsettled(self) -> list[Finding]:
        return self.by_verdict(DEPENDS)

    @property
    def claims(self) -> list[str]:
        return [finding.claim for finding in self.findings]

    @property
    def disagreements(self) -> list[tuple[Finding, Finding]]:
        """Pairs of texts that contradict each other, the right one first; one is right in each."""
        known = {finding.claim: finding for finding in self.findings}
        pairs = [[known[claim] for claim in pair] for pair in DISAGREEMENTS if set(pair) <= set(known)]
        return [(one, other) if one.verdict != FAILS else (other, one) for one, other in pairs]


def mark(finding: Finding | Part) -> str:
    return MARKS[finding.verdict]


def found(part: Part) -> str:
    """What was found, as its unit asks for; rounding, which is another on every processor, by its bound."""
    if part.unit == findings.DIFFERENCE:
        return f"under {part.given:.0e}" if part.found <= part.given else f"{part.found:.1e}"
    return _value(part.found, part.unit)


def says(part: Part) -> str:
    """What the text says, with the relation: ``60,000,000``, ``at least 33.3 %``."""
    if part.unit == findings.DIFFERENCE:
        return "none, to rounding"
    relation = "" if part.relation == "is" else f"{part.relation} "
    return relation + _value(part.given, part.unit)


def tolerance(part: Part) -> str:
    """``5 %`` of what the text says, what was chosen here, or none."""
    if part.choice:
        return part.choice
    if part.unit == findings.DIFFERENCE:
        return f"{part.given:.0e}"
    return f"{100 * part.tolerance:g} %" if part.tolerance else "none"


def _value(value: Any, unit: str) -> str:
    if unit == findings.SHAPE:
        return "×".join(map(str, value))
    if unit == findings.SHARE:
        return f"{100 * value:.1f} %"
    if unit == findings.RATIO:
        return f"{value:.3g}"
    if unit == findings.POINTS:
        return f"{value:.2f} points"
    if unit == findings.MEGABYTES:
        return f"{value:.0f} MB"
    return f"{value:,.0f}"
