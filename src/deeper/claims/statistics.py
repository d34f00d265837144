"""How sure a number is: intervals, equivalence, and what a number of seeds could see. Functions of arrays.

Intervals are Student's t. One that decides is *simultaneous*: all intervals of a family hold together with 95 %, each
for itself with ``simultaneous(family)``, Bonferroni's share. Values that are not finite are the caller's to leave out:
they raise ``ValueError`` here, so that a NaN never passes as a measurement.

One value has a mean and no interval: the bounds are NaN, and so is the smallest effect that it could show. Values that
are all alike to rounding have an interval of no width.
"""

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

CONFIDENCE = 0.95
ALPHA = 1 - CONFIDENCE
POWER = 0.80
MOST_SEEDS = 10_000
FEWEST_FOR_SHARES = 4


@dataclass(frozen=True)
class Mean:
    """A mean of ``n`` values with its interval, and the values' standard deviation (n - 1 in the denominator)."""

    n: int
    mean: float
    lower: float
    upper: float
    sd: float


@dataclass(frozen=True)
class Difference(Mean):
    """A paired difference: its mean, interval and sd, and the pairs' own differences in the order given."""

    values: tuple[float, ...] = ()

    @property
    def has_interval(self) -> bool:
        return math.isfinite(self.lower)

    def inside(self, region: float) -> bool:
        """Whether the interval lies within ``region`` on either side of 0."""
        return -region <= self.lower and self.upper <= region

    def outside(self, region: float) -> bool:
        """Whether the interval lies wholly beyond ``region``, on one side of 0."""
        return self.lower > region or self.upper < -region


def simultaneous(family: int) -> float:
    """The confidence of each of ``family`` intervals that hold together with 95 % (Bonferroni)."""
    return 1 - ALPHA / max(1, family)


def mean(values: Sequence[float], confidence: float = CONFIDENCE) -> Mean:
    """Mean with Student's t interval. Raises ``ValueError`` for no values or values that are not finite."""
    x = _finite(values)
    centre, sd = float(x.mean()), _sd(x)
    if not sd > 0:  # one value, or all alike
        bound = math.nan if len(x) == 1 else centre
        return Mean(len(x), centre, bound, bound, sd)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # scipy's, of values that are nearly alike
        interval = stats.ttest_1samp(x, 0.0).confidence_interval(confidence)
    return Mean(len(x), centre, float(interval.low), float(interval.high), sd)


def difference(of: Sequence[float], against: Sequence[float], confidence: float = CONFIDENCE) -> Difference:
    """The paired difference ``of - against``, with its interval.

    Raises ``ValueError`` where the two are not equally long.
    """
    if len(of) != len(against):
        raise ValueError(f"pairs need as many values on both sides, not {len(of)} and {len(against)}")
    return difference_of(_finite(of) - _finite(against), confidence)


def difference_of(values: Sequence[float], confidence: float = CONFIDENCE) -> Difference:
    """The mean of differences, one a pair, with its interval."""
    x = _finite(values)
    return Difference(**vars(mean(x, confidence)), values=tuple(map(float, x)))


def power(effect: float, sd: float, n: int, alpha: float = ALPHA) -> float:
    """Chance that the interval of ``n`` pairs at confidence 1 - ``alpha`` leaves out 0 where the mean is ``effect``."""
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
    top = 2.0 * (stats.t.ppf(1 - alpha / 2, n - 1) + stats.norm.ppf(target) + 2.0)
    while _power(top, n - 1, alpha) < target:
        top *= 2.0
    shift = optimize.brentq(lambda value: _power(value, n - 1, alpha) - target, 0.0, top, xtol=1e-10)
    return float(shift * sd / math.sqrt(n))


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


def _sd(x: np.ndarray) -> float:
    """Sample standard deviation; a spread of mere rounding counts as none, NaN for a single value."""
    if len(x) == 1:
        return math.nan
    sd = float(x.std(ddof=1))
    return 0.0 if sd <= 1e-14 * float(np.abs(x).max()) else sd


def _power(shift: float, freedom: int, alpha: float) -> float:
    """Power at non-centrality ``shift`` >= 0. Past 30 the far tail is nothing, and scipy's ``nct`` turns unreliable.

    statsmodels' TTestPower is this formula without that care: it gives NaN for few pairs and large effects.
    """
    critical = stats.t.ppf(1 - alpha / 2, freedom)
    near = stats.nct.sf(critical, freedom, shift)
    far = stats.nct.cdf(-critical, freedom, shift) if shift < 30 else 0.0
    total = near + (0.0 if math.isnan(far) else far)
    return float(min(total, 1.0))
