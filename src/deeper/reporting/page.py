"""Everything that one page shows, from the results of its study."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from deeper.claims.verdicts import Verdict
from deeper.reporting import (
    answers,
    averaging_figure,
    budget_table,
    calibration,
    definitions,
    figures,
    forest,
    landscape,
    network_table,
    notes,
    published,
    scale,
    tables,
    text,
    transfer_page,
)
from deeper.reporting.records import Results
from deeper.reporting.summary import Arm

LEADING = (*averaging_figure.FIGURES, *(one for one in figures.FIGURES if one[0] == "error-without-a-block"))
PARTS = {
    "images": ("data.", "augment."),
    "epochs": ("training.epochs",),
    "batches": ("training.batch_size",),
    "schedule": ("schedule.",),
    "precision": ("trainer.precision",),
}  # of a recipe, and how the names of their settings begin


@dataclass(frozen=True)
class Study:
    """Everything that one page shows."""

    results: Results
    arms: Sequence[Arm]
    verdicts: Sequence[Verdict]
    figures: Mapping[str, bytes]
    published: Sequence[published.Figure]

    @property
    def name(self) -> str:
        return self.results.name

    @property
    def page(self) -> str:
        return self.results.page

    @property
    def place(self) -> str:
        """Data and profile: ``Fashion-MNIST, profile `pocket```."""
        return f"{self.scale.data_words()}, profile `{self.results.content['profile']}`"

    def transfer(self, elsewhere: Mapping[str, str]) -> transfer_page.TransferPage:
        """What a page on transfer learning shows more; ``elsewhere`` as there."""
        return transfer_page.TransferPage(self.results, self.arms, self.published, elsewhere)

    @property
    def ranking(self) -> list[landscape.Rank]:
        costs = [cost for cost in landscape.COSTS if self.one_processor or cost != landscape.NAMES["time"]]
        return landscape.ranking(self.arms, costs)

    @property
    def one_processor(self) -> bool:
        """Whether all trials ran on the same kind of processor, so that their times compare."""
        return len(self.results.processors()) < 2

    @property
    def networks(self) -> list[network_table.Network]:
        """What the arms' networks are, where arms name one."""
        return network_table.of(self.results.study, self.arms)

    def published_for(self, arm: Arm) -> str:
        """Accuracies that others published of an arm's architecture."""
        found = [row for row in self.published if row.arm == arm.name and row.accuracy]
        return ", ".join(f"{row.accuracy} ({row.network})" for row in found) or "–"

    def against_published(self) -> str:
        """Which networks are more accurate than all the published ones beside them, and which are not."""
        sides: dict[bool, list[str]] = {True: [], False: []}
        for arm in self.arms:
            found = [row for row in self.published if row.arm == arm.name and row.accuracy]
            error = arm.means["test_error"]
            if found and error is not None:
                best = max(found, key=lambda row: float(row.accuracy.split()[0]))
                more = 100 * (1 - error.mean) > float(best.accuracy.split()[0])
                sides[more].append(f"{arm.label} {text.accuracy(error)} ({best.network}, {best.accuracy})")
        if not any(sides.values()):
            return ""
        more, less = ("; ".join(sides[side]) or "none" for side in (True, False))
        return f"More accurate than the published network beside it: {more}. Not more: {less}."

    @property
    def published_here(self) -> bool:
        """Whether all published numbers are of the data set of this study."""
        return bool(self.published) and {row.data for row in self.published} == set(
            map(text.data_name, self.scale.data)
        )

    @property
    def smaller(self) -> bool:
        """Whether the study's images are fewer or smaller than the set's."""
        return self.results.content["profile"] != "full"

    @property
    def definitions(self) -> list[str]:
        """What the metrics that were compared are, where their names do not say it."""
        return definitions.of(self.verdicts)

    @property
    def remarks(self) -> list[str]:
        """What the study's file says that its page must say."""
        return list(self.results.study.get("remarks") or [])

    @property
    def same_for_all(self) -> str:
        """Parts of the recipe that no trial has otherwise: ``images, epochs, batches, schedule and precision``."""
        varying = scale.varying(self.results.content["trials"])
        return text.listed([part for part, names in PARTS.items() if not any(one.startswith(names) for one in varying)])

    @property
    def own_parts(self) -> bool:
        """Whether any trial has anything but its network and its learning rate for itself."""
        return bool(scale.varying(self.results.content["trials"]) - {"optimizer.lr"})

    @property
    def one_rate(self) -> bool:
        """Whether all trials have the same learning rate."""
        return not any("optimizer.lr" in trial.get("settings", {}) for trial in self.results.content["trials"])

    @property
    def repeated(self) -> bool:
        """Whether any arm has several seeds."""
        return any(len(arm.trials) > 1 for arm in self.arms)

    @property
    def tables(self) -> list[tables.Table]:
        """Tables that the study asks for."""
        return tables.tables(self.results.table.study, self.arms)

    @property
    def budgets(self) -> list[budget_table.Row]:
        return budget_table.rows(self.results, self.arms)

    @property
    def calibration(self) -> calibration.Table:
        return calibration.table(self.results)

    @property
    def data(self) -> Mapping[str, Any]:
        return self.results.content["data"]

    @property
    def scale(self) -> scale.Scale:
        return scale.of(self.results, self.results.content["trials"])

    def scale_of(self, answer: Verdict, data: bool) -> str:
        """The scale of a claim: that of the arms which it compares; ``data``: with the data set's name and profile."""
        compared = {arm for outcome in answer.outcomes for arm in (outcome.comparison.of, outcome.comparison.against)}
        sources = {arm.average["of"] for arm in self.averaged if arm.name in compared}
        trials = [trial for arm in sorted((compared | sources) - {None}) for trial in self.results.trials(arm)]
        words = f"{scale.of(self.results, trials).brief(data)}, {self.counted(answer)}"
        return f"{words}, profile {self.results.content['profile']}" if data else words

    @property
    def differing(self) -> Mapping[str, str]:
        """What sets each arm apart besides its network, by arm; empty where nothing does."""
        if not scale.varying(self.results.content["trials"]):
            return {}
        return {arm.name: scale.differs(self.results, arm.trials) for arm in self.arms}

    @property
    def recipe(self) -> Mapping[str, Any]:
        return scale.recipe(self.results)

    @property
    def seeds(self) -> list[int]:
        return sorted({trial["seed"] for trial in self.results.content["trials"]})

    @property
    def seeds_words(self) -> str:
        """``5 seeds``, ``3 and 5 seeds (by arm)``: of the arms that are trained."""
        counts = sorted({len(arm.trials) for arm in self.arms if not arm.average})
        by_arm = f" ({scale.BY_ARM})" if len(counts) > 1 else ""
        return f"{scale.several(counts)} {'seed' if counts == [1] else 'seeds'}{by_arm}"

    @property
    def has_its_own_figure(self) -> bool:
        """Whether there is a figure that shows more of the answer than the comparisons do."""
        return self.page != "study" or any(self.has(name) for name, *_ in LEADING)

    def differences(self) -> str:
        """What a figure's alternative text says of the comparisons."""
        rows = forest.lines(self.verdicts, self.results.label)
        return "; ".join(f"{' '.join(row.name.split())} {row.words}, {row.outcome.direction}" for row in rows)

    def counted(self, answer: Verdict) -> str:
        return answers.counted(self.results, answer)

    def finding(self, answer: Verdict) -> str:
        return answers.finding(self.results, answer)

    def effect(self, answer: Verdict) -> str:
        """The deciding difference of a claim: ``training error +41.13 points [+34.62, +47.64], expected higher``."""
        return f"{forest.Line('', answer.deciding).words}, expected {text.expectation(answer.deciding.comparison)}"

    def advice(self, answer: Verdict) -> str:
        return answers.advice(self.results, answer)

    def answers(self, verdict: str) -> list[Verdict]:
        return [answer for answer in self.verdicts if answer.verdict == verdict]

    @property
    def diverged(self) -> list[Mapping[str, Any]]:
        return [trial for arm in self.arms for trial in arm.diverged]

    @property
    def finished(self) -> str:
        """Days of the first and the last trial's end."""
        days = sorted({trial["finished_at"][:10] for arm in self.arms for trial in arm.trials if trial["finished_at"]})
        return " to ".join(dict.fromkeys((days[0], days[-1]))) if days else "unknown"

    def has(self, figure: str) -> bool:
        return f"{figure}-light.svg" in self.figures

    def final_errors(self) -> str:
        """What a figure's alternative text says of the arms."""
        known = [arm for arm in self.arms if arm.means["train_error"]]
        return "; ".join(f"{arm.label} ends at {text.percent(arm.means['train_error'])}" for arm in known)

    def beside(self, row: published.Figure) -> str:
        arm = next((arm for arm in self.arms if arm.name == row.arm), None)
        return f"{arm.label}: {text.percent(arm.means['test_error'])}" if arm else "–"

    def notes(self, answer: Verdict) -> list[str]:
        return notes.of_verdict(self.results, answer, self.published)

    @property
    def averaged(self) -> list[Arm]:
        """Arms that average the networks of others."""
        return [arm for arm in self.arms if arm.average]

    @property
    def alone(self) -> bool:
        """Whether a comparison is of one arm with 0 or a margin."""
        return any(outcome.comparison.against is None for answer in self.verdicts for outcome in answer.outcomes)

    def averages(self) -> str:
        """What a figure's alternative text says of the arms that average."""
        return "; ".join(f"{arm.label} errs {text.percent(arm.means['test_error'])}" for arm in self.averaged)

    def divergence(self) -> list[str]:
        return [notes.diverged(arm.label, arm.diverged) for arm in self.arms if arm.diverged]

    def limits(self) -> list[str]:
        return notes.limits(self.results, self.verdicts)

    def machine(self, environment: Mapping[str, Any]) -> str:
        return notes.machine(environment["machine"])

    def trial_cell(self, arm: Arm, seed: int) -> str:
        trial = next((trial for trial in arm.trials if trial["seed"] == seed), None)
        if trial is None:
            return "–" if arm.average else "missing"
        where = f" <sup>{trial['environment']}</sup>" if len(self.results.content["environments"]) > 1 else ""
        return f"`{trial['id']}`{where}{' diverged' if trial['status'] == 'diverged' else ''}"
