"""How sure a number is: intervals, paired tests, correction for many tests, and what a test could have seen.

All intervals are 95 %, all tests two-sided at 5 % unless said otherwise. Values that are not finite are the caller's to
leave out: they raise ``ValueError`` here, so that a NaN never passes as a measurement.

One value has a mean and no interval: the bounds are NaN, and so are p and the minimum detectable effect. Values that
are all alike to rounding have an interval of no width, and their test is the limit of the t-test: p is 1 where the mean
is the hypothesised one and 0 elsewhere.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import optimize, stats

CONFIDENCE = 0.95
ALPHA = 0.05
POWER = 0.80
MOST_SEEDS = 10_000


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
    """A paired difference: its mean, interval and sd, and the p of the t-test against ``margin``."""

    margin: float
    p: float


def mean(values: Sequence[float]) -> Mean:
    """Mean with Student's t interval. Raises ``ValueError`` for no values or values that are not finite."""
    x = _finite(values)
    sd = _sd(x)
    half = stats.t.ppf((1 + CONFIDENCE) / 2, len(x) - 1) * sd / math.sqrt(len(x)) if len(x) > 1 else math.nan
    centre = float(x.mean())
    return Mean(len(x), centre, float(centre - half), float(centre + half), sd)


def difference(of: Sequence[float], against: Sequence[float], margin: float = 0.0) -> Difference:
    """Paired difference ``of - against`` and the two-sided paired t-test of "its mean is ``margin``".

    Raises ``ValueError`` where the two are not equally long.
    """
    if len(of) != len(against):
        raise ValueError(f"pairs need as many values on both sides, not {len(of)} and {len(against)}")
    pairs = _finite(of) - _finite(against)
    summary = mean(pairs)
    return Difference(**vars(summary), margin=margin, p=_p(summary, margin))


def holm(p: Sequence[float]) -> list[float]:
    """Holm's step-down adjustment, in the order given (Holm 1979). A NaN counts as 1: a test that could not be made."""
    raw = np.array([1.0 if math.isnan(value) else value for value in p])
    order = np.argsort(raw, kind="stable")
    stepped = np.maximum.accumulate(raw[order] * np.arange(len(raw), 0, -1))
    adjusted = np.empty_like(raw)
    adjusted[order] = np.minimum(stepped, 1.0)
    return [float(value) for value in adjusted]


def power(effect: float, sd: float, n: int, alpha: float = ALPHA) -> float:
    """Chance that a two-sided paired t-test of ``n`` pairs at ``alpha`` finds a true mean difference ``effect``."""
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


def _p(summary: Mean, margin: float) -> float:
    distance = abs(summary.mean - margin)
    if summary.n < 2:
        return math.nan
    if summary.sd == 0:
        return 1.0 if distance <= 1e-12 * max(1.0, abs(margin)) else 0.0
    return float(2 * stats.t.sf(distance / summary.sd * math.sqrt(summary.n), summary.n - 1))


def _power(shift: float, freedom: int, alpha: float) -> float:
    """Power at non-centrality ``shift`` >= 0. Past 30 the far tail is nothing, and scipy's ``nct`` turns unreliable."""
    critical = stats.t.ppf(1 - alpha / 2, freedom)
    near = stats.nct.sf(critical, freedom, shift)
    far = stats.nct.cdf(-critical, freedom, shift) if shift < 30 else 0.0
    total = near + (0.0 if math.isnan(far) else far)
    return float(min(total, 1.0))
