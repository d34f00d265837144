"""Numbers and names as a page prints them."""

import math
from collections.abc import Mapping, Sequence

from deeper.claims.metrics import DECADES, FRACTION, METRICS, Metric
from deeper.claims.statistics import MOST_SEEDS, Difference, Mean
from deeper.schema.study import Comparison

MINUS = "−"
DATA_NAMES = {"fashion_mnist": "Fashion-MNIST", "cifar10": "CIFAR-10", "cifar100": "CIFAR-100"}
COUNTS = ("parameters", "multiply-adds", "bytes")
EXPECTED = {"higher": "higher", "lower": "lower", "not_higher": "not higher", "not_lower": "not lower"}
EXPECTED_ALONE = {"higher": "above 0", "lower": "below 0", "not_higher": "not above 0", "not_lower": "not below 0"}


def number(value: float | None, decimals: int = 2, sign: bool = False) -> str:
    """``1234.5`` as ``1,234.50``; an en dash for a number that is not known."""
    if value is None or math.isnan(value):
        return "–"
    text = f"{value:{'+' if sign else ''},.{decimals}f}"
    return text.replace("-", MINUS) if float(text.replace(",", "")) else text.lstrip("+-")


def percent(summary: Mean | None) -> str:
    """An error with its interval, in percent: ``27.1 ± 1.2 %``; more decimals where it is small."""
    if summary is None:
        return "–"
    decimals = 1 if summary.mean >= 0.1 else 2
    mean = number(100 * summary.mean, decimals)
    if summary.n < 2:
        return f"{mean} %"
    return f"{mean} ± {number(100 * (summary.upper - summary.mean), decimals)} %"


def accuracy(error: Mean | None) -> str:
    """The accuracy that goes with an error, in percent: ``87.3 ± 0.4 %``."""
    if error is None:
        return "–"
    spread = f" ± {number(100 * (error.upper - error.mean), 1)}" if error.n > 1 else ""
    return f"{number(100 * (1 - error.mean), 1)}{spread} %"


def bytes_(summary: Mean | None) -> str:
    """An amount of memory: ``213 kB``."""
    return "–" if summary is None else f"{count(summary.mean)}B"


def seconds(summary: Mean | None) -> str:
    if summary is None:
        return "–"
    spread = f" ± {number(summary.upper - summary.mean, 1)}" if summary.n > 1 else ""
    return f"{number(summary.mean, 1)}{spread} s"


def count(value: float) -> str:
    """A large count in three figures: ``853 k``, ``125 M``."""
    for size, suffix in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if value >= size:
            scaled = value / size
            return f"{scaled:.{max(0, 2 - int(math.log10(scaled)))}f}{suffix}"
    return f"{value:.0f}"


def p_value(value: float) -> str:
    if math.isnan(value):
        return "–"
    if value < 0.0001:
        return "< 0.0001"
    return f"{value:.4f}" if value < 0.01 else f"{value:.3f}"


def unit(metric: Metric) -> str:
    """The unit of a difference."""
    return {FRACTION: "points", DECADES: "decades"}.get(metric.unit, metric.unit)


def amount(metric: Metric, value: float, sign: bool = False) -> str:
    """A difference of a metric without its unit, errors in percentage points."""
    decimals = 0 if metric.unit in COUNTS else 2
    return number(100 * value if metric.unit == FRACTION else value, decimals, sign)


def difference(metric: Metric, found: Difference | None, bare: bool = False) -> str:
    """``+43.64 points [+42.20, +45.08]``, ``bare`` without the unit; a count that never differs has no interval."""
    if found is None:
        return "not measured"
    text = amount(metric, found.mean, sign=True) + ("" if bare else f" {unit(metric)}")
    if found.n < 2 or (found.sd == 0 and metric.unit in COUNTS):
        return text
    return f"{text} [{amount(metric, found.lower, sign=True)}, {amount(metric, found.upper, sign=True)}]"


def expectation(comparison: Comparison) -> str:
    """``higher``, or ``not higher by 1.00 points or more``; ``above 0`` where an arm is compared with no other."""
    words = (EXPECTED if comparison.against else EXPECTED_ALONE)[comparison.expect]
    if comparison.expect in ("higher", "lower"):
        return words
    metric = METRICS[comparison.metric]
    return f"{words} by {amount(metric, comparison.margin)} {unit(metric)} or more"


def seeds(values: tuple[int, ...] | list[int]) -> str:
    """``seed 3``, ``seeds 0, 1 and 4``."""
    names = [str(value) for value in values]
    if len(names) == 1:
        return f"seed {names[0]}"
    return f"seeds {', '.join(names[:-1])} and {names[-1]}"


def plural(n: int, word: str) -> str:
    return f"{n} {word}" if n == 1 else f"{n:,} {word}s"


def listed(words: Sequence[str]) -> str:
    """``images``, ``images and epochs``, ``images, epochs and batches``."""
    return " and ".join(filter(None, (", ".join(words[:-1]), *words[-1:])))


def duration(value: float) -> str:
    """Seconds as a reader takes them in: ``41 s``, ``12 minutes``, ``3.4 hours``."""
    if value < 90:
        return f"{value:.0f} s"
    return f"{value / 60:.0f} minutes" if value < 5400 else f"{value / 3600:,.1f} hours"


def needed(value: int | None) -> str:
    return f"more than {MOST_SEEDS:,}" if value is None else f"{value:,}"


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
    if isinstance(value, list):
        return f"[{', '.join(map(setting, value))}]"
    if isinstance(value, bool):
        return "on" if value else "off"
    return str(value)


def cell(value: object) -> str:
    """Text that stands in one cell of a table."""
    return " ".join(str(value).split()).replace("|", "\\|")
