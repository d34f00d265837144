"""What a computed claim is made of: parts, each with a number found, the number the text gives and a tolerance.

A part *holds* where the two are equal or the relation is met, *holds about* where they differ by no more than the
tolerance that stands with it, and otherwise *does not hold*. A claim is as good as the worst of its parts, but where
parts belong to different readings of the text and not all readings hold, it *depends on the reading*.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from deeper.claims.verdicts import CANNOT_TELL, CONTRADICTED, SUPPORTED

HOLDS, ABOUT, FAILS = "holds", "holds about", "does not hold"
DEPENDS = "depends on the reading"
_WORST_FIRST = (FAILS, DEPENDS, ABOUT, HOLDS)
COUNT, SHARE, RATIO, MEGABYTES, SHAPE, DIFFERENCE = "count", "share", "ratio", "megabytes", "shape", "difference"
POINTS = "points"


@dataclass(frozen=True)
class Part:
    """One number of a claim.

    Attributes:
        what: it is a number of.
        found: as computed.
        given: by the text.
        relation: ``is`` (within the tolerance), ``at least``, ``at most`` or ``more than`` what is given.
        tolerance: a fraction of what is given; 0: to the digit.
        unit: how it is printed.
        reading: of the text that it belongs to; empty: every reading needs it.
        choice: what of the bound is this repository's and not the text's.
    """

    what: str
    found: Any
    given: Any
    relation: str = "is"
    tolerance: float = 0.0
    unit: str = COUNT
    reading: str = ""
    choice: str = ""

    @property
    def verdict(self) -> str:
        if self.relation != "is":
            met = {"at least": self.found >= self.given, "at most": self.found <= self.given}
            return HOLDS if met.get(self.relation, self.found > self.given) else FAILS
        if self.found == self.given:
            return HOLDS
        if not self.tolerance:
            return FAILS
        return ABOUT if abs(self.found - self.given) <= self.tolerance * abs(self.given) else FAILS


@dataclass(frozen=True)
class Finding:
    """A claim of the ledger with what was found; ``how`` says how it was computed and what explains a difference."""

    claim: str
    parts: tuple[Part, ...]
    how: str

    @property
    def verdict(self) -> str:
        always = [part.verdict for part in self.parts if not part.reading]
        read = [part.verdict for part in self.readings]
        if FAILS in read and set(read) != {FAILS}:
            return _worst([*always, DEPENDS])
        return _worst([*always, *read])

    @property
    def readings(self) -> list[Part]:
        """The worst part of each reading, the first where several are as bad."""
        names = dict.fromkeys(part.reading for part in self.parts if part.reading)
        return [_weakest([part for part in self.parts if part.reading == name]) for name in names]

    @property
    def to_the_digit(self) -> bool:
        """Whether every number is the text's own and none only meets a bound."""
        return self.verdict == HOLDS and all(part.relation == "is" for part in self.parts)

    @property
    def in_the_ledger(self) -> str:
        """``supported``, ``contradicted`` or, where it depends on the reading, ``cannot tell``."""
        return {FAILS: CONTRADICTED, DEPENDS: CANNOT_TELL}.get(self.verdict, SUPPORTED)

    @property
    def deciding(self) -> Part:
        """The first of the worst parts."""
        return _weakest(self.parts)

    @property
    def worst_first(self) -> list[Part]:
        """All parts, the worst first."""
        return sorted(self.parts, key=lambda part: _WORST_FIRST.index(part.verdict))

    @property
    def shown(self) -> list[Part]:
        """What a table shows: the part that decides, or one of each reading where it depends on that."""
        return self.readings if self.verdict == DEPENDS else [self.deciding]


def _worst(verdicts: Iterable[str]) -> str:
    return min(verdicts, key=_WORST_FIRST.index)


def _weakest(parts: Iterable[Part]) -> Part:
    return min(parts, key=lambda part: _WORST_FIRST.index(part.verdict))


DISAGREEMENTS = (("alexnet-params-60m", "alexnet-params-6m"), ("vgg16-params-138m", "vgg16-params-1m"))
"""Claims of two texts of which at most one can be right."""

COMPUTED: dict[str, Callable[[], Finding]] = {}
"""Claim → the function that computes it, in the order of definition."""


def computes(claim: str) -> Callable[[Callable[[], tuple[list[Part], str]]], Callable[[], Finding]]:
    """Decorates a function that returns the parts of ``claim`` and a text on how they were computed."""

    def register(function: Callable[[], tuple[list[Part], str]]) -> Callable[[], Finding]:
        def compute() -> Finding:
            parts, how = function()
            return Finding(claim, tuple(parts), how)

        compute.__doc__ = function.__doc__
        COMPUTED[claim] = compute
        return compute

    return register


def three_digits(value: float) -> str:
    """``14.6 million``, ``980 thousand`` as a text on how something was computed prints it."""
    for size, word in ((1e9, " billion"), (1e6, " million"), (1e3, " thousand")):
        if value >= size:
            return f"{value / size:.3g}{word}"
    return f"{value:.3g}"
