"""How sure a number is: means, paired differences and their intervals, alone or over a family; what seeds could show.

All are functions of arrays, for a notebook as well as for the report::

    of, against = [0.121, 0.118, 0.125, 0.119], [0.130, 0.133, 0.129, 0.131]
    found = statistics.difference(of, against, statistics.family_confidence(40))
    statistics.is_inside(found, 0.005)

An interval is Student's t, 95 % unless a confidence is given. Over a family of comparisons each has the confidence
``1 - 0.05/family`` (Bonferroni): all of them together hold their true values with a probability of at least 95 %. What
is decided is decided by such an interval, so what could have been seen is told at the same level, ``0.05/family``.

Values that are not finite are the caller's to leave out: they raise ``ValueError`` here, so that a NaN never passes as
a measurement. One value has a mean and no interval: the bounds are NaN, and so is the minimum detectable effect. Values
that are all alike but for rounding have an interval of no width; rounding is measured by the largest of them.
"""

import functools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

ALPHA = 0.05
CONFIDENCE = 1 - ALPHA
POWER = 0.80
MOST_SEEDS = 10_000
PERCENTAGE = (0.0, 1.0)
NO_LIMITS = (-math.inf, math.inf)
FEW = 5
"""Of fewer values than this no interval is told that runs past what is possible, as a percentage past 0 or 100 %."""


@dataclass(frozen=True)
class Mean:
    """A mean of ``n`` values with its interval, and the values' standard deviation (n - 1 in the denominator)."""

    n: int
    mean: float
    lower: float
    upper: float
    sd: float

    @property
    def has_interval(self) -> bool:
        return not math.isnan(self.lower)


def mean(values: Sequence[float], confidence: float = CONFIDENCE, limits: tuple[float, float] = NO_LIMITS) -> Mean:
    """Mean with Student's t interval, in the unit of the values.

    Args:
        values: at least one, all finite.
        confidence: of the interval.
        limits: the least and the greatest value that is possible; of fewer than ``FEW`` values no interval is told
            that runs past them.

    Raises:
        ValueError: there are no values, or some are not finite.
    """
    x = _finite(values)
    sd, centre = _sd(x), float(x.mean())
    lower, upper = _interval(x, centre, sd, confidence)
    if len(x) < FEW and (lower < limits[0] or upper > limits[1]):
        lower = upper = math.nan
    return Mean(len(x), centre, lower, upper, sd)


def difference(of: Sequence[float], against: Sequence[float], confidence: float = CONFIDENCE) -> Mean:
    """Mean of the paired differences ``of - against`` with its interval.

    Raises:
        ValueError: the two are not equally long, or as for ``mean``.
    """
    if len(of) != len(against):
        raise ValueError(f"pairs need as many values on both sides, not {len(of)} and {len(against)}")
    return mean(_finite(of) - _finite(against), confidence)


def family_confidence(family: int) -> float:
    """The confidence of each interval for which all of a family hold together with 95 % (Bonferroni)."""
    return 1 - ALPHA / max(1, family)


def simultaneous(samples: Sequence[Sequence[float]]) -> list[Mean]:
    """Means with simultaneous 95 % intervals: the samples are the family."""
    return [mean(sample, family_confidence(len(samples))) for sample in samples]


def is_inside(interval: Mean, region: float) -> bool:
    """Equivalence: whether the whole interval lies within ``region`` of 0; never where there is none."""
    return -region <= interval.lower and interval.upper <= region


# statsmodels' TTestPower has the same formulas, and at 5 % the two agree (a test says so). At the level of a family it
# does not do: with 4 or 8 pairs at 0.05/74 its power is NaN where the far tail is, and its ``solve_power`` gives an
# effect of 10 standard deviations for two pairs, where it takes 850.
def power(effect: float, sd: float, n: int, alpha: float = ALPHA) -> float:
    """Chance that the interval of ``n`` pairs at confidence ``1 - alpha`` leaves out a border.

    ``effect`` is how far the true mean lies from the border, ``sd`` the standard deviation of the paired differences.
    """
    if n < 2 or math.isnan(sd):
        return math.nan
    if sd == 0:
        return alpha if effect == 0 else 1.0
    return _power(abs(effect) / sd * math.sqrt(n), n - 1, alpha)


def minimum_detectable_effect(sd: float, n: int, alpha: float = ALPHA, target: float = POWER) -> float:
    """The smallest true mean difference that ``n`` pairs find with probability ``target``, in the unit of ``sd``.

    ``sd`` is the standard deviation of the paired differences. NaN for fewer than two pairs, 0 for no spread.
    """
    if n < 2 or math.isnan(sd):
        return math.nan
    if sd == 0:
        return 0.0
    return _shift(n - 1, alpha, target) * sd / math.sqrt(n)


def seeds_needed(effect: float, sd: float, alpha: float = ALPHA, target: float = POWER) -> int | None:
    """The fewest pairs (two or more) that find a true mean difference ``effect`` with probability ``target``.

    None where more than ``MOST_SEEDS`` would be needed, or ``sd`` or ``effect`` is not known.
    """
    if math.isnan(sd) or math.isnan(effect) or (effect == 0 and sd == 0):
        return None

    def enough(n: int) -> bool:
        return power(effect, sd, n, alpha) >= target

    if not enough(MOST_SEEDS):
        return None
    low, high = 1, MOST_SEEDS
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high


def _finite(values: Sequence[float]) -> np.ndarray:
    x = np.asarray(values, dtype=np.float64)
    if x.ndim != 1 or len(x) == 0:
        raise ValueError("a mean needs at least one value")
    if not np.isfinite(x).all():
        raise ValueError("values must be finite")
    return x


def _interval(x: np.ndarray, centre: float, sd: float, confidence: float) -> tuple[float, float]:
    """The bounds; NaN for a single value, the mean itself where there is no spread."""
    if len(x) == 1:
        return math.nan, math.nan
    if sd == 0:
        return centre, centre
    half = _student(len(x) - 1, confidence) * sd / math.sqrt(len(x))
    return centre - half, centre + half


@functools.cache
def _student(freedom: int, confidence: float) -> float:
    """How many standard errors an interval reaches to each side."""
    from scipy.special import stdtrit  # the same bits as scipy.stats.t.ppf, which takes a second more to import

    return float(stdtrit(freedom, (1 + confidence) / 2))


def _sd(x: np.ndarray) -> float:
    """Sample standard deviation; a spread of mere rounding counts as none, NaN for a single value."""
    if len(x) == 1:
        return math.nan
    sd = float(x.std(ddof=1))
    return 0.0 if sd <= 1e-14 * float(np.abs(x).max()) else sd


@functools.cache
def _shift(freedom: int, alpha: float, target: float) -> float:
    """The non-centrality at which the power is ``target``, found by halving."""
    low, high = 0.0, 2.0
    while _power(high, freedom, alpha) < target:
        low, high = high, 2.0 * high
    while high - low > 1e-12 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if _power(middle, freedom, alpha) < target else (low, middle)
    return high


def _power(shift: float, freedom: int, alpha: float) -> float:
    """Power at non-centrality ``shift`` >= 0. Past 30 the far tail is nothing, and ``nctdtr`` turns unreliable."""
    from scipy.special import nctdtr  # what scipy.stats.nct computes with, which takes a second more to import

    critical = _student(freedom, 1 - alpha)
    near = nctdtr(freedom, -shift, -critical)  # ``1 - nctdtr(freedom, shift, critical)`` is NaN for some far shifts
    far = nctdtr(freedom, shift, -critical) if shift < 30 else 0.0
    total = near + (0.0 if math.isnan(far) else far)
    return float(min(total, 1.0))
