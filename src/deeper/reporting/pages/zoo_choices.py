"""Which network to take: for how many operations that of the least error, and how soon each gets to an error."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from deeper.claims.statistics import Mean
from deeper.reporting import words
from deeper.reporting.arm_results import ArmResults
from deeper.reporting.pages.claim_rows import dots
from deeper.reporting.pages.study import ShownTable, StudyPage
from deeper.reporting.study_scale import scale_of
from deeper.reporting.time_to_target import TimeToTarget, level_of, time_to
from deeper.schema.baselines import LOGISTIC, Baselines

STEPS = (1, 2, 5)  # of budgets, times powers of ten


@dataclass(frozen=True)
class Choice:
    """What a budget buys.

    Attributes:
        budget: multiply-adds of one image.
        best: the arm of the least mean test error within the budget.
        cheapest: of the cheaper arms whose mean error lies within the interval of ``best`` the cheapest; None if none
            does, or where ``best`` has no interval.
    """

    budget: int
    best: ArmResults
    cheapest: ArmResults | None


def choices(arms: Sequence[ArmResults]) -> list[Choice]:
    """A choice for each budget from the cheapest network's to the one from which on more operations buy nothing."""
    known = sorted((arm for arm in arms if arm.means["test_error"] and arm.means["macs"]), key=_macs)
    found = [_choice(budget, known) for budget in _budgets(_macs(known[0]), _macs(known[-1]))] if known else []
    while len(found) > 1 and found[-1].best is found[-2].best:
        found.pop()
    return found


def _choice(budget: int, known: Sequence[ArmResults]) -> Choice:
    within = [arm for arm in known if _macs(arm) <= budget]
    best = min(within, key=lambda arm: arm.means["test_error"].mean)
    error = best.means["test_error"]
    as_good = [arm for arm in within if _macs(arm) < _macs(best) and arm.means["test_error"].mean <= error.upper]
    return Choice(budget, best, as_good[0] if error.has_interval and as_good else None)


def _budgets(least: float, most: float) -> Iterator[int]:
    power = 1
    while True:
        for budget in (step * power for step in STEPS):
            if budget >= least:
                yield budget
            if budget >= most:
                return
        power *= 10


def _macs(arm: ArmResults) -> float:
    return arm.means["macs"].mean


def tables(page: StudyPage, baselines: Baselines | None = None) -> list[ShownTable]:
    """The budgets, and how soon, of a page of many networks; without what nothing is known of."""
    level = level_of(page.arms)
    bought, soon = of_budgets(page, baselines), None if level is None else _of_times(page, level)
    return [table for table in (bought, soon) if table]


def of_budgets(page: StudyPage, baselines: Baselines | None = None) -> ShownTable | None:
    """What budgets buy, with logistic regression on the same pixels; None where no network has an error."""
    bought = choices(page.arms)
    if not bought:
        return None
    pixels = _logistic(page, baselines or Baselines())
    rows = [
        (
            words.mark(one.budget) + (" or more" if one is bought[-1] else ""),
            [
                _named(page, one.best),
                _beside(one.best.means["test_error"], pixels),
                words.count(_macs(one.best)),
                _cheapest(page, one.cheapest),
            ],
        )
        for one in bought
    ]
    if pixels is not None:
        rows.append(("none: a classifier of pixels", ["logistic regression", _percent(pixels), words.NONE, words.NONE]))
    return ShownTable(
        "Which network for how many operations",
        f"{dots(page.results.table.profile)} {page.scale.brief(data=False)}.",
        ("the least test error", "test error", "needs", "cheapest within its interval"),
        rows,
        "multiply-adds, up to",
    )


def _logistic(page: StudyPage, baselines: Baselines) -> float | None:
    """Test error of logistic regression on the pixels that all networks of the page see, where it was computed."""
    places = {page.results.table.pixels(row) for row in page.results.rows}
    return baselines.test_error(LOGISTIC, *places.pop()) if len(places) == 1 else None


def _beside(error: Mean, pixels: float | None) -> str:
    """An error, and that it is no better than a classifier of pixels where that is so."""
    loses = pixels is not None and error.mean >= pixels
    return words.percent(error) + (", no less than logistic regression" if loses else "")


def _percent(error: float) -> str:
    return f"{words.number(100 * error, 1)} %"


def _named(page: StudyPage, arm: ArmResults) -> str:
    """An arm's label; with its epochs where not all have as many."""
    if len(page.scale.epochs) < 2 or "epoch" in arm.label:
        return arm.label
    epochs = scale_of(page.results, arm.rows).epochs
    return f"{arm.label} ({words.several(epochs)} epochs)"


def _cheapest(page: StudyPage, arm: ArmResults | None) -> str:
    if arm is None:
        return words.NONE
    return f"{_named(page, arm)}, {words.percent(arm.means['test_error'])}, {words.count(_macs(arm))}"


def _of_times(page: StudyPage, level: float) -> ShownTable:
    timed = len(page.results.processors()) == 1
    found = [(arm, time_to(arm, level, timed)) for arm in page.arms]
    found.sort(key=lambda one: (-one[1].reached / one[1].seeds, one[1].epochs.mean if one[1].epochs else 0))
    shown = f"{100 * level:.0f} %"
    return ShownTable(
        f"How soon a validation error of {shown}",
        "",
        ("epochs", "training time", "seeds that get there"),
        [(arm.label, _soon(time)) for arm, time in found],
    )


def _soon(time: TimeToTarget) -> list[str]:
    epochs = words.number(time.epochs.mean, 1) if time.epochs else words.NONE
    return [epochs, words.seconds(time.seconds), f"{time.reached} of {time.seeds}"]
