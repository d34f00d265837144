"""Everything that one page shows, from the results of its study: facts and numbers; the templates place them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.claims import budgets
from deeper.claims.family import planned_seeds
from deeper.claims.metrics import FRACTION, METRICS, at
from deeper.claims.statistics import FEW, NO_LIMITS, PERCENTAGE
from deeper.claims.verdicts import Outcome, Verdict, measure
from deeper.reporting import words
from deeper.reporting.arm_results import ArmResults, curve, is_stuck, mean_of
from deeper.reporting.arm_settings import BY_ARM, differs, recipe
from deeper.reporting.load import StudyResults
from deeper.reporting.pages.verdict_words import counted
from deeper.reporting.published_numbers import PublishedNumber
from deeper.reporting.replication import Replication
from deeper.reporting.study_scale import StudyScale, scale_of
from deeper.schema.results import DRAWN_BY_SEED, RECORD, Environment, measured_with
from deeper.schema.study import ArmTable, Budget, Comparison, Study

LONG = 16  # rows of a table that is shown whole
LEADING = ("error-by-cell", "error-by-networks-averaged", "error-without-a-block")  # show more than the comparisons


@dataclass(frozen=True)
class ShownTable:
    """A table that the study asks for; ``rows`` are pairs of an arm's label, or what ``first`` says, and its cells."""

    title: str
    says: str
    heads: Sequence[str]
    rows: Sequence[tuple[str, Sequence[str]]]
    first: str = "network"

    @property
    def is_long(self) -> bool:
        """Whether a page shows it folded."""
        return len(self.rows) > LONG


@dataclass(frozen=True)
class BudgetRow:
    """What an arm spends of a budget; ``deviation`` from the first arm is a fraction, None for the first itself."""

    budget: Budget
    label: str
    number: int
    deviation: float | None

    @property
    def cost(self) -> str:
        """``parameters, within 2.0 %``."""
        return f"{METRICS[self.budget.metric].label}, within {words.number(100 * self.budget.within, 1)} %"

    @property
    def is_exceeded(self) -> bool:
        return self.deviation is not None and abs(self.deviation) > self.budget.within


@dataclass(frozen=True)
class StudyPage:
    """A page's facts.

    Attributes:
        charts: files by name, ``<chart>-<theme>.svg``.
        differing: what sets each arm apart besides its network, by arm; empty where nothing does.
        limits: sentences on what cannot be told from this, without the study's own remarks.
        divergence: sentences on diverged trials.
        replications: what other machines measured of the same trials.
    """

    results: StudyResults
    arms: Sequence[ArmResults]
    verdicts: Sequence[Verdict]
    charts: Mapping[str, bytes]
    published: Sequence[PublishedNumber]
    scale: StudyScale
    differing: Mapping[str, str]
    tables: Sequence[ShownTable]
    budgets: Sequence[BudgetRow]
    limits: Sequence[str]
    divergence: Sequence[str]
    replications: Sequence[Replication]

    @property
    def name(self) -> str:
        return self.results.name

    @property
    def study(self) -> Study:
        return self.results.study

    @property
    def seeds(self) -> list[int]:
        return sorted({row.seed for row in self.results.rows})

    @property
    def seeds_words(self) -> str:
        """``5 seeds``, ``3 and 5 seeds (by arm)``, ``4 of 8 planned seeds``: of the arms that are trained."""
        counts = sorted({len(arm.rows) for arm in self.arms if not arm.average})
        by_arm = f" ({BY_ARM})" if len(counts) > 1 else ""
        planned = planned_seeds(self.name, self.results.table.profile)
        if counts and max(counts) < planned:
            return f"{words.several(counts)} of {planned} planned seeds{by_arm}"
        return f"{words.several(counts)} {'seed' if counts == [1] else 'seeds'}{by_arm}"

    @property
    def is_repeated(self) -> bool:
        """Whether any arm has several seeds."""
        return any(len(arm.rows) > 1 for arm in self.arms)

    @property
    def together(self) -> str:
        """``all 87 comparisons of the ledger with this profile``: what the intervals are simultaneous over."""
        size = max(one.family for one in self.verdicts)
        if size == 1:
            return "the only comparison"
        whose = "this study" if set(self.study.claims) <= set(self.study.statements) else "the ledger"
        return f"all {size} comparisons of {whose}{' with this profile' if whose == 'the ledger' else ''}"

    @property
    def averaged(self) -> list[ArmResults]:
        """Arms that average the networks of others."""
        return [arm for arm in self.arms if arm.average]

    @property
    def arms_by_epoch(self) -> int:
        """How many arms the figure of errors by epoch shows."""
        return sum(bool(curve(arm.rows, "train_error")) for arm in self.arms)

    @property
    def beside_the_claims(self) -> list[Outcome]:
        """Test error of each arm that no claim compares, minus that of the arm which it is a variant of.

        A variant's name begins with that arm's: ``vgg_bn`` is one of ``vgg``. Nothing hangs on these differences.
        """
        named = {arm for one in self.outcomes for arm in one.comparison.arms}
        against = {one.comparison.against for one in self.outcomes} - {None}
        family = max((one.family for one in self.verdicts), default=1)
        pairs = [
            (arm.name, base)
            for arm in self.arms
            if arm.name not in named
            for base in against
            if arm.name.startswith(f"{base}_")
        ]
        tests = [Comparison(metric="test_error", of=of, against=base, expect="lower") for of, base in pairs]
        return [measure(one, self.results.rows, family) for one in tests]

    @property
    def has_arms_alone(self) -> bool:
        """Whether a comparison is of one arm with 0 or a margin."""
        return any(outcome.comparison.against is None for answer in self.verdicts for outcome in answer.outcomes)

    @property
    def has_its_own_figure(self) -> bool:
        """Whether there is a figure that shows more of the answer than the comparisons do."""
        return self.results.page != "study" or any(map(self.has, LEADING))

    @property
    def recipe(self) -> Mapping[str, Any]:
        return recipe(self.results)

    @property
    def finished(self) -> str:
        """Days of the first and the last trial's end."""
        days = sorted({row.finished_at[:10] for row in self.results.rows if row.finished_at})
        return " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "unknown"

    @property
    def is_of_published_data(self) -> bool:
        """Whether all published numbers are of the data set of this study."""
        return {number.data for number in self.published} == set(map(words.data_name, self.scale.data))

    @property
    def is_smaller(self) -> bool:
        """Whether the study's images are fewer or smaller than the set's."""
        return self.results.table.profile != "full"

    @property
    def measured_with(self) -> str:
        return measured_with(self.results.environments())

    @property
    def outcomes(self) -> list[Outcome]:
        """Every comparison once, whatever claims it decides."""
        return list({one.comparison: one for answer in self.verdicts for one in answer.outcomes}.values())

    def has(self, chart: str) -> bool:
        return f"{chart}-light.svg" in self.charts

    def answers(self, verdict: str) -> list[Verdict]:
        return [answer for answer in self.verdicts if answer.verdict == verdict]

    def scale_of(self, answer: Verdict, data: bool) -> str:
        """The scale of a claim: that of the arms which it compares; ``data``: with the data set's name and profile."""
        compared = {arm for outcome in answer.outcomes for arm in outcome.comparison.arms}
        compared |= {arm.average.of for arm in self.averaged if arm.name in compared}
        rows = [row for row in self.results.rows if row.arm in compared]
        said = f"{scale_of(self.results, rows).brief(data)}, {counted(self.results, answer)}"
        return f"{said}, profile {self.results.table.profile}" if data else said

    def beside(self, number: PublishedNumber) -> str:
        """What the arm that a published number stands beside measured here."""
        arm = next((arm for arm in self.arms if arm.name == number.arm), None)
        return f"{arm.label}: {words.percent(arm.means['test_error'])}" if arm else words.NONE

    @property
    def file(self) -> str:
        """The study's file, from the root of the repository."""
        return f"conf/study/{self._place}.yaml"

    @property
    def command(self) -> str:
        """The command that runs the study again, beside the committed results where it can."""
        if self.results.page == "calibration":
            verb = "transfer" if self.results.table.targets else "train"
            return f"python -m deeper.{verb} --multirun study={self._place} profile={self.results.table.profile}"
        return f"make study STUDY={self._place}"

    @property
    def _place(self) -> str:
        return f"{RECORD}/{self.name}" if self.results.table.profile == RECORD else self.name

    @property
    def decided(self) -> list[tuple[str, str]]:
        """What the study's author had to choose: by claim, what its borders are taken from; and equal budgets."""
        borders = [(f"borders of `{one.claim}`", one.test.why) for one in self.verdicts if one.test.is_declared]
        equal = [(METRICS[one.metric].label, one) for one in self.study.budgets]
        words_of = [
            (f"equal {label}", f"{words.listed([self.study.label(arm) for arm in one.arms])}, within {one.within:.1%}")
            for label, one in equal
        ]
        return borders + words_of


def build(
    results: StudyResults,
    arms: Sequence[ArmResults],
    verdicts: Sequence[Verdict],
    charts: Mapping[str, bytes],
    published: Sequence[PublishedNumber],
    replications: Sequence[Replication] = (),
) -> StudyPage:
    """The facts of a page."""
    scale = scale_of(results)
    return StudyPage(
        results,
        arms,
        verdicts,
        charts,
        published,
        scale,
        differing={arm.name: differs(results, arm.rows) for arm in arms} if results.varying else {},
        tables=shown_tables(results.study, arms),
        budgets=[row for budget in results.study.budgets for row in _budget(budget, arms)],
        limits=_limits(results, scale, arms),
        divergence=[_divergence(arm) for arm in arms if arm.diverged],
        replications=replications,
    )


def machine(environment: Environment) -> str:
    """Processor, cores, memory, GPUs and system; a host's name is not among them."""
    facts = environment.machine
    parts = (
        facts.get("cpu"),
        words.plural(facts["cores"], "core") if facts.get("cores") else None,
        f"{words.number(facts['memory_gib'], 0)} GiB" if facts.get("memory_gib") else None,
        ", ".join(map(str, facts.get("gpus") or [])) or "no GPU",
        facts.get("os"),
    )
    return ", ".join(part for part in parts if part)


def shown_tables(study: Study, arms: Sequence[ArmResults]) -> list[ShownTable]:
    """The tables of a study that have any rows, in its order."""
    return [table for spec in study.tables if (table := _table(spec, arms)).rows]


def _table(spec: ArmTable, arms: Sequence[ArmResults]) -> ShownTable:
    """Means over seeds; arms that have none of the numbers are left out."""
    if spec.by is not None:
        names = next((list(row.scores.class_errors) for arm in arms for row in arm.rows if row.scores), [])
        columns = [(name, FRACTION, _class_reader(name), PERCENTAGE) for name in names]
    elif spec.metrics is not None:
        columns = [(m.label, m.unit, m, m.limits) for m in (METRICS[name] for name in spec.metrics)]
    else:
        of_all, unit = spec.columns.items(), spec.unit or ""
        limits = PERCENTAGE if unit == FRACTION else NO_LIMITS
        columns = [(head, unit, _probe_reader(spec.probe, path), limits) for path, head in of_all]
    means = {arm.label: [mean_of(map(read, arm.rows), within) for *_, read, within in columns] for arm in arms}
    units = ["" if unit == head else unit for head, unit, *_ in columns]
    rows = [(label, list(map(words.measured, found, units))) for label, found in means.items() if any(found)]
    return ShownTable(spec.title, spec.says or "", [head for head, *_ in columns], rows)


def _probe_reader(probe: str, path: str):
    steps = [int(step) if step.lstrip("-").isdigit() else step for step in path.split(".")]
    return lambda row: at(row.probes[probe].value, steps) if probe in row.probes else None


def _class_reader(name: str):
    return lambda row: row.scores.class_errors.get(name) if row.scores else None


def _budget(budget: Budget, arms: Sequence[ArmResults]) -> list[BudgetRow]:
    """A row for each arm of a budget whose arms all have trials."""
    measured = {arm.name: arm for arm in arms}
    if not set(budget.arms) <= set(measured):
        return []
    shares = budgets.shares(budget, {name: dict(measured[name].rows[0].cost) for name in budget.arms})
    return [
        BudgetRow(budget, measured[share.arm].label, share.number, share.deviation if place else None)
        for place, share in enumerate(shares)
    ]


def _divergence(arm: ArmResults) -> str:
    """An arm's diverged trials and why they are called so, each reason once."""
    seeds: dict[str, list[int]] = {}
    for row in arm.diverged:
        seeds.setdefault(row.reason or "no reason recorded", []).append(row.seed)
    reasons = [f"{words.seeds(own)} ({reason})" for reason, own in seeds.items()]
    what = "did not learn" if all(map(is_stuck, arm.diverged)) else "diverged"
    return f"{arm.label} {what} with {', '.join(reasons)}. Their errors count like any other."


def _limits(results: StudyResults, scale: StudyScale, arms: Sequence[ArmResults]) -> list[str]:
    """What no study of this kind can tell: another scale, how much is chance, which intervals are not told."""
    epochs = f" of {scale.epochs_words}" if scale.epochs else ""
    but = ", but for what the arms differ in" if results.varying else ""
    where = f"{scale.data_words} at {scale.pixels_words} with {scale.images_words}"
    limits = [f"Another scale: this is {where}, under one recipe{epochs}{but}."]
    counts = sorted({len(results.table.rows(arm)) for arm in results.table.arms if not results.is_averaged(arm)})
    if counts == [1]:
        limits.append("Chance: 1 seed an arm tells nothing of other initial weights, orders of the images, or images.")
    elif counts:
        seeds = f"{words.several(counts)} seeds an arm"
        if results.table.profile in DRAWN_BY_SEED:
            varied = "the initial weights, the order of the images and which images are trained on"
        else:
            of_each = " of each size" if len(scale.images) > 1 else ""
            varied = f"the initial weights and the order of the images, on one and the same training set{of_each}"
        limits.append(f"Chance: {seeds} vary {varied}.")
    if any(mean.n > 1 and not mean.has_interval for arm in arms for mean in arm.means.values() if mean):
        limits.append(f"A percentage of fewer than {FEW} seeds has no interval where it would run past 0 or 100 %.")
    return limits
