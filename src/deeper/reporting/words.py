"""The one formatter: every number, interval, list and setting as a page prints it. Numbers are carried, and said here.

``–`` stands for what is not known.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from deeper.claims.metrics import DECADES, FRACTION, METRICS, RATIO, Metric
from deeper.claims.statistics import Mean
from deeper.schema.study import Comparison

MINUS = "−"
NONE = "–"
DATA_NAMES = {"fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
COUNTS = ("parameters", "multiply-adds", "bytes")
UNITS = {FRACTION: "points", DECADES: "decades", RATIO: "%"}  # of a difference
EXPECTED = {
    "higher": "higher",
    "lower": "lower",
    "not_higher": "not higher",
    "not_lower": "not lower",
    "alike": "alike",
}
EXPECTED_ALONE = {
    "higher": "above 0",
    "lower": "below 0",
    "not_higher": "not above 0",
    "not_lower": "not below 0",
    "alike": "about 0",
}
LARGE = ((1e9, " G"), (1e6, " M"), (1e3, " k"))


def number(value: float | None, decimals: int = 2, sign: bool = False) -> str:
    """``1234.5`` as ``1,234.50``."""
    if value is None or math.isnan(value):
        return NONE
    value = round(value, decimals + 6)  # so that a mean of differences and a difference of means are rounded alike
    text = f"{value:{'+' if sign else ''},.{decimals}f}"
    return text.replace("-", MINUS) if float(text.replace(",", "")) else text.lstrip("+-")


def percent(mean: Mean | None) -> str:
    """An error with its interval: ``27.1 ± 1.2 %``; more decimals where it is small."""
    return NONE if mean is None else _with_interval(mean, 1 if mean.mean >= 0.1 else 2, "%", 100)


def accuracy(error: Mean | None) -> str:
    """The accuracy that goes with an error: ``87.3 ± 0.4 %``."""
    if error is None:
        return NONE
    spread = f" ± {number(100 * (error.upper - error.mean), 1)}" if error.has_interval else ""
    return f"{number(100 * (1 - error.mean), 1)}{spread} %"


def seconds(mean: Mean | None) -> str:
    """``17.0 ± 0.8 s``."""
    return NONE if mean is None else _with_interval(mean, 1, "s")


def measured(mean: Mean | None, unit: str) -> str:
    """A mean of any unit in three figures: ``27.1 ± 1.2 %`` for a fraction, ``3.42 ± 0.05 ms``.

    A count that is the same for every seed (``853 k``) has no interval.
    """
    if mean is None or unit == FRACTION:
        return percent(mean)
    size, unit = abs(mean.mean), UNITS.get(unit, unit)
    if size >= 1000 and not mean.sd > 0:
        return f"{count(mean.mean)} {unit}".rstrip()
    return _with_interval(mean, min(6, max(0, 2 - math.floor(math.log10(size)))) if size else 2, unit)


def no_interval(found: Mean) -> str:
    """Why a mean stands alone."""
    return "one seed" if found.n < 2 else f"no interval, {found.n} seeds"


def count(value: float) -> str:
    """A large count in three figures: ``853 k``, ``125 M``."""
    for size, suffix in LARGE:
        if value >= size:
            scaled = value / size
            return f"{scaled:.{max(0, 2 - int(math.log10(scaled)))}f}{suffix}"
    return f"{value:.0f}"


def memory(mean: Mean | None) -> str:
    """``213 kB``."""
    return NONE if mean is None else f"{count(mean.mean)}B"


def size(value: float) -> str:
    """Bytes on a disk: ``213 kB``, ``48 B``."""
    return f"{count(value)}B" if value >= 1000 else f"{value:.0f} B"


def mark(value: float, sign: bool = False) -> str:
    """A number at an axis: ``20 k``; with ``sign`` ``+0.5``, ``−200 k``."""
    size, suffix = next((step for step in LARGE if abs(value) >= step[0]), (1.0, ""))
    before = MINUS if value < 0 else "+" if value > 0 and sign else ""
    return f"{before}{abs(value) / size:g}{suffix}"


def duration(value: float) -> str:
    """Seconds as a reader takes them in: ``41 s``, ``12 minutes``, ``3.4 hours``."""
    if value < 90:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} minutes" if value < 5400 else f"{value / 3600:,.1f} hours"


def unit(metric: Metric) -> str:
    """The unit of a difference."""
    return UNITS.get(metric.unit, metric.unit)


def amount(metric: Metric, value: float, sign: bool = False) -> str:
    """A difference of a metric without its unit, errors in percentage points."""
    decimals = 0 if metric.unit in COUNTS else 2
    return number(metric.shown(value), decimals, sign)


def difference(metric: Metric, value: Mean | None, bare: bool = False) -> str:
    """``+43.64 points [+42.20, +45.08]``, ``bare`` without the unit."""
    if value is None:
        return "not measured"
    mean = amount(metric, value.mean, sign=True) + ("" if bare else f" {unit(metric)}")
    if not value.has_interval:
        return mean
    return f"{mean} [{amount(metric, value.lower, sign=True)}, {amount(metric, value.upper, sign=True)}]"


def points(value: Mean | None) -> str:
    """A difference of fractions to a tenth of a point: ``+25.4 [+23.1, +27.7]``."""
    if value is None:
        return NONE
    mean, *bounds = (number(100 * end, 1, sign=True) for end in (value.mean, value.lower, value.upper))
    return f"{mean} [{bounds[0]}, {bounds[1]}]" if value.has_interval else mean


def expectation(comparison: Comparison, with_region: bool = True) -> str:
    """``higher``, or ``not higher by 1.00 points or more``; ``above 0`` where an arm is compared with no other.

    A region of practical equivalence is named where there is one: ``lower (±0.50 points do not matter)``.
    """
    words = (EXPECTED if comparison.against else EXPECTED_ALONE)[comparison.expect]
    metric = METRICS[comparison.metric]
    if comparison.expect == "alike":
        return f"{words}, within ±{amount(metric, comparison.region)} {unit(metric)}"
    if comparison.margin is not None:
        margin = amount(metric, comparison.border, sign=True).lstrip(
            f"+{MINUS}"
        )  # a ratio's is another on either side of 1
        words += f" by {margin} {unit(metric)} or more"
    if comparison.region is not None and with_region:
        words += f" (±{amount(metric, comparison.region)} {unit(metric)} do not matter)"
    return words


def arms(comparison: Comparison, label: Callable[[str], str]) -> str:
    """``Plain-56 − Plain-20``, ``(A − B) − 0.1 × (C − D)``; one name where an arm is compared with no other."""
    of, *against = map(label, comparison.pair)
    words = f" {MINUS} ".join((of, *against))
    if (minus := comparison.minus) is None:
        return words
    share = "" if minus.share == 1 else f"{minus.share:g} × "
    return f"({words}) {MINUS} {share}({label(minus.of)} {MINUS} {label(minus.against)})"


def plural(n: int, word: str, words: str = "") -> str:
    """``1 seed``, ``1,200 seeds``, ``2 studies``."""
    return f"{n:,} {word if n == 1 else words or word + 's'}"


def listed(words: Sequence[Any]) -> str:
    """``images``, ``images and epochs``, ``images, epochs and batches``."""
    words = [str(word) for word in words]
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def seeds(values: Sequence[int]) -> str:
    """``seed 3``, ``seeds 0, 1 and 4``."""
    return f"{'seed' if len(values) == 1 else 'seeds'} {listed(values)}"


def several(values: Sequence[Any], shown: Callable[[Any], str] = lambda value: f"{value:,}") -> str:
    """Sorted values, every one or the range: ``4``, ``4 and 8``, ``4 to 16``."""
    if len(values) > 2 and not isinstance(values[0], str):
        return f"{shown(values[0])} to {shown(values[-1])}"
    return " and ".join(map(shown, values))


def data_name(name: str) -> str:
    return DATA_NAMES.get(name, name)


def sentence(clause: str) -> str:
    """A clause with its first letter as a sentence has it."""
    return clause[:1].upper() + clause[1:]


def settings(values: Mapping[str, object]) -> str:
    """A recipe in a line: ``epochs 8, optimizer SGD (momentum 0.9)``, classes by their bare names."""
    return ", ".join(f"{key} {setting(value)}" for key, value in values.items() if not key.startswith("_"))


def setting(value: object) -> str:
    """One value of a recipe."""
    if isinstance(value, Mapping):
        return f"{str(value.get('_target_', '')).rpartition('.')[2]} ({settings(value)})".lstrip()
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(setting, value))}]"
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def cell(value: object) -> str:
    """Text that stands in one cell of a Markdown table."""
    return " ".join(str(value).split()).replace("|", "\\|")


def _with_interval(mean: Mean, decimals: int, unit: str, scale: float = 1) -> str:
    spread = f" ± {number(scale * (mean.upper - mean.mean), decimals)}" if mean.has_interval else ""
    return f"{number(scale * mean.mean, decimals)}{spread} {unit}".rstrip()
